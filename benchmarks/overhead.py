"""The engine's cost per node, as a ratio to a bare asyncio dataflow loop run in turn in the same process.

    python -m benchmarks.overhead [--rounds 15] [--profile SHAPE]

Nodes do nothing, so that everything measured is bookkeeping.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.analysis.comparing.machine import machine_facts

Runner = Callable[[], Awaitable[Any]]
Edges = list[tuple[int, int]]


class Shape(NamedTuple):
    """A graph of ``nodes`` numbered nodes, and the ratio that is wanted of it."""

    name: str
    nodes: int
    edges: Edges
    goal: float


def chain(n: int) -> Edges:
    return [(i, i + 1) for i in range(n - 1)]


def fan(width: int) -> Edges:
    return [(0, i) for i in range(1, width + 1)] + [(i, width + 1) for i in range(1, width + 1)]


def layers(depth: int, width: int) -> Edges:
    """Each node of a layer after three of the layer before."""
    return [
        ((layer - 1) * width + (k + step) % width, layer * width + k)
        for layer in range(1, depth)
        for k in range(width)
        for step in range(3)
    ]


SHAPES = (
    Shape("chain of 1,000", 1000, chain(1000), 1.5),
    Shape("1 -> 1,000 -> 1", 1002, fan(1000), 1.5),
    Shape("10 layers x 50", 500, layers(10, 50), 1.5),
    Shape("chain of 100", 100, chain(100), 2.0),
    Shape("1 -> 98 -> 1", 100, fan(98), 2.0),
)


async def nothing() -> None:
    """Do what every node here does."""


def bare_loop(shape: Shape) -> Runner:
    """A task per node, a counter per node of sources still to come, a done-callback: the least asyncio can do."""
    targets: list[list[int]] = [[] for _ in range(shape.nodes)]
    in_degree = [0] * shape.nodes
    for source, target in shape.edges:
        targets[source].append(target)
        in_degree[target] += 1

    async def run() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        waiting = in_degree.copy()
        left = shape.nodes

        def start(i: int) -> None:
            loop.create_task(nothing()).add_done_callback(lambda _, i=i: ended(i))  # type: ignore[misc]  # mypy cannot infer a lambda with a default

        def ended(i: int) -> None:
            nonlocal left
            left -= 1
            for target in targets[i]:
                waiting[target] -= 1
                if not waiting[target]:
                    start(target)
            if not left:
                done.set_result(None)

        for i, count in enumerate(in_degree):
            if not count:
                start(i)
        await done

    return run


def graph(shape: Shape) -> AgentDAG:
    dag = AgentDAG(shape.name)
    for i in range(shape.nodes):
        dag.add_node(AgentNode(f"n{i}", nothing))
    for source, target in shape.edges:
        dag.add_edge(f"n{source}", f"n{target}")
    return dag


def engine(dag: AgentDAG, schedule: Any, observers: tuple[Any, ...] = ()) -> Runner:
    executor = DAGExecutor(dag, observers=observers)

    async def run() -> None:
        result = await executor.aexecute(schedule=schedule)
        assert result.status == "success", result.status

    return run


async def seconds_of(run: Runner, calls: int) -> float:
    """Seconds of one call, the mean of several in a row; garbage is collected before, and never in between."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(calls):
            await run()
        return (time.perf_counter() - start) / calls
    finally:
        gc.enable()


async def compare(shape: Shape, rounds: int) -> None:
    dag = graph(shape)
    contenders = {
        "bare": bare_loop(shape),
        "dataflow": engine(dag, "dataflow"),
        "levels": engine(dag, "levels"),
        "observed": engine(dag, "dataflow", (lambda event: None,)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    calls = max(1, 2000 // shape.nodes)
    for turn in range(rounds + 1):
        names = list(contenders) if turn % 2 else list(reversed(contenders))
        for name in names:
            taken = await seconds_of(contenders[name], calls)
            if turn:  # the first round warms up
                seconds[name].append(taken)
    bare = seconds["bare"]
    ratios = {
        name: statistics.median(own / base for own, base in zip(seconds[name], bare, strict=True))
        for name in ("dataflow", "levels", "observed")
    }
    verdict = "met" if ratios["dataflow"] <= shape.goal else "MISSED"
    bare_us, ours_us = (statistics.median(seconds[name]) / shape.nodes * 1e6 for name in ("bare", "dataflow"))
    print(
        f"{shape.name:<16} {ratios['dataflow']:>8.2f}x {ratios['levels']:>8.2f}x {ratios['observed']:>8.2f}x"
        f" {bare_us:>9.2f} {ours_us:>9.2f}   <= {shape.goal:g}x {verdict}"
    )


def profile(name: str) -> None:
    shape = next(s for s in SHAPES if s.name == name)
    run = engine(graph(shape), "dataflow")

    async def several() -> None:
        for _ in range(30):
            await run()

    profiler = cProfile.Profile()
    profiler.runcall(asyncio.run, several())
    pstats.Stats(profiler).sort_stats("tottime").print_stats(22)


async def main(rounds: int = 15) -> None:
    facts = machine_facts(asyncio.get_running_loop())
    print(f"orchestration alone, ratio to a bare asyncio loop; median of {rounds} paired rounds in alternating order")
    print(f"{facts['python']}, {facts['cpu_count']} cores, asyncio patched: {facts['asyncio_patched']}")
    print(f"{'shape':<16} {'dataflow':>9} {'levels':>9} {'observed':>9} {'bare µs':>9} {'ours µs':>9}   goal")
    for shape in SHAPES:
        await compare(shape, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--profile", choices=[s.name for s in SHAPES])
    options = parser.parse_args()
    if options.profile:
        profile(options.profile)
    else:
        asyncio.run(main(options.rounds))
