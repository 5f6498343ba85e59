"""What another schedule would have taken, as far as the record of one run can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose
from typing import NamedTuple, cast

from linus_nb.engine.critical_path import makespan, peak_of, planned_starts
from linus_nb.engine.gates import Schedule
from linus_nb.engine.record import NodeRecord, RunRecord, walk

WORTH_S = 0.01  # seconds, and
WORTH = 0.05  # of the whole run: less than either is not worth a word, nor is it told apart from overhead

FASTER: Mapping[str, tuple[Schedule, ...]] = {"sequential": ("levels", "dataflow"), "levels": ("dataflow",)}
"""Which schedules may be faster than the one that a run had."""


class Faster(NamedTuple):
    """What other schedules would have taken."""

    schedules: tuple[Schedule, ...]  # one, or two that would have taken the same
    seconds: float  # for the whole run
    at_most: bool  # more would have run at once inside nodes, and nobody knows how much more
    at_once: int  # how many things would have run at the same moment, where that is more than did; else 0


def faster_schedules(record: RunRecord) -> Faster | None:
    """Return the schedules that would have been faster by a margin, or None where nothing says so.

    What a schedule would have taken is the run's own length, less what its nodes would have taken less by their own
    durations: what is not in the nodes is supposed to stay.

    Nothing is said of a run that did not come to its end; whose length its schedule and its durations do not explain,
    as conditions took long, or a limit held nodes back; or in which a node kept the event loop busy, and so was a part
    of the durations of others.
    """
    if record.status not in ("success", "partial") or len(record.nodes) < 2:
        return None
    total = record.duration_s
    own = cast("Schedule", record.schedule)
    names = FASTER.get(own, ())
    if not names:
        return None
    own_s = makespan(record, own)
    times = {name: total - own_s + makespan(record, name) for name in names}
    best_s = min(times.values())
    if not _is_worth(total - best_s, total) or _is_worth(abs(total - own_s), total) or _is_disturbed(record):
        return None
    schedules = tuple(name for name, seconds in times.items() if isclose(seconds, best_s, rel_tol=0.002))
    peak = max(peak_of(_work(record, name)) for name in schedules)
    return Faster(schedules, best_s, _has_more_inside(record), peak if peak > peak_of(_work(record)) else 0)


def levels_instead(record: RunRecord) -> float | None:
    """Return the seconds that level by level would have taken instead of dataflow, if that is longer by a margin.

    Known, and kept to itself, under the same conditions as in `faster_schedules`.
    """
    if record.status not in ("success", "partial") or record.schedule != "dataflow" or len(record.nodes) < 2:
        return None
    total, own_s, levels_s = record.duration_s, makespan(record, "dataflow"), makespan(record, "levels")
    if not _is_worth(levels_s - own_s, total) or _is_worth(abs(total - own_s), total) or _is_disturbed(record):
        return None
    return total + levels_s - own_s


def _is_worth(seconds: float, of: float) -> bool:
    return seconds >= WORTH_S and seconds >= WORTH * of


def _is_disturbed(record: RunRecord) -> bool:
    """Return whether something else than sources and schedule decided when nodes ran, or for how long."""
    return any(step.record.stalled_s for step in walk(record)) or any(_is_held_back(part) for part in _graphs(record))


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
    """Return whether something inside a node would run at once with another under a faster schedule, uncounted here."""
    for step in walk(record):
        node = step.record
        if record.schedule == "sequential" and len(node.items) > 1:
            return True
        if any(item.inner is not None for item in node.items):
            return True
    return False


def _work(record: RunRecord, schedule: Schedule | None = None) -> Iterator[tuple[float, float]]:
    """Yield when work went on, or would have under another schedule: of nodes, or of what is inside them."""
    starts: Mapping[str, float | None]
    if schedule is None:
        starts = {name: node.start_s for name, node in record.nodes.items()}
    else:
        starts = planned_starts(record, schedule)
    for name, start in starts.items():
        node = record.nodes[name]
        if start is not None and node.start_s is not None:
            for began, ended in _work_inside(node, schedule):
                # to the nanosecond: sums in another order must not overlap
                yield round(start + began, 9), round(start + ended, 9)


def _work_inside(node: NodeRecord, schedule: Schedule | None) -> Iterator[tuple[float, float]]:
    """Yield when work in a node went on, in seconds from its start."""
    began = node.start_s or 0.0
    for part in node.items or (node,):
        if part.inner is not None:
            at = part.inner_at_s - began
            inside = _work(part.inner, None if node.items else schedule)
            yield from ((start + at, end + at) for start, end in inside)
        elif part.start_s is not None and part.end_s is not None:
            yield part.start_s - began, part.end_s - began
