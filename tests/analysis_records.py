"""Records of runs that never ran, folded from events written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult
from linus_nb import events as ev
from linus_nb.engine.record import RunRecord, fold
from tests.virtual_time import run

Span = tuple[float, float | None]


def graph_of(names: Iterable[str], edges: Iterable[tuple[str, str]]) -> ev.GraphShape:
    """A graph whose nodes come in plan order; an edge deepens its target's level."""
    level = dict.fromkeys(names, 0)
    pairs = list(edges)
    for name in level:
        level[name] = max((level[s] + 1 for s, t in pairs if t == name), default=0)
    return ev.GraphShape(
        "by hand",
        tuple(ev.NodeShape(name, depth) for name, depth in level.items()),
        tuple(ev.EdgeShape(s, t) for s, t in pairs),
    )


def record_of(
    spans: Mapping[str, Span | None],
    edges: Iterable[tuple[str, str]] = (),
    *,
    extra: Iterable[ev.Event] = (),
    schedule: str = "dataflow",
    status: str = "success",
) -> RunRecord:
    """A record in which each node ran from its start to its end, still runs (end None), or was not routed (None).

    ``extra`` comes after that, so that it may overrule how a node ended.
    """
    head: Any = {"run_id": "r", "seq": 0}
    graph = graph_of(spans, edges)
    events: list[ev.Event] = [
        ev.RunStarted(**head, at=0.0, schedule=schedule, wall_time=datetime(2026, 11, 1, tzinfo=UTC), graph=graph)
    ]
    end = 0.0
    for name, span in spans.items():
        if span is None:
            events.append(ev.NodeSkipped(**head, at=0.0, node=name, reason="not routed"))
            continue
        events.append(ev.NodeStarted(**head, at=span[0], node=name, ready_at=span[0]))
        if span[1] is not None:
            events.append(ev.NodeFinished(**head, at=span[1], node=name, result=name))
            end = max(end, span[1])
    events += extra
    events.append(ev.RunFinished(**head, at=end, status=status))
    return fold(events)


def running_dag() -> AgentDAG:
    """A graph that runs for an hour; a node completes at once, with a model call, and another raises."""

    def answer() -> str:
        ev.report(ev.ModelCalled("m", 0.0, 30, 4))
        return "42"

    def breaks() -> None:
        raise ValueError("as told")

    async def waits() -> None:
        await asyncio.sleep(3600)

    dag = AgentDAG("goes on").add_node(AgentNode("answer", answer)).add_node(AgentNode("waits", waits))
    dag.add_node(AgentNode("breaks", breaks, on_error="skip")).add_node(AgentNode("after", waits))
    dag.add_edge("waits", "after")

    return dag


def running_result() -> ExecutionResult:
    """What a run of `running_dag` had come to after a second."""

    async def begun() -> ExecutionResult:
        handle = DAGExecutor(running_dag(), remember=False).start()
        await asyncio.sleep(1)
        so_far = handle.result()
        kept = replace(so_far, events=tuple(so_far.events))  # type: ignore[arg-type]  # as of a copy: the log goes on
        handle.cancel()
        await handle
        return kept

    result: ExecutionResult = run(begun())
    return result
