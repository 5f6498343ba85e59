"""Large graphs, and many runs at once: time to build, validate and run, and memory. linus_nb alone.

    python -m benchmarks.scale [--largest 100000] [--runs 1000]

Each graph is measured in a fresh process, so that its peak of memory is its own. Nodes are functions of their own that
return their number, and each result is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from benchmarks.overhead import Edges, chain, fan, layers
from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult

BUILD_GOAL_S = 0.1
BUILD_GOAL_NODES = 10_000
WIDTH = 100

SHAPES: dict[str, Callable[[int], Edges]] = {
    "chain": chain,
    "1 -> n -> 1": lambda n: fan(n - 2),
    "layers of 100": lambda n: layers(n // WIDTH, WIDTH),
}


class Figures(NamedTuple):
    """Seconds and bytes of one graph."""

    build_s: float
    validate_s: float
    run_s: float
    again_s: float
    memory_bytes: float


def numbered(i: int) -> Callable[[], Awaitable[int]]:
    async def node() -> int:
        return i

    return node


def check(result: ExecutionResult, nodes: int) -> None:
    assert result.status == "success", result.status
    assert result.node_results == {f"n{i}": i for i in range(nodes)}


def peak_bytes() -> int:
    """The most memory that this process has held so far."""
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(shape: str, nodes: int) -> Figures:
    """Build, validate and run one graph; the memory is what that adds to the process's peak."""
    edges = SHAPES[shape](nodes)
    names = [f"n{i}" for i in range(nodes)]
    functions = [numbered(i) for i in range(nodes)]
    gc.collect()
    before = peak_bytes()

    start = time.perf_counter()
    dag = AgentDAG(shape)
    for name, function in zip(names, functions, strict=True):
        dag.add_node(AgentNode(name, function))
    for source, target in edges:
        dag.add_edge(names[source], names[target])
    built = time.perf_counter()
    dag.validate()
    validated = time.perf_counter()

    async def run() -> float:
        started = time.perf_counter()
        result = await DAGExecutor(dag).aexecute(schedule="dataflow")
        taken = time.perf_counter() - started
        check(result, nodes)
        return taken

    run_s = asyncio.run(run())
    memory = peak_bytes() - before
    return Figures(built - start, validated - built, run_s, asyncio.run(run()), memory)


def in_fresh_processes(shape: str, nodes: int, times: int) -> Figures:
    """The median of each figure."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = [pool.apply(measure, (shape, nodes)) for _ in range(times)]
    return Figures(*(statistics.median(column) for column in zip(*found, strict=True)))


def large_graphs(largest: int) -> None:
    sizes = [n for n in (BUILD_GOAL_NODES, BUILD_GOAL_NODES * 3, largest) if n <= largest]
    print("graphs of functions that return their number, dataflow; memory is what the process's peak grew by")
    titles = f"{'shape':<14} {'nodes':>8} {'build s':>8} {'validate s':>11} {'run s':>7} {'again s':>8}"
    print(f"{titles} {'run µs a node':>14} {'memory MB':>10} {'bytes a node':>13}")
    for shape in SHAPES:
        for nodes in dict.fromkeys(sizes):
            found = in_fresh_processes(shape, nodes, times=max(1, 5 * BUILD_GOAL_NODES // nodes))
            both = found.build_s + found.validate_s
            goal = ""
            if nodes == BUILD_GOAL_NODES:
                verdict = "met" if both < BUILD_GOAL_S else "MISSED"
                goal = f"   build + validate {both * 1e3:.0f} ms < {BUILD_GOAL_S * 1e3:.0f} ms {verdict}"
            print(
                f"{shape:<14} {nodes:>8,} {found.build_s:>8.3f} {found.validate_s:>11.3f} {found.run_s:>7.2f}"
                f" {found.again_s:>8.2f} {found.run_s / nodes * 1e6:>14.1f} {found.memory_bytes / 1e6:>10.1f}"
                f" {found.memory_bytes / nodes:>13,.0f}{goal}",
                flush=True,
            )


def carrying(i: int, nodes: int) -> Callable[[int], Awaitable[int]]:
    async def node(number: int) -> int:
        await asyncio.sleep(0)  # so that the runs are at work in turn
        return number * nodes + i

    return node


async def many_runs(runs: int) -> None:
    """One graph, run many times at once, then as often one after the other; each run has its own number to carry."""
    depth, width = 5, 4
    nodes = depth * width
    dag = AgentDAG("one graph, many runs")
    for i in range(nodes):
        dag.add_node(AgentNode(f"n{i}", carrying(i, nodes)))
    for source, target in layers(depth, width):
        dag.add_edge(f"n{source}", f"n{target}")

    async def run(number: int) -> None:
        result = await DAGExecutor(dag).aexecute({"number": number}, schedule="dataflow")
        assert result.node_results == {f"n{i}": number * nodes + i for i in range(nodes)}, number

    async def at_once() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(runs):
                group.create_task(run(number))

    async def in_turn() -> None:
        for number in range(runs):
            await run(number)

    seconds: dict[str, list[float]] = {"at once": [], "one after the other": []}
    for _ in range(3):
        for name, how in (("at once", at_once), ("one after the other", in_turn)):
            gc.collect()
            start = time.perf_counter()
            await how()
            seconds[name].append(time.perf_counter() - start)
    print(f"\n{runs:,} runs of one graph of {nodes} nodes, each with a number of its own; median of 3, results checked")
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:<20} {median:>7.2f} s {median / runs / nodes * 1e6:>7.1f} µs a node")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    large_graphs(options.largest)
    asyncio.run(many_runs(options.runs))
