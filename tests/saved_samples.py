"""Runs to be saved: one in which most things happen, one that is stopped, and one written by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult
from linus_nb import events as ev
from linus_nb.events import EdgeShape, GraphShape, NodeShape, NodeStatus
from tests.virtual_time import run


def eventful() -> AgentDAG:
    """A graph in which most of what can happen does: retries, errors of each policy, skips, routes, calls."""
    tries: list[int] = []

    def flaky():
        tries.append(1)
        if len(tries) % 2:
            raise ConnectionError("try {again}")
        return {"rows": [1, 2.5, None, float("inf")], "pair": (1, "zwei"), "odd": {3}}

    def calls():
        ev.report(ev.ModelCalled("m", 0.0, 30, 4, estimated=True, purpose="plan"))
        ev.report(ev.ToolCalled("search", 0.0, {"query": "<b>", "limit": 3}, result=object()))
        ev.report(ev.ToolCalled("read", 0.0, {"path": Path("x")}, error=FileNotFoundError("x")))

    def breaks():
        raise ValueError("as told:\n  <b>so</b>")

    def condition_breaks(_):
        raise ZeroDivisionError("no answer")

    dag = AgentDAG("eventful <&>")
    dag.add_node(AgentNode("flaky", flaky, retry_count=2, output_key="rows", description="tries"))
    dag.add_node(AgentNode("calls", calls))
    dag.add_node(AgentNode("waved", breaks, on_error="continue"))
    dag.add_node(AgentNode("dropped", breaks, on_error="skip"))
    dag.add_node(AgentNode("broken", lambda: 1))
    dag.add_node(AgentNode("unrouted", lambda: 1))
    dag.add_node(AgentNode("routed", lambda: 1))
    dag.add_node(AgentNode("fails", breaks))
    dag.add_node(AgentNode("below", lambda: 1))
    dag.add_node(AgentNode("after all", lambda: "done", trigger="always"))
    dag.add_edge("flaky", "waved").add_edge("flaky", "dropped").add_edge("calls", "broken", condition_breaks)
    dag.add_edge("calls", "unrouted", lambda _: False).add_edge("calls", "routed", lambda _: True)
    dag.add_edge("routed", "fails").add_edge("fails", "below").add_edge("below", "after all")
    return dag


def nested() -> AgentDAG:
    """A graph whose nodes run once per item, hold a graph, or both; an item of each fails."""
    inner = AgentDAG("inner")
    inner.add_node(AgentNode("draft", lambda item: item + 1, output_key="text"))
    inner.add_node(AgentNode("check", lambda text: 1 / (text - 1), output_key="checked")).add_edge("draft", "check")
    dag = AgentDAG("nested")
    dag.add_node(AgentNode("each", lambda item: 1 / item, map_over="papers", on_error="skip"))
    dag.add_node(AgentNode("reviews", inner, map_over="papers", on_error="continue"))
    dag.add_node(AgentNode("item", lambda: 4, output_key="item"))
    return dag.add_node(AgentNode("once", inner)).add_edge("item", "once")


def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda *_, **__: 0.001)


def cancelled_run(observers: Any = ()) -> ExecutionResult:
    async def slow():
        await asyncio.sleep(30)

    async def stubborn():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    dag = AgentDAG("stopped").add_node(AgentNode("slow", slow)).add_node(AgentNode("stubborn", stubborn))
    dag.add_node(AgentNode("quick", lambda: 1)).add_node(AgentNode("never", lambda: 2)).add_edge("slow", "never")

    async def stop():
        handle = DAGExecutor(dag, observers=observers).start()
        await asyncio.sleep(1)
        handle.cancel()
        return await handle

    result: ExecutionResult = run(stop())
    return result


class Story:
    """Events by hand, numbered as they come."""

    def __init__(self, run_id: str = "r1") -> None:
        self.run_id = run_id
        self.events: list[ev.Event] = []

    def add(self, kind: Any, at: float, *facts: Any, **more: Any) -> ev.Event:
        event: ev.Event = kind(self.run_id, len(self.events), at, *facts, **more)
        self.events.append(event)
        return event


NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
INNER = GraphShape("inner", (NodeShape("draft", 0), NodeShape("check", 1)), (EdgeShape("draft", "check"),))
OUTER = GraphShape(
    "outer",
    (
        NodeShape("split", 0),
        NodeShape("review", 1, kind="dag", over="papers", inner=INNER),
        NodeShape("given", 1, description="handed over"),
        NodeShape("join", 2, trigger="all"),
    ),
    (EdgeShape("split", "review"), EdgeShape("review", "join", True, "enough?"), EdgeShape("given", "join")),
)


def mapped_story() -> list[ev.Event]:
    """A node that runs a graph once per item: retried, failed, cancelled; and a result that was given."""
    story = Story()
    story.add(ev.RunStarted, 0.0, "dataflow", NOON, OUTER)
    story.add(ev.NodeFinished, 0.0, "given", 7, given=True)
    story.add(ev.NodeStarted, 0.0, "split", 0.0)
    story.add(ev.LoopStalled, 0.4, "split", 0.25)
    story.add(ev.NodeFinished, 0.5, "split", ["a", "b", "c"])
    story.add(ev.NodeStarted, 0.6, "review", 0.5)
    story.add(ev.ItemsFound, 0.6, "review", 3)
    for item in (0, 1):
        story.add(ev.ItemStarted, 0.6, "review", item)
        inner = Story(f"r1-{item}")
        inner.add(ev.RunStarted, 0.0, "dataflow", NOON, INNER)
        inner.add(ev.NodeStarted, 0.1, "draft", 0.0)
        inner.add(ev.CallReported, 0.2, "draft", ev.ModelCalled("m", 0.1, 5, 6))
        inner.add(ev.NodeFinished, 0.3, "draft", {"text": "…"})
        inner.add(ev.NodeFailed, 0.4, "check", ValueError(f"item {item}"))
        inner.add(ev.RunFinished, 0.4, "failed")
        for event in inner.events:
            story.add(ev.NestedReported, 0.6 + event.at, "review", event, item)
    story.add(ev.NodeRetried, 1.1, "review", 1, 0.5, OSError("busy"), item=1)
    story.add(ev.CallReported, 1.2, "review", ev.ToolCalled("look", 0.1, {"at": {1, 2}}, b"raw"), item=1)
    story.add(ev.ItemEnded, 1.3, "review", 0, NodeStatus.COMPLETED, ("done", 1))
    story.add(ev.ItemEnded, 1.4, "review", 1, NodeStatus.FAILED, error=ValueError("item 1"))
    story.add(ev.EdgeDecided, 1.5, "review", "join", False, KeyError("few"))
    story.add(ev.NodeFailed, 1.5, "review", RuntimeError("1 of 3"))
    story.add(ev.CancelRequested, 1.6, "enough")
    story.add(ev.NodeCancelled, 1.7, "join", "enough", abandoned=True)
    story.add(ev.RunFinished, 1.7, "cancelled")
    return story.events
