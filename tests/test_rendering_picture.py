from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import EdgeShape, GraphShape, NodeShape, NodeStatus
from linus_nb.rendering import draw, graphviz_tools
from linus_nb.rendering.layered import layered
from linus_nb.rendering.layout import Layout
from linus_nb.rendering.palette import STATUSES, ThemeName
from linus_nb.rendering.picture import picture
from linus_nb.rendering.timeline import timeline_svg
from linus_nb.rendering.type_setting import printable
from tests.rendering_samples import HOSTILE_NAMES, failed_run, hostile, research, run_record

SVG = "{http://www.w3.org/2000/svg}"
RENDERERS = ("dot", "graphviz-pure", "built in")


def laid_out(shape: GraphShape, renderer: str) -> Layout:
    if renderer == "built in":
        return layered(shape)
    program = next((p for p in graphviz_tools.programs() if p.title.startswith(renderer)), None)
    if program is None:
        pytest.skip(f"{renderer} is not installed here")
    return graphviz_tools.placed(shape, program)


def node_group(svg: str, shape: GraphShape, name: str) -> ElementTree.Element:
    index = [node.name for node in shape.nodes].index(name)
    group = ElementTree.fromstring(svg).find(f".//{SVG}g[@id='n_{index}']")
    assert group is not None
    return group


