"""Ways of doing one thing, timed against each other: a table, its notes, its picture."""
