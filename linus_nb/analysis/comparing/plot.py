"""The picture of a comparison: a bar for each mode, every run as a dot, and the bound that no schedule can beat."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd  # noqa: TID253  this module is imported only by what draws a table
from pandas.plotting import PlotAccessor  # noqa: TID253  likewise

from linus_nb.analysis.comparing.resampling import median_interval
from linus_nb.analysis.noted import significant
from linus_nb.errors import GraphError, MissingPackageError
from linus_nb.masking import masked
from linus_nb.numbers import plural, three_figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEEDED = ("median_s", "speedup", "speedup_low", "speedup_high", "critical_path_s", "verdict", "status")
_CAME_THROUGH = ("success", "partial")  # statuses; how long it took to fail says nothing
_BAR, _UNSURE, _HATCH, _DOT, _INK, _BOUND = "#4c78a8", "#ccd5de", "#8c9bab", "#1b2a3a", "#22272e", "#b4420f"
_UNITS = ((180.0, "minutes", 60.0), (0.1, "seconds", 1.0), (1e-4, "milliseconds", 1e-3), (0.0, "microseconds", 1e-6))
"""From how many seconds on the axis counts in what."""


class ComparisonPlot(PlotAccessor):
    """What ``table.plot`` of a benchmark's table is: called, it draws the modes; otherwise it is that of pandas."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Draw the modes side by side and return the axes; with any argument, draw what pandas would.

        Bars are medians, their whiskers the bootstrap intervals of these, and dots the single runs. The dashed line is
        the critical path. Pale and hatched is what is not clearly faster or slower than the baseline, or has failed.

        Raises:
            MissingPackageError: matplotlib is not installed (``pip install 'linus-nb[plot]'``).
            GraphError: the table lacks columns that the picture needs.
        """
        if args or options:
            return super().__call__(*args, **options)
        return comparison_axes(self._parent)  # type: ignore[attr-defined]  # pandas-stubs leaves out what is plotted


def comparison_axes(table: pd.DataFrame) -> Axes:
    """Return the picture of a benchmark's table, drawn with pyplot, so that a cell shows it. See `ComparisonPlot`."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingPackageError("matplotlib", "a picture of a table", extra="plot") from error
    missing = [column for column in NEEDED if column not in table.columns]
    if missing:
        raise GraphError(
            f"the picture needs {', '.join(map(repr, missing))}; draw the whole table, or part of it by pandas: "
            "table.plot.barh(y='median_s')"
        )
    seconds: dict[str, list[float]] = table.attrs.get("seconds", {})
    runs = {str(mode): seconds.get(str(mode), []) for mode in table.index}  # what is drawn, of all that was measured
    unit, scale, longest = _scale(table, runs)
    figure, axes = pyplot.subplots(figsize=(8.2, 1.5 + 0.5 * len(table)), layout="constrained", facecolor="white")
    for place, mode in enumerate(table.index):
        _bar(axes, place, table.iloc[place], [run / scale for run in runs[str(mode)]], scale, longest)
    _bound(axes, table["critical_path_s"] / scale)
    axes.set_yticks(range(len(table)), [_in_two_lines(str(mode)) for mode in table.index], color=_INK)
    axes.set_ylim(len(table) - 0.45, -0.55)  # the first mode on top
    axes.set_xlim(0, longest * 1.65)  # room for the words beside the bars
    axes.set_xlabel(unit, color=_INK)
    axes.set_title(_title(table), loc="left", color=_INK, fontsize=10.5)
    axes.set_facecolor("white")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_INK)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", colors=_INK)
    figure.supxlabel(_footer(table), x=0.01, ha="left", fontsize=7.5, color="#57606a")
    return axes


def _bar(axes: Axes, place: int, row: Any, runs: list[float], scale: float, longest: float) -> None:
    """Draw one mode: its bar, whisker and dots, and what there is to say of it."""
    came_through = row["status"] in _CAME_THROUGH
    sure = came_through and row["verdict"] in ("baseline", "faster", "slower", "same")
    median = 0.0 if math.isnan(row["median_s"]) else row["median_s"] / scale
    axes.barh(
        place,
        median,
        height=0.56,
        color=_BAR if sure else _UNSURE,
        edgecolor="white" if sure else _HATCH,
        hatch=None if sure else "///",
        linewidth=0,
        zorder=2,
    )
    if not came_through:
        runs = []
    low, high = median_interval(runs)
    if not math.isnan(low):
        axes.hlines(place, low, high, color=_INK, linewidth=1.4, zorder=4)
        axes.vlines([low, high], place - 0.12, place + 0.12, color=_INK, linewidth=1.4, zorder=4)
    axes.plot(runs, [place + 0.2] * len(runs), "o", color=_DOT, markersize=3, alpha=0.55, markeredgewidth=0, zorder=5)
    end = max([median, *runs]) + 0.015 * longest
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
    axes.text(end, place, _words(row, scale), va="center", fontsize=9, color=_INK, zorder=6, bbox=behind)


