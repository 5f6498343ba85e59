"""LangGraph: a StateGraph, compiled without a checkpointer; a node with several sources waits for all (a list edge).

The state has one key, whose reducer updates its dict in place: a key per node, or a reducer that copies, makes each
step cost as much as the graph is long. Blocking functions are handed over as they are, and LangGraph runs them in
asyncio's default pool. Tracing is switched off.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from benchmarks.peers.workloads import Prepared, Work, Workload


def merge(left: dict[int, int], right: dict[int, int]) -> dict[int, int]:
    left.update(right)
    return left


class State(TypedDict):
    """The values by node."""

    values: Annotated[dict[int, int], merge]


async def prepare(workload: Workload, work: Work) -> Prepared:
    os.environ["LANGSMITH_TRACING"] = "false"  # whatever this machine's user has set
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    make = blocking_node if workload.kind == "block" else node
    names = [f"n{i}" for i in range(workload.nodes)]
    for i, before in enumerate(workload.sources):
        graph.add_node(names[i], make(work, i, before))
    for i, before in enumerate(workload.sources):
        if len(before) > 1:
            graph.add_edge([names[s] for s in before], names[i])
        else:
            graph.add_edge(names[before[0]] if before else START, names[i])
    for i in workload.leaves:
        graph.add_edge(names[i], END)
    compiled = graph.compile()
    config: Any = {"recursion_limit": workload.nodes + 10}  # it counts steps, and stops at 25 unless told
    if workload.in_flight is not None:
        config["max_concurrency"] = workload.in_flight

    async def run() -> Any:
        return await compiled.ainvoke({"values": {}}, config)

    return Prepared(run, lambda state: [state["values"].get(i) for i in range(workload.nodes)])


def node(work: Work, i: int, before: list[int]) -> Callable[[State], Any]:
    async def step(state: State) -> dict[str, Any]:
        values = state["values"]
        return {"values": {i: await work(i, sum([values[s] for s in before]))}}

    return step


def blocking_node(work: Work, i: int, before: list[int]) -> Callable[[State], Any]:
    def step(state: State) -> dict[str, Any]:
        values = state["values"]
        return {"values": {i: work(i, sum([values[s] for s in before]))}}

    return step
