"""Modes of running one graph, functions, and agents, timed against each other so that the table cannot fool anyone."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.comparing.contestants import (
    MODES,
    State,
    checked_executor,
    checked_tasks,
    contestants,
    graph_of_tasks,
    ways_to_ask,
    ways_to_run,
)
from linus_nb.analysis.comparing.machine import machine_facts
from linus_nb.analysis.comparing.notes import limit_notes, memory_notes
from linus_nb.analysis.comparing.session import Session, Terms
from linus_nb.dag import AgentDAG
from linus_nb.engine.background import run_blocking
from linus_nb.engine.executor import DAGExecutor
from linus_nb.errors import GraphError

if TYPE_CHECKING:
    from linus_nb.analysis.comparing.comparison_frame import Comparison

_last: Session | None = None


def last_benchmark() -> Comparison | None:
    """Return the table of the latest benchmark of this process as it stands, or None before the first.

    Also after Stop, from the runs that had finished; ``attrs["finished"]`` is then False.
    """
    return None if _last is None else _last.table()


async def benchmark(
    target: AgentDAG | DAGExecutor | Callable[[], Any] | Mapping[str, Any],
    initial_state: State = None,
    *,
    modes: Sequence[str] | None = None,
    repeats: int = 5,
    warmup: int = 1,
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Time a graph in several modes, or functions, which take turns in random order within each repeat.

    Every run is a real one: models are called, tools act, tokens are paid. All runs begin with the same values, which
    are not copied. Stop (or any cancellation) ends the run under way; what was measured is in `last_benchmark`.

    Args:
        target: a graph; a `DAGExecutor`, for a graph that needs limits or resources; an async function of no
            arguments; or a dict of names and such functions or graphs, of which the first is what the others are
            compared with. A plain function runs in a thread, so that the notebook stays alive.
        initial_state: what the nodes of a graph may read from the start.
        modes: of a graph: some of ``"sync"`` (`DAGExecutor.execute`, in a thread), ``"async"`` (awaited, one by one),
            ``"parallel"`` (level by level) and ``"dataflow"`` (each node as soon as it may); all unless said.
        repeats: how many timed runs of each; five are the least that tell a difference from chance.
        warmup: how many runs of each before those, which are not counted.
        seed: of the order in which they take turns.
        progress: show a progress bar.

    Returns:
        A DataFrame with a row for each mode or function, indexed by ``mode``; the columns are those of
        `linus_nb.analysis.comparing.comparison.comparison_table`. Speed-ups are against "sync", or against the first
        where that is not among them. Its repr ends in sentences on what it says and does not say, and
        ``table.plot()`` draws it. ``attrs`` holds these ``notes``, ``title``, ``baseline``, ``seconds`` (of each run,
        by mode), ``order`` (of running, a list for each repeat), ``differences`` (sentences), ``finished``,
        ``repeats``, ``warmup``, ``seed``, ``confidence`` and the facts of the machine
        (`linus_nb.analysis.comparing.machine.machine_facts`); CSV and HTML files lose them.

    Raises:
        ValidationError: a graph cannot run; nothing has.
        GraphError: an unknown mode, no mode, a number of repeats below 1, or something that cannot be timed.

    Warns:
        UserWarning: the modes of a graph did not give the same result.

    >>> from linus_nb import AgentDAG, AgentNode
    >>> dag = AgentDAG("sums").add_node(AgentNode("double", lambda x: 2 * x, output_key="doubled"))
    >>> table = benchmark_sync(dag, {"x": 21}, repeats=1, progress=False)
    >>> list(table.index), set(table["status"])
    (['sync', 'async', 'parallel', 'dataflow'], {'success'})
    """
    terms = Terms(repeats, warmup, seed)
    if isinstance(target, AgentDAG | DAGExecutor):
        executor = checked_executor(target, initial_state)
        ways = ways_to_run(executor, initial_state, tuple(MODES) if modes is None else modes)
        baseline = "sync" if "sync" in [way.name for way in ways] else ways[0].name
        remarks = [*memory_notes(node.agent for node in executor.dag.plan().nodes), *limit_notes(executor)]
        return await _run(Session(executor.dag.name, ways, baseline, True, terms, remarks), progress)
    if modes is not None:
        raise GraphError(f"modes is {modes!r}, and only a graph runs in modes; give several functions as a dict")
    if not isinstance(target, Mapping):
        target = {str(getattr(target, "__name__", type(target).__name__)): target}
    ways = contestants(target, initial_state)
    return await _run(Session("functions", ways, ways[0].name, False, terms), progress)


async def benchmark_agents(
    tasks: Iterable[tuple[Any, Any]], *, repeats: int = 5, warmup: int = 1, seed: int = 0, progress: bool = True
) -> Comparison:
    """Time agents with their tasks one after the other against all at once.

    Args:
        tasks: pairs of an agent (an `Agent`, or whatever may stand in a node) and what it is asked.
        repeats: how many timed runs of each way; five are the least that tell a difference from chance.
        warmup: how many runs of each way before those, which are not counted.
        seed: of the order in which they take turns.
        progress: show a progress bar.

    Returns:
        The table of `benchmark`, with the rows "one by one" and "gathered". The critical path is the longest task.

    Raises:
        GraphError: something is no pair of an agent and its task, or there is none.

    >>> from linus_nb import Agent
    >>> from linus_nb.testing import ScriptedModel
    >>> import asyncio
    >>> agent = Agent(llm=ScriptedModel(lambda messages, schema: "42"), strategy="tools")
    >>> table = asyncio.run(benchmark_agents([(agent, "6 * 7?"), (agent, "7 * 6?")], repeats=1, progress=False))
    >>> table["llm_calls"].to_dict()
    {'one by one': 2, 'gathered': 2}
    """
    pairs = checked_tasks(tasks)
    executor = DAGExecutor(graph_of_tasks(pairs))
    ways = ways_to_ask(executor)
    remarks = memory_notes(agent for agent, _ in pairs)
    session = Session(executor.dag.name, ways, ways[0].name, True, Terms(repeats, warmup, seed), remarks)
    return await _run(session, progress)


def benchmark_sync(target: Any, initial_state: State = None, **options: Any) -> Comparison:
    """Return what `benchmark` returns, for scripts: blocks until it is done. Takes the same arguments.

    The awaited modes run on a background loop, so that it works beside a running loop, too.
    """
    return run_blocking(benchmark(target, initial_state, **options))


async def _run(session: Session, progress: bool) -> Comparison:
    global _last
    session.facts |= machine_facts(asyncio.get_running_loop())
    _last = session
    await session.measure(progress)
    if session.one_graph:
        for sentence in session.differences():
            warnings.warn(f"{sentence}; the timings compare runs that did not do the same", UserWarning, stacklevel=3)
    return session.table()
