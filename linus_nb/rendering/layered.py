"""A layout of our own, for machines without Graphviz and for graphs too large for it.

Levels become columns. An edge that spans several levels goes through a gap reserved in each column between, so that
it does not run behind boxes. Within a column, nodes are ordered by the mean place of their neighbours (the barycentre
method of Sugiyama, Tagawa and Toda, 1981), and then moved as near to them as the order allows, by pooling adjacent
violators (the least-squares solution under minimum distances).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from linus_nb.events import GraphShape
from linus_nb.rendering.layout import (
    BOX_HEIGHT,
    EDGE_SIZE,
    Box,
    Layout,
    box_widths,
    edge_label,
    label_place,
    level_curve,
)
from linus_nb.rendering.type_setting import text_width

COLUMN_GAP = 56.0
ROW_GAP = 24.0
LANE_HEIGHT = 8.0  # what a passing edge takes in a column
MOST_LANES = 4000  # beyond, long edges run straight: their lanes would make the picture, and the work, too large
SWEEPS = 6


@dataclass(slots=True)
class _Grid:
    """Items (nodes first, then lanes) in columns, with their neighbours on either side."""

    columns: list[list[int]]
    heights: list[float]
    before: list[list[int]]
    after: list[list[int]]
    lanes: dict[int, list[int]] = field(default_factory=dict)  # edge index -> its lane items, left to right


def layered(shape: GraphShape) -> Layout:
    """Return a layout with one column a level, without Graphviz."""
    widths = box_widths(shape)
    grid = _grid(shape)
    _order(grid)
    y = _places(grid)
    lefts, column_widths = _columns(shape, widths)
    column_of = {level: i for i, level in enumerate(sorted({n.level for n in shape.nodes}))}
    boxes = [
        Box(lefts[column_of[node.level]] + column_widths[column_of[node.level]] / 2, y[i], widths[i])
        for i, node in enumerate(shape.nodes)
    ]
    index = {node.name: i for i, node in enumerate(shape.nodes)}
    curves, labels = [], []
    for e, edge in enumerate(shape.edges):
        source, target = boxes[index[edge.source]], boxes[index[edge.target]]
        stops = [source.right_side]
        first = column_of[shape.nodes[index[edge.source]].level] + 1
        for column, lane in enumerate(grid.lanes.get(e, ()), first):
            stops += [(lefts[column], y[lane]), (lefts[column] + column_widths[column], y[lane])]
        stops.append(target.left_side)
        curves.append(level_curve(stops))
        labels.append(label_place(stops[0], stops[1]) if edge.label else None)
    width = lefts[-1] + column_widths[-1] if lefts else 0.0
    height = max((b.top + b.height for b in boxes), default=0.0)
    height = max([height, *(y[lane] for lanes in grid.lanes.values() for lane in lanes)])
    return Layout(width, height, tuple(boxes), tuple(curves), tuple(labels), "built in")


def _grid(shape: GraphShape) -> _Grid:
    level_list = sorted({n.level for n in shape.nodes})
    column_of = {level: i for i, level in enumerate(level_list)}
    columns: list[list[int]] = [[] for _ in level_list]
    for i, node in enumerate(shape.nodes):
        columns[column_of[node.level]].append(i)
    count = len(shape.nodes)
    grid = _Grid(columns, [BOX_HEIGHT] * count, [[] for _ in range(count)], [[] for _ in range(count)])
    index = {node.name: (i, column_of[node.level]) for i, node in enumerate(shape.nodes)}
    spans = sum(max(0, index[e.target][1] - index[e.source][1] - 1) for e in shape.edges)
    for e, edge in enumerate(shape.edges):
        (at, first), (target, last) = index[edge.source], index[edge.target]
        if spans <= MOST_LANES:
            for column in range(first + 1, last):
                lane = len(grid.heights)
                grid.heights.append(LANE_HEIGHT)
                grid.before.append([])
                grid.after.append([])
                grid.columns[column].append(lane)
                grid.lanes.setdefault(e, []).append(lane)
                _join(grid, at, lane)
                at = lane
        _join(grid, at, target)
    return grid


def _join(grid: _Grid, left: int, right: int) -> None:
    grid.after[left].append(right)
    grid.before[right].append(left)


def _order(grid: _Grid) -> None:
    """Order each column by the mean place of its neighbours, sweeping right and left in turn."""
    place = [0.0] * len(grid.heights)
    for column in grid.columns:
        _number(column, place)
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        neighbours = grid.before if rightwards else grid.after
        for column in grid.columns if rightwards else reversed(grid.columns):
            column.sort(key=lambda item: _mean(neighbours[item], place, place[item]))
            _number(column, place)


def _number(column: list[int], place: list[float]) -> None:
    # Relative to the column's middle, so that places in a short and in a long column can be compared.
    for at, item in enumerate(column):
        place[item] = at - (len(column) - 1) / 2


def _mean(items: Sequence[int], values: Sequence[float], otherwise: float) -> float:
    return sum(values[i] for i in items) / len(items) if items else otherwise


def _places(grid: _Grid) -> list[float]:
    """Return the y of each item's centre, from 0 downwards: near its neighbours, and never over another."""
    y = [0.0] * len(grid.heights)
    for column in grid.columns:
        _settle(column, grid.heights, y)
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        for column in grid.columns if rightwards else reversed(grid.columns):
            for item in column:
                around = (grid.before if rightwards else grid.after)[item] or [*grid.before[item], *grid.after[item]]
                y[item] = _mean(around, y, y[item])
            _settle(column, grid.heights, y)
    top = min((y[i] - grid.heights[i] / 2 for i in range(len(y))), default=0.0)
    return [value - top for value in y]


def _settle(column: Sequence[int], heights: Sequence[float], y: list[float]) -> None:
    """Move the items of a column as little as possible (least squares) so that they keep order and distance."""
    offsets: list[float] = []
    offset = 0.0
    for at, item in enumerate(column):
        if at:
            previous = column[at - 1]
            gap = ROW_GAP if heights[item] > LANE_HEIGHT and heights[previous] > LANE_HEIGHT else ROW_GAP / 2
            offset += heights[previous] / 2 + gap + heights[item] / 2
        offsets.append(offset)
    pools: list[tuple[float, int]] = []  # (mean of the wanted places less their offsets, how many)
    for item, away in zip(column, offsets, strict=True):
        mean, size = y[item] - away, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    at = 0
    for mean, size in pools:
        for _ in range(size):
            y[column[at]] = mean + offsets[at]
            at += 1


def _columns(shape: GraphShape, widths: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the left side and the width of each column; a gap is as wide as the labels in it need."""
    by_level: dict[int, float] = {}
    for node, width in zip(shape.nodes, widths, strict=True):
        by_level[node.level] = max(by_level.get(node.level, 0.0), width)
    place = {level: at for at, level in enumerate(sorted(by_level))}
    column_widths = [by_level[level] for level in place]
    column_of = {node.name: place[node.level] for node in shape.nodes}
    gaps = [COLUMN_GAP] * len(place)
    for edge in shape.edges:
        at = column_of[edge.source]
        gaps[at] = max(gaps[at], text_width(edge_label(edge.label), EDGE_SIZE) + 28)
    lefts, x = [], 0.0
    for width, gap in zip(column_widths, gaps, strict=True):
        lefts.append(x)
        x += width + gap
    return lefts, column_widths
