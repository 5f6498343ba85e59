"""An event loop whose clock jumps to the next timer, so that a test of timing is exact and takes no time."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from linus_nb.engine import threads

PATIENCE_S = 0.05  # real seconds that threads get to report before the clock jumps


class _JumpingSelector(selectors.DefaultSelector):
    """Reports what is ready without waiting, and moves the clock by the time it would have waited.

    Threads that are at work are given a moment to report first, in real time. One that takes longer (it was abandoned,
    say) does not keep the clock from moving.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:  # no timer at all: only another thread can bring news
            return super().select(5.0) or self._stuck()
        events = super().select(0)
        if not events and timeout > 0:
            events = super().select(PATIENCE_S if _threads_at_work() else 0)
            if not events:
                self.now += timeout
        return events

    @staticmethod
    def _stuck() -> Any:
        raise RuntimeError("nothing is scheduled and no thread reported for 5 s: the code under test hangs")


def _threads_at_work() -> bool:
    workers = sum(thread.name == "linus_nb worker" for thread in threading.enumerate())
    return workers > len(threads._idle)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop in virtual seconds."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in virtual time and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


class CountingLoop(VirtualLoop):
    """Counts its callbacks and calls ``before`` with the number of each, from 1, right before it runs.

    With tasks that only await one another and timers, the same program gives the same callbacks every time, so that
    something can be done to it at each of them in turn.
    """

    def __init__(self, before: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self.count = 0
        self.before = before
        self.complaints: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, facts: self.complaints.append(facts))

    def _counted(self, callback: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object) -> None:
            self.count += 1
            if self.before is not None:
                self.before(self.count)
            callback(*args)

        return counted

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        return super().call_soon(self._counted(callback), *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return super().call_at(when, self._counted(callback), *args, context=context)
