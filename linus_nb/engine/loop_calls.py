"""How a run in an event loop calls what its nodes hold: attempts, time limits, threads, graphs inside, conditions."""

from __future__ import annotations

import asyncio
import inspect
import threading
from functools import partial
from typing import Any, Self

from linus_nb import events as ev
from linus_nb.engine import policy, watch
from linus_nb.engine.deadline import ExpiredError, within
from linus_nb.engine.frontier import Decision
from linus_nb.engine.items import Items
from linus_nb.engine.ledger import Ledger
from linus_nb.engine.mapped import items_of
from linus_nb.engine.policy import Answer, Attempt, Fatal, Outcome
from linus_nb.engine.pool import Pool
from linus_nb.engine.threads import ThreadCall
from linus_nb.engine.view import StateView
from linus_nb.errors import NodeTimeoutError
from linus_nb.graph.node import Condition
from linus_nb.graph.plan import Place


class LoopCalls(Ledger):
    """The half of a run in an event loop that calls user code; `LoopRun`, the other half, starts and ends nodes.

    ``open`` is True until the run is cancelled or has ended; ``pool`` bounds its work, if it is bounded.
    """

    loop: asyncio.AbstractEventLoop
    thread: int  # that the loop runs in
    open: bool
    pool: Pool | None
    in_threads: dict[int, dict[int | None, ThreadCall]]  # the latest call of each node and item
    dropped: set[Place]  # items that were cancelled while the run goes on

    def wanted(self, place: Place) -> bool:
        """Return whether what is called at a place was not cancelled by us."""
        return self.open and place not in self.dropped

    def begin(self, pool: Pool | None = None) -> None:
        """Start the nodes that wait for nothing."""
        raise NotImplementedError

    async def drive(self, only_interrupts: bool = False) -> None:
        """Wait for the end, and end the run if that wait is cancelled."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Go on without the coroutines that would not end."""
        raise NotImplementedError

    def break_down(self, error: BaseException) -> None:
        """End the run with an error of the engine's own."""
        raise NotImplementedError

    @property
    def starts(self) -> bool:
        """Whether anything still starts: the run is open, and not out of its budget."""
        return self.open and self.exhausted is None

    def inner_runs(self) -> list[Self]:
        """Return the runs of graphs inside that go on at the moment."""
        return [child for child in self.children.values() if isinstance(child, type(self))]

    async def attempts(self, place: Place, item: Any = None) -> Answer | Fatal:
        """Call what a node holds, for itself or for one of its items, until it succeeds or no attempt is left."""
        steps = policy.attempts(self.plan.nodes[place.i])
        request = next(steps)
        try:
            while True:
                if isinstance(request, Attempt):
                    answer = await self._attempt(place, item)
                    if isinstance(answer, Fatal):
                        return answer
                elif not self.wanted(place):  # no attempt follows a cancellation
                    raise asyncio.CancelledError
                else:
                    self.retried(place, request.attempt, request.wait_s, request.error)
                    await asyncio.sleep(request.wait_s)
                    answer = Answer(None, None)
                request = steps.send(answer)
        except StopIteration as stop:
            last: Answer = stop.value
            return last

    async def _attempt(self, place: Place, item: Any) -> Answer | Fatal:
        node = self.plan.nodes[place.i]
        if node.timeout_seconds is None:
            return await self._call(place, item)
        try:
            return await within(node.timeout_seconds, self._call(place, item))
        except ExpiredError as expired:
            child = self.children.get(place)
            if isinstance(child, LoopCalls):  # it would give up its own a moment later, after this node has ended
                child.abandon()
            call = self.in_threads.get(place.i, {}).get(place.item)
            abandoned = expired.abandoned or (call is not None and not call.ended)
            return Answer(None, NodeTimeoutError(node.name, node.timeout_seconds, abandoned))

    async def _call(self, place: Place, item: Any) -> Answer | Fatal:
        target = self.plan.nodes[place.i].target
        try:
            if not self.wanted(place):  # a cancellation takes a step or two to arrive here
                raise asyncio.CancelledError
            args, kwargs = self.arguments(place, item)
            if target.graph is not None:
                return await self._inner(place, args)
            if target.awaiting is not None:
                value = target.awaiting(*args, **kwargs)
            else:
                assert target.blocking is not None
                call = ThreadCall(partial(target.blocking, *args, **kwargs), self.context(place))
                self.in_threads.setdefault(place.i, {})[place.item] = call
                await call.wait()
                value = call.outcome()
            while inspect.isawaitable(value):
                value = await value
            return Answer(value, None)
        except (KeyboardInterrupt, SystemExit) as error:
            return Fatal(error)
        except asyncio.CancelledError as error:
            if not self.wanted(place):
                raise
            return Answer(None, error)
        except GeneratorExit:  # the loop is gone
            raise
        except BaseException as error:  # noqa: BLE001  a node's error is data: its policy says what it means
            return Answer(None, error)

    async def map(self, i: int) -> Outcome | Fatal:
        """Call what a mapped node holds for each of its items."""
        try:
            values = items_of(self, i)
        except Exception as error:  # noqa: BLE001  no list, or one that raises when it is read: the node's error
            return policy.outcome_of_error(self.plan.nodes[i], error)
        self.items_found(i, len(values))
        return await Items(self, i, values).outcome()

    async def _inner(self, place: Place, args: tuple[Any, ...]) -> Answer | Fatal:
        """Run the graph that a node holds, as a part of this run: same schedule, same places, same resources."""
        child = self.inner_run(place, args)
        child.begin(self.pool)
        try:
            await child.drive()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  an interrupt in there, or an error of the engine's own
            return Fatal(error)
        finally:
            if self.children.get(place) is child:  # and not that of the next attempt
                del self.children[place]
        return Answer(child.output(), None)

    def note(self, place: Place, call: ev.Report) -> None:
        """Note what was reported, from any thread; nobody reads that of a call that outlived its loop."""
        if threading.get_ident() == self.thread:
            super().note(place, call)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(super().note, place, call)

    async def decide(self, i: int, condition: Condition) -> Decision | Fatal:
        """Ask the condition on an edge that leaves node ``i``."""
        place = self.plan.places[i]
        try:
            answer = condition(StateView(self.values, place.i, own=True))
            return bool(await answer if inspect.isawaitable(answer) else answer)
        except (KeyboardInterrupt, SystemExit) as error:
            return Fatal(error)
        except asyncio.CancelledError as error:
            if not self.open:
                raise
            return error
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  it fails the edge's target, under that node's policy
            return error


watch.marks |= {LoopCalls._call.__code__, LoopCalls.decide.__code__}