def _words(row: Any, scale: float) -> str:
    if row["status"] not in _CAME_THROUGH:
        return str(row["status"])
    median = row["median_s"] / scale
    taken = three_figures(median) if median >= 0.1 else significant(median)  # beside much longer ones
    if row["verdict"] == "baseline" or math.isnan(row["speedup"]):
        return f"{taken}  {row['verdict']}".rstrip()
    speedup, *ends = (_ratio(row[column]) for column in ("speedup", "speedup_low", "speedup_high"))
    interval = "" if math.isnan(row["speedup_low"]) else f" ({'–'.join(ends)})"
    return f"{taken}  {speedup}×{interval}  {row['verdict']}"


def _ratio(value: float) -> str:
    """Return a speed-up with two decimals, and more where they would say nothing of it, or fewer.

    >>> [_ratio(value) for value in (3.004, 0.98, 0.00123, 1234.5)]
    ['3.00', '0.98', '0.00123', '1234']
    """
    return f"{value:.2f}" if 0.01 <= value < 100 else significant(value)


def _bound(axes: Axes, bounds: pd.Series[float]) -> None:
    """Draw the critical path: one line where the modes share it, else a piece at each mode that has one."""
    look: dict[str, Any] = {"color": _BOUND, "linestyle": (0, (4, 2)), "linewidth": 1.3, "zorder": 3}
    known = [(place, bound) for place, bound in enumerate(bounds) if not math.isnan(bound)]
    if not known:
        return
    low, high = known[0][0] - 0.4, known[-1][0] + 0.4
    if len({bound for _, bound in known}) == 1:
        axes.vlines(known[0][1], low, high, label="critical path", **look)
    else:
        places = [place for place, _ in known]
        ends = [place - 0.4 for place in places], [place + 0.4 for place in places]
        axes.vlines([bound for _, bound in known], *ends, label="critical path", **look)
    axes.legend(
        labelcolor=_INK, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5, borderaxespad=0.2
    )


def _scale(table: pd.DataFrame, runs: dict[str, list[float]]) -> tuple[str, float, float]:
    """Return the unit of the axis, its seconds, and the longest of all that is drawn, in that unit."""
    seconds = [*table["median_s"], *table["critical_path_s"], *(run for own in runs.values() for run in own)]
    longest = max((second for second in seconds if not math.isnan(second)), default=1.0) or 1.0
    unit, scale = next((unit, scale) for least, unit, scale in _UNITS if longest >= least)
    return unit, scale, longest / scale


def _title(table: pd.DataFrame) -> str:
    counts = sorted({int(runs) for runs in table["runs"]}) if "runs" in table else []
    each = plural(counts[-1], "run") + " of each" if counts else ""
    if len(counts) > 1:
        each = f"{counts[0]} to {each}"
    return ", ".join(filter(None, [_short(masked(str(table.attrs.get("title", ""))), 48), each]))


def _footer(table: pd.DataFrame) -> str:
    facts = table.attrs
    if "python" not in facts:
        return ""
    patched = ", asyncio patched by nest-asyncio" if facts["asyncio_patched"] else ""
    return f"{facts['python']}, {plural(facts['cpu_count'], 'processor')}{patched}, {facts['wall_time'][:10]}"


def _in_two_lines(name: str) -> str:
    lines = textwrap.wrap(name, 26, max_lines=2, placeholder=" …", break_on_hyphens=False)
    return _no_formula("\n".join(lines))


def _short(text: str, length: int) -> str:
    text = " ".join(text.split())
    return _no_formula(text if len(text) <= length else f"{text[: length - 1]}…")


def _no_formula(text: str) -> str:
    return text.replace("$", r"\$")  # which would begin one
