"""What the harness adds to what it times, and what it takes beside that.

python -m benchmarks.comparing.harness [--repeats 200]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from benchmarks.overhead import layers
from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult, benchmark
from linus_nb.analysis.comparing.measurement import Measurement


async def nothing() -> None:
    pass


def graph(depth: int, width: int) -> AgentDAG:
    dag = AgentDAG(f"{depth} layers x {width}")
    for number in range(depth * width):
        dag.add_node(AgentNode(str(number), nothing, input_mapping={}))
    for source, target in layers(depth, width):
        dag.add_edge(str(source), str(target))
    return dag


async def bare(run: Callable[[], Awaitable[object]], repeats: int) -> list[float]:
    """Time the same thing with nothing around it, and look at what it came to in between, as the harness does."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = await run()
        taken.append(time.perf_counter() - start)
        if isinstance(result, ExecutionResult):
            Measurement.of_run("bare", 0, taken[-1], result)
        del result  # now: freeing it would count in the next run's time
    return taken


async def compared(
    name: str, target: object, modes: list[str] | None, run: Callable[[], Awaitable[object]], n: int
) -> None:
    """Print one line: rounds of bare timings and of the harness take turns, so that a slow spell slows both."""
    added, beside = [], []
    for _ in range(5):
        alone = statistics.median(await bare(run, n))
        start = time.perf_counter()
        table = await benchmark(target, modes=modes, repeats=n, warmup=0, progress=False)
        whole = time.perf_counter() - start
        (timed,) = table.attrs["seconds"].values()
        added.append((statistics.median(timed) - alone, statistics.median(timed) / alone))
        beside.append((whole - sum(timed)) / n)
    more, ratio = map(statistics.median, zip(*added, strict=True))
    print(f"{name:<28} {more * 1e6:>12.1f} {ratio:>8.2f} {statistics.median(beside) * 1e3:>18.3f}")


async def main(repeats: int) -> None:
    print(f"medians of 5 rounds of {repeats} runs; each round: bare timings, then the harness's")
    print(f"{'what is timed':<28} {'added µs':>12} {'ratio':>8} {'beside, ms a run':>18}")
    await compared("a function that does nothing", nothing, None, nothing, repeats)
    for depth, width in ((2, 5), (10, 10), (20, 50)):
        dag = graph(depth, width)
        for mode, schedule in (("dataflow", "dataflow"), ("parallel", "levels")):
            executor = DAGExecutor(dag)
            await compared(
                f"{depth * width:,} nodes, {mode}",
                dag,
                [mode],
                lambda e=executor, s=schedule: e.aexecute(schedule=s),
                max(5, repeats * 10 // (depth * width)),
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    asyncio.run(main(parser.parse_args().repeats))
