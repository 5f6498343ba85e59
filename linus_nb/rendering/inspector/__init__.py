"""The page behind ``inspect()``: what a run was, as data, and the page that shows it."""
