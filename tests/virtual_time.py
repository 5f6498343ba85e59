"""An event loop whose clock jumps to the next timer, so that a test of timing is exact and takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
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
