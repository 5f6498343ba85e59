"""Which rows a timeline has: nodes, and what ran inside them as far as there is room."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from linus_nb.engine.record import NodeRecord, RunRecord, Step, walk
from linus_nb.numbers import plural, seconds
from linus_nb.rendering.labels import parts_of
from linus_nb.rendering.type_setting import printable, shortened

MOST_ROWS = 60
MOST_ROWS_INSIDE = 24  # of one node: more items than this share its row
MOST_LANES = 6


@dataclass(slots=True)
class Row:
    """A step of a run that has a row; what ran inside it has rows below, or shares its row."""

    step: Step
    inside: list[Row] = field(default_factory=list)
    unfolded: bool = False

    @property
    def label(self) -> str:
        """The step's name; an item's is its number, as its node's name stands above it."""
        name = printable(self.step.record.name)
        return name if not self.step.path.endswith("]") or not self.step.depth else name[name.rfind("[") :]

    @property
    def sharing(self) -> list[NodeRecord]:
        """What ran inside the step and has no row of its own."""
        return [] if self.unfolded else [row.step.record for row in self.inside]


Chosen = tuple[list[Row], str]


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above the rows of one level, which says from when to when nodes of it ran."""

    text: str
    start_s: float
    end_s: float
    rows: list[Row]


def by_level(rows: list[Row], record: RunRecord) -> list[Row | Heading]:
    """Return rows level by level, each level with its heading; what is inside a node stays below it."""
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        if not row.step.depth:
            group = grouped.setdefault(row.step.record.level, [])
        group.append(row)
    lines: list[Row | Heading] = []
    for level in sorted(grouped):
        outer = [row.step.record for row in grouped[level] if not row.step.depth]
        start = min(node.start_s for node in outer if node.start_s is not None)
        end = max(record.duration_s if node.end_s is None else node.end_s for node in outer)
        lines += [Heading(f"level {level + 1} · {seconds(end - start)}", start, end, grouped[level]), *grouped[level]]
    return lines


def rows_of(record: RunRecord) -> Chosen:
    """Return the rows of a run's timeline, at most ``MOST_ROWS``, and a sentence about what they leave out.

    There is a row for each node that started, in plan order; of too many, for the longest. What is inside them gets
    rows while there is room, outer parts first.
    """
    roots = _tree(record)
    started = len(roots)
    if started > MOST_ROWS:
        longest = sorted(roots, key=lambda row: -_length(row, record))[:MOST_ROWS]
        kept = {row.step.path for row in longest}
        roots = [row for row in roots if row.step.path in kept]
    room = MOST_ROWS - len(roots)
    shared: list[Row] = []
    waiting = deque(roots)
    while waiting:
        row = waiting.popleft()
        if not row.inside:
            continue
        if len(row.inside) <= min(room, MOST_ROWS_INSIDE):
            row.unfolded = True
            room -= len(row.inside)
            waiting.extend(row.inside)
        else:
            shared.append(row)
    note = [f"The {MOST_ROWS} longest of {plural(started, 'node')}."] if started > MOST_ROWS else []
    if shared:
        note.append(f"Sharing a row: {_named(shared)}.")
    return list(_listed(roots)), " ".join(note)


def _tree(record: RunRecord) -> list[Row]:
    """Return the nodes of a run that started, each with what started inside it."""
    roots: list[Row] = []
    around: list[Row] = []  # the rows that the current step is inside of, outermost first
    for step in walk(record):
        if step.record.start_s is None:
            continue
        del around[step.depth :]
        row = Row(step)
        (around[-1].inside if around else roots).append(row)
        around.append(row)
    return roots


def _length(row: Row, record: RunRecord) -> float:
    node = row.step.record
    return (record.duration_s if node.end_s is None else node.end_s) - (node.start_s or 0.0)


def _listed(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        if row.unfolded:
            yield from _listed(row.inside)


def _named(rows: list[Row]) -> str:
    named = ", ".join(
        f"{plural(len(row.inside), parts_of(row.step.record)[1])} of {shortened(printable(row.step.path))}"
        for row in rows[:2]
    )
    return named + (f", and those of {len(rows) - 2:,} more" if len(rows) > 2 else "")


Segment = tuple[int, float, float]  # lane, start, end


def lanes(parts: Iterable[NodeRecord], end_s: float, finest_s: float) -> tuple[int, dict[str, list[Segment]]]:
    """Return how many lanes things that ran at the same time need, and their segments in them, by status.

    Beyond ``MOST_LANES`` they overlap. Segments of one status that are nearer than ``finest_s`` become one, so that
    their number is bounded by what can be seen, however many things ran.

    Args:
        parts: Nodes or items that started.
        end_s: When those end that still run.
        finest_s: What a pixel stands for.
    """
    spans = sorted(
        (part.start_s, end_s if part.end_s is None else part.end_s, str(part.status))
        for part in parts
        if part.start_s is not None
    )
    found: dict[str, list[Segment]] = {}
    last: dict[tuple[str, int], int] = {}  # the place of the last segment of a status in a lane
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    used = 0
    for start, end, status in spans:
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        lane = heappop(free) if free else used
        used = max(used, lane + 1)
        heappush(busy, (end, lane))
        at = lane % MOST_LANES
        segments = found.setdefault(status, [])
        place = last.get((status, at))
        if place is not None and start - segments[place][2] < finest_s:
            segments[place] = (at, segments[place][1], max(end, segments[place][2]))
        else:
            last[status, at] = len(segments)
            segments.append((at, start, end))
    return min(used, MOST_LANES), found
