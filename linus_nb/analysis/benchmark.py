"""Modes of running one graph, timed against each other so that the table cannot fool anyone."""

from __future__ import annotations

import asyncio
import random
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.comparison import Measurement, comparison_table, differences
from linus_nb.analysis.machine import machine_facts
from linus_nb.dag import AgentDAG
from linus_nb.display import current_cell
from linus_nb.engine.background import run_blocking
from linus_nb.engine.executor import DAGExecutor
from linus_nb.engine.gates import Schedule
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.threads import ThreadCall
from linus_nb.errors import GraphError, nearest

if TYPE_CHECKING:
    import pandas as pd

State = Mapping[str, Any] | None
Timed = tuple[float, ExecutionResult]

_TICK_S = 0.1


async def _sync(dag: AgentDAG, state: State) -> Timed:
    """Time the blocking driver, in a thread so that the event loop (and with it the notebook) stays alive."""
    executor = DAGExecutor(dag)

    def run() -> Timed:
        start = time.perf_counter()
        result = executor.execute(state)
        return time.perf_counter() - start, result

    call = ThreadCall(run, copy_context())
    waiting = asyncio.create_task(call.wait())
    try:
        while not waiting.done():
            # an idle loop would not notice Stop in a notebook before the thread is done (ipykernel #881)
            await asyncio.wait({waiting}, timeout=_TICK_S)
        timed: Timed = call.outcome()
        return timed
    finally:
        executor.cancel()
        waiting.cancel()


def _awaited(schedule: Schedule) -> Callable[[AgentDAG, State], Awaitable[Timed]]:
    async def run(dag: AgentDAG, state: State) -> Timed:
        clock = asyncio.get_running_loop().time
        start = clock()
        result = await DAGExecutor(dag).aexecute(state, parallel=schedule != "sequential", schedule=schedule)
        return clock() - start, result

    return run


@dataclass(frozen=True, slots=True)
class Mode:
    """A way of running a graph: which schedule it follows, and how to time one run of it."""

    schedule: Schedule
    run: Callable[[AgentDAG, State], Awaitable[Timed]]


MODES: dict[str, Mode] = {
    "sync": Mode("sequential", _sync),
    "async": Mode("sequential", _awaited("sequential")),
    "parallel": Mode("levels", _awaited("levels")),
    "dataflow": Mode("dataflow", _awaited("dataflow")),
}
"""The modes that `benchmark` knows."""


@dataclass
class _Session:
    """A benchmark under way or over: what was asked, and what has been measured so far."""

    modes: tuple[str, ...]
    facts: dict[str, Any]
    finished: bool = False
    runs: list[Measurement] = field(default_factory=list)
    order: list[list[str]] = field(default_factory=list)

    @property
    def baseline(self) -> str:
        return "sync" if "sync" in self.modes else self.modes[0]

    def differences(self) -> list[str]:
        return differences(self.runs, self.modes, self.baseline)

    def table(self) -> pd.DataFrame:
        table = comparison_table(self.runs, self.modes, self.baseline)
        table.attrs |= self.facts | {
            "baseline": self.baseline,
            "finished": self.finished,
            "order": [list(turn) for turn in self.order],
            "differences": self.differences(),
        }
        return table


_last: _Session | None = None


def last_benchmark() -> pd.DataFrame | None:
    """Return the table of the latest `benchmark` of this process as it stands, or None before the first.

    Also after Stop, from the runs that had finished; ``attrs["finished"]`` is then False.
    """
    return None if _last is None else _last.table()


