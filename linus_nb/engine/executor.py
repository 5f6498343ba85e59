"""`DAGExecutor`: checks a graph, then runs it, blocking or awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from linus_nb.engine.blocking import BlockingRun
from linus_nb.engine.gates import Schedule, check_schedule, impossible_demands
from linus_nb.engine.ledger import Ledger
from linus_nb.engine.log import Observer
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.run import Run
from linus_nb.errors import GraphError, ValidationError
from linus_nb.graph.binding import bind, check
from linus_nb.graph.plan import Binding, Plan
from linus_nb.graph.state import SharedState
from linus_nb.graph.target import Graph

R = TypeVar("R", bound=Ledger)


def checked(graph: Graph, initial_keys: Iterable[str], resources: Mapping[str, float]) -> tuple[Plan, list[Binding]]:
    """Return the plan and each node's binding.

    Raises:
        ValidationError: with all problems at once.
    """
    plan = graph.plan()
    keys = frozenset(initial_keys)
    bindings = plan.bindings.get(keys)
    if bindings is None:
        bindings, problems = bind(plan, keys)
        problems = check(plan, problems, graph.reducers)
    else:
        problems = []
    problems += impossible_demands(plan, resources) if plan.limited else []
    if problems:
        raise ValidationError(graph.name, problems)
    plan.bindings[keys] = bindings
    return plan, bindings


class DAGExecutor:
    """Runs a graph; `last_result` keeps the latest result, also of a run that was stopped.

    Args:
        dag: the `AgentDAG` to run.
        state: a `SharedState` that is read once at the start, then gets the initial state and each output.
        max_concurrency: how many nodes run at once; None for no limit.
        resources: what there is, like ``{"gpu": 2}``, for nodes that name ``resources``.
        fail_fast: end the run at the first failed node.
        observers: callables that get each event; one that raises is removed and logged.

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
        observers: Iterable[Observer] = (),
    ) -> None:
        if max_concurrency is not None and (isinstance(max_concurrency, bool) or max_concurrency < 1):
            raise GraphError(
                f"max_concurrency is {max_concurrency!r}; give a whole number from 1, or None for no limit"
            )
        self.dag = dag
        self.state = state
        self.max_concurrency = max_concurrency
        self.resources = dict(resources or {})
        self.fail_fast = fail_fast
        self.observers = tuple(observers)
        self._last: Ledger | None = None

    @property
    def last_result(self) -> ExecutionResult | None:
        """The result of the latest run of this executor as it stands, or None before the first."""
        return None if self._last is None else self._last.result()

    def execute(self, initial_state: Mapping[str, Any] | None = None) -> ExecutionResult:
        """Run the nodes one by one in the calling thread and return the result; no event loop is needed.

        Async agents and functions run on a background loop while the caller waits, so this works in a cell, too.

        Raises:
            ValidationError: the graph cannot run; nothing has.
        """
        return self._prepare(BlockingRun, initial_state, "sequential", time.perf_counter).drive()

    async def aexecute(
        self,
        initial_state: Mapping[str, Any] | None = None,
        parallel: bool = True,
        schedule: Schedule = "levels",
    ) -> ExecutionResult:
        """Run the graph in the running event loop and return the result.

        Args:
            initial_state: what the nodes may read from the start.
            parallel: False runs the nodes one by one, in plan order.
            schedule: "levels" runs each level at once and waits for it; "dataflow" starts a node the moment its own
                sources have ended; "sequential" is ``parallel=False``.

        Raises:
            ValidationError: the graph cannot run; nothing has.
            asyncio.CancelledError: the await was cancelled (Stop, a timeout): the run has ended, and what finished
                is in `last_result`.
        """
        return await self.start(initial_state, schedule=schedule if parallel else "sequential").drive()

    def start(self, initial_state: Mapping[str, Any] | None = None, schedule: Schedule = "levels") -> Run:
        """Start a run in the running event loop and return its handle at once."""
        loop = asyncio.get_running_loop()
        return self._prepare(Run, initial_state, schedule, loop.time).begin()

    def _prepare(
        self, kind: type[R], initial_state: Mapping[str, Any] | None, schedule: str, clock: Callable[[], float]
    ) -> R:
        check_schedule(schedule)
        if initial_state is not None and not isinstance(initial_state, Mapping):
            raise GraphError(f"initial_state is {initial_state!r}; give a mapping like {{'topic': '…'}}, or nothing")
        given = dict(initial_state or {})
        initial = given if self.state is None else {**self.state.to_dict(), **given}
        plan, bindings = checked(self.dag, initial, self.resources)
        if self.state is not None:
            for key, value in given.items():
                self.state.set(key, value, source="initial_state")
        run = kind(
            plan,
            bindings,
            initial,
            reducers=self.dag.reducers,
            schedule=schedule,
            clock=clock,
            max_concurrency=self.max_concurrency,
            resources=self.resources,
            fail_fast=self.fail_fast,
            observers=self.observers,
            shared=self.state,
        )
        self._last = run
        return run
