"""How long a run must take, and how long it would have taken otherwise, by the durations that it recorded.

Pure functions of a `RunRecord`. The durations are those of that run: a node that computes, or that shares a rate limit
with others, may take another time beside other nodes. Limits on concurrency are not simulated: no record knows them.

A node that never started counts for nothing and is passed through: what comes after it still had to wait for what came
before it, since a join is decided when all its sources have ended. A node that is still running counts with its
time so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import cast

from linus_nb.engine.gates import Schedule, check_schedule
from linus_nb.engine.record import RunRecord


def critical_path(record: RunRecord) -> tuple[float, list[str]]:
    """Return the longest chain of nodes that had to wait for each other: its seconds, and the names that ran.

    No schedule of this graph can be shorter than that (J. E. Kelley and M. R. Walker, "Critical-Path Planning and
    Scheduling", 1959). Of chains that are equally long, the one that comes first in plan order.

    Returns:
        Seconds and names in the order of running; ``(0.0, [])`` when nothing ran.
    """
    seconds = node_seconds(record)
    finish = _earliest_finish(record, seconds)
    sources = _sources(record)
    leading_on = {edge.source for edge in record.edges}
    at = max((name for name in finish if name not in leading_on), key=finish.__getitem__, default=None)
    total = 0.0 if at is None else finish[at]
    path: list[str] = []
    while at is not None:
        if at in seconds:
            path.append(at)
        at = max(sources[at], key=finish.__getitem__, default=None)
    return total, path[::-1]


def slack(record: RunRecord) -> dict[str, float]:
    """Return, for each node that ran, the seconds it could take longer without making the critical path longer.

    It is the "total float" of the critical path method, by the dependencies alone, whatever the schedule was. Nodes of
    the critical path have none.
    """
    seconds = node_seconds(record)
    earliest = _earliest_finish(record, seconds)
    end = max(earliest.values(), default=0.0)
    latest = dict.fromkeys(earliest, end)
    sources = _sources(record)
    for name in reversed(earliest):  # plan order is topological
        start = latest[name] - seconds.get(name, 0.0)
        for source in sources[name]:
            latest[source] = min(latest[source], start)
    # sums in another order may differ in the last digit: no slack is below zero
    return {name: max(0.0, latest[name] - earliest[name]) for name in seconds}


def makespan(record: RunRecord, schedule: Schedule) -> float:
    """Return the seconds that a schedule would take from the first start to the last end, by the record's durations.

    Raises:
        GraphError: no schedule has that name.
    """
    seconds = seconds_under(record, schedule)
    return max((at + seconds[name] for name, at in planned_starts(record, schedule).items()), default=0.0)


def planned_starts(record: RunRecord, schedule: Schedule) -> dict[str, float]:
    """Return when each node that ran would start under a schedule, in seconds from the first start, in plan order.

    Args:
        record: the run that the durations come from.
        schedule: ``"dataflow"`` (each node starts when its own sources are done: the critical path), ``"levels"``
            (each level waits for the slowest of the one before) or ``"sequential"`` (one by one).

    Raises:
        GraphError: no schedule has that name.
    """
    check_schedule(schedule)
    seconds = seconds_under(record, schedule)
    if schedule == "dataflow":
        sources = _sources(record)
        finish = _earliest_finish(record, seconds)
        return {name: _latest(sources[name], finish) for name in seconds}
    if schedule == "sequential":
        return dict(zip(seconds, accumulate(seconds.values(), initial=0.0), strict=False))
    slowest: dict[int, float] = {}
    for name, duration in seconds.items():
        level = record.nodes[name].level
        slowest[level] = max(slowest.get(level, 0.0), duration)
    levels = sorted(slowest)
    opened = dict(zip(levels, accumulate((slowest[level] for level in levels), initial=0.0), strict=False))
    return {name: opened[record.nodes[name].level] for name in seconds}


def seconds_under(record: RunRecord, schedule: Schedule) -> dict[str, float]:
    """Return how long each node that ran would take under a schedule, in plan order.

    As long as it took, but for a node that holds a graph: that graph runs by the same schedule as the one around it.
    What runs once per item counts as it was, since no record says how many items might have run at once.
    """
    found = node_seconds(record)
    if schedule == record.schedule:
        return found
    for name in found:
        inner = record.nodes[name].inner
        if inner is not None:
            found[name] -= makespan(inner, cast("Schedule", inner.schedule)) - makespan(inner, schedule)
    return found


def node_seconds(record: RunRecord) -> dict[str, float]:
    """Return the duration of each node that started, in plan order; so far, for those that still run."""
    return {
        name: (record.duration_s if node.end_s is None else node.end_s) - node.start_s
        for name, node in record.nodes.items()
        if node.start_s is not None
    }


def _sources(record: RunRecord) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = {name: [] for name in record.nodes}
    for edge in record.edges:
        sources[edge.target].append(edge.source)
    return sources


def _earliest_finish(record: RunRecord, seconds: Mapping[str, float]) -> dict[str, float]:
    """Return when each node would end if it waited for its sources only, in plan order."""
    sources = _sources(record)
    finish: dict[str, float] = {}
    for name in record.nodes:
        finish[name] = _latest(sources[name], finish) + seconds.get(name, 0.0)
    return finish


def _latest(sources: Iterable[str], finish: Mapping[str, float]) -> float:
    return max((finish[source] for source in sources), default=0.0)
