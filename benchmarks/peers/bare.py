"""Bare asyncio: a task per node, a counter per node of sources still to come, a done-callback; only values are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from benchmarks.peers.workloads import Prepared, Work, Workload, limited

Node = Callable[[int, int], Awaitable[int]]


async def prepare(workload: Workload, work: Work) -> Prepared:
    """The baseline; blocking nodes have a thread each."""
    if workload.kind != "block":
        return dataflow(workload, limited(workload, work))
    return dataflow(workload, in_pool(work, ThreadPoolExecutor(workload.nodes)))


async def prepare_default_pool(workload: Workload, work: Work) -> Prepared:
    """Blocking nodes in asyncio's default pool, which has four threads more than the machine has cores."""
    return dataflow(workload, in_pool(work, None))


def in_pool(work: Work, pool: Executor | None) -> Node:
    async def node(i: int, total: int) -> int:
        return await asyncio.get_running_loop().run_in_executor(pool, work, i, total)

    return node


def dataflow(workload: Workload, work: Work) -> Prepared:
    sources = workload.sources
    targets: list[list[int]] = [[] for _ in range(workload.nodes)]
    for source, target in workload.edges:
        targets[source].append(target)
    in_degree = [len(before) for before in sources]

    async def run() -> list[int | None]:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        waiting = in_degree.copy()
        values: list[Any] = [None] * workload.nodes
        left = workload.nodes

        def start(i: int) -> None:
            total = sum([values[s] for s in sources[i]])
            loop.create_task(work(i, total)).add_done_callback(lambda task: ended(i, task))

        def ended(i: int, task: asyncio.Task[int]) -> None:
            nonlocal left
            if error := task.exception():
                if not done.done():
                    done.set_exception(error)
                return
            values[i] = task.result()
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
        return values

    return Prepared(run, lambda values: values)
