"""Graphviz source: one for people and for PNG and PDF, with every label; one that only asks where things stand.

The ``graphviz`` package quotes strings, but leaves HTML entities in them to be decoded (a node called ``&lt;`` would
be drawn as ``<``), so the quoting is ours: every string goes through `quoted`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from linus_nb.engine.record import RunRecord
from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering import labels
from linus_nb.rendering.layout import BOX_HEIGHT, EDGE_SIZE, LINE_SIZE, NAME_SIZE, WIDEST, box_widths, edge_label
from linus_nb.rendering.palette import STATUSES, THEMES, ThemeName
from linus_nb.rendering.type_setting import elided, printable, text_width

POINTS_PER_INCH = 72.0
PAD = 7.2  # points around the whole
ANCHOR = "anchor"


def quoted(text: str) -> str:
    r"""Return ``text`` as a double-quoted Graphviz string that is drawn as it is; a newline stays a newline.

    >>> print(quoted(r'a"b\N & <b>'))
    "a\"b\\N &amp; <b>"
    """
    safe = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", "\\n")
    return f'"{safe}"'


def dot_source(
    shape: GraphShape,
    record: RunRecord | None = None,
    *,
    theme: ThemeName = "light",
    critical: Collection[tuple[str, str]] = (),
    glyphs: bool = True,
) -> str:
    """Return the graph as Graphviz source, coloured by what happened where a record is given.

    Args:
        shape: The graph.
        record: The run to colour it by.
        theme: ``"light"`` or ``"dark"``.
        critical: Edges, as (source, target), to draw bold.
        glyphs: False writes each status as a word, for a renderer whose font has no such glyphs.
    """
    look = THEMES[theme]
    sources = labels.sources_of(shape)

    def node(at: NodeShape, width: float) -> dict[str, str]:
        status = STATUSES[labels.status_of(at.name, record)]
        paint = status.paint(theme)
        word = labels.status_of(at.name, record)
        name = elided(printable(at.name), WIDEST, NAME_SIZE, bold=True)
        line = elided(labels.second_line(at, record, sources), width, LINE_SIZE)
        label = f"{status.glyph}  {name}\n{line}" if glyphs else f"{name}\n{word} · {line}"
        return {
            "label": quoted(label),
            "tooltip": quoted(labels.tooltip(at, record)),
            "class": quoted(word),
            "fillcolor": quoted(paint.fill),
            "color": quoted(paint.stroke),
            "style": quoted("rounded,filled,dashed" if status.dashed else "rounded,filled"),
            **({"shape": "box3d"} if at.over else {}),  # the nearest that Graphviz has to a stack
            **({"peripheries": "2"} if at.inner is not None else {}),
        }

    def edge(at: EdgeShape) -> dict[str, str]:
        bold = (at.source, at.target) in critical
        facts = {
            "class": quoted("critical" if bold else "conditional" if at.conditional else "plain"),
            "tooltip": quoted(labels.edge_tooltip(at, record)),
            "color": quoted(look.ink if bold else look.faint if labels.edge_idle(at, record) else look.muted),
            "penwidth": "2" if bold else "1",
        }
        if at.conditional:
            facts["style"] = "dashed"
        if at.label:
            facts |= {"label": quoted(edge_label(at.label)), "labeltooltip": facts["tooltip"]}
        return facts

    head = [
        f"graph [bgcolor={quoted(look.background or 'transparent')}, tooltip={quoted(printable(shape.name))}]",
        f'node [fontname="Helvetica,Arial,sans-serif", fontsize=12, fontcolor={quoted(look.ink)}, margin="0.2,0.09"]',
        f'edge [fontname="Helvetica,Arial,sans-serif", fontsize=10, fontcolor={quoted(look.muted)}, arrowsize=0.7]',
    ]
    return _source(shape, head, node, edge)


def layout_source(shape: GraphShape) -> str:
    """Return source without a word of the user's: boxes and blank labels of the right size, to be placed."""

    def node(_: NodeShape, width: float) -> dict[str, str]:
        size = {"width": f"{width / POINTS_PER_INCH:.4f}", "height": f"{BOX_HEIGHT / POINTS_PER_INCH:.4f}"}
        return {"label": '""', "fixedsize": "true", **size}

    def edge(at: EdgeShape) -> dict[str, str]:
        facts = {"tailport": "e", "headport": "w", "arrowhead": "none"}
        if at.label:
            blank = "x" * max(1, round(text_width(edge_label(at.label), EDGE_SIZE) / (EDGE_SIZE * 0.5)))
            facts |= {"label": f'"{blank}"', "fontsize": str(EDGE_SIZE)}
        return facts

    return _source(shape, [], node, edge, tail=list(_anchored(shape)))


def _anchored(shape: GraphShape) -> Iterator[str]:
    """Yield an unseen node before the first level: parts that nothing joins would stand in the reverse order."""
    first = [i for i, n in enumerate(shape.nodes) if n.level == 0]
    if len(first) > 1:
        yield f"  {ANCHOR} [style=invis, width=0.01, height=0.01]"
        yield from (f"  {ANCHOR} -> n_{i} [style=invis]" for i in first)


def _source(
    shape: GraphShape,
    head: list[str],
    node: Callable[[NodeShape, float], dict[str, str]],
    edge: Callable[[EdgeShape], dict[str, str]],
    tail: Sequence[str] = (),
) -> str:
    index = {n.name: i for i, n in enumerate(shape.nodes)}
    lines = [
        "digraph {",
        f"  graph [rankdir=LR, nodesep=0.34, ranksep=0.72, pad={PAD / POINTS_PER_INCH:g}]",
        "  node [shape=box, style=rounded]",
        *(f"  {line}" for line in head),
    ]
    for i, (at, width) in enumerate(zip(shape.nodes, box_widths(shape), strict=True)):
        lines.append(f"  n_{i} [id=n_{i}, {_facts(node(at, width))}]")
    for i, at_edge in enumerate(shape.edges):
        ends = f"n_{index[at_edge.source]} -> n_{index[at_edge.target]}"
        lines.append(f"  {ends} [id=e_{i}, {_facts(edge(at_edge))}]")
    lines += [*_levels(shape, index), *tail]
    return "\n".join([*lines, "}", ""])


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in facts.items())


def _levels(shape: GraphShape, index: dict[str, int]) -> Iterator[str]:
    """Yield what lines each level up, also where no edge leads from one level to the next."""
    level_of = {n.name: n.level for n in shape.nodes}
    reached = {level_of[e.target] for e in shape.edges if level_of[e.target] == level_of[e.source] + 1}
    members: dict[int, list[int]] = {}
    for n in shape.nodes:
        members.setdefault(n.level, []).append(index[n.name])
    previous: int | None = None
    for level in sorted(members):
        yield f"  {{rank=same; {'; '.join(f'n_{i}' for i in members[level])}}}"
        if previous is not None and level not in reached:
            yield f"  n_{previous} -> n_{members[level][0]} [style=invis, weight=0]"
        previous = members[level][0]
