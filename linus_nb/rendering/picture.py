"""A layout and a record become SVG: self-contained, with text alternatives, and every word escaped in one place."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from math import hypot

from linus_nb.engine.record import RunRecord
from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering import labels
from linus_nb.rendering.layout import (
    EDGE_SIZE,
    GLYPH_ROOM,
    LINE_SIZE,
    NAME_SIZE,
    RIGHT_ROOM,
    STACK_STEP,
    STACKED,
    Box,
    Layout,
    Point,
    edge_label,
)
from linus_nb.rendering.palette import FONT, STATUSES, THEMES, Theme, ThemeName
from linus_nb.rendering.type_setting import elided, printable

MARGIN = 18.0
HEADING_ROOM = 30.0
CORNER = 9.0
ARROW = 8.0
INSET = 3.0  # of the second outline of a node that holds a graph


def svg_page(width: float, height: float, title: str, description: str, theme: Theme, body: list[str]) -> str:
    """Return an SVG document of ``width`` × ``height`` pixels around ``body``, with its text alternative."""
    ground = (
        f'<rect class="ground" width="100%" height="100%" rx="8" fill="{theme.background}"/>'
        if theme.background
        else ""
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(description)}" '
        f'font-family="{FONT}">'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(description)}</desc>",
            ground,
            *body,
            "</svg>",
        ]
    )


def picture(
    shape: GraphShape,
    layout: Layout,
    record: RunRecord | None = None,
    *,
    theme: ThemeName = "light",
    critical: Collection[tuple[str, str]] = (),
) -> str:
    """Return the graph as SVG text, placed by ``layout`` and coloured by ``record``.

    Args:
        shape: The graph.
        layout: Where its boxes and edges stand.
        record: The run to colour it by; without one, every node is pending.
        theme: ``"light"`` or ``"dark"``.
        critical: Edges, as (source, target), to draw bold.
    """
    look = THEMES[theme]
    left, top = offset(shape)
    body = [f'<g transform="translate({left:g} {top:g})">', *_headings(shape, layout, look)]
    # Bold edges come last, so that they lie on top where edges meet.
    for i, edge in sorted(enumerate(shape.edges), key=lambda pair: (pair[1].source, pair[1].target) in critical):
        bold = (edge.source, edge.target) in critical
        body.append(_edge(i, edge, layout.curves[i], layout.labels[i], record, look, bold))
    sources = labels.sources_of(shape)
    for i, node in enumerate(shape.nodes):
        line = labels.second_line(node, record, sources)
        body.append(_node(i, node, layout.boxes[i], record, line, look))
    body.append("</g>")
    width, height = page_size(shape, layout)
    return svg_page(width, height, printable(shape.name), labels.alternative(shape, record), look, body)


def offset(shape: GraphShape) -> Point:
    """Return where the layout's corner stands on the page: past the margin and the headings."""
    return MARGIN, MARGIN + (HEADING_ROOM if _has_headings(shape) else 0.0)


def page_size(shape: GraphShape, layout: Layout) -> Point:
    """Return width and height of the page that `picture` draws, in pixels."""
    left, top = offset(shape)
    return max(layout.width + left + MARGIN, 120.0), layout.height + top + MARGIN


def _has_headings(shape: GraphShape) -> bool:
    return any(node.level != shape.nodes[0].level for node in shape.nodes)


def level_places(shape: GraphShape, layout: Layout) -> list[tuple[int, float]]:
    """Return each level that has a heading, from 0, with the x of its middle; a single level has none."""
    if not _has_headings(shape):
        return []
    return sorted({node.level: box.x for node, box in zip(shape.nodes, layout.boxes, strict=True)}.items())


def _headings(shape: GraphShape, layout: Layout, look: Theme) -> list[str]:
    return [
        f'<text class="level" x="{x:.1f}" y="-18" font-size="{EDGE_SIZE}" letter-spacing="0.6" text-anchor="middle" '
        f'fill="{look.muted}">level {level + 1}</text>'
        for level, x in level_places(shape, layout)
    ]


