"""Measured runs of several modes, made into one table that claims no more than was seen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.comparing.measurement import THE_RESULT, Measurement
from linus_nb.analysis.comparing.resampling import median_interval
from linus_nb.analysis.equality import same
from linus_nb.masking import masked
from linus_nb.models.prices import total_cost

if TYPE_CHECKING:
    from linus_nb.analysis.comparing.comparison_frame import Comparison

COMPARISON_DTYPES = {
    "runs": "int64",
    "median_s": "float64",
    "min_s": "float64",
    "mean_s": "float64",
    "std_s": "float64",
    "max_s": "float64",
    "speedup": "float64",
    "speedup_low": "float64",
    "speedup_high": "float64",
    "critical_path_s": "float64",
    "total_work_s": "float64",
    "efficiency": "float64",
    "overhead_s": "float64",
    "peak_concurrency": "Int64",
    "llm_calls": "int64",
    "tokens": "int64",
    "cost": "float64",
    "same_result": "boolean",
    "verdict": "string",
    "status": "string",
}
"""The columns of a benchmark's table, in order; what is not known is NaN or NA."""

ENOUGH_RUNS = 5  # of fewer, even runs that all agree say little: four in a row are heads once in eight times
NEGLIGIBLE = 0.01  # a difference below is none to anybody, however sure it is
_BEST_FIRST = ("success", "partial", "failed", "cancelled")
_COMPARABLE = ("success", "partial")


def comparison_table(
    runs: Sequence[Measurement], modes: Sequence[str], baseline: str, *, one_graph: bool = True
) -> Comparison:
    """Return a row for each mode, in the order given, indexed by ``mode``.

    Columns (seconds where the name ends in ``_s``):

    * ``runs``; ``median_s``, ``min_s``, ``mean_s``, ``std_s`` (of a sample, n - 1; NaN for one run), ``max_s``: from
      the call to its return;
    * ``speedup``: the median, over the repeats, of the baseline's seconds by the mode's seconds in the same repeat;
      ``speedup_low``, ``speedup_high``: its bootstrap interval (`median_interval` in ``resampling``);
    * ``critical_path_s``: the bound that no schedule can beat: the median of the runs' critical paths. The modes of one
      graph share the shortest (durations grow when nodes compete; a bound that grows along would flatter the mode);
    * ``total_work_s``: the median sum of the durations of nodes, items of nodes and nodes inside, in that mode;
    * ``efficiency``: ``critical_path_s / median_s``, 1.0 at best;
    * ``overhead_s``: the median of seconds less what the mode's schedule should take by the durations of that run;
      what waited for a limit is in it;
    * ``peak_concurrency``: the most of these that ran at once;
    * ``llm_calls``, ``tokens`` (the lower median) and ``cost`` (US dollars, the median; NaN where a price is not
      known): of a run;
    * ``same_result``: every run of the mode gave what the baseline's first run gave; NA where all that came was errors;
    * ``verdict``: "baseline"; "faster", "slower" or "same" where the whole interval of the speed-up is above, below or
      within 1 % of 1.0; "unclear" where it is not; "too few runs" below five pairs; empty where no speed-up is claimed;
    * ``status``: the worst of its runs, or "not run". No speed-up or efficiency is claimed of a mode (or against a
      baseline) that failed.

    Args:
        runs: what was measured, without what only warmed up.
        modes: the rows.
        baseline: the mode that the others are compared with.
        one_graph: whether the modes are ways of running one graph.
    """
    import pandas as pd

    from linus_nb.analysis.comparing.comparison_frame import Comparison

    by_mode = {mode: [run for run in runs if run.mode == mode] for mode in modes}
    bounds = {m: _median(r.critical_path_s for r in own) for m, own in by_mode.items() if is_comparable(own)}
    if one_graph:
        bounds = dict.fromkeys(modes, min(bounds.values(), default=math.nan))
    reference = _reference(by_mode, baseline)
    rows = [
        _times(own)
        | _speedup(mode, own, baseline, by_mode[baseline])
        | _bounds(own, bounds.get(mode, math.nan))
        | _usage(own)
        | {"same_result": _agrees(own, reference), "status": worst_status(own)}
        for mode, own in by_mode.items()
    ]
    index = pd.Index(list(modes), name="mode", dtype="string")
    return Comparison(pd.DataFrame(rows, columns=list(COMPARISON_DTYPES), index=index).astype(COMPARISON_DTYPES))


def differences(runs: Sequence[Measurement], modes: Sequence[str], baseline: str) -> list[str]:
    """Return sentences that name the modes whose results are not those of the baseline's first run, if there are."""
    by_mode = {mode: [run for run in runs if run.mode == mode] for mode in modes}
    reference = _reference(by_mode, baseline)
    if reference is None:
        return []
    alike: dict[str, list[str]] = {}  # modes by where they differ: one sentence for all of them
    said: list[str] = []
    for mode, own in by_mode.items():
        keys = list(dict.fromkeys(key for run in own if _gave(run) for key in _differing(run, reference)))
        if not keys:
            continue
        shown = masked(", ".join(keys[:5])) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
        where = "" if keys == [THE_RESULT] else f" in {shown}"
        if mode == reference.mode:
            said.append(f"{mode!r} does not agree with itself from run to run{where}")
        else:
            alike.setdefault(where, []).append(repr(mode))
    return said + [
        f"{', '.join(others)} gave another result than {reference.mode!r}{where}" for where, others in alike.items()
    ]


