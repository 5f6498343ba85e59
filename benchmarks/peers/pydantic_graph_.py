"""pydantic-graph: steps and edges; a step with several targets forks, one with several sources follows a summing join.

Steps are async by contract, so a blocking node awaits `asyncio.to_thread`. Values are noted in the run's state.
Instrumentation is switched off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from benchmarks.peers.workloads import Prepared, Work, Workload, limited


async def prepare(workload: Workload, work: Work) -> Prepared:
    from pydantic_graph import GraphBuilder, reduce_sum

    g: Any = GraphBuilder(name="peers", state_type=list, input_type=int, output_type=int, auto_instrument=False)
    make = blocking_node if workload.kind == "block" else node
    doing = limited(workload, work)
    steps = [g.step(make(doing, i), node_id=f"n{i}") for i in range(workload.nodes)]

    def add(before: list[Any], target: Any, name: str) -> None:
        if len(before) == 1:
            g.add(g.edge_from(before[0]).to(target))
            return
        join = g.join(reduce_sum, initial=0, node_id=name)
        g.add(g.edge_from(*before).to(join), g.edge_from(join).to(target))

    for i, before in enumerate(workload.sources):
        add([steps[s] for s in before] or [g.start_node], steps[i], f"before_n{i}")
    add([steps[i] for i in workload.leaves], g.end_node, "before_end")
    graph = g.build()

    async def run() -> list[int | None]:
        values: list[int | None] = [None] * workload.nodes
        await graph.run(state=values, inputs=0)
        return values

    return Prepared(run, lambda values: values)


def node(work: Work, i: int) -> Callable[[Any], Any]:
    async def step(ctx: Any) -> int:
        ctx.state[i] = value = await work(i, ctx.inputs)
        return value  # type: ignore[no-any-return]  # work answers with a number

    return step


def blocking_node(work: Work, i: int) -> Callable[[Any], Any]:
    async def step(ctx: Any) -> int:
        ctx.state[i] = value = await asyncio.to_thread(work, i, ctx.inputs)
        return value  # type: ignore[no-any-return]  # work answers with a number

    return step
