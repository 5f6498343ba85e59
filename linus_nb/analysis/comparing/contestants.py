"""What can be timed: ways of running a graph, functions, agents with their tasks; each understood as one thing."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

from linus_nb.analysis.comparing.measurement import Measurement, overheard
from linus_nb.brief import brief
from linus_nb.dag import AgentDAG
from linus_nb.engine.executor import DAGExecutor, checked
from linus_nb.engine.gates import Schedule
from linus_nb.engine.interrupts import nobody, told_to
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.threads import in_thread
from linus_nb.errors import GraphError, nearest
from linus_nb.graph.node import AgentNode
from linus_nb.graph.target import understand
from linus_nb.masking import masked

State = Mapping[str, Any] | None
Timed = tuple[float, ExecutionResult]

MODES: dict[str, Schedule] = {
    "sync": "sequential",
    "async": "sequential",
    "parallel": "levels",
    "dataflow": "dataflow",
}
"""The modes in which `benchmark` runs a graph, and the schedule that each follows."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of the things that are timed: its name, and what runs and measures it once, in the repeat given."""

    name: str
    measure: Callable[[int], Awaitable[Measurement]]


# -- a graph ------------------------------------------------------------------------------------------------------


def ways_to_run(executor: DAGExecutor, state: State, modes: Sequence[str]) -> list[Contestant]:
    """Return the ways of running a graph.

    Raises:
        GraphError: an unknown mode, or none.
    """
    known = ", ".join(map(repr, MODES))
    if isinstance(modes, str):
        raise GraphError(f"modes is {modes!r}; give a list like [{modes!r}] of some of {known}")
    for mode in modes:
        if mode not in MODES:
            raise GraphError(f"no mode {mode!r}; {nearest(mode, MODES)}(modes: {known})")
    if not modes:
        raise GraphError(f"modes is empty; give some of {known}")
    return [Contestant(mode, partial(_measured_run, executor, state, mode, mode)) for mode in dict.fromkeys(modes)]


def checked_executor(target: AgentDAG | DAGExecutor, state: State) -> DAGExecutor:
    """Return what runs a graph again and again.

    Raises:
        ValidationError: the graph cannot run.
        GraphError: the executor has a `SharedState`, in which each run would find what the one before it left.
    """
    executor = target if isinstance(target, DAGExecutor) else DAGExecutor(target)
    if executor.state is not None:
        raise GraphError(
            "the executor has a state, in which each run would find what the one before it left; give what the nodes "
            "read as initial_state"
        )
    checked(executor.dag, frozenset(state or ()), executor.resources)
    return copy(executor)  # `last_result` of the user's own stays what it is


async def _measured_run(executor: DAGExecutor, state: State, name: str, mode: str, repeat: int) -> Measurement:
    seconds, result = await (_blocking(executor, state) if mode == "sync" else _awaited(executor, state, MODES[mode]))
    return Measurement.of_run(name, repeat, seconds, result)


async def _blocking(executor: DAGExecutor, state: State) -> Timed:
    """Time the blocking driver, in a thread so that the event loop (and with it the notebook) stays alive."""

    def run() -> Timed:
        start = time.perf_counter()
        result = executor.execute(state)
        return time.perf_counter() - start, result

    try:
        with told_to(nobody):  # an idle loop would notice Stop late
            return await in_thread(run)
    except asyncio.CancelledError:
        executor.cancel()
        raise


async def _awaited(executor: DAGExecutor, state: State, schedule: Schedule) -> Timed:
    clock = asyncio.get_running_loop().time
    start = clock()
    result = await executor.aexecute(state, schedule=schedule)
    return clock() - start, result


# -- functions ----------------------------------------------------------------------------------------------------


