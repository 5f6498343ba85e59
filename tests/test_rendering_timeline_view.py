"""`result.timeline()`: what its bars, lanes, levels, text and tooltips say, held to what the run did."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb.engine.record import Folding, NodeRecord, RunRecord, Step
from linus_nb.engine.result import ExecutionResult
from linus_nb.errors import RenderError
from linus_nb.events import NodeStatus
from linus_nb.rendering.timeline import rows_drawn
from linus_nb.rendering.timeline_bars import Bar, Bars
from linus_nb.rendering.timeline_lanes import in_lanes, lanes_drawn
from linus_nb.rendering.timeline_rows import Heading, by_level, rows_of
from tests.test_rendering_picture import SVG
from tests.virtual_time import run as in_virtual_time

MARKUP = "<script>alert(1)</script>"
WAYS = ["nodes", "levels", "lanes"]


async def second() -> int:
    await asyncio.sleep(1)
    return 1


async def two_seconds() -> int:
    await asyncio.sleep(2)
    return 2


def ran(dag: AgentDAG, schedule: Any = "dataflow", **options: Any) -> ExecutionResult:
    result: ExecutionResult = in_virtual_time(DAGExecutor(dag, **options).aexecute(schedule=schedule))
    return result


def diamond() -> AgentDAG:
    dag = AgentDAG("diamond")
    dag.node(second, name="start")
    dag.node(second, name="short", after="start")
    dag.node(two_seconds, name="long", after="start")
    dag.node(second, name="end", after=["short", "long"])
    return dag


def bars_of(result: ExecutionResult, name: str) -> list[Bar]:
    record = result.record
    return Bars(record).of(Step(name, 0, record.nodes[name]))


# -- bars -----------------------------------------------------------------------------------------------------------


def test_a_join_waits_for_the_rest_of_its_inputs() -> None:
    assert bars_of(ran(diamond()), "end") == [
        Bar(2.0, 3.0, "inputs", "for the rest of its inputs"), Bar(3.0, 4.0, "ran")
    ]  # fmt: skip


def test_with_levels_a_node_waits_for_its_turn() -> None:
    dag = diamond()
    dag.node(second, name="next", after="short")
    assert bars_of(ran(dag, "levels"), "next") == [Bar(2.0, 3.0, "waiting", "for its turn"), Bar(3.0, 4.0, "ran")]


def test_what_has_no_place_waits_for_a_limit() -> None:
    assert bars_of(ran(diamond(), max_concurrency=1), "long") == [
        Bar(1.0, 2.0, "waiting", "for a limit"), Bar(2.0, 4.0, "ran")
    ]  # fmt: skip


def test_attempts_are_bars_of_their_own_with_a_wait_between_them() -> None:
    dag = AgentDAG("again")
    trouble = [ConnectionError("no")]

    @dag.node(retry_count=1)
    async def shaky() -> None:
        await asyncio.sleep(1)
        if trouble:
            raise trouble.pop()

    first, wait, other = bars_of(ran(dag), "shaky")
    assert first == Bar(0.0, 1.0, "ran")
    assert (wait.start_s, wait.kind, wait.words) == (1.0, "waiting", "for another attempt")
    assert (other.start_s, other.kind) == (wait.end_s, "ran")
    assert other.end_s == pytest.approx(wait.end_s + 1)


def test_a_node_that_runs_is_drawn_as_far_as_the_run_has_come() -> None:
    folding = Folding()
    for event in ran(diamond()).events:
        if event.at > 2.5:
            break
        folding.take(event)
    record = folding.record()
    assert Bars(record).of(Step("long", 0, record.nodes["long"])) == [Bar(1.0, 2.0, "ran")]


def test_a_tooltip_tells_status_times_waits_and_slack() -> None:
    bars = Bars(ran(diamond()).record)

    def tip(name: str) -> list[str]:
        step = Step(name, 0, bars.record.nodes[name])
        return bars.tip(step, bars.of(step)).splitlines()

    assert tip("short") == ["short", "completed in 1.00 s", "from 1.00 s to 2.00 s", "slack 1.00 s"]
    assert tip("end") == [
        "end", "completed in 1.00 s", "from 3.00 s to 4.00 s", "waited 1.00 s for the rest of its inputs",
        "on the critical path",
    ]  # fmt: skip


# -- pictures -------------------------------------------------------------------------------------------------------


def drawn(result: Any, by: str) -> str:
    html: str = result.timeline(by)._repr_mimebundle_()["text/html"]
    return html


def test_slack_is_dotted_up_to_where_the_node_could_have_ended() -> None:
    root = ElementTree.fromstring(rows_drawn(ran(diamond()).record).svg)
    titled = [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    groups = {g.findtext(f"{SVG}title", "").splitlines()[0]: g for g in titled}
    [dotted] = [p for p in groups["short"].findall(f"{SVG}path") if p.get("class") == "slack"]
    after = groups["end"].findall(f"{SVG}rect")[-1]
    assert float((dotted.get("d") or "").split("H")[1]) == pytest.approx(float(after.get("x") or 0), abs=0.2)
    assert not [p for p in groups["long"].findall(f"{SVG}path") if p.get("class") == "slack"]


def test_a_legend_has_the_marks_that_occur_and_no_others() -> None:
    def legend(result: ExecutionResult) -> list[str]:
        root = ElementTree.fromstring(rows_drawn(result.record, keyed=True).svg)
        [found] = [g for g in root.iter(f"{SVG}g") if g.get("class") == "legend"]
        return [text.text or "" for text in found.iter(f"{SVG}text")]

    assert legend(ran(diamond())) == ["ran", "critical path", "waited for inputs", "slack"]
    assert legend(ran(diamond(), max_concurrency=1))[2] == "waited"
    assert legend(ran(AgentDAG("one").add_node(AgentNode("a", second)))) == ["critical path"]


def test_each_status_has_its_glyph_beside_its_colour() -> None:
    dag = diamond()

    @dag.node(after="start")
    def broken() -> None:
        raise ValueError("no")

    root = ElementTree.fromstring(rows_drawn(ran(dag).record).svg)
    glyphs = {g.get("class"): [t.text for t in g.findall(f"{SVG}text")] for g in root.iter(f"{SVG}g")}
    assert glyphs["bar failed"] == ["broken", "✕"]
    assert glyphs["bar completed"][1] == "✓"


def test_levels_stand_together_under_their_span() -> None:
    record = ran(diamond(), "levels").record
    lines = by_level(rows_of(record)[0], record)
    assert [line.text if isinstance(line, Heading) else line.label for line in lines] == [
        "level 1 · 1.00 s", "start", "level 2 · 2.00 s", "short", "long", "level 3 · 1.00 s", "end"
    ]  # fmt: skip
    root = ElementTree.fromstring(rows_drawn(record, levels=True).svg)
    assert len([r for r in root.iter(f"{SVG}rect") if r.get("class") == "level"]) == 3


@pytest.mark.parametrize("by", WAYS)
def test_markup_in_names_and_errors_is_text_in_pictures_and_tooltips(by: str) -> None:
    dag = AgentDAG(MARKUP)

    async def broken() -> None:
        await asyncio.sleep(1)
        raise ValueError(MARKUP)

    dag.add_node(AgentNode(f"{MARKUP} 图 🙂", broken))
    html = drawn(ran(dag), by)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 图 🙂" in html


@pytest.mark.parametrize("by", WAYS)
def test_a_saved_run_has_the_same_timeline(by: str) -> None:
    result = ran(diamond(), max_concurrency=1)
    again = load_run(result.to_jsonl())
    assert drawn(again, by) == drawn(result, by)
    assert repr(again.timeline(by)) == repr(result.timeline(by))


def wide(count: int) -> AgentDAG:
    dag = AgentDAG("wide")
    for k in range(count):
        dag.add_node(AgentNode(f"n{k}", second))
        if k >= 20:
            dag.add_edge(f"n{k - 20}", f"n{k}")
    return dag


def test_of_many_nodes_all_are_in_lanes_by_default_and_a_pointer_finds_each() -> None:
    result = ran(wide(500))
    timeline = result.timeline()
    assert timeline.by == "lanes"
    found = lanes_drawn(result.record)
    assert len(found.spots) == 500
    assert "500 nodes in 20 lanes: so many were at work at once." in found.svg
    assert {spot.text.splitlines()[0] for spot in found.spots} == {f"n{k}" for k in range(500)}


def test_however_many_lanes_there_are_the_picture_stays_on_a_screen() -> None:
    dag = AgentDAG("at once")
    for k in range(2_000):
        dag.add_node(AgentNode(f"n{k}", second))
    root = ElementTree.fromstring(lanes_drawn(ran(dag).record).svg)
    assert float(root.get("height") or 0) < 3_100
    assert float(ElementTree.fromstring(lanes_drawn(ran(wide(500)).record).svg).get("height") or 0) < 720


spans = st.lists(st.tuples(st.floats(0, 10), st.floats(0.01, 3)), max_size=40)


@settings(max_examples=100, deadline=None)
@given(spans)
def test_lanes_hold_all_that_ran_never_two_at_once_and_are_as_few_as_can_be(found: list[tuple[float, float]]) -> None:
    steps = [
        Step(str(k), 0, NodeRecord(str(k), 0, NodeStatus.COMPLETED, start, start, start + long, 1))
        for k, (start, long) in enumerate(found)
    ]
    packed, count = in_lanes(steps, 99.0)
    assert sorted(step.path for step, _ in packed) == sorted(step.path for step in steps)
    by_lane: dict[int, list[tuple[float, float]]] = {}
    for step, lane in packed:
        by_lane.setdefault(lane, []).append((step.record.start_s or 0.0, step.record.end_s or 0.0))
    for taken in by_lane.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(taken)))
    at_once = max((sum(a <= start < a + b for a, b in found) for start, _ in found), default=0)
    assert count == at_once == len(by_lane)


# -- the object -------------------------------------------------------------------------------------------------------


def test_as_text_it_is_a_bar_of_characters_for_each_node() -> None:
    assert repr(ran(diamond()).timeline()).splitlines() == [
        "diamond ✓ success · 4.00 s",
        "  ✓ start  ████████████                                      1.00 s *",
        "  ✓ short              ████████████                          1.00 s",
        "  ✓ long               ████████████████████████              2.00 s *",
        "  ✓ end                            ············████████████  1.00 s *",
        "           █ ran  ─ waited  · waited for inputs  * critical path",
    ]


def test_a_graph_with_no_step_that_ran_says_so() -> None:
    result = ran(AgentDAG("given").add_node(AgentNode("a", second)))
    folding = Folding()
    folding.take(next(iter(result.events)))

    class Begun:
        record: RunRecord = folding.record()

    timeline = ExecutionResult.timeline(Begun())  # type: ignore[arg-type]  # it needs a record only
    assert "Nothing has run." in timeline._repr_mimebundle_()["text/html"]
    assert "nothing has run" in repr(timeline)


def test_another_way_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no timeline by 'node'; choose 'nodes', 'levels' or 'lanes'"):
        ran(diamond()).timeline("node")


@pytest.mark.parametrize("by", WAYS)
def test_it_is_saved_as_a_picture_and_as_nothing_else(tmp_path: Any, by: str) -> None:
    timeline = ran(diamond()).timeline(by)
    path = timeline.save(tmp_path / "run.svg")
    assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"
    with pytest.raises(RenderError, match=r"'run.png'; end the name in .svg"):
        timeline.save(tmp_path / "run.png")
