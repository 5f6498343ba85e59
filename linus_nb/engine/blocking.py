"""The blocking driver: a run one by one in the calling thread, with no event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextvars import Context
from functools import partial
from typing import Any

from linus_nb.engine import policy
from linus_nb.engine.background import run_blocking
from linus_nb.engine.frontier import Decision
from linus_nb.engine.ledger import CANCELLED, COMPLETED, FAIL_FAST, FAILED, RUNNING, Ledger, Nest
from linus_nb.engine.policy import Answer, Attempt, Outcome
from linus_nb.engine.threads import ThreadCall
from linus_nb.engine.view import StateView
from linus_nb.errors import NodeTimeoutError
from linus_nb.graph.node import Condition
from linus_nb.graph.plan import Place


class Stopped(BaseException):
    """The run was cancelled from another thread; it goes past what handles a node's errors."""


class BlockingRun(Ledger):
    """A run that blocks its caller until it has ended."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._stop = threading.Event()
        self._why = "cancelled"
        self._waiting: ThreadCall | None = None  # the latest call in a thread
        super().__init__(*args, **kwargs)

    def drive(self) -> None:
        """Run every node in plan order.

        Raises:
            KeyboardInterrupt: the run was interrupted; what finished is kept in its result.
        """
        try:
            starting = self.opening()
            while starting:  # one node, or none
                if self._stop.is_set():
                    raise Stopped
                starting = self._node(starting[0])
        except Stopped:
            self._close_early(self._why)
            return
        except BaseException as error:  # an interrupt, or an error of the engine's own: the run ends with it
            self._close_early(type(error).__name__)
            raise
        self.close()

    def cancel(self, reason: str = "cancelled") -> None:
        """End the run from another thread, once the call that goes on at the moment has come back."""
        self._why = reason
        self._stop.set()
        for child in tuple(self.children.values()):
            assert isinstance(child, BlockingRun)
            child.cancel(reason)

    def _close_early(self, reason: str) -> None:
        self.request_cancel(reason)
        for i, status in enumerate(self.status):
            if status is RUNNING:
                in_thread = self._waiting is not None and not self._waiting.ended
                self.cancel_node(i, reason, abandoned=in_thread)
        self.close()

    def _node(self, i: int) -> list[int]:
        node = self.plan.nodes[i]
        place = Place(i)
        context = self.context(place)
        if i in self.given:
            self.completed(i, self.given[i], given=True)
        elif i in self.frontier.broken:
            self.settle(i, policy.outcome_of_error(node, self.frontier.broken[i]))
        else:
            self.started(i)
            self.settle(i, self._map(i) if node.map_over else policy.outcome_of(node, self._attempts(place, context)))
        if self.fail_fast and self.status[i] is FAILED:
            self.request_cancel(FAIL_FAST)
            return []
        decisions: dict[int, Decision] = {}
        if self.status[i] is not FAILED:
            for target, condition in self.plan.conditions[i]:
                decisions[target] = self._decide(i, condition, context)
                self.decided(i, target, decisions[target])
        return self.advance(i, decisions)

    def _map(self, i: int) -> Outcome:
        node = self.plan.nodes[i]
        try:
            values = self.items(i)
        except Exception as error:  # noqa: BLE001  no list, or one that raises when it is read: the node's error
            return policy.outcome_of_error(node, error)
        self.items_found(i, len(values))
        answers: dict[int, Answer] = {}
        for k, value in enumerate(values):
            if self._stop.is_set():
                raise Stopped
            place = Place(i, k)
            self.item_started(place)
            try:
                answer = answers[k] = self._attempts(place, self.context(place), value)
            except BaseException:  # an interrupt: noted, and raised
                self.item_ended(place, CANCELLED, None, None)
                raise
            self.item_ended(place, COMPLETED if answer.error is None else FAILED, answer.value, answer.error)
            if answer.error is not None and self.fail_fast and node.on_error == "fail":
                break
        return policy.outcome_of_items(node, answers, len(values))

    def _attempts(self, place: Place, context: Context, item: Any = None) -> Answer:
        steps = policy.attempts(self.plan.nodes[place.i])
        request = next(steps)
        try:
            while True:
                if isinstance(request, Attempt):
                    answer = self._attempt(place, context, item)
                else:
                    self.retried(place, request.attempt, request.wait_s, request.error)
                    if self._stop.wait(request.wait_s):
                        raise Stopped
                    answer = Answer(None, None)
                request = steps.send(answer)
        except StopIteration as stop:
            last: Answer = stop.value
            return last

    def _attempt(self, place: Place, context: Context, item: Any) -> Answer:
        node = self.plan.nodes[place.i]
        try:
            args, kwargs = self.arguments(place, item)
            call = partial(self._call, place, args, kwargs)
            if node.timeout_seconds is None:
                return Answer(context.run(call), None)
            self._waiting = waiting = ThreadCall(call, context.copy())
            try:
                return Answer(waiting.wait_blocking(node.timeout_seconds), None)
            except TimeoutError as error:
                if waiting.ended:
                    return Answer(None, error)
                self._give_up(place)
                return Answer(None, NodeTimeoutError(node.name, node.timeout_seconds))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  a node's error is data
            return Answer(None, error)

    def _call(self, place: Place, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = self.plan.nodes[place.i].target
        if target.graph is not None:
            return self._inner(place, args)
        if target.blocking is not None:
            return _finished(target.blocking(*args, **kwargs))
        assert target.awaiting is not None
        return _finished(target.awaiting(*args, **kwargs))

    def _inner(self, place: Place, args: tuple[Any, ...]) -> dict[str, Any]:
        """Run the graph that a node holds, as a part of this run."""
        inner = self.bindings[place.i].inner
        graph = self.plan.nodes[place.i].target.graph
        assert inner is not None
        assert graph is not None
        child = BlockingRun(
            *inner,
            args[0] if args else {},
            reducers=graph.reducers,
            schedule=self.schedule,
            clock=self._clock,
            fail_fast=self.fail_fast,
            nest=Nest(self, place),
        )
        try:
            child.drive()
        finally:
            if self.children.get(place) is child:
                del self.children[place]
        if self._stop.is_set() and child.cancelling is not None:
            raise Stopped
        return child.output()

    def _give_up(self, place: Place) -> None:
        """Hear no more of a graph inside that took too long, and let it start nothing more."""
        child = self.children.pop(place, None)
        if isinstance(child, BlockingRun):
            child.cancel()

    def _decide(self, i: int, condition: Condition, context: Context) -> Decision:
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
