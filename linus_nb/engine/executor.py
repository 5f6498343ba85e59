"""`DAGExecutor`: checks a graph, then runs it, blocking or awaited."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from linus_nb import events
from linus_nb.brief import brief
from linus_nb.budget import Budget, checked_budget
from linus_nb.display import view
from linus_nb.engine import history
from linus_nb.engine.blocking import BlockingRun
from linus_nb.engine.gates import Schedule, check_schedule
from linus_nb.engine.interrupts import say_instead
from linus_nb.engine.ledger import Ledger
from linus_nb.engine.log import Observer
from linus_nb.engine.overrides import given_results, unneeded
from linus_nb.engine.pool import Pool, impossible_demands
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.run import Run
from linus_nb.errors import GraphError, ValidationError
from linus_nb.graph.binding import bind, check
from linus_nb.graph.plan import Binding, Plan
from linus_nb.graph.state import SharedState
from linus_nb.graph.target import Graph

R = TypeVar("R", bound=Ledger)


class Checked(NamedTuple):
    """A graph that can run: its plan, how each node is called, and what does not run as its result was given."""

    plan: Plan
    bindings: list[Binding]
    given: dict[int, Any]
    unneeded: list[int]


def checked(
    graph: Graph,
    initial_keys: Iterable[str],
    resources: Mapping[str, float],
    overrides: Mapping[str, Any] | None = None,
) -> Checked:
    """Return what a run needs to know of a graph.

    Raises:
        ValidationError: with all problems at once.
        UnknownNodeError: ``overrides`` names a node that there is not.
    """
    plan = graph.plan()
    keys = frozenset(initial_keys)
    given = given_results(plan, overrides or {})
    left_out: list[int] = []
    bindings = None if given else plan.bindings.get(keys)
    problems: list[str] = []
    if given:
        left_out = unneeded(plan, bind(plan, keys, given)[0], given)
    if bindings is None:
        idle = {*given, *left_out}
        bindings, unbound = bind(plan, keys, idle)
        problems += check(plan, unbound, graph.reducers, idle)
    if plan.demanding:
        problems += impossible_demands(plan, resources, {*given, *left_out})
    if problems:
        raise ValidationError(graph.name, problems)
    if not given and not plan.holds_graphs:
        plan.bindings[keys] = bindings
    return Checked(plan, bindings, given, left_out)


class DAGExecutor:
    """Runs a graph; `last_result` keeps the latest result, also of a run that was stopped.

    Args:
        dag: the `AgentDAG` to run.
        state: a `SharedState` that is read once at the start, then gets the initial state and each output.
        max_concurrency: how many nodes run at once; None for no limit.
        resources: what there is, like ``{"gpu": 2}``, for nodes that name ``resources``.
        fail_fast: end the run at the first failed node.
        budget: what the run may spend, with all that goes on inside it.
        observers: callables that get each event; one that raises is removed and logged.
        stream: report what agents and their models do as it happens (plans, tool calls, tokens), as `ProgressReported`
            events that name the node.
        remember: whether `last_run` may give these runs; an agent's plans are not what its user looks for.

    >>> from linus_nb import AgentDAG, AgentNode
    >>> dag = AgentDAG("sums").add_node(AgentNode("double", lambda x: 2 * x, output_key="doubled"))
    >>> DAGExecutor(dag).execute({"x": 21}).final_state
    {'x': 21, 'doubled': 42}
    """

    def __init__(
        self,
        dag: Graph,
        state: SharedState | None = None,
        *,
        max_concurrency: int | None = None,
        resources: Mapping[str, float] | None = None,
        fail_fast: bool = False,
        budget: Budget | None = None,
        observers: Iterable[Observer] = (),
        stream: bool = False,
        remember: bool = True,
    ) -> None:
        whole = isinstance(max_concurrency, int) and not isinstance(max_concurrency, bool)
        if max_concurrency is not None and not (whole and max_concurrency >= 1):
            raise GraphError(
                f"max_concurrency is {max_concurrency!r}; give a whole number from 1, or None for no limit"
            )
        if resources is not None and not isinstance(resources, Mapping):
            raise GraphError(f"resources is {resources!r}; give a dict like {{'gpu': 2}}, or nothing")
        for resource, amount in (resources or {}).items():
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < math.inf:
                raise GraphError(f"resources: there is {amount!r} of {resource!r}; give a number from 0")
        self.dag = dag
        self.state = state
        self.max_concurrency = max_concurrency
        self.resources = dict(resources or {})
        self.fail_fast = fail_fast
        self.budget = checked_budget(budget)
        self.observers = tuple(observers)
        self.stream = stream
        self.remember = remember
        self._last: Ledger | None = None

    def __repr__(self) -> str:
        names = ("max_concurrency", "resources", "fail_fast", "budget")
        limits = {name: getattr(self, name) for name in names}
        facts = [f"{name}={brief(value)}" for name, value in limits.items() if value]
        latest = "not run yet" if self._last is None else f"latest run: {self._last.overall()}"
        return f"<DAGExecutor of {', '.join([brief(getattr(self.dag, 'name', '')), *facts])}: {latest}>"

    @property
    def last_result(self) -> ExecutionResult | None:
        """The result of the latest run of this executor as it stands, or None before the first."""
        return None if self._last is None else self._last.result()

    def cancel(self, reason: str = "cancelled") -> None:
        """End the latest run of this executor, from any thread; what finished is kept.

        A blocking run ends when the call that goes on at the moment has come back.
        """
        if self._last is not None:
            self._last.cancel(reason)

    def execute(
        self, initial_state: Mapping[str, Any] | None = None, *, overrides: Mapping[str, Any] | None = None
    ) -> ExecutionResult:
        """Run the nodes one by one in the calling thread and return the result; no event loop is needed.

        Async agents and functions run on a background loop while the caller waits, so this works in a cell, too.

        Args:
            initial_state: what the nodes may read from the start.
            overrides: results by node: such a node does not run, nor do those that only it needed.

        Raises:
            ValidationError: the graph cannot run; nothing has.
        """
        run = self._prepare(BlockingRun, initial_state, "sequential", time.perf_counter, overrides, self.stream)
        try:
            run.drive()
        except KeyboardInterrupt as error:
            say_instead(error, f"Stopped {run.plan.name!r}. What finished is kept: linus_nb.last_run()")
            raise
        return run.result()

    async def aexecute(
        self,
        initial_state: Mapping[str, Any] | None = None,
        parallel: bool = True,
        schedule: Schedule = "levels",
        *,
        overrides: Mapping[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run the graph in the running event loop and return the result.

        Args:
            initial_state: what the nodes may read from the start.
            parallel: False runs the nodes one by one, in plan order.
            schedule: "levels" runs each level at once and waits for it; "dataflow" starts a node the moment its own
                sources have ended; "sequential" is ``parallel=False``.
            overrides: results by node: such a node does not run, nor do those that only it needed.

        Raises:
            ValidationError: the graph cannot run; nothing has.
            asyncio.CancelledError: the await was cancelled (Stop, a timeout): the run has ended, and what finished
                is in `last_result`.
        """
        run = self.start(initial_state, schedule if parallel else "sequential", overrides=overrides)
        await run.drive()
        return run.result()

    async def watch(
        self,
        initial_state: Mapping[str, Any] | None = None,
        schedule: Schedule = "levels",
        *,
        overrides: Mapping[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run the graph as `aexecute` does, and show it in the cell meanwhile.

        Nodes change colour, what models write streams into panes, and a button stops the run. When it has ended, the
        picture of what it came to stays. Outside a notebook it only runs.

        Raises:
            ValidationError: the graph cannot run; nothing has.
            asyncio.CancelledError: the await was cancelled; what finished is in `last_result`.
        """
        shown = view("linus_nb.notebook.live:viewer")()
        run = self._begin(initial_state, schedule, overrides, stream=True)
        with shown(run):
            await run.drive()
        return run.result()

    def start(
        self,
        initial_state: Mapping[str, Any] | None = None,
        schedule: Schedule = "levels",
        *,
        overrides: Mapping[str, Any] | None = None,
    ) -> Run:
        """Start a run in the running event loop and return its handle at once."""
        return self._begin(initial_state, schedule, overrides, stream=self.stream)

    def _begin(
        self,
        initial_state: Mapping[str, Any] | None,
        schedule: Schedule,
        overrides: Mapping[str, Any] | None,
        stream: bool,
    ) -> Run:
        loop = asyncio.get_running_loop()
        # asyncio's own loops read this clock by a method that costs more than the reading
        plain = getattr(type(loop), "time", None) is asyncio.BaseEventLoop.time
        run = self._prepare(Run, initial_state, schedule, time.monotonic if plain else loop.time, overrides, stream)
        limited = self.max_concurrency is not None or self.resources or run.plan.demanding
        run.begin(Pool(self.max_concurrency, self.resources) if limited else None)
        return run

    def _prepare(
        self,
        kind: type[R],
        initial_state: Mapping[str, Any] | None,
        schedule: str,
        clock: Callable[[], float],
        overrides: Mapping[str, Any] | None,
        stream: bool,
    ) -> R:
        check_schedule(schedule)
        for what, mapping in (("initial_state", initial_state), ("overrides", overrides)):
            if mapping is not None and not isinstance(mapping, Mapping):
                raise GraphError(f"{what} is {mapping!r}; give a mapping like {{'name': value}}, or nothing")
        given_state = dict(initial_state or {})
        initial = given_state if self.state is None else {**self.state.to_dict(), **given_state}
        plan, bindings, given, unneeded = checked(self.dag, initial, self.resources, overrides)
        if self.state is not None:
            for key, value in given_state.items():
                self.state.set(key, value, source="initial_state")
        run = kind(
            plan,
            bindings,
            initial,
            reducers=self.dag.reducers,
            schedule=schedule,
            clock=clock,
            fail_fast=self.fail_fast,
            budget=self.budget,
            observers=self.observers,
            shared=self.state,
            stream=stream,
            given=given,
            unneeded=unneeded,
        )
        self._last = run
        if self.remember and not events.is_inside_node():
            history.remember(run.result)
        return run
