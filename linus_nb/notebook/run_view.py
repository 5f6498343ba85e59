"""What a cell shows of a run that goes on, and what stays there when the run has ended."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextvars import Context
from typing import Any, ClassVar

from linus_nb.engine.run import Run
from linus_nb.events import Event, RunFinished


class RunView(ABC):
    """Shows one run in the cell of the moment. It belongs to the run's event loop.

    A subclass says what is shown at first, how that learns what is new, and what stays.
    """

    interval_s: ClassVar[float] = 0.1  # between two updates
    sign_of_life_s: ClassVar[float] = 2.0  # between two updates where nothing happens

    def __init__(self, run: Run) -> None:
        self.run = run
        self._news = asyncio.Event()
        self._handle: Any = None
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    def note(self, event: Event) -> None:
        """Take the next event of the run."""

    @abstractmethod
    def opening(self) -> dict[str, Any]:
        """Return what the cell shows at first, as a MIME bundle."""

    @abstractmethod
    async def update(self) -> None:
        """Show what is new."""

    @abstractmethod
    def remains(self) -> dict[str, Any]:
        """Return what stays in the notebook, as a MIME bundle; a widget is closed."""

    def show(self) -> None:
        """Show the run, from now on to its end."""
        from IPython.display import display

        for event in self.run.log:
            self.note(event)
        self._handle = display(self.opening(), raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types here
        if self.run.ended:
            self.close()
            return
        self.run.log.listen(self._take)
        self._task = asyncio.get_running_loop().create_task(self.follow())

    def close(self) -> None:
        """Put what stays in its place. Only the first call does anything."""
        if self._closed:
            return
        self._closed = True
        self.run.log.leave(self._take)
        if self._task is not None:
            self._task.cancel()
        self.put(self.remains())

    def put(self, bundle: dict[str, Any]) -> None:
        """Show something else in the same place."""
        if self._handle is not None:  # None where IPython has no shell
            # in a context of its own, so that the cell that runs now says it, and not the one that began the run: who
            # runs notebooks without a browser (nbclient) hears no other
            Context().run(self._handle.update, bundle, raw=True)

    async def follow(self) -> None:
        """Show what is new, until the run has ended."""
        while not self.run.ended:
            try:
                async with asyncio.timeout(self.sign_of_life_s):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            await self.update()
            await asyncio.sleep(self.interval_s)

    def _take(self, event: Event) -> None:
        self.note(event)
        self._news.set()
        if isinstance(event, RunFinished):  # before whoever waits for the run goes on: the cell may be the last one
            asyncio.get_running_loop().call_soon(self.close)
