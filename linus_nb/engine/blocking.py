"""The blocking driver: a run one by one in the calling thread, with no event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
import time
from contextvars import Context
from functools import partial
from typing import Any

from linus_nb.engine import policy
from linus_nb.engine.background import run_blocking
from linus_nb.engine.frontier import Decision
from linus_nb.engine.ledger import FAIL_FAST, FAILED, RUNNING, Ledger
from linus_nb.engine.policy import Answer, Attempt, Outcome
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.threads import ThreadCall
from linus_nb.engine.view import StateView
from linus_nb.errors import NodeTimeoutError


class BlockingRun(Ledger):
    """A run that blocks its caller until it has ended."""

    def drive(self) -> ExecutionResult:
        """Run every node in plan order and return the result.

        Raises:
            KeyboardInterrupt: the run was interrupted; what finished is kept in its result.
        """
        starting = self.admit(self.frontier.roots())
        try:
            while starting:  # one node, or none
                starting = self._node(starting[0])
        except BaseException as error:  # an interrupt, or an error of the engine's own: the run ends with it
            reason = type(error).__name__
            self.request_cancel(reason)
            for i, status in enumerate(self.status):
                if status is RUNNING:
                    self.cancel_node(i, reason)
            self.close()
            raise
        self.close()
        return self.result()

    def _node(self, i: int) -> list[int]:
        node = self.plan.nodes[i]
        context = self.context(i)
        if i in self.frontier.broken:
            outcome = policy.outcome_of_error(node, self.frontier.broken[i])
        else:
            self.started(i)
            outcome = self._attempts(i, context)
        self.settle(i, outcome)
        if self.fail_fast and outcome.status is FAILED:
            self.request_cancel(FAIL_FAST)
            return []
        decisions: dict[int, Decision] = {}
        if outcome.status is not FAILED:
            for target, condition in self.plan.conditions[i]:
                decisions[target] = self._decide(i, condition, context)
                self.decided(i, target, decisions[target])
        return self.advance(i, decisions)

    def _attempts(self, i: int, context: Context) -> Outcome:
        steps = policy.attempts(self.plan.nodes[i])
        request = next(steps)
        try:
            while True:
                if isinstance(request, Attempt):
                    answer = self._attempt(i, context)
                else:
                    self.retried(i, request.attempt, request.wait_s, request.error)
                    time.sleep(request.wait_s)
                    answer = Answer(None, None)
                request = steps.send(answer)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    def _attempt(self, i: int, context: Context) -> Answer:
        node = self.plan.nodes[i]
        try:
            args, kwargs = self.arguments(i)
            call = partial(self._call, i, args, kwargs)
            if node.timeout_seconds is None:
                return Answer(context.run(call), None)
            waiting = ThreadCall(call, context.copy())
            try:
                return Answer(waiting.wait_blocking(node.timeout_seconds), None)
            except TimeoutError as error:
                over = error if waiting.ended else NodeTimeoutError(node.name, node.timeout_seconds)
                return Answer(None, over)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  a node's error is data
            return Answer(None, error)

    def _call(self, i: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = self.plan.nodes[i].target
        if target.blocking is not None:
            return _finished(target.blocking(*args, **kwargs))
        assert target.awaiting is not None
        return _finished(target.awaiting(*args, **kwargs))

    def _decide(self, i: int, condition: Any, context: Context) -> Decision:
        try:
            view = StateView(self.values, i, own=True)
            return bool(context.run(lambda: _finished(condition(view))))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  it fails the edge's target, by its policy
            return error


def _finished(value: Any) -> Any:
    """Return a value, or what an awaitable comes to on the background loop."""
    if not inspect.isawaitable(value):
        return value

    async def finish() -> Any:
        return await value

    return run_blocking(finish())
