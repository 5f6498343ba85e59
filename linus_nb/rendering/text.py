"""A graph or a run as plain text: what a terminal, a log and ``repr`` show."""

from __future__ import annotations

from linus_nb.engine.record import RunRecord
from linus_nb.events import GraphShape
from linus_nb.rendering import labels
from linus_nb.rendering.numbers import seconds
from linus_nb.rendering.palette import RUN_GLYPHS, STATUSES
from linus_nb.rendering.type_setting import printable

WIDTH = 100
MOST_LEVELS = 40
MOST_PER_LEVEL = 24


def graph_text(shape: GraphShape, record: RunRecord | None = None) -> str:
    """Return the graph level by level, with status, duration or reason of each node where there was a run.

    >>> from linus_nb.events import EdgeShape, NodeShape
    >>> print(graph_text(GraphShape("g", (NodeShape("a", 0), NodeShape("b", 1)), (EdgeShape("a", "b"),))))
    g: 2 nodes, 1 edge, 2 levels
      level 1  ○ a
      level 2  ○ b  after a
    """
    lines = [_headline(shape, record)]
    sources = labels.sources_of(shape)
    levels: dict[int, list[str]] = {}
    for node in shape.nodes:
        glyph = STATUSES[labels.status_of(node.name, record)].glyph
        entry = f"{glyph} {_cut(printable(node.name))}"
        if record is not None:
            entry += f"  {_cut(labels.second_line(node, record, sources))}"
        elif node.name in sources:
            entry += f"  {_after(sources[node.name])}"
        levels.setdefault(node.level, []).append(entry)
    for level in sorted(levels)[:MOST_LEVELS]:
        lines += _level(level, levels[level])
    if len(levels) > MOST_LEVELS:
        lines.append(f"  … and {len(levels) - MOST_LEVELS:,} more levels")
    return "\n".join(lines)


def _headline(shape: GraphShape, record: RunRecord | None) -> str:
    name = printable(shape.name)
    if record is None:
        return f"{name}: {labels.size_line(shape)}"
    glyph = RUN_GLYPHS.get(record.status, "")
    facts = [record.schedule, seconds(record.duration_s), labels.counts(record), labels.tokens(record)]
    return f"{name} {glyph} {record.status} · " + " · ".join(fact for fact in facts if fact)


def _level(level: int, entries: list[str]) -> list[str]:
    head = f"  level {level + 1}  "
    shown = entries[:MOST_PER_LEVEL]
    if len(entries) > MOST_PER_LEVEL:
        shown = [*shown, f"… and {len(entries) - MOST_PER_LEVEL:,} more"]
    lines, line = [], head
    for entry in shown:
        if line.strip() and len(line) > len(head) and len(line) + len(entry) + 3 > WIDTH:
            lines.append(line.rstrip())
            line = " " * len(head)
        line += entry + "   "
    return [*lines, line.rstrip()]


def _after(names: list[str]) -> str:
    shown = ", ".join(_cut(printable(name), 24) for name in names[:3])
    return f"after {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _cut(text: str, limit: int = 48) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
