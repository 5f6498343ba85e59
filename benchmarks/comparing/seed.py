"""The seed document's tables in real time: 3 agents of 2 s, its diamond of 2 s a node, two unbalanced chains.

python -m benchmarks.comparing.seed [--seconds 2] [--repeats 5]     (seven minutes)
"""

from __future__ import annotations

import argparse
import asyncio

from benchmarks.makespan import chains, sleeper
from linus_nb import AgentDAG, AgentNode, benchmark

COLUMNS = ["runs", "median_s", "min_s", "max_s", "std_s", "speedup", "speedup_low", "speedup_high"]
COLUMNS += ["critical_path_s", "efficiency", "overhead_s", "verdict", "status"]


def independent(seconds: float) -> AgentDAG:
    dag = AgentDAG("3 agents")
    for name in "abc":
        dag.add_node(AgentNode(name, sleeper(seconds)))
    return dag


def diamond(seconds: float) -> AgentDAG:
    dag = AgentDAG("diamond 1 -> 3 -> 1")
    for name in ("node1", "node2", "node3", "node4", "node5"):
        dag.add_node(AgentNode(name, sleeper(seconds)))
    for middle in ("node2", "node3", "node4"):
        dag.add_edge("node1", middle).add_edge(middle, "node5")
    return dag


def unbalanced(seconds: float) -> AgentDAG:
    short, long = seconds / 20, seconds / 2
    return chains("two anti-phase chains of 4", [short, long] * 2, [long, short] * 2)


async def main(seconds: float, repeats: int) -> None:
    for make, said in (
        (independent, f"{3 * seconds:g} s one by one, {seconds:g} s at once: 3 times"),
        (diamond, f"{5 * seconds:g} s one by one, {3 * seconds:g} s in parallel: 1.67 times"),
        (unbalanced, f"{2.2 * seconds:g} s one by one, {2 * seconds:g} s by levels, {1.1 * seconds:g} s in dataflow"),
    ):
        dag = make(seconds)
        table = await benchmark(dag, repeats=repeats, warmup=1)
        print(f"\n{dag.name} (by arithmetic: {said})\n")
        print(table[COLUMNS])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    asyncio.run(main(given.seconds, given.repeats))
