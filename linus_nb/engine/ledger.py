"""The books of one run: statuses, values, errors and events. Both drivers keep them by the same few functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import Context, copy_context
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from linus_nb import events as ev
from linus_nb.engine import history, log
from linus_nb.engine.frontier import Decision, Frontier
from linus_nb.engine.gates import make_gate
from linus_nb.engine.policy import Outcome
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.view import Reducers, StateView, Values
from linus_nb.errors import MissingInputError
from linus_nb.events import NodeStatus
from linus_nb.graph.plan import Binding, Plan
from linus_nb.graph.state import SharedState

PENDING, RUNNING, COMPLETED = NodeStatus.PENDING, NodeStatus.RUNNING, NodeStatus.COMPLETED
FAILED, SKIPPED, CANCELLED = NodeStatus.FAILED, NodeStatus.SKIPPED, NodeStatus.CANCELLED

_set_sink = ev.sink.set

FAIL_FAST = "fail_fast"


class Ledger:
    """One run of one plan. Nothing of it lives on the graph, so that many runs go on side by side."""

    def __init__(
        self,
        plan: Plan,
        bindings: list[Binding],
        initial: Mapping[str, Any],
        *,
        reducers: Reducers,
        schedule: str,
        clock: Callable[[], float],
        max_concurrency: int | None = None,
        resources: Mapping[str, float] | None = None,
        fail_fast: bool = False,
        observers: Iterable[log.Observer] = (),
        shared: SharedState | None = None,
    ) -> None:
        self.plan = plan
        self.bindings = bindings
        self.schedule = schedule
        self.fail_fast = fail_fast
        self.shared = shared
        self.values = Values(plan, initial, reducers)
        self.frontier = Frontier(plan)
        self.gate = make_gate(plan, schedule, max_concurrency, resources or {})
        self.status: list[NodeStatus] = [PENDING] * len(plan)
        self.results: dict[int, Any] = {}
        self.errors: dict[int, BaseException] = {}
        self.left = len(plan)
        self.cancelling: str | None = None  # why the run was ended early
        self.fatal: BaseException | None = None  # KeyboardInterrupt or SystemExit out of a node
        self.ended = False
        self.duration_s = 0.0
        self._clock = clock
        self._ready_at: dict[int, float] = {}
        self._context = copy_context()  # the caller's; each node starts in a copy of it
        self.log = log.EventLog(uuid4().hex[:12], plan.names, observers)
        self._start = clock()
        self._receive = self.report
        self._keys = plan.output_keys
        self.log.append((log.run_started, 0.0, -1, (schedule, datetime.now(UTC), plan)))
        history.remember(self.result)

    def now(self) -> float:
        """Return the seconds since the start of the run."""
        return self._clock() - self._start

    # -- a node's life ----------------------------------------------------------------------------------------

    def started(self, i: int) -> None:
        """Note that node ``i`` begins its first attempt."""
        self.status[i] = RUNNING
        since = self._ready_at.pop(i, None) if self._ready_at else None
        self.log.append((log.started, self._clock() - self._start, i, () if since is None else (since,)))

    def completed(self, i: int, value: Any, error: BaseException | None = None) -> None:
        """Note that node ``i`` completed, and write its value. ``error`` is one that ``on_error`` waved through."""
        self.status[i] = COMPLETED
        self.left -= 1
        self.results[i] = value
        key = self._keys[i]
        if key is not None:
            self.values.written[i] = value
            if self.shared is not None:
                self.shared.set(key, value, source=self.plan.names[i])
        if error is not None:
            self.errors[i] = error
        self.log.append((log.finished, self._clock() - self._start, i, (value, error)))

    def settle(self, i: int, outcome: Outcome) -> None:
        """Note how node ``i`` ended: status, value, error, event."""
        status, value, error = outcome
        if status is COMPLETED:
            self.completed(i, value, error)
            return
        assert error is not None
        self.status[i] = status
        self.left -= 1
        self.errors[i] = error
        if status is FAILED:
            self.log.append((log.failed, self.now(), i, (error,)))
        else:
            reason = f"its error was waved through: {type(error).__name__}"
            self.log.append((log.skipped, self.now(), i, (reason, error)))

    def advance(self, i: int, decisions: dict[int, Decision] | None) -> list[int]:
        """Return which nodes may start now that node ``i`` has ended, and note those that never will."""
        ready = self.frontier.did_not_run(i, i) if self.status[i] is FAILED else self.frontier.ran(i, decisions)
        if self.gate is None and not self.frontier.skipped:
            return ready
        now = self.admit(ready) if ready else []
        now += self.release(i)
        while self.frontier.skipped:
            dropped, self.frontier.skipped = self.frontier.skipped, []
            for t, reason in dropped:
                self.skip(t, reason)
                now += self.release(t)
        return now

    def admit(self, ready: list[int]) -> list[int]:
        """Return which of the ready nodes may start now; the others' waiting begins."""
        if self.gate is None:
            return ready
        now = self.gate.admit(ready)
        if len(now) != len(ready):
            at = self.now()
            for i in ready:
                self._ready_at.setdefault(i, at)
        return now

    def release(self, i: int) -> list[int]:
        """Return which of the waiting nodes may start now that node ``i`` is final."""
        return [] if self.gate is None else self.gate.ended(i)

    def skip(self, i: int, reason: str) -> None:
        """Note that node ``i`` will not run."""
        self.status[i] = SKIPPED
        self.left -= 1
        self.log.append((log.skipped, self.now(), i, (reason, None)))

    def cancel_node(self, i: int, reason: str, abandoned: bool = False) -> None:
        """Note that running node ``i`` was cancelled; ``abandoned`` if it could not be stopped."""
        self.status[i] = CANCELLED
        self.left -= 1
        self.log.append((log.cancelled, self.now(), i, (reason, abandoned)))

    def skip_pending(self, reason: str) -> None:
        """Note that nothing more will start."""
        for i, status in enumerate(self.status):
            if status is PENDING:
                self.skip(i, reason)

    def retried(self, i: int, attempt: int, wait_s: float, error: BaseException) -> None:
        """Note that an attempt failed and another will follow."""
        self.log.append((log.retried, self.now(), i, (attempt, wait_s, error)))

    def decided(self, i: int, target: int, decision: Decision) -> None:
        """Note what the condition on an edge gave."""
        raised = decision if isinstance(decision, BaseException) else None
        self.log.append((log.decided, self.now(), i, (target, decision is True, raised)))

    def report(self, i: int, call: ev.Call) -> None:
        """Take a report of a model or tool call inside node ``i``; one that comes late is dropped."""
        if self.status[i] is RUNNING and not self.ended:
            self.log.append((log.called, self.now(), i, (call,)))

    # -- a node's surroundings ------------------------------------------------------------------------------------

    def context(self, i: int) -> Context:
        """Return a fresh copy of the caller's context for node ``i``, whose reports arrive here."""
        context = self._context.copy()
        context.run(_set_sink, (self._receive, i))
        return context

    def arguments(self, i: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and keyword arguments of node ``i``'s call.

        Raises:
            MissingInputError: a key it reads was not written in this run.
        """
        binding = self.bindings[i]
        way = binding.way
        if way == "nothing":
            return (), {}
        view = StateView(self.values, i)
        if way == "view":
            return (view,), {}
        if way == "dict":  # a key whose writer was skipped is left out
            return ({name: view[key] for name, key in binding.keys if key in view},), {}
        given: dict[str, Any] = {}
        for name, key in binding.keys:
            try:
                given[name] = view[key]
            except KeyError:
                if name not in binding.optional:
                    raise MissingInputError(self.plan.names[i], key, view) from None
        return (), given

    # -- the end ----------------------------------------------------------------------------------------------------

    def overall(self) -> str:
        """Return the status of the run as a whole."""
        if self.cancelling is not None and self.cancelling != FAIL_FAST:
            return "cancelled"
        if FAILED in self.status:
            return "failed"
        return "partial" if self.errors else "success"

    def request_cancel(self, reason: str) -> None:
        """Note that the run is to end now: nothing starts any more."""
        self.cancelling = reason
        self.log.append((log.cancel_requested, self.now(), -1, (reason,)))
        self.skip_pending("cancelled" if reason != FAIL_FAST else FAIL_FAST)

    def close(self) -> None:
        """Note the end of the run."""
        self.duration_s = self.now()
        self.log.append((log.run_finished, self.duration_s, -1, (self.overall(),)))
        self.ended = True
        self.log.observers.clear()

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
