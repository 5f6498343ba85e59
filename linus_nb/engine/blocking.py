"""The blocking driver: a run one by one in the calling thread, with no event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
import time
from concurrent.futures import Future
from contextvars import Context
from functools import partial
from typing import Any

from linus_nb.engine import policy
from linus_nb.engine.background import run_blocking
from linus_nb.engine.deadline import CLOCK_TICK_S, GRACE_S, ExpiredError, within
from linus_nb.engine.frontier import Decision
from linus_nb.engine.ledger import CANCELLED, COMPLETED, FAIL_FAST, FAILED, RUNNING, Ledger
from linus_nb.engine.mapped import items_of
from linus_nb.engine.policy import Answer, Attempt, Outcome
from linus_nb.engine.threads import ThreadCall
from linus_nb.engine.view import StateView
from linus_nb.errors import NodeTimeoutError
from linus_nb.graph.node import Condition
from linus_nb.graph.plan import Place


class StoppedError(BaseException):
    """The run was cancelled from another thread; it goes past what handles a node's errors."""


class BrokenError(BaseException):
    """An error of the engine's own in the run of a graph inside: it ends the run around that, too."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(error)


class BlockingRun(Ledger):
    """A run that blocks its caller until it has ended."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._stop = threading.Event()
        self._why = "cancelled"
        self._left_behind = False  # the node that was interrupted goes on in a thread
        self._awaiting = False  # the attempt has come to something that it awaits
        self._awaited: Future[None] | None = None  # what goes on on the background loop
        self._pen = threading.Lock()
        self._holder: int | None = None  # the only thread that may tell the run around this one what happens
        super().__init__(*args, **kwargs)

    def drive(self) -> None:
        """Run every node in plan order.

        Raises:
            KeyboardInterrupt: the run was interrupted; what finished is kept in its result.
        """
        timer = self._timer()
        try:
            starting = self.opening()
            while starting:  # one node, or none
                if self._stop.is_set():
                    raise StoppedError
                starting = self._node(starting[0])
        except StoppedError:
            self._close_early(self._why)
            return
        except BrokenError as broken:
            self._close_early(type(broken.error).__name__)
            raise broken.error from None
        except BaseException as error:  # an interrupt, or an error of the engine's own: the run ends with it
            self._close_early(type(error).__name__)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        self.close()

    def _timer(self) -> threading.Timer | None:
        """Return what ends the run when its time is over, where it is to end at once; the rest is seen node by node."""
        spending = self.spending
        if self.nest is not None or spending is None or not self._stops or spending.left_s == math.inf:
            return None
        timer = threading.Timer(spending.left_s + CLOCK_TICK_S, spending.tell)
        timer.daemon = True
        timer.start()
        return timer

    @property
    def _stops(self) -> bool:
        return self.spending is not None and self.spending.budget.on_limit == "stop"

    def spent(self, reason: str) -> None:
        """End the run where that is the budget's wish; else its nodes and items ask for themselves."""
        if self._stops:
            self.cancel(f"budget: {reason}")

    def _out_of_budget(self) -> str:
        return "" if self.spending is None or self._stops else self.spending.reason()

    def cancel(self, reason: str = "cancelled") -> None:
        """End the run from another thread: at once where it awaits something, else when the call has come back."""
        self._why = reason
        self._stop.set()
        awaited = self._awaited
        if awaited is not None:
            awaited.cancel()
        for child in tuple(self.children.values()):
            assert isinstance(child, BlockingRun)
            child.cancel(reason)

    def _close_early(self, reason: str) -> None:
        self.request_cancel(reason)
        for i, status in enumerate(self.status):
            if status is RUNNING:
                self.cancel_node(i, reason, abandoned=self._left_behind)
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
        if reason := self._out_of_budget():
            self.exhaust(reason)
            return []
        decisions: dict[int, Decision] = {}
        if self.status[i] is not FAILED:
            for target, condition in self.conditions(i):
                decisions[target] = self._decide(i, condition, context)
                self.decided(i, target, decisions[target])
        return self.advance(i, decisions)

    def _map(self, i: int) -> Outcome:
        node = self.plan.nodes[i]
        try:
            values = items_of(self, i)
        except Exception as error:  # noqa: BLE001  no list, or one that raises when it is read: the node's error
            return policy.outcome_of_error(node, error)
        self.items_found(i, len(values))
        answers: dict[int, Answer] = {}
        for k, value in enumerate(values):
            if self._stop.is_set():
                raise StoppedError
            if k and self._out_of_budget():
                break
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
                        raise StoppedError
                    answer = Answer(None, None)
                request = steps.send(answer)
        except StopIteration as stop:
            last: Answer = stop.value
            return last

    def _attempt(self, place: Place, context: Context, item: Any) -> Answer:
        node = self.plan.nodes[place.i]
        self._left_behind = self._awaiting = False
        try:
            args, kwargs = self.arguments(place, item)
            if node.timeout_seconds is None:
                return Answer(context.run(self._call, place, args, kwargs), None)
            until = time.monotonic() + node.timeout_seconds
            call = ThreadCall(partial(self._call, place, args, kwargs, until), context.copy())
            try:
                came_back = call.wait_blocking(node.timeout_seconds)
                if not came_back and self._awaiting:  # it is being cancelled on the background loop at this moment
                    came_back = call.wait_on(2 * GRACE_S)
            finally:
                self._left_behind = not call.ended
            if came_back:
                return Answer(call.outcome(), None)
            self._give_up(place)
            call.give_up()
            # of a graph inside, its own record tells what could not be stopped
            return Answer(None, NodeTimeoutError(node.name, node.timeout_seconds, node.target.graph is None))
        except ExpiredError as expired:  # what it awaits, on the background loop
            return Answer(None, NodeTimeoutError(node.name, node.timeout_seconds or 0.0, expired.abandoned))
        except (KeyboardInterrupt, SystemExit, StoppedError, BrokenError):
            raise
        except BaseException as error:  # noqa: BLE001  a node's error is data
            if isinstance(error, asyncio.CancelledError) and self._stop.is_set():
                raise StoppedError from None
            return Answer(None, error)

    def _call(self, place: Place, args: tuple[Any, ...], kwargs: dict[str, Any], until: float | None = None) -> Any:
        target = self.plan.nodes[place.i].target
        if target.graph is not None:
            return self._inner(place, args)
        function = target.awaiting if target.blocking is None else target.blocking
        assert function is not None
        return self._finished(function(*args, **kwargs), until)

    def _inner(self, place: Place, args: tuple[Any, ...]) -> dict[str, Any]:
        """Run the graph that a node holds, as a part of this run."""
        child = self.inner_run(place, args)
        try:
            child.drive()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            raise BrokenError(error) from error
        finally:
            if self.children.get(place) is child:
                self.children.pop(place, None)
        if self._stop.is_set() and child.cancelling is not None:
            raise StoppedError
        return child.output()

    def _give_up(self, place: Place) -> None:
        """End the run of a graph inside that took too long, whose thread can't be stopped."""
        child = self.children.get(place)
        if isinstance(child, BlockingRun):
            child.cancel()
            child.close_for_thread()
            self.children.pop(place, None)  # its thread may have done so at this moment

    def close_for_thread(self) -> None:
        """Close the books in the place of the thread that has them, of which nothing is heard any more."""
        with self._pen:
            self._holder = threading.get_ident()
        for place in tuple(self.children):
            self._give_up(place)
        self._left_behind = True
        if not self.ended:
            self._close_early("cancelled")

    def _tell_outer(self, seq: int) -> None:
        with self._pen:
            if self._holder in (None, threading.get_ident()):
                super()._tell_outer(seq)

    def _decide(self, i: int, condition: Condition, context: Context) -> Decision:
        try:
            view = StateView(self.values, i, own=True)
            return bool(context.run(lambda: self._finished(condition(view))))
        except (KeyboardInterrupt, SystemExit, StoppedError, BrokenError):
            raise
        except BaseException as error:  # noqa: BLE001  it fails the edge's target, under that node's policy
            if isinstance(error, asyncio.CancelledError) and self._stop.is_set():
                raise StoppedError from None
            return error

    def _finished(self, value: Any, until: float | None = None) -> Any:
        """Return a value, or what an awaitable comes to on the background loop, where it is cancelled at ``until``."""
        if not inspect.isawaitable(value):
            return value

        self._awaiting = True

        async def finish() -> Any:
            found = value
            while inspect.isawaitable(found):
                found = await found
            return found

        work = finish() if until is None else within(until - time.monotonic(), finish())
        try:
            return run_blocking(work, self._cancel_with_run)
        finally:
            self._awaited = None

    def _cancel_with_run(self, future: Future[None]) -> None:
        """Remember what goes on on the background loop; `cancel` ends it."""
        self._awaited = future
        if self._stop.is_set():
            future.cancel()
