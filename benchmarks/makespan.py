"""How close each schedule comes to the critical path, on graphs that wait (real sleeps, in real time).

python -m benchmarks.makespan [--repeats 5]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.engine.gates import Schedule

ALL_SCHEDULES: tuple[Schedule, ...] = ("sequential", "levels", "dataflow")
SCALE = 0.1  # the seed's seconds, made short


def sleeper(seconds: float) -> Callable[[], object]:
    async def sleep() -> None:
        await asyncio.sleep(seconds)

    return sleep


def chains(name: str, *waits: list[float]) -> AgentDAG:
    """Chains beside each other, each a list of seconds."""
    dag = AgentDAG(name)
    for c, seconds in enumerate(waits):
        names = [f"{c}-{k}" for k in range(len(seconds))]
        for node, wait in zip(names, seconds, strict=True):
            dag.add_node(AgentNode(node, sleeper(wait)))
        for source, target in pairwise(names):
            dag.add_edge(source, target)
    return dag


def diamond() -> AgentDAG:
    """The seed's 1 -> 3 -> 1, each node 2 s (scaled)."""
    dag = AgentDAG("diamond 1 -> 3 -> 1")
    for name in ("start", "a", "b", "c", "end"):
        dag.add_node(AgentNode(name, sleeper(2 * SCALE)))
    for middle in ("a", "b", "c"):
        dag.add_edge("start", middle).add_edge(middle, "end")
    return dag


def unbalanced() -> AgentDAG:
    """Two chains of ten that alternate 10 and 100 ms in anti-phase: every level has a slow node."""
    return chains("two anti-phase chains", [0.01, 0.1] * 5, [0.1, 0.01] * 5)


# name, graph, and by arithmetic: critical path, sum of the levels' slowest, sum of all
CASES: tuple[tuple[Callable[[], AgentDAG], dict[str, float]], ...] = (
    (diamond, {"dataflow": 6 * SCALE, "levels": 6 * SCALE, "sequential": 10 * SCALE}),
    (unbalanced, {"dataflow": 0.55, "levels": 1.0, "sequential": 1.1}),
)


async def seconds_of(dag: AgentDAG, schedule: Schedule) -> float:
    start = time.perf_counter()
    result = await DAGExecutor(dag).aexecute(schedule=schedule)
    taken = time.perf_counter() - start
    assert result.status == "success", result.status
    return taken


async def main(repeats: int = 5) -> None:
    print(f"makespan of waiting graphs, median of {repeats}; the schedule's own bound, and the critical path")
    print(f"{'graph':<22} {'schedule':<11} {'median s':>9} {'bound s':>8} {'ratio':>6} {'to critical path':>17}   goal")
    for make, bounds in CASES:
        dag = make()
        taken: dict[Schedule, list[float]] = {schedule: [] for schedule in ALL_SCHEDULES}
        for _ in range(repeats):
            for schedule in ALL_SCHEDULES:
                taken[schedule].append(await seconds_of(dag, schedule))
        for schedule, seconds in taken.items():
            median = statistics.median(seconds)
            ratio = median / bounds[schedule]
            goal = "<= 1.03" if schedule != "sequential" else "-"
            verdict = "" if schedule == "sequential" else " met" if ratio <= 1.03 else " MISSED"
            print(
                f"{dag.name:<22} {schedule:<11} {median:>9.3f} {bounds[schedule]:>8.3f} {ratio:>6.3f}"
                f" {median / bounds['dataflow']:>17.3f}   {goal}{verdict}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    asyncio.run(main(parser.parse_args().repeats))
