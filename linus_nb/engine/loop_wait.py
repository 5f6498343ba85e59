"""How somebody awaits a run in an event loop, and how Stop, and a cancellation of that wait, end it."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext

from linus_nb.engine.interrupts import say_instead, told_to
from linus_nb.engine.loop_calls import LoopCalls

INTERRUPT_S = 1.0  # a cancellation that comes so soon after an interrupt comes from it


class LoopWait(LoopCalls):
    """The part of a run in an event loop that its waiter sees."""

    done: asyncio.Future[None]

    async def drive(self, only_interrupts: bool = False) -> None:
        """Wait for the end. A cancellation of this wait cancels the run, waits for its end, and goes on.

        Args:
            only_interrupts: do so only where an interrupt (Stop, Ctrl-C) is behind the cancellation; a mere waiter's
                own time limit leaves the run going.

        Raises:
            KeyboardInterrupt: a node raised it; likewise SystemExit.
        """
        heard: list[float] = []
        try:
            with told_to(lambda: heard.append(time.monotonic()), self.cancel) if self.nest is None else nullcontext():
                await asyncio.shield(self.done)
        except asyncio.CancelledError as error:
            interrupted = bool(heard) and time.monotonic() - heard[-1] < INTERRUPT_S
            if interrupted or not only_interrupts:
                await self._stop()
            if interrupted:
                say_instead(error, f"Stopped {self.plan.name!r}. What finished is kept: linus_nb.last_run()")
            raise
        if self.fatal is not None:
            raise self.fatal

    async def _stop(self) -> None:
        self.cancel()
        if not self.ended:
            try:
                await asyncio.shield(self.done)  # at most GRACE_S
            except asyncio.CancelledError:
                self.abandon()  # asked twice: go at once