@pytest.mark.parametrize("renderer", RENDERERS)
def test_hostile_names_are_drawn_as_text(renderer: str) -> None:
    shape = hostile()
    root = ElementTree.fromstring(picture(shape, laid_out(shape, renderer)))
    allowed = {"svg", "title", "desc", "rect", "g", "path", "text"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == allowed
    assert not any(key.startswith("on") or "href" in key for element in root.iter() for key in element.attrib)
    groups = root.findall(f".//{SVG}g[@class='node pending']")
    assert len(groups) == len(HOSTILE_NAMES)
    for group, name in zip(groups, HOSTILE_NAMES, strict=True):
        _, drawn, _ = (text.text or "" for text in group.findall(f"{SVG}text"))
        assert drawn == printable(name) or (drawn.endswith("…") and printable(name).startswith(drawn[:-1]))
        tooltip = group.findtext(f"{SVG}title") or ""
        assert tooltip.startswith(printable(name))


@pytest.mark.parametrize("renderer", RENDERERS)
def test_boxes_stand_in_level_columns_and_edges_end_at_them(renderer: str) -> None:
    shape = research()
    layout = laid_out(shape, renderer)
    boxes = dict(zip([n.name for n in shape.nodes], layout.boxes, strict=True))
    columns = {n.level: boxes[n.name].x for n in shape.nodes}
    assert [boxes[n.name].x for n in shape.nodes] == pytest.approx([columns[n.level] for n in shape.nodes], abs=1)
    assert sorted(columns.values()) == [columns[level] for level in sorted(columns)]
    for edge, curve in zip(shape.edges, layout.curves, strict=True):
        assert curve[0] == pytest.approx(boxes[edge.source].right_side, abs=1.5)
        assert curve[-1] == pytest.approx(boxes[edge.target].left_side, abs=1.5)
        assert len(curve) % 3 == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("status", list(NodeStatus))
def test_each_status_has_its_glyph_and_its_colours(status: NodeStatus, theme: ThemeName) -> None:
    shape = GraphShape("g", (NodeShape("a", 0),), ())
    record = run_record(shape, [NodeRecord("a", 0, status, 0.0, 0.0, 1.0, 1)], "success", 1.0)
    group = node_group(draw.svg(shape, record, theme=theme), shape, "a")
    look = STATUSES[status]
    rect = group.find(f"{SVG}rect")
    assert rect is not None
    assert (rect.get("fill"), rect.get("stroke")) == (look.paint(theme).fill, look.paint(theme).stroke)
    assert ("stroke-dasharray" in rect.attrib) == (status is NodeStatus.SKIPPED)
    assert group.findtext(f"{SVG}text") == look.glyph


def second_lines(record: RunRecord) -> dict[str, str]:
    svg, shape = draw.svg(record.graph, record), record.graph
    return {n.name: node_group(svg, shape, n.name).findall(f"{SVG}text")[2].text or "" for n in shape.nodes}


def test_second_lines_say_duration_tries_error_and_reason() -> None:
    assert second_lines(failed_run()) == {
        "ingest": "0.410 s",
        "search": "1.20 s · 2 tries",
        "tables": "0.880 s",
        "summarise": "2.64 s",
        "figures": "TimeoutError",
        "fallback": "upstream failed",
        "report": "0.950 s · always",
    }


def test_a_run_that_goes_on_says_what_runs_and_what_waits_for_what() -> None:
    shape = research()
    running = {"ingest": NodeStatus.COMPLETED, "search": NodeStatus.RUNNING}
    nodes = [
        NodeRecord(n.name, n.level, running.get(n.name, NodeStatus.PENDING), 0.0, 0.0, 1.0, 1) for n in shape.nodes
    ]
    lines = second_lines(run_record(shape, nodes, "running", 3.0))
    assert lines["search"] == "3.00 s"
    assert lines["tables"] == "ready"
    assert lines["summarise"] == "after search"
    assert lines["report"] == "after 2 · always"


def test_conditional_edges_are_dashed_and_bear_their_label() -> None:
    root = ElementTree.fromstring(draw.svg(research()))
    edges = {e.get("id"): e for e in root.iter(f"{SVG}g") if (e.get("class") or "").startswith("edge")}
    assert len(edges) == 8
    for number, edge in edges.items():
        path = edge.find(f"{SVG}path")
        assert path is not None
        assert ("stroke-dasharray" in path.attrib) == (number == "e_7")
        assert edge.findtext(f"{SVG}text") == ("empty?" if number == "e_7" else None)
    assert edges["e_7"].findtext(f"{SVG}title") == "figures → fallback\nif empty?"


def test_descriptions_reasons_and_errors_are_tooltips() -> None:
    record = failed_run()
    svg = draw.svg(record.graph, record)
    tips = {n.name: node_group(svg, record.graph, n.name).findtext(f"{SVG}title") or "" for n in record.graph.nodes}
    assert tips["ingest"].splitlines() == ["ingest", "the ingest step", "completed in 0.410 s"]
    assert "upstream 'figures' failed" in tips["fallback"]
    assert "TimeoutError: no answer in <2> s" in tips["figures"]


def test_the_critical_path_is_bold() -> None:
    record = failed_run()
    assert draw.critical_edges(record) == {("ingest", "search"), ("search", "summarise"), ("summarise", "report")}
    bold = re.findall(r'class="edge critical" id="(e_\d)"', draw.svg(record.graph, record))
    assert bold == ["e_0", "e_2", "e_4"]
    assert draw.critical_edges(None) == frozenset()


def test_pictures_refer_to_nothing_outside_and_have_a_text_alternative() -> None:
    record = failed_run()
    for svg in (draw.svg(hostile()), draw.svg(record.graph, record), timeline_svg(record)):
        assert "<!DOCTYPE" not in svg
        assert "href" not in svg
        assert "url(" not in svg
        assert set(re.findall(r"https?://[^\"' ]+", svg)) == {"http://www.w3.org/2000/svg"}
        assert ElementTree.fromstring(svg).get("role") == "img"
    root = ElementTree.fromstring(draw.svg(record.graph, record))
    told = "research: 7 nodes, 8 edges, 5 levels. Failed after 5.20 s: 5 completed, 1 failed, 1 skipped."
    assert (root.get("aria-label") or "").startswith(told)
    assert root.findtext(f"{SVG}title") == "research"


def test_an_empty_graph_and_a_single_node_are_drawn() -> None:
    for shape in (GraphShape("nothing", (), ()), GraphShape("one", (NodeShape("a", 0),), ())):
        for renderer in RENDERERS:
            root = ElementTree.fromstring(picture(shape, laid_out(shape, renderer)))
            assert float(root.get("width") or 0) > 0
            assert "level 1" not in "".join(root.itertext())


def test_levels_that_no_edge_joins_still_stand_side_by_side() -> None:
    shape = GraphShape("g", (NodeShape("a", 0), NodeShape("b", 1), NodeShape("c", 2)), (EdgeShape("a", "c"),))
    for renderer in RENDERERS:
        x = [box.x for box in laid_out(shape, renderer).boxes]
        assert x[0] < x[1] < x[2]


def test_the_timeline_has_a_row_for_each_node_that_ran() -> None:
    root = ElementTree.fromstring(timeline_svg(failed_run()))
    bars = [g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("bar")]
    assert [g.findtext(f"{SVG}text") for g in bars] == [
        "ingest", "search", "tables", "summarise", "figures", "report"
    ]  # fmt: skip
    assert [g.get("class") for g in bars][2:5] == ["bar completed", "bar completed critical", "bar failed"]
    waiting = [r for r in root.iter(f"{SVG}rect") if r.get("class") == "waiting"]
    running = bars[4].findall(f"{SVG}rect")[1]
    assert len(waiting) == 1
    assert float(waiting[0].get("x") or 0) + float(waiting[0].get("width") or 0) == pytest.approx(
        float(running.get("x") or 0), abs=0.2
    )


def test_the_timeline_of_hostile_names_is_text() -> None:
    shape = hostile()
    nodes = [NodeRecord(n.name, n.level, NodeStatus.COMPLETED, i, i, i + 1.0, 1) for i, n in enumerate(shape.nodes)]
    root = ElementTree.fromstring(timeline_svg(run_record(shape, nodes, "success", 14.0)))
    assert "<script>alert(1)</script>" in list(root.itertext())
