"""The timeline's rows: what gets one, what shares one, and what is left out."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import events as ev
from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import GraphShape, NodeShape, NodeStatus
from linus_nb.rendering.timeline import timeline_svg
from linus_nb.rendering.timeline_rows import MOST_LANES, MOST_ROWS, MOST_ROWS_INSIDE, lanes, rows_of
from tests import nested_samples as samples
from tests.nested_samples import HEAD, items, nested, ran, run_of
from tests.test_rendering_picture import SVG


def labels(record: RunRecord) -> list[str]:
    return ["  " * row.step.depth + row.label for row in rows_of(record)[0]]


def test_items_and_inner_nodes_have_rows_below_their_node() -> None:
    assert labels(samples.press_run()) == [
        "plan",
        "fetch", *(f"  [{k}]" for k in range(8)),
        "review", "  outline", "  draft", "  facts", "  polish",
        "languages", *(line for k in range(3) for line in (f"  [{k}]", "    translate", "    check")),
        "report",
    ]  # fmt: skip
    assert rows_of(samples.press_run())[1] == ""


def test_inner_rows_are_drawn_where_they_happened_and_only_outer_ones_are_critical() -> None:
    record = samples.press_run()
    root = ElementTree.fromstring(timeline_svg(record))
    bars = [g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("bar")]
    by_name = {g.findtext(f"{SVG}title", "").splitlines()[0]: g for g in bars}

    def span(name: str) -> tuple[float, float]:
        rect = by_name[name].findall(f"{SVG}rect")[-1]
        left = float(rect.get("x") or 0)
        return left, left + float(rect.get("width") or 0)

    (start, end), (inner_start, inner_end) = span("review"), span("review/draft")
    assert start < inner_start < inner_end < end
    assert span("review/polish")[1] == pytest.approx(end)
    assert {name for name, g in by_name.items() if "critical" in (g.get("class") or "")} == {
        "plan", "fetch", "review", "languages", "report"
    }  # fmt: skip


def test_too_many_items_share_the_row_of_their_node_and_that_is_said() -> None:
    record = samples.many_items(10_000, frozenset([77]))
    assert labels(record) == ["fetch"]
    svg = timeline_svg(record)
    assert "Sharing a row: 10,000 items of fetch." in svg
    paths = {p.get("class"): p.get("d") or "" for p in ElementTree.fromstring(svg).iter(f"{SVG}path")}
    assert paths["shared failed"].count("M") == 1
    assert 0 < paths["shared completed"].count("M") < 5000
    assert len(svg) < 20_000


def test_outer_parts_get_rows_before_inner_ones() -> None:
    shape = GraphShape("g", tuple(NodeShape(f"n{k}", 0, over="xs") for k in range(3)), ())
    count = MOST_ROWS_INSIDE - 2
    spans = [(0.0, 2.0, None)] * count
    events = [e for node in shape.nodes for e in [*ran(node.name, 0.0, 2.0), *items(node.name, spans)]]
    runs = [e for k in range(count) for e in nested("n0", 0.0, samples.drafted(), k)]
    rows, note = rows_of(run_of(shape, [*events, *runs]))
    # the items of n0 and n1 fit, those of n2 do not, and three of the graphs inside items of n0 still do
    assert [row.unfolded for row in rows if row.step.depth == 0] == [True, True, False]
    assert len(rows) == 3 + 2 * count + 4 * ((MOST_ROWS - 3 - 2 * count) // 4) <= MOST_ROWS
    assert note.startswith(f"Sharing a row: {count} items of n2, 4 nodes of n0[3], and those of ")


def test_of_too_many_nodes_the_longest_have_rows_in_plan_order() -> None:
    shape = GraphShape("g", tuple(NodeShape(f"n{k}", 0) for k in range(200)), ())
    record = run_of(shape, [e for k in range(200) for e in ran(f"n{k}", 0.0, float(k + 1))])
    assert labels(record) == [f"n{k}" for k in range(200 - MOST_ROWS, 200)]
    assert f"The {MOST_ROWS} longest of 200 nodes." in timeline_svg(record)


def test_what_did_not_start_has_no_row() -> None:
    shape = GraphShape("g", (NodeShape("a", 0), NodeShape("b", 0)), ())
    given = ev.NodeFinished(**HEAD, at=0.0, node="b", result=1, given=True)
    assert labels(run_of(shape, [*ran("a", 0.0, 1.0), given])) == ["a"]


def node(start: float, end: float | None, status: NodeStatus = NodeStatus.COMPLETED) -> NodeRecord:
    return NodeRecord("n", 0, status, start, start, end, 1)


def test_things_that_ran_at_the_same_time_lie_in_different_lanes() -> None:
    count, found = lanes([node(0, 2), node(1, 3), node(2, 4), node(3.5, None, NodeStatus.RUNNING)], 5.0, 0.1)
    assert count == 2
    assert found == {"completed": [(0, 0, 4), (1, 1, 3)], "running": [(1, 3.5, 5.0)]}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3), st.sampled_from(list(NodeStatus))), max_size=60))
def test_lanes_cover_all_that_ran_and_are_bounded(spans: list[tuple[float, float, NodeStatus]]) -> None:
    count, found = lanes([node(start, start + length, status) for start, length, status in spans], 99.0, 0.5)
    assert count <= MOST_LANES
    for start, length, status in spans:
        assert any(a <= start and start + length <= b for _, a, b in found[status])
    for segments in found.values():
        assert len(segments) <= MOST_LANES * (13 / 0.5 + 1)
        assert {lane for lane, _, _ in segments} <= set(range(MOST_LANES))
