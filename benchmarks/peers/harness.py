"""Engines take turns, each in a process of its own, in rounds of alternating order, within a time limit."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.engines import INSTALL, Engine
from benchmarks.peers.web import server
from benchmarks.peers.worker import Trouble, Turn, serve
from benchmarks.peers.workloads import Workload

LOAD_LIMIT_S = 120.0  # importing is not what is measured here


class TroubledError(Exception):
    """An engine that cannot be measured, and why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


@dataclass
class Outcome:
    """What came of one engine on one workload."""

    build_s: float = 0.0
    turns: list[Turn] = field(default_factory=list)
    trouble: Trouble | None = None

    @property
    def ratios(self) -> list[float]:
        """The engine's seconds by those of bare asyncio in the same turn."""
        return [turn.own_s / turn.bare_s for turn in self.turns]

    @property
    def median_s(self) -> float:
        return statistics.median(turn.own_s for turn in self.turns)


class Worker:
    """An engine's process, seen from outside."""

    def __init__(self, engine: Engine) -> None:
        spawning = multiprocessing.get_context("spawn")  # a forked process would share what others have imported
        self._connection, theirs = spawning.Pipe()
        self._process = spawning.Process(target=serve, args=(engine, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, limit_s: float, question: str, *arguments: Any) -> Any:
        """The answer.

        Raises:
            TroubledError: the engine failed, took longer than the limit, or took its process with it.
        """
        try:
            self._connection.send((question, arguments))
            if not self._connection.poll(limit_s):
                doing = " to build" if question == "build" else ""
                raise TroubledError(Trouble(f"> {limit_s:g} s{doing}"))
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            raise TroubledError(Trouble(f"its process ended with {self._process.exitcode}")) from None
        if isinstance(answer, Trouble):
            raise TroubledError(answer)
        return answer

    def end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()


class Workers:
    """A process per engine, started when first needed and again after trouble."""

    def __init__(self) -> None:
        self._running: dict[str, Worker] = {}

    def of(self, engine: Engine) -> Worker:
        worker = self._running.get(engine.name)
        if worker is None:
            worker = self._running[engine.name] = Worker(engine)
            worker.ask(LOAD_LIMIT_S, "load")
        return worker

    def drop(self, engine: Engine) -> None:
        self._running.pop(engine.name).end()

    def end(self) -> None:
        for worker in self._running.values():
            worker.end()
        self._running.clear()


@contextmanager
def workers() -> Iterator[Workers]:
    running = Workers()
    try:
        yield running
    finally:
        running.end()


def compare(
    workload: Workload, engines: Iterable[Engine], running: Workers, rounds: int, limit_s: float
) -> dict[str, Outcome]:
    """Measure each engine on a workload; by the engine's name."""
    contenders = [engine for engine in engines if engine.only in (None, workload.kind)]
    outcomes = {engine.name: Outcome() for engine in contenders}

    def each(step: Callable[[Engine, Outcome, Worker], None], order: Iterable[Engine]) -> None:
        for engine in order:
            outcome = outcomes[engine.name]
            if outcome.trouble is not None:
                continue
            if engine.version is None:
                outcome.trouble = Trouble(f"not installed: {INSTALL}")
                continue
            try:
                step(engine, outcome, running.of(engine))
            except TroubledError as error:
                outcome.trouble = error.trouble
                running.drop(engine)

    def measure(port: int | None) -> None:
        def build(engine: Engine, outcome: Outcome, worker: Worker) -> None:
            outcome.build_s = worker.ask(limit_s, "build", workload, port)
            worker.ask(limit_s, "warm")

        each(build, contenders)
        for turn in range(rounds):

            def take_turn(engine: Engine, outcome: Outcome, worker: Worker, turn: int = turn) -> None:
                outcome.turns.append(worker.ask(limit_s, "turn", turn % 2 == 1))

            each(take_turn, contenders if turn % 2 else list(reversed(contenders)))

    if workload.kind != "http":
        measure(None)
    else:
        assert workload.in_flight is not None
        with server(workload.seconds[0], workload.in_flight) as port:
            measure(port)
    return outcomes
