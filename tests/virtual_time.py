"""An event loop whose clock jumps to the next timer, so that a test of timing is exact and takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    """Reports what is ready without waiting, and moves the clock by the time it would have waited.

    A thread that is still at work keeps the clock still: the wait for it is real.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:  # no timer at all: only another thread can bring news
            return super().select(5.0) or self._stuck()
        events = super().select(0)
        if not events and timeout > 0:
            events = super().select(0)
            if not events:
                self.now += timeout
        return events

    @staticmethod
    def _stuck() -> Any:
        raise RuntimeError("nothing is scheduled and no thread reported for 5 s: the code under test hangs")


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