async def benchmark(
    dag: AgentDAG,
    initial_state: State = None,
    *,
    modes: Sequence[str] = tuple(MODES),
    repeats: int = 5,
    warmup: int = 1,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Run a graph in several modes, which take turns in random order within each repeat, and return a table of timings.

    Every run is a real one: models are called, tools act, tokens are paid. All runs begin with the same values, which
    are not copied. Stop (or any cancellation) ends the run under way; what was measured is in `last_benchmark`.

    Args:
        dag: the graph.
        initial_state: what its nodes may read from the start.
        modes: some of ``"sync"`` (`DAGExecutor.execute`, in a thread so that the notebook stays alive), ``"async"``
            (awaited, one by one), ``"parallel"`` (level by level) and ``"dataflow"`` (each node as soon as it may).
        repeats: how many timed runs of each mode.
        warmup: how many runs of each mode before those, which are not counted.
        seed: of the order in which modes take turns.
        progress: show a progress bar on stderr.

    Returns:
        A row for each mode, indexed by ``mode``; see `linus_nb.analysis.comparison.comparison_table` for the columns.
        Speed-ups are against "sync", or against the first mode when "sync" is not among them. ``attrs`` names it as
        ``baseline``, and holds ``order`` (modes in the order of running, a list for each repeat), ``differences``
        (sentences), ``finished``, ``dag``, ``repeats``, ``warmup``, ``seed`` and the facts of
        `linus_nb.analysis.machine.machine_facts`.

    Raises:
        ValidationError: the graph cannot run; nothing has.
        GraphError: an unknown mode, no mode, or a number of repeats below 1.

    Warns:
        UserWarning: the modes did not give the same result.

    >>> from linus_nb import AgentDAG, AgentNode
    >>> dag = AgentDAG("sums").add_node(AgentNode("double", lambda x: 2 * x, output_key="doubled"))
    >>> table = benchmark_sync(dag, {"x": 21}, repeats=1, progress=False)
    >>> list(table.index), set(table["status"])
    (['sync', 'async', 'parallel', 'dataflow'], {'success'})
    """
    global _last
    chosen = _checked_modes(modes)
    _check_whole("repeats", repeats, 1)
    _check_whole("warmup", warmup, 0)
    if not isinstance(dag, AgentDAG):
        raise GraphError(f"benchmark() takes an AgentDAG, not {dag!r}; put it into a node of a graph")
    dag.validate(initial_state)
    facts = {"dag": dag.name, "repeats": repeats, "warmup": warmup, "seed": seed}
    session = _last = _Session(chosen, facts | machine_facts(asyncio.get_running_loop()))
    await _measure(session, dag, initial_state, warmup, repeats, random.Random(seed), progress)
    session.finished = True
    for sentence in session.differences():
        warnings.warn(f"{sentence}; the timings compare runs that did not do the same", UserWarning, stacklevel=2)
    return session.table()


def benchmark_sync(dag: AgentDAG, initial_state: State = None, **options: Any) -> pd.DataFrame:
    """Return what `benchmark` returns, for scripts: blocks until it is done. Takes the same arguments.

    The awaited modes run on a background loop, so that it works beside a running loop, too.
    """
    return run_blocking(benchmark(dag, initial_state, **options))


async def _measure(
    session: _Session, dag: AgentDAG, state: State, warmup: int, repeats: int, chance: random.Random, progress: bool
) -> None:
    from tqdm import tqdm

    turns = warmup + repeats
    # in a kernel stderr is shown on red ground, as if something had gone wrong; there the bar stays, as one line
    in_kernel = current_cell() is not None
    with tqdm(
        total=turns * len(session.modes),
        unit="run",
        file=sys.stdout if in_kernel else sys.stderr,
        leave=in_kernel,
        disable=not progress,
    ) as bar:
        for turn in range(turns):
            order = chance.sample(session.modes, len(session.modes))
            repeat = turn - warmup
            if repeat >= 0:
                session.order.append(order)
            for name in order:
                bar.set_description(f"{dag.name}: {name}")
                seconds, result = await MODES[name].run(dag, state)
                if repeat >= 0:
                    session.runs.append(Measurement.of(name, MODES[name].schedule, repeat, seconds, result))
                bar.update()


def _checked_modes(modes: Sequence[str]) -> tuple[str, ...]:
    known = ", ".join(map(repr, MODES))
    if isinstance(modes, str):
        raise GraphError(f"modes is {modes!r}; give a list like [{modes!r}] of some of {known}")
    for mode in modes:
        if mode not in MODES:
            raise GraphError(f"no mode {mode!r}; {nearest(mode, MODES)}(modes: {known})")
    if not modes:
        raise GraphError(f"modes is empty; give some of {known}")
    return tuple(dict.fromkeys(modes))


def _check_whole(name: str, number: int, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise GraphError(f"{name} is {number!r}; give a whole number from {least}")
