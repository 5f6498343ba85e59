"""The awaiting driver: how the nodes of a run in an event loop are started and ended."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from functools import partial
from types import CoroutineType

from linus_nb import events as ev
from linus_nb.engine import log, policy, watch
from linus_nb.engine.deadline import CLOCK_TICK_S, GRACE_S
from linus_nb.engine.frontier import Decision
from linus_nb.engine.ledger import FAIL_FAST, FAILED, RUNNING
from linus_nb.engine.loop_wait import LoopWait
from linus_nb.engine.policy import Fatal, Outcome
from linus_nb.engine.pool import Pool
from linus_nb.engine.threads import ThreadCall
from linus_nb.graph.binding import NOTHING
from linus_nb.graph.plan import Place
from linus_nb.masking import logger

_set_sink = ev.sink.set


class LoopRun(LoopWait):
    """A run that goes on in the running event loop. `Run` adds what its user holds of it."""

    straight_path = True  # tests switch it off, to see that the short way and the long way agree

    def begin(self, pool: Pool | None = None) -> None:
        """Start the nodes that wait for nothing. Called once, with a loop running.

        Args:
            pool: what bounds the work of this run, shared with the runs inside it; None for no bound.
        """
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.open = True  # neither cancelled nor ended
        self.pool = None if self.schedule == "sequential" else pool
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._queued: set[int] = set()  # nodes that wait for a place
        self._holding: set[int] = set()  # nodes that have one
        self.in_threads: dict[int, dict[int | None, ThreadCall]] = {}
        self.dropped: set[Place] = set()
        self.stalls: dict[int, float] = {}  # nodes that `watch` sees keep the loop busy, and since when
        self.done: asyncio.Future[None] = self.loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        if self.spending is not None and self.nest is None and self.spending.left_s < math.inf:
            self._timer = self.loop.call_later(self.spending.left_s + CLOCK_TICK_S, self.spending.tell)
        self._straight = self.plan.straight if self.straight_path else [False] * len(self.plan)
        watch.over(self)
        try:
            self._launch(self.opening())
            if not self.tasks and not self._queued:
                self._finish()
        except BaseException as error:  # noqa: BLE001  an error of the engine's own: raised by whoever awaits the run
            self.break_down(error)

    # -- starting -------------------------------------------------------------------------------------------------

    def _launch(self, nodes: list[int]) -> None:
        if self.pool is None:
            self._spawn(nodes)
            return
        self.ask(nodes)
        for i in nodes:
            if self._takes_place(i):
                self._queued.add(i)
                self.pool.ask(self.rank(i), self.plan.nodes[i].resources or {}, partial(self._start_at_a_place, i))
            else:
                self._spawn([i])
        self.pool.serve()

    def _takes_place(self, i: int) -> bool:
        """Return whether a node works itself: one with items or with a graph inside only waits for what they do."""
        node = self.plan.nodes[i]
        ends_at_once = i in self.given or i in self.frontier.broken
        return not ends_at_once and node.map_over is None and node.target.graph is None

    def _start_at_a_place(self, i: int) -> bool:
        self._queued.discard(i)
        starts = self.starts
        if starts:
            self._holding.add(i)
            self._spawn([i])
        return starts

    def _spawn(self, nodes: list[int]) -> None:
        straight, tasks, names, broken, given = (
            self._straight,
            self.tasks,
            self.plan.names,
            self.frontier.broken,
            self.given,
        )
        loop, copy_context = self.loop, self._context.copy
        for i in nodes:
            if (broken and i in broken) or (given and i in given):
                work = self._without_work(i)
            else:
                # the start is noted before the task is made: cancelled before its first step, its body never runs
                self.started(i)
                work = self._short(i) if straight[i] else self._long(i)
            # not loop.create_task: with an eager task factory the node would end before it is listed
            tasks[i] = asyncio.Task(work, loop=loop, name=names[i], context=copy_context())

    # -- the life of a node: it is ended in its own task, which is a third cheaper than in a callback -----------------

    async def _short(self, i: int) -> None:
        """Run a plain async function with no retry, timeout, priority, items or conditions: most nodes, shortened."""
        place = self.plan.places[i]
        _set_sink((self._receive, place))
        function = self.plan.functions[i]
        try:
            if self.bindings[i] is NOTHING:
                value = await function()
            else:
                args, kwargs = self.arguments(place)
                value = await function(*args, **kwargs)
            if type(value) is CoroutineType:
                value = await value
        except GeneratorExit:  # the loop is gone
            raise
        except BaseException as error:  # noqa: BLE001  what it means is decided in one place
            await self._end(i, self._meaning(i, error))
            return
        if self.ended:  # abandoned, and came back late
            return
        try:
            self.completed(i, value)
            self._over(i, None)
        except BaseException as error:  # noqa: BLE001  an error of the engine's own ends the run with it: it never hangs
            self.break_down(error)

    async def _long(self, i: int) -> None:
        """Run a node of any kind: its attempts, or those of its items; then the conditions on its edges."""
        place = self.plan.places[i]
        if self.plan.nodes[i].priority:
            ev.priority.set(self.plan.nodes[i].priority)
        _set_sink((self._receive, place))
        outcome: Outcome | Fatal | None
        try:
            if self.plan.nodes[i].map_over is not None:
                outcome = await self.map(i)
            else:
                answer = await self.attempts(place)
                outcome = answer if isinstance(answer, Fatal) else policy.outcome_of(self.plan.nodes[i], answer)
        except asyncio.CancelledError as error:
            outcome = self._meaning(i, error)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  the node's own errors are in its answer: this is the engine's
            self.break_down(error)
            return
        await self._end(i, outcome)

    async def _without_work(self, i: int) -> None:
        """End a node whose result was given, or into which a condition raised."""
        broken = None if i in self.given else self.frontier.broken.get(i)
        await self._end(i, None if broken is None else policy.outcome_of_error(self.plan.nodes[i], broken))

    def _meaning(self, i: int, error: BaseException) -> Outcome | Fatal | None:
        """Return what an error out of a node means; None if we cancelled it ourselves."""
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return Fatal(error)
        if isinstance(error, asyncio.CancelledError) and not self.open:
            return None
        return policy.outcome_of_error(self.plan.nodes[i], error)

    async def _end(self, i: int, outcome: Outcome | Fatal | None) -> None:
        """Note how a node ended, ask the conditions on its edges, and start what may start now."""
        if self.ended:  # abandoned, and came back late: nothing is written any more
            return
        try:
            if not self.status[i].final:  # a cancellation may have skipped it while its task was still to begin
                self._settle(i, outcome)
            decisions = await self._decisions(i)
            if not self.ended:
                self._over(i, decisions)
        except BaseException as error:  # noqa: BLE001  an error of the engine's own ends the run with it: it never hangs
            self.break_down(error)

    def _settle(self, i: int, outcome: Outcome | Fatal | None) -> None:
        if isinstance(outcome, Outcome):
            self.settle(i, outcome)
        elif isinstance(outcome, Fatal):
            self._end_with(i, outcome.error)
        elif i in self.given:
            self.completed(i, self.given[i], given=True)
        else:
            self.cancel_node(i, self.cancelling or "cancelled", self._left_behind(i))

    async def _decisions(self, i: int) -> dict[int, Decision] | None:
        """Return what the conditions on a node's edges give; None where nothing starts any more."""
        decisions: dict[int, Decision] = {}
        if self.status[i] is FAILED:
            return decisions
        for target, condition in self.conditions(i):
            if not self.starts:
                return None
            try:
                decision = await self.decide(i, condition)
            except asyncio.CancelledError:  # ours: those of a condition's own are its answer
                return None
            if self.ended:  # it would not be cancelled, and came back late
                return None
            if isinstance(decision, Fatal):
                self._end_with(i, decision.error)
                return None
            decisions[target] = decision
            self.decided(i, target, decision)
        return decisions

    def _over(self, i: int, decisions: dict[int, Decision] | None) -> None:
        """Let what comes after a node begin, now that it has ended."""
        del self.tasks[i]
        if self.stalls:
            self.note_stall(i)
        if self.open and self.exhausted is None:
            if self.fail_fast and self.status[i] is FAILED:
                self.cancel(FAIL_FAST)
            else:
                ready = self.advance(i, decisions)
                if ready:
                    self._launch(ready)
        if self._holding or self.in_threads:  # after the ready ones have asked: one of them may go first
            self._let_go(i)
        if not self.tasks and not self._queued and not self.ended:
            self._finish()

    def _let_go(self, i: int) -> None:
        self.in_threads.pop(i, None)
        if i in self._holding:
            self._holding.remove(i)
            assert self.pool is not None
            self.pool.give_back(self.plan.nodes[i].resources or {})

    # -- the end ----------------------------------------------------------------------------------------------------

    def cancel(self, reason: str = "cancelled") -> None:
        """End the run: running nodes are cancelled, the others never start, and what finished is kept.

        Safe to call more than once, after the end, and from any thread.
        """
        if threading.get_ident() != self.thread:
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(self.cancel, reason)
            return
        if self.is_telling():  # an observer asks, in the middle of some bookkeeping
            self.loop.call_soon(self.cancel, reason)
            return
        if not self.open:
            return
        self.open = False
        self.request_cancel(reason)
        self._queued.clear()
        for child in self.inner_runs():  # at once: nothing starts any more in there, either
            child.cancel(reason)
        for i, task in tuple(self.tasks.items()):
            task.add_done_callback(partial(self._never_began, i))
            task.cancel()
        if self.tasks:
            self.loop.call_later(GRACE_S, self.abandon)
        else:
            self._finish()

    def spent(self, reason: str) -> None:
        """Start nothing more, as the budget is spent; end what runs, too, where that is its wish. From any thread."""
        if threading.get_ident() != self.thread:
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(self.spent, reason)
        elif self.is_telling():
            self.loop.call_soon(self.spent, reason)
        elif self.starts:
            assert self.spending is not None
            if self.spending.budget.on_limit == "stop":
                self.cancel(f"budget: {reason}")
            else:
                self.exhaust(reason)

    def exhaust(self, reason: str) -> None:
        """Note that nothing starts any more, here and in the graphs inside, and that what runs may finish."""
        super().exhaust(reason)
        self._queued.clear()
        for child in self.inner_runs():
            if child.starts:
                child.exhaust(reason)
        if not self.tasks:
            self._finish()

    def _never_began(self, i: int, task: asyncio.Task[None]) -> None:
        """Note the end of a task that was cancelled before its first step: its body, which would do it, never ran."""
        if self.ended or self.tasks.get(i) is not task:
            return
        del self.tasks[i]
        if self.open:  # cancelled by somebody else
            error = asyncio.CancelledError("its task was cancelled from outside before it began")
            self.tasks[i] = self.loop.create_task(self._end(i, policy.outcome_of_error(self.plan.nodes[i], error)))
            return
        if not self.status[i].final:
            self.cancel_node(i, self.cancelling or "cancelled")
        self._let_go(i)
        if not self.tasks:
            self._finish()

    def _end_with(self, i: int, error: BaseException) -> None:
        """End the run with a KeyboardInterrupt or SystemExit, which whoever awaits the run will see."""
        self.fatal = error
        reason = type(error).__name__
        if self.status[i] is RUNNING:  # it may be a condition's interrupt, after the node had ended
            self.cancel_node(i, reason)
        self.cancel(reason)

    def abandon(self) -> None:
        """Go on without the coroutines that would not end."""
        if not self.ended:
            self._finish()

    def _left_behind(self, i: int) -> bool:
        """Return whether a blocking call of a node still goes on in its thread."""
        return any(not call.ended for call in self.in_threads.get(i, {}).values())

    def _finish(self) -> None:
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        for child in self.inner_runs():
            child.abandon()
        for task in self.tasks.values():
            task.cancel()  # also those that nobody has asked to end yet
        for i, status in enumerate(self.status):
            if status is RUNNING:
                self.cancel_node(i, self.cancelling or "cancelled", abandoned=True)
        for i in tuple(self._holding):
            self._let_go(i)
        self.close()
        if not self.done.done():
            self.done.set_result(None)

    def break_down(self, error: BaseException) -> None:
        """End the run with an error of the engine's own, which whoever awaits the run will see."""
        self.open = False
        for task in self.tasks.values():
            task.cancel()
        try:
            for child in self.inner_runs():
                child.abandon()
            for i in tuple(self._holding):
                self._let_go(i)
            self._close_all("an error of the engine's own")
        finally:
            self.ended = True
            if not self.done.done():
                self.done.set_exception(error)

    def _close_all(self, reason: str) -> None:
        """End whatever has not ended, and the run with it."""
        if self.ended:
            return
        self.open = False
        self.request_cancel(reason)
        for i, status in enumerate(self.status):
            if status is RUNNING:
                self.cancel_node(i, reason)
        self.close()

    # -- what is seen from outside the loop: by `watch` --------------------------------------------------------------

    def note_stall(self, i: int) -> None:
        """Note that a node kept the loop busy, if `watch` saw that it did."""
        since = self.stalls.pop(i, None)
        if since is None or self.ended:
            return
        seconds = time.perf_counter() - since
        self.log.append((log.stalled, self.now(), i, (seconds,)))
        logger.warning(
            "node %r kept the event loop busy for %.2f s: nothing else could run, and nothing could be stopped; "
            "make it a plain def, which runs in a thread, or await what takes long",
            self.plan.names[i],
            seconds,
        )

    def look_for_lost(self) -> None:
        """Note the tasks that were cancelled from outside before their first step."""
        for i, task in tuple(self.tasks.items()):
            if task.done():
                self._never_began(i, task)

    def end_with_loop(self) -> None:
        """Close the books of a run whose loop was closed under it; called when that loop does nothing any more."""
        self._close_all("its event loop was closed")


watch.marks.add(LoopRun._short.__code__)
watch.bounds |= {LoopRun.completed.__code__, LoopRun._over.__code__, LoopRun._end.__code__}