def _node(i: int, node: NodeShape, box: Box, record: RunRecord | None, line: str, look: Theme) -> str:
    status = labels.status_of(node.name, record)
    style = STATUSES[status]
    paint = style.paint(look.name)
    room = box.width - GLYPH_ROOM - RIGHT_ROOM
    x = box.left + GLYPH_ROOM
    dashes = ' stroke-dasharray="5 3"' if style.dashed else ""
    weight = 2.2 if status == "running" else 1.5
    solid = f'fill="{paint.fill}" stroke="{paint.stroke}" stroke-width="{weight}"'
    behind = [_outline(box, k * STACK_STEP, "behind", solid) for k in range(STACKED, 0, -1)] if node.over else []
    within = [_outline(box, 0, "within", f'fill="none" stroke="{paint.stroke}"{dashes}', INSET)] if node.inner else []
    return (
        f'<g class="node {status}" id="n_{i}"><title>{escape(labels.tooltip(node, record))}</title>'
        f"{''.join(behind)}"
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{CORNER}" '
        f"{solid}{dashes}/>{''.join(within)}"
        f'<text class="glyph" x="{box.left + 12:.1f}" y="{box.y - 3:.1f}" font-size="13" fill="{paint.stroke}">'
        f"{style.glyph}</text>"
        f'<text class="name" x="{x:.1f}" y="{box.y - 3:.1f}" font-size="{NAME_SIZE:g}" font-weight="600" '
        f'fill="{look.ink}">'
        f"{escape(elided(printable(node.name), room, NAME_SIZE, bold=True))}</text>"
        f'<text class="line" x="{x:.1f}" y="{box.y + 15:.1f}" font-size="{LINE_SIZE}" fill="{look.muted}">'
        f"{escape(elided(line, room, LINE_SIZE))}</text></g>"
    )


def _outline(box: Box, away: float, kind: str, frame: str, inset: float = 0.0) -> str:
    """Return an outline of a box, moved ``away`` to the right and down, or drawn ``inset`` within it."""
    return (
        f'<rect class="{kind}" x="{box.left + away + inset:.1f}" y="{box.top + away + inset:.1f}" '
        f'width="{box.width - 2 * inset:.1f}" height="{box.height - 2 * inset:.1f}" rx="{CORNER - inset:g}" {frame}/>'
    )


def _edge(
    i: int,
    edge: EdgeShape,
    curve: tuple[Point, ...],
    place: Point | None,
    record: RunRecord | None,
    look: Theme,
    bold: bool,
) -> str:
    colour = look.ink if bold else look.faint if labels.edge_idle(edge, record) else look.muted
    kind = " conditional" * edge.conditional + " critical" * bold
    dashes = ' stroke-dasharray="5 4"' if edge.conditional else ""
    shaft, head = _arrow(curve)
    lines = (
        f'<g class="edge{kind}" id="e_{i}"><title>{escape(labels.edge_tooltip(edge, record))}</title>'
        f'<path d="{shaft}" fill="none" stroke="{colour}" stroke-width="{2.4 if bold else 1.3}"{dashes}/>'
        f'<path d="{head}" fill="{colour}"/>'
    )
    label = ""
    if place is not None and edge.label:
        label = (
            f'<text x="{place[0]:.1f}" y="{place[1] + 3.5:.1f}" font-size="{EDGE_SIZE}" text-anchor="middle" '
            f'fill="{look.muted}" stroke="{look.halo}" stroke-width="3" stroke-linejoin="round" paint-order="stroke">'
            f"{escape(edge_label(edge.label))}</text>"
        )
    return f"{lines}{label}</g>"


def _arrow(curve: tuple[Point, ...]) -> tuple[str, str]:
    """Return the paths of an edge's shaft and of its head; the shaft stops where the head begins."""
    (x1, y1), (x0, y0) = curve[-1], curve[-2]
    length = hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    bx, by = x1 - ux * ARROW, y1 - uy * ARROW
    points = [*curve[:-1], (bx, by)]
    start = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    shaft = start + "C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points[1:])
    wing = ARROW * 0.45
    head = f"M{x1:.1f} {y1:.1f}L{bx - uy * wing:.1f} {by + ux * wing:.1f}L{bx + uy * wing:.1f} {by - ux * wing:.1f}Z"
    return shaft, head
