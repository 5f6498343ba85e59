"""Where everything of a picture stands.

A layout depends on the graph's shape alone, so that a run recolours one layout instead of asking for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from linus_nb.events import GraphShape, NodeShape
from linus_nb.rendering.labels import kind_line
from linus_nb.rendering.type_setting import elided, printable, text_width

NAME_SIZE = 14.0
LINE_SIZE = 11.5
EDGE_SIZE = 11.0
BOX_HEIGHT = 50.0
GLYPH_ROOM = 32.0  # from the box's left edge to its name
RIGHT_ROOM = 14.0
NARROWEST, WIDEST = 172.0, 280.0
WIDEST_EDGE_LABEL = 130.0
# A node that runs once per item is a stack: so many outlines behind its box, each this far to the right and down. They
# stay within the gap that every layout leaves between boxes.
STACKED, STACK_STEP = 2, 3.5
LONGEST_TALLY = "10,000 items · 999 failed"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node's box: its centre and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float = BOX_HEIGHT

    @property
    def left(self) -> float:
        """The x of the left side."""
        return self.x - self.width / 2

    @property
    def left_side(self) -> Point:
        """The middle of the left side, where edges arrive."""
        return self.left, self.y

    @property
    def right_side(self) -> Point:
        """The middle of the right side, where edges leave."""
        return self.left + self.width, self.y

    @property
    def top(self) -> float:
        """The y of the upper side."""
        return self.y - self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by node, and Bézier curves (3k + 1 points) and label centres by edge, both in the shape's order."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[tuple[Point, ...], ...]
    labels: tuple[Point | None, ...]
    drawn_by: str


def box_widths(shape: GraphShape) -> list[float]:
    """Return the width of each node's box, in pixels: that of the longest text of its level, within limits."""
    by_level: dict[int, float] = {}
    for node in shape.nodes:
        needed = GLYPH_ROOM + _text_room(node) + RIGHT_ROOM
        by_level[node.level] = min(WIDEST, max(NARROWEST, needed, by_level.get(node.level, 0.0)))
    return [by_level[node.level] for node in shape.nodes]


def _text_room(node: NodeShape) -> float:
    """Return the width of a node's name, and of the second lines it may have where they count what is inside."""
    name = text_width(printable(node.name), NAME_SIZE, bold=True)
    if not node.over and node.inner is None:
        return name
    return max(name, text_width(kind_line(node), LINE_SIZE), text_width(LONGEST_TALLY, LINE_SIZE) if node.over else 0.0)


def edge_label(label: str) -> str:
    """Return the text drawn beside a conditional edge, cut to its room; empty for no label."""
    return elided(printable(label), WIDEST_EDGE_LABEL, EDGE_SIZE) if label else ""


def level_curve(stops: Sequence[Point]) -> tuple[Point, ...]:
    """Return the Bézier curve through ``stops`` that runs level at each of them."""
    points = [stops[0]]
    for (x0, y0), (x1, y1) in pairwise(stops):
        middle = (x0 + x1) / 2
        points += [(middle, y0), (middle, y1), (x1, y1)]
    return tuple(points)


def label_place(start: Point, end: Point) -> Point:
    """Return where the label of the curve from ``start`` to ``end`` stands: on its middle, or just above a flat one."""
    flat = abs(end[1] - start[1]) < 8
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - (10 if flat else 0)
