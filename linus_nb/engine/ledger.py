"""The books of one run: statuses, values, errors and events. Both drivers keep them by the same few functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import Context, copy_context
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self
from uuid import uuid4

from linus_nb import events as ev
from linus_nb.budget import Budget, Spending, spendings
from linus_nb.engine import log
from linus_nb.engine.frontier import Decision, Frontier
from linus_nb.engine.gates import make_gate
from linus_nb.engine.policy import Outcome
from linus_nb.engine.pool import Rank
from linus_nb.engine.reads import Reads
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.view import MISSING, Reducers, StateView, Values
from linus_nb.errors import BudgetError, MissingInputError
from linus_nb.events import NodeStatus
from linus_nb.graph.node import Condition
from linus_nb.graph.plan import Binding, Place, Plan
from linus_nb.graph.state import SharedState
from linus_nb.models.listening import report_model_calls

PENDING, RUNNING, COMPLETED = NodeStatus.PENDING, NodeStatus.RUNNING, NodeStatus.COMPLETED
FAILED, SKIPPED, CANCELLED = NodeStatus.FAILED, NodeStatus.SKIPPED, NodeStatus.CANCELLED

FAIL_FAST = "fail_fast"
NOT_NEEDED = "not needed: what it leads to was given"


class Nest(NamedTuple):
    """Where a run stands that is a part of another: at a place of that run."""

    outer: Ledger
    place: Place


class Ledger:
    """One run of one plan. Nothing of it lives on the graph, so that many runs go on side by side.

    Args:
        stream: whether models are to report what they write as it comes.
        given: results that were handed to the run, by node: such a node does not run.
        unneeded: nodes that lead to given ones only, and are left out.
        nest: where this run is a part of another, whose log gets its events, too.
        budget: what this run, with those inside it, may spend.
    """

    def __init__(
        self,
        plan: Plan,
        bindings: list[Binding],
        initial: Mapping[str, Any],
        *,
        reducers: Reducers,
        schedule: str,
        clock: Callable[[], float],
        fail_fast: bool = False,
        observers: Iterable[log.Observer] = (),
        shared: SharedState | None = None,
        stream: bool = False,
        given: Mapping[int, Any] | None = None,
        unneeded: Iterable[int] = (),
        nest: Nest | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.plan = plan
        self.bindings = bindings
        self.schedule = schedule
        self.fail_fast = fail_fast
        self.shared = shared
        self.given = given or {}
        self.unneeded = tuple(unneeded)
        self.nest = nest
        self.values = Values(plan, initial, reducers)
        self.frontier = Frontier(plan, self.given, self.unneeded)
        self.gate = make_gate(plan, schedule)
        self.status: list[NodeStatus] = [PENDING] * len(plan)
        self.results: dict[int, Any] = {}
        self.errors: dict[int, BaseException] = {}
        self.children: dict[Place, Ledger] = {}  # the runs of graphs that nodes hold, while they last
        self.cancelling: str | None = None  # why the run was ended early
        self.exhausted: str | None = None  # why nothing more starts: what runs may finish
        self.held_back = False  # a node did not start for that
        self.fatal: BaseException | None = None  # KeyboardInterrupt or SystemExit out of a node
        self.ended = False
        self.duration_s = 0.0
        self._clock = clock
        self._ready_at: dict[int, float] = {}
        self._asked_at: dict[int, float] = {}  # nodes that were ready, and had their turn, by then
        self._at = 0.0  # when the last node ended
        self._context = copy_context()  # the caller's; each node starts in a copy of it
        if stream:
            self._context.run(ev.streaming.set, True)
        if nest is None:
            self._context.run(report_model_calls)
        self.spending: Spending | None = None if nest is None else nest.outer.spending
        if budget is not None:
            self.spending = Spending(budget, self.spent, clock)
            self._context.run(spendings.set, (*spendings.get(), self.spending))
        self.reads = Reads(self.values, bindings)
        self.log = log.EventLog(uuid4().hex[:12], plan.names, observers, self.reads)
        self._start = clock()
        self._keys = plan.output_keys
        self._receive = self.report  # bound once, not for each node
        # where calls are told, too: of a run that code in a node has started, or that somebody overhears
        self._around: Any = ev.sink.get() if nest is None else nest.outer._around
        if nest is not None:
            nest.outer.children[nest.place] = self
            self.log.listen_to_entries(self._tell_outer)
        kept = dict(initial) if nest is None else {}  # what a graph inside was given, its node read
        self.log.append((log.run_started, 0.0, -1, (schedule, datetime.now(UTC), plan, kept)))

    def now(self) -> float:
        """Return the seconds since the start of the run."""
        return self._clock() - self._start

    def cancel(self, reason: str = "cancelled") -> None:
        """End the run, and keep what finished."""
        raise NotImplementedError

    def spent(self, reason: str) -> None:
        """Start nothing more, as the budget is spent; end what runs, if that is its wish."""
        raise NotImplementedError

    # -- a node's life ----------------------------------------------------------------------------------------

    def started(self, i: int) -> None:
        """Note that node ``i`` begins its first attempt."""
        self.status[i] = RUNNING
        since = self._ready_at.pop(i, None) if self._ready_at else None
        facts = () if since is None else (since, self._asked_at.pop(i, None)) if self._asked_at else (since,)
        self.log.append((log.started, self._clock() - self._start, i, facts))

    def completed(self, i: int, value: Any, error: BaseException | None = None, given: bool = False) -> None:
        """Note that node ``i`` completed, and write its value. ``error`` is one that ``on_error`` waved through."""
        self.status[i] = COMPLETED
        self.results[i] = value
        key = self._keys[i]
        if key is not None:
            self.values.written[i] = value
            if self.shared is not None:
                self.shared.set(key, self.values.current(key), source=self.plan.names[i])
        if error is not None:
            self.errors[i] = error
        self._at = at = self._clock() - self._start
        self.log.append((log.finished, at, i, (value, error, given)))

    def settle(self, i: int, outcome: Outcome) -> None:
        """Note how node ``i`` ended: status, value, error, event."""
        status, value, error = outcome
        if status is COMPLETED:
            self.completed(i, value, error)
            return
        assert error is not None
        self.status[i] = status
        self.errors[i] = error
        self._at = at = self.now()
        if status is FAILED:
            self.log.append((log.failed, at, i, (error,)))
        else:
            reason = f"its error was waved through: {type(error).__name__}"
            self.log.append((log.skipped, at, i, (reason, error)))

    def opening(self) -> list[int]:
        """Return the nodes that may start at the beginning, and note those that will not be needed."""
        now = self._admit(self.frontier.roots())
        for i in self.unneeded:
            self.skip(i, NOT_NEEDED)
            now += [] if self.gate is None else self.gate.ended(i)
        return now

    def advance(self, i: int, decisions: dict[int, Decision] | None) -> list[int]:
        """Return which nodes may start now that node ``i`` has ended, and note those that never will."""
        ready = self.frontier.did_not_run(i, i) if self.status[i] is FAILED else self.frontier.ran(i, decisions)
        gate = self.gate
        if gate is None and not self.frontier.skipped:
            return ready
        now = self._admit(ready) if ready else []
        if gate is not None:
            now += gate.ended(i)
        while self.frontier.skipped:
            dropped, self.frontier.skipped = self.frontier.skipped, []
            for t, reason in dropped:
                self.skip(t, reason)
                if gate is not None:
                    now += gate.ended(t)
        return now

    def _admit(self, ready: list[int]) -> list[int]:
        """Return which of the ready nodes may start now; the others' waiting begins."""
        if self.gate is None:
            return ready
        now = self.gate.admit(ready)
        if len(now) != len(ready):
            self.wait(ready)
        return now

    def wait(self, nodes: Iterable[int]) -> None:
        """Note that nodes are ready and may be held back; the time until they start is their waiting."""
        at = self._at
        for i in nodes:
            self._ready_at.setdefault(i, at)

    def ask(self, nodes: Iterable[int]) -> None:
        """Note that nodes may start as far as the schedule goes, and ask for a place."""
        self.wait(nodes)
        for i in nodes:
            self._asked_at[i] = self._at

    def skip(self, i: int, reason: str) -> None:
        """Note that node ``i`` will not run."""
        self.status[i] = SKIPPED
        self.log.append((log.skipped, self.now(), i, (reason, None)))

    def cancel_node(self, i: int, reason: str, abandoned: bool = False) -> None:
        """Note that running node ``i`` was cancelled; ``abandoned`` if it could not be stopped."""
        self.status[i] = CANCELLED
        self.log.append((log.cancelled, self.now(), i, (reason, abandoned)))

    def decided(self, i: int, target: int, decision: Decision) -> None:
        """Note what the condition on an edge gave."""
        raised = decision if isinstance(decision, BaseException) else None
        self.log.append((log.decided, self.now(), i, (target, decision is True, raised)))

    # -- what happens at a place: a node, or one of its items ---------------------------------------------------------

    def retried(self, place: Place, attempt: int, wait_s: float, error: BaseException) -> None:
        """Note that an attempt failed and another will follow."""
        self.log.append((log.retried, self.now(), place.i, (attempt, wait_s, error, place.item)))

    def items_found(self, i: int, count: int) -> None:
        """Note how many items a mapped node has."""
        self.log.append((log.items_found, self.now(), i, (count,)))

    def item_started(self, place: Place, asked_at: float | None = None) -> None:
        """Note that an item begins its first attempt; it asked for a place at ``asked_at``, if it had to."""
        self.log.append((log.item_started, self.now(), place.i, (place.item, asked_at)))

    def item_ended(self, place: Place, status: NodeStatus, value: Any, error: BaseException | None) -> None:
        """Note how an item ended; one that ends after its node, or its run, is not heard."""
        if self.status[place.i] is RUNNING and not self.ended:
            self.log.append((log.item_ended, self.now(), place.i, (place.item, status, value, error)))

    def report(self, place: Place, call: ev.Report) -> None:
        """Take a report of a model or tool call, of a wait, or of progress, from any thread."""
        if self.spending is not None:
            self.spending.add(call)
        self.note(place, call)

    def note(self, place: Place, call: ev.Report) -> None:
        """Note what was reported; what comes late is dropped."""
        if self.status[place.i] is RUNNING and not self.ended:
            self.log.append((log.reported(call), self.now(), place.i, (call, place.item)))
            if self._around is not None:
                receive, outer_place = self._around
                receive(outer_place, call)

    def is_telling(self) -> bool:
        """Return whether an observer is being told of an event at the moment, of this run or of one around it."""
        return self.log.telling or (self.nest is not None and self.nest.outer.is_telling())

    def _tell_outer(self, seq: int) -> None:
        """Tell the run around this one of an event, unless it has given this one up."""
        assert self.nest is not None
        outer, place = self.nest
        if outer.children.get(place) is self and not outer.ended:
            outer.log.append((log.nested, outer.now(), place.i, (self.log, seq, place.item)))

    def conditions(self, i: int) -> list[tuple[int, Condition]]:
        """Return the targets and conditions of the edges that leave node ``i``, but for targets that do not run."""
        conditions = self.plan.conditions[i]
        return [pair for pair in conditions if pair[0] not in self.given] if self.given else conditions

    # -- a node's surroundings ------------------------------------------------------------------------------------

    def rank(self, i: int) -> Rank:
        """Return where node ``i`` stands among all that wait for a place, also in the runs around this one."""
        own = (-self.plan.nodes[i].priority, i)
        return (own,) if self.nest is None else (*self.nest.outer.rank(self.nest.place.i), own)

    def context(self, place: Place, receive: Callable[[Place, ev.Report], None] | None = None) -> Context:
        """Return a fresh copy of the caller's context for a place, whose reports arrive here."""
        context = self._context.copy()
        context.run(ev.sink.set, (receive or self._receive, place))
        if self.plan.nodes[place.i].priority:
            context.run(ev.priority.set, self.plan.nodes[place.i].priority)
        return context

    def inner_run(self, place: Place, args: tuple[Any, ...]) -> Self:
        """Return a run, still to begin, of the graph that a node holds: a part of this run, with the same schedule."""
        inner, graph = self.bindings[place.i].inner, self.plan.nodes[place.i].target.graph
        assert inner is not None
        assert graph is not None
        return type(self)(
            *inner,
            args[0] if args else {},
            reducers=graph.reducers,
            schedule=self.schedule,
            clock=self._clock,
            fail_fast=self.fail_fast,
            nest=Nest(self, place),
        )

    def arguments(self, place: Place, value: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and keyword arguments of the call at a place; ``value`` is the item's.

        Raises:
            MissingInputError: a key it reads was not written in this run.
        """
        i = place.i
        binding = self.bindings[i]
        way = binding.way
        if way == "nothing":
            return (), {}
        if way == "item":
            return (value,), {}
        named = {} if binding.item is None else {binding.item: value}
        if way == "view":
            return (StateView(self.values, i, beside=named),), {}
        if way == "copy":
            return (dict(StateView(self.values, i, beside=named)),), {}
        read = self.values.read
        for name, key, writers in binding.keys:
            found = read(key, writers)
            if found is not MISSING:
                named[name] = found
            elif way != "dict" and name not in binding.optional:
                raise MissingInputError(self.plan.names[i], key, StateView(self.values, i))
        if way == "keywords":
            return (), named
        if way == "dict":  # a key whose writer was skipped is left out
            return (named,), {}
        return tuple(named[name] for name in binding.positions), {}

    # -- the end ----------------------------------------------------------------------------------------------------

    def overall(self) -> str:
        """Return the status of the run as a whole."""
        if self.cancelling is not None and self.cancelling != FAIL_FAST:
            return "cancelled"
        if FAILED in self.status:
            return "failed"
        return "partial" if self.errors or self.held_back else "success"

    def exhaust(self, reason: str) -> None:
        """Note that nothing starts any more, as the budget is spent, and that what runs may finish."""
        self.exhausted = reason
        waiting = [i for i, status in enumerate(self.status) if status is PENDING]
        running = [node for node, status in zip(self.plan.nodes, self.status, strict=True) if status is RUNNING]
        if waiting or any(node.map_over is not None or node.target.graph is not None for node in running):
            self.log.append((log.budget_spent, self.now(), -1, (reason,)))
        for i in waiting:
            self.held_back = True
            self.skip(i, f"budget: {reason}")

    def request_cancel(self, reason: str) -> None:
        """Note that the run is to end now: nothing starts any more."""
        self.cancelling = reason
        self.log.append((log.cancel_requested, self.now(), -1, (reason,)))
        for i, status in enumerate(self.status):
            if status is PENDING:
                self.skip(i, FAIL_FAST if reason == FAIL_FAST else "cancelled")

    def close(self) -> None:
        """Note the end of the run."""
        self.duration_s = self.now()
        self.log.append((log.run_finished, self.duration_s, -1, (self.overall(),)))
        self.ended = True
        self.log.close()

    def result(self) -> ExecutionResult:
        """Return what the run came to, at this moment."""
        names = self.plan.names
        return ExecutionResult(
            status=self.overall() if self.ended else "running",
            total_nodes=len(names),
            completed_nodes=self.status.count(COMPLETED),
            failed_nodes=self.status.count(FAILED),
            skipped_nodes=self.status.count(SKIPPED),
            cancelled_nodes=self.status.count(CANCELLED),
            node_results={names[i]: self.results[i] for i in sorted(self.results)},
            errors={names[i]: self.errors[i] for i in sorted(self.errors)},
            final_state=self.values.everything(),
            execution_time_seconds=self.duration_s if self.ended else self.now(),
            name=self.plan.name,
            events=self.log,
        )

    def output(self) -> dict[str, Any]:
        """Return what a run inside another comes to: the keys that were written. Raises if it failed."""
        if FAILED in self.status or self.cancelling is not None:
            self.result().raise_for_failure()
        if self.held_back:
            raise BudgetError(self.exhausted or "")
        return self.values.output()
