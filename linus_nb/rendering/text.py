"""A graph or a run as plain text: what a terminal, a log and ``repr`` show."""

from __future__ import annotations

from collections.abc import Iterator

from linus_nb.engine.record import RunRecord
from linus_nb.events import GraphShape, NodeShape
from linus_nb.numbers import plural, seconds
from linus_nb.rendering import labels
from linus_nb.rendering.inside import Inside, inside
from linus_nb.rendering.palette import RUN_GLYPHS, STATUSES
from linus_nb.rendering.sentences import other_schedule
from linus_nb.rendering.type_setting import printable, printable_start, shortened

WIDTH = 100
LONGEST_NAME = 48
MOST_LEVELS = 40
MOST_PER_LEVEL = 24
MOST_LEVELS_INSIDE = 8  # of a graph that a node holds
INDENT = "    "


def graph_text(shape: GraphShape, record: RunRecord | None = None) -> str:
    """Return the graph level by level, with status, duration or reason of each node where there was a run.

    >>> from linus_nb.events import EdgeShape, NodeShape
    >>> print(graph_text(GraphShape("g", (NodeShape("a", 0), NodeShape("b", 1)), (EdgeShape("a", "b"),))))
    g: 2 nodes, 1 edge, 2 levels
      level 1  ○ a
      level 2  ○ b  after a
    """
    held, left_out = inside(shape, record)
    lines = [_headline(shape, record), *_body(shape, record, held, MOST_LEVELS, WIDTH)]
    if left_out:
        lines.append(f"  … and {plural(left_out, 'more graph')} inside")
    schedules, taken = ((), "") if record is None else other_schedule(record)
    if schedules:
        lines.append(f"  {' or '.join(schedules)}: {taken}")
    return "\n".join(lines)


def _body(
    shape: GraphShape, record: RunRecord | None, held: dict[str, Inside], most_levels: int, width: int
) -> Iterator[str]:
    """Yield the lines of each level, and below it those of the graphs that its nodes hold."""
    sources = labels.sources_of(shape)
    levels: dict[int, list[NodeShape]] = {}
    for node in shape.nodes:
        levels.setdefault(node.level, []).append(node)
    for level in sorted(levels)[:most_levels]:
        yield from _level(level, [_entry(node, record, sources) for node in levels[level]], width)
        for graph in (held[node.name] for node in levels[level] if node.name in held):
            yield from (INDENT + line for line in _inside(graph, width - len(INDENT)))
    if len(levels) > most_levels:
        yield f"  … and {plural(len(levels) - most_levels, 'more level')}"


def _entry(node: NodeShape, record: RunRecord | None, sources: dict[str, list[str]]) -> str:
    glyph = STATUSES[labels.status_of(node.name, record)].glyph
    entry = f"{glyph} {printable_start(node.name, LONGEST_NAME)}"
    if record is not None:
        return f"{entry}  {_cut(labels.second_line(node, record, sources))}"
    told = [_cut(labels.kind_line(node))] if node.over or node.inner is not None else []
    if node.name in sources:
        told.append(_after(sources[node.name]))
    return f"{entry}  {' · '.join(told)}" if told else entry


def _inside(graph: Inside, width: int) -> Iterator[str]:
    glyph = RUN_GLYPHS.get(graph.status, "")
    facts = " · ".join(fact for fact in (graph.remark, graph.size) if fact)
    yield "  " + " ".join(word for word in ("inside", shortened(printable(graph.path)), glyph, facts) if word)
    yield from _body(graph.shape, graph.record, graph.within, MOST_LEVELS_INSIDE, width)


def _headline(shape: GraphShape, record: RunRecord | None) -> str:
    name = printable_start(shape.name, WIDTH)
    if record is None:
        return f"{name}: {labels.size_line(shape)}"
    glyph = RUN_GLYPHS.get(record.status, "")
    facts = [record.schedule, seconds(record.duration_s), labels.counts(record), labels.tokens(record)]
    return f"{name} {glyph} {record.status} · " + " · ".join(fact for fact in facts if fact)


def _level(level: int, entries: list[str], width: int) -> list[str]:
    head = f"  level {level + 1}  "
    shown = entries[:MOST_PER_LEVEL]
    if len(entries) > MOST_PER_LEVEL:
        shown = [*shown, f"… and {len(entries) - MOST_PER_LEVEL:,} more"]
    lines, line = [], head
    for entry in shown:
        if line.strip() and len(line) > len(head) and len(line) + len(entry) + 3 > width:
            lines.append(line.rstrip())
            line = " " * len(head)
        line += entry + "   "
    return [*lines, line.rstrip()]


def _after(names: list[str]) -> str:
    shown = ", ".join(printable_start(name, 24) for name in names[:3])
    return f"after {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _cut(text: str, limit: int = LONGEST_NAME) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
