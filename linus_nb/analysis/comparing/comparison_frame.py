"""The table that `benchmark` returns: a DataFrame with notes below its figures, and a picture of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linus_nb.analysis.noted import NotedFrame

if TYPE_CHECKING:
    from linus_nb.analysis.comparing.plot import ComparisonPlot


class Comparison(NotedFrame):
    """A row for each mode that was timed: `linus_nb.analysis.comparing.comparison.comparison_table` names the columns.

    It is a DataFrame; ``attrs`` says how it was measured, the notes below it what to make of that, and ``plot()`` draws
    it. CSV, and other files that know no ``attrs``, lose both.
    """

    @property
    def plot(self) -> ComparisonPlot:
        """``table.plot()`` draws the modes side by side; ``table.plot.bar(y=…)`` and its kin are those of pandas."""
        from linus_nb.analysis.comparing.plot import ComparisonPlot

        return ComparisonPlot(self)
