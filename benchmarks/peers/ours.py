"""linus_nb: a node per function, which reads its sources' values from the state; dataflow schedule, run recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.peers.workloads import Prepared, Work, Workload


async def prepare(workload: Workload, work: Work) -> Prepared:
    from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult

    dag = AgentDAG(workload.name)
    make = blocking_node if workload.kind == "block" else node
    names = [f"n{i}" for i in range(workload.nodes)]
    for i, before in enumerate(workload.sources):
        dag.add_node(AgentNode(names[i], make(work, i, [names[s] for s in before]), output_key=names[i]))
    for source, target in workload.edges:
        dag.add_edge(names[source], names[target])
    dag.validate()
    executor = DAGExecutor(dag, max_concurrency=workload.in_flight)

    async def run() -> ExecutionResult:
        result = await executor.aexecute(schedule="dataflow")
        result.raise_for_failure()
        return result

    def values(result: ExecutionResult) -> list[int | None]:
        found = result.node_results
        return [found.get(name) for name in names]

    return Prepared(run, values)


def node(work: Work, i: int, keys: list[str]) -> Callable[..., Any]:
    async def root() -> Any:
        return await work(i, 0)

    async def inner(state: Mapping[str, int]) -> Any:
        return await work(i, sum([state[key] for key in keys]))

    return inner if keys else root


def blocking_node(work: Work, i: int, keys: list[str]) -> Callable[..., Any]:
    def root() -> Any:
        return work(i, 0)

    def inner(state: Mapping[str, int]) -> Any:
        return work(i, sum([state[key] for key in keys]))

    return inner if keys else root
