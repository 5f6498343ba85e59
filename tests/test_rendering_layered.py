from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering.layered import MOST_LANES, layered


def random_shape(seed: int, count: int) -> GraphShape:
    rnd = random.Random(seed)
    level: list[int] = []
    edges: list[tuple[int, int]] = []
    for i in range(count):
        sources = rnd.sample(range(i), min(i, rnd.choice((0, 1, 1, 2, 3))))
        level.append(max((level[s] + 1 for s in sources), default=0))
        edges += [(s, i) for s in sources]
    order = sorted(range(count), key=lambda i: level[i])
    nodes = tuple(NodeShape("n" * rnd.randint(1, 40) + str(i), level[i]) for i in order)
    name = {i: node.name for i, node in zip(order, nodes, strict=True)}
    return GraphShape("random", nodes, tuple(EdgeShape(name[a], name[b], label="if" * (a % 2)) for a, b in edges))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_no_two_boxes_overlap(seed: int, count: int) -> None:
    layout = layered(random_shape(seed, count))
    for a, b in combinations(layout.boxes, 2):
        apart = abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
        assert apart, (a, b)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_everything_lies_inside_the_page_and_edges_join_their_boxes(seed: int, count: int) -> None:
    shape = random_shape(seed, count)
    layout = layered(shape)
    boxes = {n.name: box for n, box in zip(shape.nodes, layout.boxes, strict=True)}
    for box in layout.boxes:
        assert box.left >= -0.001
        assert box.left + box.width <= layout.width + 0.001
        assert box.top >= -0.001
        assert box.top + box.height <= layout.height + 0.001
    for edge, curve in zip(shape.edges, layout.curves, strict=True):
        assert curve[0] == boxes[edge.source].right_side
        assert curve[-1] == boxes[edge.target].left_side
        assert all(-0.001 <= y <= layout.height + 0.001 for _, y in curve)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_no_edge_runs_through_a_box_in_a_level_that_it_only_passes(seed: int, count: int) -> None:
    shape = random_shape(seed, count)
    layout = layered(shape)
    for edge, curve in zip(shape.edges, layout.curves, strict=True):
        for start, end in zip(curve[::3], curve[3::3], strict=False):
            for box in layout.boxes if start[1] == end[1] else ():
                inside = start[0] < box.x < end[0] and abs(box.y - start[1]) < box.height / 2
                assert not inside, (edge, box)


def test_a_graph_with_too_many_long_edges_is_still_laid_out() -> None:
    count = 110
    nodes = tuple(NodeShape(str(i), i) for i in range(count))
    edges = tuple(EdgeShape(str(a), str(b)) for a in range(count) for b in range(a + 1, count))
    assert sum(b - a - 1 for a in range(count) for b in range(a + 1, count)) > MOST_LANES
    layout = layered(GraphShape("dense", nodes, edges))
    assert len(layout.curves) == len(edges)
    assert all(len(curve) == 4 for curve in layout.curves)
