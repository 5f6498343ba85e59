"""Measured runs of several modes, made into one table that claims no more than was seen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.equality import same
from linus_nb.analysis.tables import model_calls
from linus_nb.engine.critical_path import critical_path, makespan, peak_concurrency, total_work
from linus_nb.masking import masked

if TYPE_CHECKING:
    import pandas as pd

    from linus_nb.engine.gates import Schedule
    from linus_nb.engine.result import ExecutionResult

COMPARISON_DTYPES = {
    "runs": "int64",
    "median_s": "float64",
    "min_s": "float64",
    "mean_s": "float64",
    "std_s": "float64",
    "max_s": "float64",
    "speedup": "float64",
    "critical_path_s": "float64",
    "total_work_s": "float64",
    "efficiency": "float64",
    "overhead_s": "float64",
    "peak_concurrency": "int64",
    "llm_calls": "int64",
    "tokens": "int64",
    "same_result": "boolean",
    "status": "string",
}
"""The columns of a benchmark's table, in order; ``same_result`` is NA for a mode that did not run."""

_BEST_FIRST = ("success", "partial", "failed", "cancelled")
_COMPARABLE = ("success", "partial")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One timed run of one mode, reduced to what the table needs."""

    mode: str
    repeat: int
    seconds: float
    status: str
    critical_path_s: float
    total_work_s: float
    makespan_s: float  # of the mode's schedule, by the durations of this run
    peak_concurrency: int
    llm_calls: int
    tokens: int
    values: Mapping[str, Any]  # what nodes returned and the state held, by "node 'x'" and "state key 'y'"

    @classmethod
    def of(cls, mode: str, schedule: Schedule, repeat: int, seconds: float, result: ExecutionResult) -> Measurement:
        """Return the measurement of a run that took ``seconds`` from the call to its return."""
        record = result.record
        calls = model_calls(record)
        return cls(
            mode=mode,
            repeat=repeat,
            seconds=seconds,
            status=result.status,
            critical_path_s=critical_path(record)[0],
            total_work_s=total_work(record),
            makespan_s=makespan(record, schedule),
            peak_concurrency=peak_concurrency(record),
            llm_calls=len(calls),
            tokens=sum(call.input_tokens + call.output_tokens for call in calls),
            values={f"node {name!r}": value for name, value in result.node_results.items()}
            | {f"state key {key!r}": value for key, value in result.final_state.items()},
        )


def comparison_table(runs: Sequence[Measurement], modes: Sequence[str], baseline: str) -> pd.DataFrame:
    """Return a row for each mode, in the order given, indexed by ``mode``.

    Columns (seconds where the name ends in ``_s``):

    * ``runs``; ``median_s``, ``min_s``, ``mean_s``, ``std_s`` (of a sample, n - 1; NaN for one run), ``max_s``: from
      the call to its return;
    * ``speedup``: the median, over the repeats, of the baseline's seconds by the mode's seconds in the same repeat;
    * ``critical_path_s``: the bound that no schedule can beat, the same for all modes: the shortest of the modes'
      median critical paths (durations grow when nodes compete; a bound that grows along would flatter the mode);
    * ``total_work_s``: the median sum of the nodes' durations in that mode;
    * ``efficiency``: ``critical_path_s / median_s``, 1.0 at best;
    * ``overhead_s``: the median of seconds less what the mode's schedule should take by the durations of that run;
    * ``peak_concurrency``: the most nodes that ran at once; ``llm_calls`` and ``tokens``: of a run (the lower median);
    * ``same_result``: every run of the mode gave what the baseline's first run gave;
    * ``status``: the worst of its runs, or "not run". No speed-up or efficiency is claimed of a mode (or against a
      baseline) that failed.
    """
    import pandas as pd

    by_mode = {mode: [run for run in runs if run.mode == mode] for mode in modes}
    paths = [_median(r.critical_path_s for r in own) for own in by_mode.values() if worst_status(own) in _COMPARABLE]
    bound = min(paths, default=math.nan)
    reference = _reference(by_mode, baseline)
    rows = [_row(by_mode[mode], by_mode[baseline], bound, reference) for mode in modes]
    index = pd.Index(list(modes), name="mode", dtype="string")
    return pd.DataFrame(rows, columns=list(COMPARISON_DTYPES), index=index).astype(COMPARISON_DTYPES)


def differences(runs: Sequence[Measurement], modes: Sequence[str], baseline: str) -> list[str]:
    """Return a sentence for each mode whose results are not those of the baseline's first run; none when all agree."""
    by_mode = {mode: [run for run in runs if run.mode == mode] for mode in modes}
    reference = _reference(by_mode, baseline)
    if reference is None:
        return []
    found: list[str] = []
    for mode, own in by_mode.items():
        keys = list(dict.fromkeys(key for run in own for key in _differing(run.values, reference.values)))
        if not keys:
            continue
        shown = masked(", ".join(keys[:5])) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
        if mode == reference.mode:
            found.append(f"{mode!r} does not agree with itself from run to run in {shown}")
        else:
            found.append(f"{mode!r} gave another result than {reference.mode!r} in {shown}")
    return found


def worst_status(runs: Sequence[Measurement]) -> str:
    """Return the worst status among runs of one mode, or "not run"."""
    return max((run.status for run in runs), key=_BEST_FIRST.index, default="not run")


def paired_speedup(own: Sequence[Measurement], base: Sequence[Measurement]) -> float:
    """Return the median ratio of the baseline's seconds to the mode's own within a repeat, or NaN if none pairs up."""
    base_seconds = {run.repeat: run.seconds for run in base}
    return _median(base_seconds[run.repeat] / run.seconds for run in own if run.repeat in base_seconds and run.seconds)


def _row(
    own: Sequence[Measurement], base: Sequence[Measurement], bound: float, reference: Measurement | None
) -> dict[str, Any]:
    seconds = [run.seconds for run in own]
    comparable = worst_status(own) in _COMPARABLE
    median_s = _median(seconds)
    return {
        "runs": len(own),
        "median_s": median_s,
        "min_s": min(seconds, default=math.nan),
        "mean_s": statistics.fmean(seconds) if seconds else math.nan,
        "std_s": statistics.stdev(seconds) if len(seconds) > 1 else math.nan,
        "max_s": max(seconds, default=math.nan),
        "speedup": paired_speedup(own, base) if comparable and worst_status(base) in _COMPARABLE else math.nan,
        "critical_path_s": bound,
        "total_work_s": _median(run.total_work_s for run in own),
        "efficiency": bound / median_s if comparable and median_s else math.nan,
        "overhead_s": _median(run.seconds - run.makespan_s for run in own),
        "peak_concurrency": max((run.peak_concurrency for run in own), default=0),
        "llm_calls": statistics.median_low(run.llm_calls for run in own) if own else 0,
        "tokens": statistics.median_low(run.tokens for run in own) if own else 0,
        "same_result": None
        if not own or reference is None
        else not any(_differing(run.values, reference.values) for run in own),
        "status": worst_status(own),
    }


def _reference(by_mode: Mapping[str, Sequence[Measurement]], baseline: str) -> Measurement | None:
    """Return the run whose result the others should have: the baseline's first, or the first that there is."""
    return next(chain(by_mode[baseline], chain.from_iterable(by_mode.values())), None)


def _differing(values: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    keys = [*expected, *(key for key in values if key not in expected)]
    return [key for key in keys if not (key in values and key in expected and same(values[key], expected[key]))]


def _median(numbers: Iterable[float]) -> float:
    listed = list(numbers)
    return statistics.median(listed) if listed else math.nan
