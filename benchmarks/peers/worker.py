"""A process for one engine, which runs it and bare asyncio in turn when it is asked to."""

from __future__ import annotations

import asyncio
import gc
import time
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from benchmarks.overhead import chain
from benchmarks.peers.engines import BARE, Engine
from benchmarks.peers.web import Client
from benchmarks.peers.workloads import Prepared, Workload, WrongResultError, work_of

LEAST_S = 0.02  # a run that takes less is repeated until it has taken so much, and the mean is taken


class Turn(NamedTuple):
    """Seconds of one run of bare asyncio and one of the engine, one straight after the other."""

    bare_s: float
    own_s: float


class Trouble(NamedTuple):
    """What went wrong instead of an answer."""

    text: str
    wrong: bool = False


class Bench:
    """One engine beside bare asyncio, on one workload at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.workload: Workload
        self.client: Client | None = None
        self.bare: Prepared
        self.own: Prepared

    async def load(self) -> None:
        """Import the engine, and all that it imports when it first runs."""
        await self.build(Workload("chain of 3", 3, chain(3), self.engine.only or "nothing", (0.0, 0.0, 0.0)), None)
        await self.warm()

    async def build(self, workload: Workload, port: int | None) -> float:
        """Build the workload's graph on both; the engine's seconds."""
        self.workload = workload
        if self.client is not None:
            self.client.close()
        self.client = None if port is None else Client(port)
        work = work_of(workload, None if self.client is None else self.client.fetch)
        self.bare = await BARE.prepare(workload, work)
        start = time.perf_counter()
        self.own = await self.engine.prepare(workload, work)
        return time.perf_counter() - start

    async def warm(self) -> None:
        """Run both once, checked and not timed for the table."""
        for prepared in (self.bare, self.own):
            await self.checked_s(prepared)

    async def turn(self, own_first: bool) -> Turn:
        """Time both, one straight after the other."""
        if own_first:
            own_s = await self.seconds_of(self.own)
            return Turn(await self.seconds_of(self.bare), own_s)
        return Turn(await self.seconds_of(self.bare), await self.seconds_of(self.own))

    async def seconds_of(self, prepared: Prepared) -> float:
        """Seconds of one run; garbage is collected before, and never in between."""
        gc.collect()
        gc.disable()
        try:
            taken, calls = 0.0, 0
            while taken < LEAST_S:
                taken += await self.checked_s(prepared)
                calls += 1
            return taken / calls
        finally:
            gc.enable()

    async def checked_s(self, prepared: Prepared) -> float:
        """Run once, check every node's value, and return the seconds of the run alone."""
        start = time.perf_counter()
        answer = await prepared.run()
        taken = time.perf_counter() - start
        self.workload.check(prepared.values(answer))
        if self.client is not None:
            assert self.workload.in_flight is not None
            await self.client.check(self.workload.nodes, self.workload.in_flight)
        return taken


def serve(engine: Engine, connection: Connection) -> None:
    """Answer questions, the name of a method of `Bench` and its arguments, until there are no more."""
    with asyncio.Runner() as runner:
        bench = Bench(engine)
        while True:
            try:
                question, arguments = connection.recv()
            except EOFError:
                return
            connection.send(answer_to(runner, bench, question, arguments))


def answer_to(runner: asyncio.Runner, bench: Bench, question: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return runner.run(getattr(bench, question)(*arguments))
    except WrongResultError as error:
        return Trouble(str(error), wrong=True)
    except Exception as error:  # noqa: BLE001  whatever an engine raises is shown in the table
        return Trouble(f"{type(error).__name__}: {error}".splitlines()[0][:150])
