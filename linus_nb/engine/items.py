"""The items of a mapped node while they run: some at a time, their results in order."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from linus_nb.engine import policy
from linus_nb.engine.ledger import CANCELLED, COMPLETED, FAILED
from linus_nb.engine.policy import Answer, Fatal, Outcome
from linus_nb.graph.plan import Place

if TYPE_CHECKING:
    from linus_nb.engine.loop_calls import LoopCalls


class Items:
    """Runs an item after the other, at most ``map_concurrency`` at once, each in a task and a context of its own.

    An item that fails stops none of the others, unless the run is to fail fast.
    """

    def __init__(self, run: LoopCalls, i: int, values: list[Any]) -> None:
        self.run = run
        self.i = i
        self.values = values
        self.node = run.plan.nodes[i]
        self.width = 1 if run.schedule == "sequential" else self.node.map_concurrency
        # the items of a node that holds a graph do no work themselves: the nodes of that graph take places
        self.pool = run.pool if self.node.target.graph is None else None
        self.next = 0
        self.asked = 0  # items that wait for a place
        self.tasks: dict[int, asyncio.Task[Answer | Fatal]] = {}
        self.answers: dict[int, Answer] = {}
        self.error: BaseException | None = None  # an interrupt out of an item, or an error of the engine's own
        self.stopped = False
        self.over = asyncio.get_running_loop().create_future()

    async def outcome(self) -> Outcome | Fatal:
        """Run all items, and return what they come to."""
        self._start_more()
        try:
            await asyncio.shield(self.over)
        except asyncio.CancelledError:
            self._stop()
            await asyncio.shield(self.over)  # the run knows when to give up those that will not end
            raise
        if self.error is not None:
            if isinstance(self.error, KeyboardInterrupt | SystemExit):
                return Fatal(self.error)
            raise self.error
        return policy.outcome_of_items(self.node, self.answers, len(self.values))

    def _start_more(self) -> None:
        going_on = self.run.starts and not self.stopped
        if not self.run.starts:  # what waits for a place need not go on waiting
            self.asked = 0
        while going_on and self.next < len(self.values) and len(self.tasks) + self.asked < self.width:
            k = self.next
            self.next += 1
            if self.pool is None:
                self._start(k)
            else:
                self.asked += 1
                rank = (*self.run.rank(self.i), (0, k))
                self.pool.ask(rank, self.node.resources or {}, partial(self._take_place, k, self.run.now()))
        if self.asked and self.pool is not None:
            self.pool.serve()
        if not self.tasks and not self.asked and not self.over.done():
            self.over.set_result(None)

    def _take_place(self, k: int, asked_at: float) -> bool:
        if self.stopped or not self.run.open:
            return False
        if not self.run.starts:
            self._start_more()
            return False
        self.asked -= 1
        try:
            self._start(k, asked_at)
        except BaseException as error:  # noqa: BLE001  an error of the engine's own, in a callback of the pool's
            self._break_down(error)
        return True

    def _start(self, k: int, asked_at: float | None = None) -> None:
        place = Place(self.i, k)
        self.run.item_started(place, asked_at)
        work = self._work(place)
        task = asyncio.get_running_loop().create_task(
            work, name=f"{self.node.name}[{k}]", context=self.run.context(place)
        )
        self.tasks[k] = task
        task.add_done_callback(partial(self._ended, place))

    async def _work(self, place: Place) -> Answer | Fatal:
        assert place.item is not None
        return await self.run.attempts(place, self.values[place.item])

    def _ended(self, place: Place, task: asyncio.Task[Answer | Fatal]) -> None:
        try:
            self._take_note(place, task)
        except BaseException as error:  # noqa: BLE001  an error of the engine's own, in a callback of the loop's
            self._break_down(error)

    def _break_down(self, error: BaseException) -> None:
        self.run.break_down(error)
        self.stopped = True
        if not self.over.done():
            self.over.set_result(None)

    def _take_note(self, place: Place, task: asyncio.Task[Answer | Fatal]) -> None:
        assert place.item is not None
        del self.tasks[place.item]
        if task.cancelled():
            if self.run.wanted(place):
                self._note(place, Answer(None, asyncio.CancelledError("its task was cancelled from outside")))
            else:
                self.run.item_ended(place, CANCELLED, None, None)
        elif (error := task.exception()) is not None:
            self._fail_with(place, error)
        elif isinstance(answer := task.result(), Fatal):
            self._fail_with(place, answer.error)
        else:
            self._note(place, answer)
        self.run.dropped.discard(place)
        self._start_more()
        if self.pool is not None:  # after the next item has asked: who goes first is the pool's business
            self.pool.give_back(self.node.resources or {})

    def _note(self, place: Place, answer: Answer) -> None:
        assert place.item is not None
        self.answers[place.item] = answer
        self.run.item_ended(place, COMPLETED if answer.error is None else FAILED, answer.value, answer.error)
        if answer.error is not None and self.run.fail_fast and self.node.on_error == "fail":
            self._stop()

    def _fail_with(self, place: Place, error: BaseException) -> None:
        self.run.item_ended(place, CANCELLED, None, None)
        self.error = self.error or error
        self._stop()

    def _stop(self) -> None:
        self.stopped = True
        self.asked = 0
        for k, task in self.tasks.items():
            self.run.dropped.add(Place(self.i, k))
            task.cancel()
        if not self.tasks and not self.over.done():
            self.over.set_result(None)
