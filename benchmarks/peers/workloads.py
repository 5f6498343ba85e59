"""What every engine is given: a numbered graph, what its nodes do, and what each of them must return."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from benchmarks.overhead import Edges, chain, fan, layers

Kind = Literal["nothing", "sleep", "block", "http"]
Work = Callable[[int, int], Any]
"""Takes a node's number and the sum of its sources' values, returns (or, unless it blocks, awaits) its own value."""

FAST_S, SLOW_S = 0.01, 0.1
BLOCK_S = 0.02
CALL_S = 0.05


class WrongResultError(AssertionError):
    """An engine did not do what it was measured for."""


@dataclass(frozen=True)
class Workload:
    """A graph of ``nodes`` numbered nodes; edges run from smaller to larger numbers.

    Args:
        name: shown in the table.
        nodes: how many.
        edges: pairs of numbers.
        kind: nothing at all, ``asyncio.sleep``, ``time.sleep`` in a plain function, or an HTTP call.
        seconds: what each node waits, in order of their numbers; empty for none.
        bound_s: what no engine can be faster than, by arithmetic.
        in_flight: how many nodes may be at work at once.
        rounds: how often it is measured.
    """

    name: str
    nodes: int
    edges: Edges
    kind: Kind = "nothing"
    seconds: tuple[float, ...] = ()
    bound_s: float = 0.0
    in_flight: int | None = None
    rounds: int = 9

    @cached_property
    def sources(self) -> list[list[int]]:
        """The numbers that each node comes after."""
        sources: list[list[int]] = [[] for _ in range(self.nodes)]
        for source, target in self.edges:
            sources[target].append(source)
        return sources

    @cached_property
    def leaves(self) -> list[int]:
        """The numbers that nothing comes after."""
        inner = {source for source, _ in self.edges}
        return [i for i in range(self.nodes) if i not in inner]

    @cached_property
    def expected(self) -> list[int]:
        """What each node must return: one, plus its number, plus the sum of what its sources return."""
        values: list[int] = []
        for i, sources in enumerate(self.sources):
            values.append(1 + i + sum(values[s] for s in sources))
        return values

    def check(self, values: Sequence[int | None]) -> None:
        """Raise `WrongResultError` unless each node returned what it must."""
        if len(values) != self.nodes:
            raise WrongResultError(f"{self.name}: {len(values)} results of {self.nodes} nodes")
        for i, (value, wanted) in enumerate(zip(values, self.expected, strict=True)):
            if value != wanted:
                raise WrongResultError(f"{self.name}: node {i} returned {value!r}, not {wanted}")


class Prepared(NamedTuple):
    """A graph that an engine has built: ``run`` is timed, ``values`` takes each node's value out of its answer."""

    run: Callable[[], Awaitable[Any]]
    values: Callable[[Any], Sequence[int | None]]


def unbalanced() -> Workload:
    """Two chains of ten that alternate 10 and 100 ms in anti-phase: each level has a slow node."""
    second = [(i + 10, i + 11) for i in range(9)]
    seconds = (FAST_S, SLOW_S) * 5 + (SLOW_S, FAST_S) * 5
    return Workload("two anti-phase chains", 20, chain(10) + second, "sleep", seconds, sum(seconds[:10]), rounds=5)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("chain of 1,000", 1000, chain(1000)),
        Workload("1 -> 1,000 -> 1", 1002, fan(1000)),
        Workload("10 layers x 50", 500, layers(10, 50)),
        unbalanced(),
        Workload("64 blocking nodes", 64, [], "block", (BLOCK_S,) * 64, BLOCK_S),
        Workload("200 HTTP calls", 200, [], "http", (CALL_S,) * 200, 200 / 50 * CALL_S, in_flight=50, rounds=7),
    )
}


async def nothing(i: int, total: int) -> int:
    return 1 + i + total


def work_of(workload: Workload, fetch: Callable[[int], Awaitable[int]] | None = None) -> Work:
    """What the nodes do; ``fetch`` is the HTTP call that answers with one plus a node's number."""
    seconds = workload.seconds

    async def sleep(i: int, total: int) -> int:
        await asyncio.sleep(seconds[i])
        return 1 + i + total

    def block(i: int, total: int) -> int:
        time.sleep(seconds[i])
        return 1 + i + total

    async def http(i: int, total: int) -> int:
        assert fetch is not None
        return await fetch(i) + total

    kinds: dict[Kind, Work] = {"nothing": nothing, "sleep": sleep, "block": block, "http": http}
    return kinds[workload.kind]


def limited(workload: Workload, work: Work) -> Work:
    """The work within the workload's limit, for engines that have none of their own."""
    if workload.in_flight is None:
        return work
    limit = asyncio.Semaphore(workload.in_flight)

    async def work_in_turn(i: int, total: int) -> int:
        async with limit:
            value: int = await work(i, total)
            return value

    return work_in_turn
