"""A run as JSON lines and back: the same record, pictures and tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode, DAGExecutor, JsonLines, load_run
from linus_nb import events as ev
from linus_nb.analysis.runs.tables import call_table, node_table
from linus_nb.engine.jsonl import json_line
from linus_nb.engine.record import fold, walk
from linus_nb.engine.saved import SavedRun
from linus_nb.engine.saved_values import SavedValue
from linus_nb.errors import RunFailedError
from linus_nb.events import GraphShape, NodeShape
from linus_nb.rendering import draw
from linus_nb.rendering.bundle import record_card
from linus_nb.rendering.text import graph_text
from linus_nb.rendering.timeline import timeline_svg
from tests.modes import Mode, blocking, every_mode
from tests.saved_samples import INNER, NOON, OUTER, Story, cancelled_run, eventful, fast_retries, mapped_story, nested


def assert_same_table(new: Any, old: Any) -> None:
    from pandas.testing import assert_frame_equal

    assert_frame_equal(new, old, check_exact=True)
    assert new.attrs == old.attrs


def assert_same_views(loaded: SavedRun, original: Any) -> None:
    """Compare all that a person sees of a saved run with the run itself, and that saving it again changes nothing."""
    before, after = fold(original.events), loaded.record
    for table in (node_table, call_table):
        assert_same_table(table(after), table(before))
    assert graph_text(after.graph, after) == graph_text(before.graph, before)
    assert repr(loaded) == graph_text(before.graph, before)
    assert draw.svg(after.graph, after) == draw.svg(before.graph, before)
    assert draw.svg(after.graph, after, theme="dark") == draw.svg(before.graph, before, theme="dark")
    assert timeline_svg(after) == timeline_svg(before)
    assert record_card(after) == record_card(before)
    assert [facts(step.record) for step in walk(after)] == [facts(step.record) for step in walk(before)]
    again = load_run(loaded.to_jsonl())
    assert again.events == loaded.events
    assert again.record == after
    assert again.to_jsonl() == loaded.to_jsonl() == "".join(map(json_line, original.events))


def facts(node: Any) -> list[Any]:
    plain = [node.name, node.status, node.ready_s, node.start_s, node.end_s, node.attempts, node.reason]
    return [*plain, node.abandoned, node.given, node.stalled_s, type(node.error).__name__, str(node.error)]


@every_mode
def test_a_run_comes_back_with_the_same_record_picture_and_table(mode: Mode, monkeypatch):
    fast_retries(monkeypatch)
    result = mode(eventful())
    loaded = load_run(result.to_jsonl())
    assert_same_views(loaded, result)
    assert_same_table(loaded.to_frame(), result.to_frame())
    assert_same_table(loaded.to_frame("calls"), result.to_frame("calls"))
    assert loaded._repr_mimebundle_() == result._repr_mimebundle_()


@every_mode
def test_a_loaded_run_answers_like_its_result(mode: Mode, monkeypatch):
    fast_retries(monkeypatch)
    result = mode(eventful())
    loaded = load_run(result.to_jsonl())
    for name in (
        "status",
        "name",
        "total_nodes",
        "completed_nodes",
        "failed_nodes",
        "skipped_nodes",
        "cancelled_nodes",
    ):
        assert getattr(loaded, name) == getattr(result, name)
    assert loaded.execution_time_seconds == pytest.approx(result.execution_time_seconds)
    assert list(loaded.node_results) == list(result.node_results)
    assert {n: f"{type(e).__name__}: {e}" for n, e in loaded.errors.items()} == result.to_dict()["errors"]
    assert loaded.node_results["flaky"] == result.node_results["flaky"] | {"odd": SavedValue("set", "{3}")}
    assert "in breaks" in loaded.errors["fails"].traceback
    with pytest.raises(RunFailedError) as told:
        result.raise_for_failure()
    with pytest.raises(RunFailedError) as told_again:
        loaded.raise_for_failure()
    assert str(told_again.value) == str(told.value)
    assert told_again.value.__cause__ is loaded.errors["broken"]
    assert not hasattr(loaded, "final_state")
    with pytest.raises(AttributeError, match="is in node_results"):
        loaded.final_state  # noqa: B018  looked up for its error


def test_a_cancelled_run_comes_back():
    result = cancelled_run()
    loaded = load_run(result.to_jsonl())
    assert loaded.status == "cancelled"
    assert loaded.record.nodes["stubborn"].abandoned
    assert_same_views(loaded, result)


@every_mode
def test_items_and_graphs_that_the_engine_ran_come_back(mode: Mode):
    result = mode(nested(), {"papers": [3, 0, 1]})
    loaded = load_run(result.to_jsonl())
    assert_same_views(loaded, result)
    nodes = loaded.record.nodes
    assert [item.status for item in nodes["each"].items] == ["completed", "failed", "completed"]
    assert [list(item.inner.nodes) for item in nodes["reviews"].items] == [["draft", "check"]] * 3
    assert nodes["once"].inner.nodes["check"].result == 0.25


def test_a_given_result_comes_back_as_given():
    dag = AgentDAG("given").add_node(AgentNode("given", lambda: 1 / 0))
    result = DAGExecutor(dag).execute(overrides={"given": {"a": (1,)}})
    loaded = load_run(result.to_jsonl())
    assert_same_views(loaded, result)
    assert loaded.record.nodes["given"].given
    assert loaded.node_results == {"given": {"a": (1,)}}


def test_items_and_graphs_inside_nodes_come_back():
    events = mapped_story()
    loaded = load_run("".join(map(json_line, events)))
    assert_same_views(loaded, SavedRun(tuple(events)))
    review = loaded.record.nodes["review"]
    assert [item.status for item in review.items] == ["completed", "failed", "skipped"]
    assert review.items[0].result == ("done", 1)
    assert str(review.items[1].inner.nodes["check"].error) == "item 1"
    assert review.items[1].inner.graph == INNER
    assert loaded.record.graph == OUTER


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_a_result_that_cannot_show_itself_does_not_cost_the_run(tmp_path):
    ring: list[Any] = []
    ring.append(ring)
    dag = AgentDAG("hard").add_node(AgentNode("mute", Mute)).add_node(AgentNode("ring", lambda: ring))
    dag.add_node(AgentNode("nan", lambda: [float("nan")]))
    result = blocking(dag, observers=[JsonLines(tmp_path / "run.jsonl")])
    loaded = load_run(tmp_path / "run.jsonl")
    assert loaded.status == "success"
    assert repr(loaded.node_results) == "{'mute': <Mute: its repr raised RuntimeError>, 'ring': [[...]], 'nan': [nan]}"
    assert_same_views(loaded, result)
    json.loads((tmp_path / "run.jsonl").read_text().splitlines()[-2], parse_constant=pytest.fail)


@settings(deadline=None)
@given(st.text(min_size=1), st.text())
def test_any_name_and_any_words_come_back(name, words):
    story = Story()
    graph = GraphShape(words, (NodeShape(name, 0, words),), ())
    story.add(ev.RunStarted, 0.0, words, NOON, graph)
    story.add(ev.NodeSkipped, 0.5, name, words, ValueError(words))
    loaded = load_run("".join(map(json_line, story.events)))
    assert loaded.record.graph == graph
    assert loaded.record.nodes[name].reason == str(loaded.errors[name]) == words
