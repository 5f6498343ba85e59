from __future__ import annotations

import base64
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace as Stub
from typing import Any
from xml.etree import ElementTree

import pytest

from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import GraphShape, NodeShape, NodeStatus
from linus_nb.rendering.bundle import MOST_NODES_PICTURED, dag_bundle, record_card, result_bundle
from linus_nb.rendering.response import agent_bundle, response_bundle
from linus_nb.rendering.text import graph_text
from tests.analysis_records import record_of
from tests.rendering_samples import failed_run, hostile, research, run_record


class Page(HTMLParser):
    """Tags with their attributes, and the words, of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"
        if tag in ("div", "td", "th"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def images(self) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == "img"]


def shown(shape: GraphShape) -> Page:
    return Page(dag_bundle(Stub(shape=lambda: shape))["text/html"])


def card_of(record: RunRecord) -> Page:
    return Page(result_bundle(Stub(record=record))["text/html"])


def svg_of(image: dict[str, str | None]) -> ElementTree.Element:
    prefix, _, data = (image["src"] or "").partition(",")
    assert prefix == "data:image/svg+xml;base64"
    return ElementTree.fromstring(base64.b64decode(data))


def test_a_failed_run_says_what_went_wrong_and_what_to_type_next() -> None:
    text = card_of(failed_run()).text
    assert "research ✕ failed dataflow · 5.20 s · 5 completed, 1 failed, 1 skipped · 9,120 tokens" in text
    assert "figures failed: TimeoutError: no answer in <2> s." in text
    assert "fallback was skipped: upstream 'figures' failed." in text
    assert text.endswith("Next: result.inspect(), result.errors, result.to_frame(), result.raise_for_failure()")


def test_partial_and_cancelled_runs_say_so() -> None:
    record = failed_run()
    waved = replace(record.nodes["figures"], status=NodeStatus.SKIPPED)
    partial = replace(record, status="partial", nodes=record.nodes | {"figures": waved})
    assert "figures erred, and the run went on: TimeoutError" in card_of(partial).text
    stopped = NodeRecord("report", 4, NodeStatus.CANCELLED, 4.25, 4.25, 5.2, 1, reason="Stop", abandoned=True)
    cancelled = replace(failed_run(), status="cancelled", nodes=record.nodes | {"report": stopped})
    text = card_of(cancelled).text
    assert "Stopped after 5.20 s; the results of 4 nodes are kept." in text
    assert "report could not be stopped and was abandoned." in text


def test_a_successful_run_names_its_critical_path() -> None:
    nodes = [n for n in failed_run().nodes.values() if n.status is NodeStatus.COMPLETED]
    kept = {n.name for n in nodes}
    shape = GraphShape(
        "fine",
        tuple(n for n in research().nodes if n.name in kept),
        tuple(e for e in research().edges if {e.source, e.target} <= kept),
    )
    text = card_of(run_record(shape, nodes, "success", 5.2)).text
    assert "The critical path (bold) took 5.20 s of 5.20 s." in text


UNLESS = "by this run's durations, unless nodes at once hold each other up"


def two_chains(schedule: str, *, at_once: bool = True) -> RunRecord:
    """Chains of 1 s and 4 s, and of 4 s and 1 s, run level by level, or one by one."""
    starts = [0.0, 0.0, 4.0, 4.0] if at_once else [0.0, 1.0, 5.0, 9.0]
    spans = {name: (start, start + s) for name, start, s in zip("abcd", starts, (1.0, 4.0, 4.0, 1.0), strict=True)}
    return record_of(spans, [("a", "c"), ("b", "d")], schedule=schedule)


def test_a_run_says_which_schedule_would_have_been_faster() -> None:
    text = card_of(two_chains("levels")).text
    assert f"dataflow: 5.00 s instead of 8.00 s, {UNLESS}. Next:" in text
    one_by_one = card_of(two_chains("sequential", at_once=False)).text
    assert f"dataflow: 5.00 s instead of 10.0 s, {UNLESS}." in one_by_one
    assert "instead of" not in card_of(two_chains("dataflow")).text


def test_text_ends_in_what_another_schedule_would_have_taken() -> None:
    levels, sequential = two_chains("levels"), two_chains("sequential", at_once=False)
    assert graph_text(levels.graph, levels).splitlines()[-1] == f"  dataflow: 5.00 s instead of 8.00 s, {UNLESS}"
    last = graph_text(sequential.graph, sequential).splitlines()[-1]
    assert last == f"  dataflow: 5.00 s instead of 10.0 s, {UNLESS}"
    both = record_of({"a": (0, 1), "b": (1, 2)}, schedule="sequential")
    assert "  levels or dataflow: 1.00 s instead of 2.00 s" in graph_text(both.graph, both)
    assert "instead of" not in graph_text(levels.graph)
    failed = replace(levels, status="failed")
    assert "instead of" not in graph_text(failed.graph, failed)


def test_the_same_picture_is_there_for_light_and_dark_pages_with_its_alternative() -> None:
    page = card_of(failed_run())
    images = page.images()
    assert [image["class"] for image in images] == ["linus-light", "linus-dark"] * 2
    assert all("display:none" in (i["style"] or "") for i in images if i["class"] == "linus-dark")
    assert all(image["alt"] for image in images)
    assert "5 completed, 1 failed, 1 skipped" in (images[0]["alt"] or "")
    for image in images:
        assert svg_of(image).tag.endswith("svg")


def test_tooltips_lie_over_the_nodes_of_the_picture() -> None:
    tips = [attrs for tag, attrs in shown(research()).tags if tag == "span" and "title" in attrs]
    assert [(tip["title"] or "").splitlines() for tip in tips] == [
        [node.name, f"the {node.name} step"] for node in research().nodes
    ]


@pytest.mark.parametrize("shape", [hostile(), research()], ids=["hostile", "research"])
def test_no_bundle_holds_scripts_handlers_or_addresses(shape: GraphShape) -> None:
    error = ValueError("<img src=x onerror=alert(1)> {braces}")
    failed = [
        NodeRecord(n.name, n.level, NodeStatus.FAILED, 0.0, 0.0, 1.0, 1, reason="<i>", error=error) for n in shape.nodes
    ]
    response = Stub(
        result="<script>alert(1)</script>",
        metrics=Stub(task_completed=False),
        execution_history=[{"task": "<b>", "result": "<script>"}],
        completion_status="<u>",
    )
    agent = Stub(tools=[Stub(name="<b>", description="<script>alert(1)</script>")])
    pages = [
        shown(shape),
        card_of(run_record(shape, failed, "failed", 1.0)),
        Page(response_bundle(response)["text/html"]),
        Page(agent_bundle(agent)["text/html"]),
    ]
    for page in pages:
        assert {tag for tag, _ in page.tags} <= {"div", "style", "b", "span", "img", "code", "table", "tr", "th", "td"}
        for _, attrs in page.tags:
            assert not any(key.startswith("on") or key == "href" for key in attrs)
    assert "ValueError: <img src=x onerror=alert(1)> {braces}" in pages[1].text
    assert "<script>alert(1)</script>" in pages[2].text


def test_large_graphs_say_how_they_are_drawn_or_that_they_are_not() -> None:
    def wide(count: int) -> GraphShape:
        return GraphShape("wide", tuple(NodeShape(f"n{i}", i // 20) for i in range(count)), ())

    page = shown(wide(400))
    assert "400 nodes, drawn by level" in page.text
    assert len(page.images()) == 1
    page = shown(wide(MOST_NODES_PICTURED + 1))
    assert f"{MOST_NODES_PICTURED + 1} nodes: too many for a picture" in page.text
    assert page.images() == []


def test_an_empty_graph_says_how_to_add_a_node() -> None:
    assert "dag.add_node(AgentNode(name, agent))" in shown(GraphShape("empty", (), ())).text


def test_a_run_in_which_nothing_ran_has_no_timeline() -> None:
    shape = GraphShape("g", (NodeShape("a", 0),), ())
    nodes = [NodeRecord("a", 0, NodeStatus.SKIPPED, reason="cancelled")]
    page = Page(record_card(run_record(shape, nodes, "cancelled", 0.0)))
    assert len(page.images()) == 2
    assert "the results of 0 nodes are kept" in page.text


def metrics(**facts: Any) -> Stub:
    return Stub(**{"task_completed": True, "total_iterations": 1, "llm_calls": 4, "total_tokens": 9120} | facts)


def test_an_answer_shows_its_text_its_cost_and_its_steps() -> None:
    history = [{"iteration": 1, "task": "multiply", "tool": "calculator", "result": 714, "status": "completed"}]
    response = Stub(
        result="It is 714.",
        metrics=metrics(execution_time_seconds=3.21, tool_executions=1),
        execution_history=history,
        completion_status="completed",
    )
    text = Page(response_bundle(response)["text/html"]).text
    assert "answer ✓ completed 1 iteration · 4 model calls · 1 tool call · 9,120 tokens · 3.21 s" in text
    assert "It is 714." in text
    assert text.endswith("1 multiply calculator completed 714")


def test_an_answer_that_was_not_completed_says_so() -> None:
    response = Stub(
        result="", metrics=metrics(task_completed=False), execution_history=[], completion_status="max_iterations"
    )
    text = Page(response_bundle(response)["text/html"]).text
    assert "The task was not completed: max_iterations." in text


def test_an_agent_shows_its_tools_and_how_to_ask_it() -> None:
    def shout(text: str) -> str:
        """Shout.

        Details.
        """
        return text.upper()

    page = Page(agent_bundle(Stub(tools=[shout]))["text/html"])
    assert 'Agent 1 tool shout Shout. Next: await agent("…")' in page.text


def test_text_tells_the_run_level_by_level() -> None:
    lines = graph_text(failed_run().graph, failed_run()).splitlines()
    assert lines[0] == "research ✕ failed · dataflow · 5.20 s · 5 completed, 1 failed, 1 skipped · 9,120 tokens"
    assert lines[2] == "  level 2  ✓ search  1.20 s · 2 tries   ✓ tables  0.880 s"
    assert "⊘ fallback  upstream failed" in lines[4]
    assert all(len(line) <= 100 for line in lines)


def test_text_of_hostile_and_of_huge_graphs_stays_readable() -> None:
    assert "\x00" not in graph_text(hostile())
    assert "two↵lines" in graph_text(hostile())
    huge = GraphShape("huge", tuple(NodeShape(f"n{i}", i // 100) for i in range(10_000)), ())
    lines = graph_text(huge).splitlines()
    assert len(lines) < 300
    assert lines[-1] == "  … and 60 more levels"
