"""The handle of a run: by it a run in the background is awaited, followed and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any

from linus_nb import events as ev
from linus_nb.brief import brief
from linus_nb.display import view
from linus_nb.engine.loop_run import LoopRun
from linus_nb.engine.record import RunRecord, fold
from linus_nb.engine.result import ExecutionResult
from linus_nb.events import NodeStatus


class Run(LoopRun):
    """A run that goes on in the running event loop.

    ``await run`` returns its result; giving up that wait leaves the run going, unless Stop or Ctrl-C is behind it.
    ``async for event in run`` replays it from the first event; ``run.cancel()`` ends it and keeps what is done.
    """

    @property
    def record(self) -> RunRecord:
        """The record of the run so far."""
        return fold(self.log)

    def __await__(self) -> Generator[None, None, ExecutionResult]:
        yield from self.drive(only_interrupts=True).__await__()
        return self.result()

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

    def inspect(self) -> Any:
        """Look inside while the run goes on, in the cell whose last line this is; see `ExecutionResult.inspect`."""
        return view("linus_nb.notebook.inspecting:of_run")(self)

    def _ipython_display_(self) -> None:
        """Show the run in the cell whose last line it is, from now on to its end."""
        view("linus_nb.notebook.live:show")(self)

    def __repr__(self) -> str:
        ended = sum(status.final for status in self.status)
        state = self.overall() if self.ended else str(NodeStatus.RUNNING)
        return f"<Run of {brief(self.plan.name)}: {state}, {ended} of {len(self.plan)} nodes ended, {self.now():.2f} s>"
