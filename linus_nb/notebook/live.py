"""The live view of a run: a widget while it goes on, and a picture that survives saving when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context, copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any

from linus_nb.display import current_cell, note_shown
from linus_nb.engine.history import latest_like
from linus_nb.engine.run import Run
from linus_nb.engine.threads import ThreadCall
from linus_nb.events import Event, GraphShape, RunFinished
from linus_nb.notebook.surroundings import WIDGET
from linus_nb.rendering.bundle import MOST_NODES_PICTURED
from linus_nb.rendering.draw import layout_of
from linus_nb.rendering.live_page import LivePage
from linus_nb.rendering.picture import picture

if TYPE_CHECKING:
    from linus_nb.notebook.live_widget import LiveWidget

INTERVAL_S = 0.1  # between two updates
SIGN_OF_LIFE_S = 2.0  # between two updates where nothing happens


class LiveView:
    """Shows one run in the cell that makes it, and gives way to the run's picture when it has ended.

    It belongs to the run's event loop. The picture is laid out once, in a thread; then only what changed is sent, at
    most every tenth of a second.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.page = LivePage()
        self._news = asyncio.Event()
        self._handle: Any = None
        self._widget: LiveWidget | None = None
        self._task: asyncio.Task[None] | None = None

    def show(self) -> None:
        """Show the run, from now on to its end."""
        from IPython.display import display

        from linus_nb.notebook.live_widget import LiveWidget

        for event in self.run.log:
            self.page.take(event)
        page = self.page.whole()
        self._widget = LiveWidget(
            self.run.cancel, lambda: self._update(self.page.whole()), now_s=self.run.now(), **page
        )
        bundle = {WIDGET: self._widget.get_view_spec(), "text/plain": page["summary"]}
        self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types here
        if self.run.ended:
            self.close()
            return
        self.run.log.listen(self._take)
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def close(self) -> None:
        """Put the picture of what the run came to in the widget's place. Only the first call does anything."""
        widget, self._widget = self._widget, None
        if widget is None:
            return
        self.run.log.leave(self._take)
        if self._task is not None:
            self._task.cancel()
        if self._handle is not None:  # None where IPython has no shell
            # in a context of its own, so that the cell that runs now says it, and not the one that began the run: who
            # runs notebooks without a browser (nbclient) hears no other
            Context().run(self._handle.update, self.run.result()._repr_mimebundle_(), raw=True)
            note_shown(self.run.log.run_id)
        widget.close()

    def _take(self, event: Event) -> None:
        self.page.take(event)
        self._news.set()
        if isinstance(event, RunFinished):  # before whoever waits for the run goes on: the cell may be the last one
            asyncio.get_running_loop().call_soon(self.close)

    def _opened(self) -> None:
        """Tell a page that was just opened everything. It may say so in another thread (a subshell of the kernel)."""
        self.run.loop.call_soon_threadsafe(lambda: self._update(self.page.whole()))

    async def _follow(self) -> None:
        drawing = asyncio.get_running_loop().create_task(self._draw())
        try:
            while not self.run.ended:
                try:
                    async with asyncio.timeout(SIGN_OF_LIFE_S):
                        await self._news.wait()
                except TimeoutError:
                    pass
                self._news.clear()
                self._update(self.page.changes())
                await asyncio.sleep(INTERVAL_S)
        finally:
            drawing.cancel()

    async def _draw(self) -> None:
        """Lay the graph out, and look for a run like this one, away from the loop."""
        shape = self.page.record().graph
        call = ThreadCall(lambda: (_drawn(shape), _expected_s(shape, self.run.log.run_id)), copy_context())
        await call.wait()
        drawn, self.page.expected_s = call.outcome()
        self._update({**self.page.whole(), "picture": drawn})

    def _update(self, changes: Mapping[str, Any]) -> None:
        if self._widget is not None:
            with self._widget.hold_sync():  # one message; traits that are as they were are not in it
                self._widget.set_trait("now_s", self.run.now())
                for name, value in changes.items():
                    self._widget.set_trait(name, value)


def _drawn(shape: GraphShape) -> str:
    return picture(shape, layout_of(shape)) if len(shape.nodes) <= MOST_NODES_PICTURED else ""


def _expected_s(shape: GraphShape, run_id: str) -> float | None:
    """Return the seconds that the latest run of the same graph took which went through, or None."""
    earlier = latest_like(shape, run_id)
    return None if earlier is None else earlier.execution_time_seconds


def viewer() -> Callable[[Run], AbstractContextManager[None]]:
    """Return what shows a run while a block goes on, and what it came to afterwards; nothing, outside a notebook.

    Loads the widgets, which takes a moment, before the run's clock begins.
    """
    if current_cell() is None:
        return lambda _: nullcontext()
    import_module("linus_nb.notebook.live_widget")
    return _shown


@contextmanager
def _shown(run: Run) -> Iterator[None]:
    view = LiveView(run)
    view.show()
    try:
        yield
    finally:
        view.close()


def show(run: Run) -> None:
    """Show a run in the cell of the moment: while it goes on, and what it came to."""
    if current_cell() is None:
        print(repr(run))  # noqa: T201  IPython in a terminal has asked for it
    else:
        LiveView(run).show()
