"""The awaiting driver: a run in an event loop, and the handle by which it is awaited, followed and cancelled."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Generator
from functools import partial
from typing import Any, NamedTuple

from linus_nb import events as ev
from linus_nb.engine import policy
from linus_nb.engine.frontier import Decision
from linus_nb.engine.ledger import FAIL_FAST, FAILED, RUNNING, Ledger
from linus_nb.engine.policy import Answer, Attempt, Outcome
from linus_nb.engine.record import RunRecord, fold
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.threads import ThreadCall
from linus_nb.engine.view import StateView
from linus_nb.errors import NodeTimeoutError
from linus_nb.graph.binding import NOTHING

GRACE_S = 0.2  # a coroutine that has not ended so long after its cancellation is abandoned

_CANCELLED_ITSELF = "the node raised CancelledError itself"


class _Fatal(NamedTuple):
    """KeyboardInterrupt or SystemExit out of a node, carried past the loop, which it would end."""

    error: BaseException


class Run(Ledger):
    """A run that goes on in the running event loop.

    ``await run`` returns its result, and giving up that wait leaves the run going; ``async for event in run`` replays
    it from the first event; ``run.cancel()`` ends it and keeps what is done.
    """

    straight_path = True  # tests switch it off, to see that the short way and the long way agree

    def begin(self) -> Run:
        """Start the nodes that wait for nothing. Called once, with a loop running."""
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._in_threads: dict[int, ThreadCall] = {}
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._straight = self.plan.straight if self.straight_path else [False] * len(self.plan)
        self._launch(self.admit(self.frontier.roots()))
        return self

    # -- the engine ---------------------------------------------------------------------------------------------

    def _launch(self, nodes: list[int]) -> None:
        broken, straight, context = self.frontier.broken, self._straight, self._context
        create_task = self._loop.create_task
        for i in nodes:
            if broken and i in broken:
                work = self._broken(i)
            else:
                # the start is noted before the task is made: cancelled before its first step, its body never runs
                self.started(i)
                work = self._short(i) if straight[i] else self._full(i)
            task = create_task(work, context=self.context(i))
            self._tasks[i] = task
            task.add_done_callback(partial(self._ended, i), context=context)

    async def _short(self, i: int) -> Any:
        """Call a plain async function with no retry, timeout or condition."""
        function = self.plan.nodes[i].target.awaiting
        assert function is not None
        try:
            if self.bindings[i] is NOTHING:
                return await function()
            args, kwargs = self.arguments(i)
            return await function(*args, **kwargs)
        except (KeyboardInterrupt, SystemExit) as error:
            return _Fatal(error)

    async def _full(self, i: int) -> Any:
        """Attempts, pauses, and then the conditions on the node's edges."""
        steps = policy.attempts(self.plan.nodes[i])
        request = next(steps)
        try:
            while True:
                if isinstance(request, Attempt):
                    answer = await self._attempt(i)
                    if isinstance(answer, _Fatal):
                        return answer
                elif self.cancelling is not None:  # no attempt follows a cancellation
                    raise asyncio.CancelledError
                else:
                    self.retried(i, request.attempt, request.wait_s, request.error)
                    await asyncio.sleep(request.wait_s)
                    answer = Answer(None, None)
                request = steps.send(answer)
        except StopIteration as stop:
            outcome: Outcome = stop.value
        return await self._settle_and_decide(i, outcome)

    async def _broken(self, i: int) -> Any:
        """End a node into which a condition raised: under its own ``on_error``, without an attempt."""
        return await self._settle_and_decide(i, policy.outcome_of_error(self.plan.nodes[i], self.frontier.broken[i]))

    async def _settle_and_decide(self, i: int, outcome: Outcome) -> dict[int, Decision] | _Fatal:
        decisions: dict[int, Decision] = {}
        if self.ended:  # abandoned, and came back late
            return decisions
        self.settle(i, outcome)
        if outcome.status is not FAILED:
            for target, condition in self.plan.conditions[i]:
                try:
                    decisions[target] = await self._decide(i, condition)
                except (KeyboardInterrupt, SystemExit) as error:
                    return _Fatal(error)
                self.decided(i, target, decisions[target])
        return decisions

    async def _attempt(self, i: int) -> Answer | _Fatal:
        node = self.plan.nodes[i]
        timeout_s = node.timeout_seconds
        try:
            if timeout_s is None:
                return Answer(await self._call(i), None)
            async with asyncio.timeout(timeout_s) as scope:
                return Answer(await self._call(i), None)
        except (KeyboardInterrupt, SystemExit) as error:
            return _Fatal(error)
        except asyncio.CancelledError as error:
            if self.cancelling is not None:
                raise
            return Answer(None, error)
        except TimeoutError as error:
            ours = timeout_s is not None and scope.expired()
            return Answer(None, NodeTimeoutError(node.name, timeout_s or 0.0) if ours else error)
        except Exception as error:  # noqa: BLE001  a node's error is data: its policy says what it means
            return Answer(None, error)

    async def _call(self, i: int) -> Any:
        target = self.plan.nodes[i].target
        args, kwargs = self.arguments(i)
        if target.awaiting is not None:
            value = target.awaiting(*args, **kwargs)
        else:
            assert target.blocking is not None
            call = ThreadCall(partial(target.blocking, *args, **kwargs), self._thread_context(i))
            self._in_threads[i] = call
            value = await call.wait()
        return await value if inspect.isawaitable(value) else value

    def _thread_context(self, i: int) -> Any:
        """Return a context for a thread, from where reports are handed over to the loop's thread."""
        context = self._context.copy()

        def hand_over(node: int, call: ev.Call) -> None:
            if not self._loop.is_closed():  # nobody reads the report of a call that outlived its loop
                self._loop.call_soon_threadsafe(self.report, node, call)

        context.run(ev.sink.set, (hand_over, i))
        return context

    async def _decide(self, i: int, condition: Any) -> Decision:
        try:
            answer = condition(StateView(self.values, i, own=True))
            return bool(await answer if inspect.isawaitable(answer) else answer)
        except asyncio.CancelledError as error:
            if self.cancelling is not None:
                raise
            return error
        except Exception as error:  # noqa: BLE001  it fails the edge's target, under that node's policy
            return error

    def _ended(self, i: int, task: asyncio.Task[Any]) -> None:
        """Take note of a task's end, and start what may start now."""
        del self._tasks[i]
        if self.ended:  # abandoned: the run went on without it, and nothing is written any more
            if not task.cancelled():
                task.exception()  # so that asyncio does not report it as overlooked
            return
        try:
            if (  # by far the most common way, shortened
                self._straight[i]
                and self.status[i] is RUNNING  # not settled already, as where a condition raised
                and self.cancelling is None
                and not task.cancelled()
                and task.exception() is None
                and type(value := task.result()) is not _Fatal
            ):
                self.completed(i, value)
                ready = self.advance(i, None)
                if ready:
                    self._launch(ready)
                elif not self._tasks:
                    self._finish()
            else:
                self._note_end(i, task)
        except BaseException as error:  # noqa: BLE001  an error of the engine's own ends the run with it: it never hangs
            self._break_down(error)

    def _note_end(self, i: int, task: asyncio.Task[Any]) -> None:
        node = self.plan.nodes[i]
        decisions = None
        if task.cancelled():
            error: BaseException | None = asyncio.CancelledError(_CANCELLED_ITSELF)
            value = None
        else:
            error = task.exception()
            value = None if error is not None else task.result()
        if isinstance(value, _Fatal):
            self.fatal = value.error
            reason = type(value.error).__name__
            if not self.status[i].final:  # it may be a condition's interrupt, after the node had ended
                self.cancel_node(i, reason)
            self.cancel(reason)
        elif self.status[i].final:
            decisions = value  # settled already; this is the end of its conditions
        elif self.cancelling is not None and task.cancelled():
            call = self._in_threads.get(i)
            self.cancel_node(i, self.cancelling, abandoned=call is not None and not call.ended)
        elif error is not None:
            self.settle(i, policy.outcome_of_error(node, error))
        else:
            self.completed(i, value)
        self._in_threads.pop(i, None)
        if self.cancelling is None:
            if self.fail_fast and self.status[i] is FAILED:
                self.cancel(FAIL_FAST)
            else:
                self._launch(self.advance(i, decisions))
        if not self._tasks and not self.ended:
            self._finish()

    # -- the end ----------------------------------------------------------------------------------------------------

    def cancel(self, reason: str = "cancelled") -> None:
        """End the run: running nodes are cancelled, the others never start, and what finished is kept.

        Safe to call more than once, and after the end.
        """
        if self.ended or self.cancelling is not None:
            return
        self.request_cancel(reason)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            self._loop.call_later(GRACE_S, self._abandon)
        else:
            self._finish()

    def _abandon(self) -> None:
        """Go on without the coroutines that would not end."""
        if not self.ended:
            self._finish()

    def _finish(self) -> None:
        for i, status in enumerate(self.status):
            if status is RUNNING:
                self.cancel_node(i, self.cancelling or "cancelled", abandoned=True)
        self.close()
        if not self._done.done():
            self._done.set_result(None)

    def _break_down(self, error: BaseException) -> None:
        self.cancelling = self.cancelling or "an error of the engine's own"
        for task in self._tasks.values():
            task.cancel()
        self.close()
        if not self._done.done():
            self._done.set_exception(error)

    # -- the handle ---------------------------------------------------------------------------------------------------

    @property
    def record(self) -> RunRecord:
        """The record of the run so far."""
        return fold(self.log)

    def __await__(self) -> Generator[Any, None, ExecutionResult]:
        return self._wait().__await__()

    async def _wait(self) -> ExecutionResult:
        """Wait for the end. Being cancelled as a mere waiter does not end the run; `drive` does that."""
        await asyncio.shield(self._done)
        if self.fatal is not None:
            raise self.fatal
        return self.result()

    async def drive(self) -> ExecutionResult:
        """Wait for the end; a cancellation of this wait cancels the run, waits for its end, and goes on."""
        try:
            return await self._wait()
        except asyncio.CancelledError:
            self.cancel()
            if not self.ended:
                try:
                    await asyncio.shield(self._done)  # at most GRACE_S
                except asyncio.CancelledError:
                    self._abandon()  # asked twice: go at once
            raise

    async def __aiter__(self) -> AsyncIterator[ev.Event]:
        """Yield every event from the first on, then those that come, to the last."""
        seq = 0
        news = asyncio.Event()

        def wake(_: ev.Event) -> None:
            news.set()

        if not self.ended:
            self.log.listen(wake)
        try:
            while True:
                news.clear()
                while seq < len(self.log.entries):
                    yield self.log.event(seq)
                    seq += 1
                if self.ended:
                    return
                await news.wait()
        finally:
            self.log.leave(wake)

    def __repr__(self) -> str:
        settled = len(self.plan) - self.left
        state = self.overall() if self.ended else "running"
        return f"<Run of {self.plan.name!r}: {state}, {settled} of {len(self.plan)} nodes ended, {self.now():.2f} s>"