def contestants(things: Mapping[str, Any], state: State = None) -> list[Contestant]:
    """Return named functions of no arguments, or graphs, as contestants.

    Raises:
        GraphError: one is neither, or takes arguments.
        ValidationError: a graph cannot run.
    """
    if not things:
        raise GraphError("nothing to time; give a dict like {'name': async_function}")
    found: list[Contestant] = []
    for name, thing in things.items():
        if not isinstance(name, str):
            raise GraphError(f"{brief(name)} names what is timed; give a text")
        if isinstance(thing, AgentDAG | DAGExecutor):
            function: Callable[[], Awaitable[Any]] = partial(_dataflow, checked_executor(thing, state), state)
        else:
            function = _caller(name, thing)
        shown = masked(name)
        found.append(Contestant(shown, partial(_measured_call, shown, function)))
    return found


async def _dataflow(executor: DAGExecutor, state: State) -> ExecutionResult:
    return await executor.aexecute(state, schedule="dataflow")


def _caller(name: str, thing: Any) -> Callable[[], Awaitable[Any]]:
    if asyncio.iscoroutine(thing):
        raise GraphError(
            f"{name!r} is a coroutine, which runs only once; give the function: without (), or as lambda: …"
        )
    if not callable(thing):
        raise GraphError(f"{name!r} is {brief(thing)}; give an async function of no arguments, or a graph")
    taken = ", ".join(_required(thing))
    if taken:
        raise GraphError(f"{name!r} takes {taken}; give a function of no arguments, like lambda: f({taken})")
    if inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(getattr(thing, "__call__", None)):  # noqa: B004  the method itself is asked
        asynchronous: Callable[[], Awaitable[Any]] = thing
        return asynchronous

    async def call() -> Any:
        value = await in_thread(thing)  # the loop, and with it Stop, stays alive
        while inspect.isawaitable(value):  # of a lambda, for instance
            value = await value
        return value

    return call


def _required(function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a few builtins nobody knows
        return []
    return [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _is_stopped(error: BaseException) -> bool:
    """Return whether this task was told to end; what is called may raise a CancelledError of its own."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def _measured_call(name: str, function: Callable[[], Awaitable[Any]], repeat: int) -> Measurement:
    clock = asyncio.get_running_loop().time
    with told_to(nobody), overheard() as calls:
        start = clock()
        try:
            value = await function()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # whatever a function raises: its row says so, and the others go on
            if _is_stopped(error):
                raise
            return Measurement.of_error(name, repeat, clock() - start, error, calls)
        return Measurement.of_value(name, repeat, clock() - start, value, calls)


# -- agents -------------------------------------------------------------------------------------------------------


def checked_tasks(tasks: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Return pairs of an agent and its task.

    Raises:
        GraphError: something is no such pair, or there is none.
    """
    like = "give pairs like [(agent, 'What is 6 * 7?')]"
    if isinstance(tasks, str | Mapping) or not isinstance(tasks, Iterable):
        raise GraphError(f"tasks is {brief(tasks)}; {like}")
    pairs = list(tasks)
    if not pairs:
        raise GraphError(f"tasks is empty; {like}")
    for number, pair in enumerate(pairs, start=1):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise GraphError(f"task {number} is {brief(pair)}; {like}")
    return [(agent, task) for agent, task in pairs]


def graph_of_tasks(pairs: Iterable[tuple[Any, Any]]) -> AgentDAG:
    """Return agents with what they are asked as a graph without edges."""
    dag = AgentDAG("tasks")
    for number, (agent, task) in enumerate(pairs, start=1):
        dag.add_node(AgentNode(f"{number}: {brief(task, 40)}", _asking(agent, task), input_mapping={}))
    return dag


def ways_to_ask(executor: DAGExecutor) -> list[Contestant]:
    """Return the two ways of asking agents: one after the other, and all at once."""
    ways = {"one by one": "async", "gathered": "dataflow"}
    return [Contestant(name, partial(_measured_run, executor, None, name, mode)) for name, mode in ways.items()]


def _asking(agent: Any, task: Any) -> Callable[[], Any]:
    target = understand(agent)
    if target.awaiting is None:
        assert target.blocking is not None
        return partial(target.blocking, task)
    awaiting = target.awaiting

    async def ask() -> Any:
        return await awaiting(task)

    return ask