def compared(runs: Sequence[Measurement], baseline: str) -> list[Measurement]:
    """Return the measurements with what came out compared with the baseline's first, and let go: it may be large.

    As they are, as long as the baseline gave nothing to compare with.
    """
    reference = next((run for run in runs if run.mode == baseline and run.repeat >= 0 and _gave(run)), None)
    if reference is None:
        return list(runs)
    return [
        run
        if run is reference or run.differs is not None or not _gave(run)
        else replace(run, differs=_differing(run, reference), values={})
        for run in runs
    ]


def worst_status(runs: Sequence[Measurement]) -> str:
    """Return the worst status among runs of one mode, or "not run"."""
    return max((run.status for run in runs), key=_BEST_FIRST.index, default="not run")


def is_comparable(runs: Sequence[Measurement]) -> bool:
    """Return whether a mode ran, and all its runs did what they should."""
    return worst_status(runs) in _COMPARABLE


def paired_ratios(own: Sequence[Measurement], base: Sequence[Measurement]) -> list[float]:
    """Return the other's seconds by the mode's own, for each repeat in which both ran."""
    base_seconds = {run.repeat: run.seconds for run in base}
    return [base_seconds[run.repeat] / run.seconds for run in own if run.repeat in base_seconds and run.seconds]


def verdict(ratios: Sequence[float]) -> str:
    """Return what paired ratios allow to say: "faster", "slower", "same", "unclear" or "too few runs".

    >>> verdict([2.0, 2.1, 1.9, 2.0, 2.0]), verdict([2.0, 0.9, 1.1, 0.7, 1.3]), verdict([1.0, 1.001, 0.999, 1.0, 1.0])
    ('faster', 'unclear', 'same')
    """
    if len(ratios) < ENOUGH_RUNS:
        return "too few runs"
    low, high = median_interval(ratios)
    least, most = 1 - NEGLIGIBLE, 1 + NEGLIGIBLE
    return (
        "faster" if low > most else "slower" if high < least else "same" if least <= low <= high <= most else "unclear"
    )


def _times(own: Sequence[Measurement]) -> dict[str, Any]:
    seconds = [run.seconds for run in own]
    return {
        "runs": len(own),
        "median_s": _median(seconds),
        "min_s": min(seconds, default=math.nan),
        "mean_s": statistics.fmean(seconds) if seconds else math.nan,
        "std_s": statistics.stdev(seconds) if len(seconds) > 1 else math.nan,
        "max_s": max(seconds, default=math.nan),
    }


def _speedup(mode: str, own: Sequence[Measurement], baseline: str, base: Sequence[Measurement]) -> dict[str, Any]:
    ratios = paired_ratios(own, base) if is_comparable(own) and is_comparable(base) else []
    if mode == baseline:
        ends, said = (_median(ratios), _median(ratios)), "baseline"
    else:
        ends, said = median_interval(ratios), verdict(ratios) if ratios else ""
    return {"speedup": _median(ratios), "speedup_low": ends[0], "speedup_high": ends[1], "verdict": said}


def _bounds(own: Sequence[Measurement], bound: float) -> dict[str, Any]:
    median_s = _median(run.seconds for run in own)
    peaks = [run.peak_concurrency for run in own if run.peak_concurrency is not None]
    return {
        "critical_path_s": bound,
        "total_work_s": _median(run.total_work_s for run in own),
        "efficiency": bound / median_s if is_comparable(own) and median_s else math.nan,
        "overhead_s": _median(run.seconds - run.makespan_s for run in own),
        "peak_concurrency": max(peaks, default=None),
    }


def _usage(own: Sequence[Measurement]) -> dict[str, Any]:
    costs = [total_cost(run.calls) for run in own]
    return {
        "llm_calls": statistics.median_low(len(run.calls) for run in own) if own else 0,
        "tokens": statistics.median_low(run.tokens for run in own) if own else 0,
        "cost": _median(math.nan if cost is None else cost for cost in costs),
    }


def _agrees(own: Sequence[Measurement], reference: Measurement | None) -> bool | None:
    gave = [run for run in own if _gave(run)]
    if not gave or reference is None:
        return None
    return not any(_differing(run, reference) for run in gave)


def _reference(by_mode: Mapping[str, Sequence[Measurement]], baseline: str) -> Measurement | None:
    """Return the run whose result the others should have: the baseline's first, or the first that there is."""
    runs = chain(by_mode[baseline], chain.from_iterable(by_mode.values()))
    return next(filter(_gave, runs), None)


def _gave(run: Measurement) -> bool:
    """Return whether there is something to compare: not of a function that raised."""
    return bool(run.values) or run.differs is not None or run.status != "failed"


def _differing(run: Measurement, reference: Measurement) -> Sequence[str]:
    if run.differs is not None:
        return run.differs
    values, expected = run.values, reference.values
    keys = [*expected, *(key for key in values if key not in expected)]
    return [key for key in keys if not (key in values and key in expected and same(values[key], expected[key]))]


def _median(numbers: Iterable[float]) -> float:
    """Return the median; NaN of none, and where one of them is not known."""
    listed = list(numbers)
    return statistics.median(listed) if listed and not any(map(math.isnan, listed)) else math.nan
