"""What another schedule would have taken, as far as the record of one run can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose
from typing import NamedTuple, cast

from linus_nb.engine.critical_path import makespan
from linus_nb.engine.gates import Schedule
from linus_nb.engine.record import RunRecord, walk

WORTH_S = 0.01  # seconds, and
WORTH = 0.05  # of the whole run: less than either is not worth a word, nor is it told apart from overhead

OTHERS: Mapping[str, tuple[Schedule, ...]] = {
    "sequential": ("levels", "dataflow"),
    "levels": ("dataflow",),
    "dataflow": ("levels",),
}
"""The schedules that a run is compared with: those that may be faster, or what dataflow was chosen instead of."""


class Instead(NamedTuple):
    """What other schedules would have taken, by the durations of a run."""

    schedules: tuple[Schedule, ...]  # one, or two that would have taken the same
    seconds: float  # for the whole run
    bound: str  # "", or "at most" or "at least": what would run at once inside nodes is not reckoned with


def other_schedules(record: RunRecord) -> Instead | None:
    """Return the schedules that would have been faster by a margin; of dataflow, what levels would have taken longer.

    It is the run's own length, less (or more) what its nodes would have taken less (or more) by their own durations:
    what is not in the nodes is supposed to stay. Whether nodes that would meet, or met, hold each other up (they share
    a limit, a resource, a processor) no record tells; whoever says this has to add it.

    None where nothing says so: of a run that did not come to its end, or that holds a graph that did not; whose length
    its schedule and its durations do not explain, as conditions took long, or a limit held nodes back; or in which a
    node kept the event loop busy, and so was a part of the durations of others.
    """
    if record.status not in ("success", "partial") or len(record.nodes) < 2 or _is_disturbed(record):
        return None
    total, own = record.duration_s, cast("Schedule", record.schedule)
    own_s = makespan(record, own)
    times = {name: total - own_s + makespan(record, name) for name in OTHERS.get(own, ())}
    if not times:
        return None
    best_s = min(times.values())
    if not _is_worth(abs(total - best_s), total) or _is_worth(abs(total - own_s), min(best_s, total)):
        return None
    if own != "dataflow" and best_s > total:
        return None
    alike = tuple(name for name, seconds in times.items() if isclose(seconds, best_s, rel_tol=0.002))
    bound = "" if not _has_more_inside(record) else "at least " if own == "dataflow" else "at most "
    return Instead(alike, best_s, bound)


def _is_worth(seconds: float, of: float) -> bool:
    return seconds >= WORTH_S and seconds >= WORTH * of


def _is_disturbed(record: RunRecord) -> bool:
    """Return whether something else than sources and schedule decided when nodes ran, or for how long."""
    return any(step.record.stalled_s for step in walk(record)) or any(
        part.status not in ("success", "partial") or _is_held_back(part) for part in _graphs(record)
    )


def _is_held_back(record: RunRecord) -> bool:
    """Return whether a node started later than its level did: a limit was in its way, or a condition took long."""
    if record.schedule != "levels":
        return False
    ends: dict[int, float] = {}
    for node in record.nodes.values():
        if node.start_s is not None:
            ends[node.level] = max(ends.get(node.level, 0.0), node.end_s or 0.0)
    opened, latest = {}, 0.0
    for level in sorted(ends):
        opened[level] = latest
        latest = max(latest, ends[level])
    return any(
        _is_worth(node.start_s - opened[node.level], record.duration_s)
        for node in record.nodes.values()
        if node.start_s is not None
    )


def _graphs(record: RunRecord) -> Iterator[RunRecord]:
    """Yield a run, and those of the graphs inside it."""
    yield record
    for step in walk(record):
        if step.record.inner is not None:
            yield step.record.inner


def _has_more_inside(record: RunRecord) -> bool:
    """Return whether more would run at once inside a node under another schedule: in its items, or earlier attempts."""
    for step in walk(record):
        node = step.record
        if record.schedule == "sequential" and len(node.items) > 1:
            return True
        if any(item.inner is not None for item in node.items) or (node.inner is not None and node.attempts > 1):
            return True
    return False
