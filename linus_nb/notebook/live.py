"""The live view of a run: a widget while it goes on, and a picture that survives saving when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any

from linus_nb.display import current_cell, note_shown
from linus_nb.engine.history import latest_like
from linus_nb.engine.run import Run
from linus_nb.engine.threads import ThreadCall
from linus_nb.events import Event, GraphShape
from linus_nb.notebook.run_view import RunView
from linus_nb.notebook.surroundings import WIDGET
from linus_nb.rendering.bundle import MOST_NODES_PICTURED
from linus_nb.rendering.draw import layout_of
from linus_nb.rendering.live_page import LivePage
from linus_nb.rendering.picture import picture

if TYPE_CHECKING:
    from linus_nb.notebook.live_widget import LiveWidget


class LiveView(RunView):
    """Shows one run in the cell that makes it, and gives way to the run's picture when it has ended.

    The picture is laid out once, in a thread; then only what changed is sent, at most every tenth of a second.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.page = LivePage()
        self._widget: LiveWidget | None = None

    def note(self, event: Event) -> None:
        """Take the next event of the run."""
        self.page.take(event)

    def opening(self) -> dict[str, Any]:
        """Return the widget, and one line of text."""
        from linus_nb.notebook.live_widget import LiveWidget

        page = self.page.whole()
        self._widget = LiveWidget(self.run.cancel, self._opened, now_s=self.run.now(), **page)
        return {WIDGET: self._widget.get_view_spec(), "text/plain": page["summary"]}

    def remains(self) -> dict[str, Any]:
        """Return the picture of what the run came to."""
        bundle = self.run.result()._repr_mimebundle_()
        note_shown(self.run.log.run_id)
        widget, self._widget = self._widget, None
        if widget is not None:
            widget.close()
        return bundle

    async def follow(self) -> None:
        """Tell the widget what is new, and the layout as soon as it is there."""
        drawing = asyncio.get_running_loop().create_task(self._draw())
        try:
            await super().follow()
        finally:
            drawing.cancel()

    async def update(self) -> None:
        """Tell the widget which nodes changed."""
        self._set(self.page.changes())

    def _opened(self) -> None:
        """Tell a page that was just opened everything. It may say so in another thread (a subshell of the kernel)."""
        self.run.loop.call_soon_threadsafe(lambda: self._set(self.page.whole()))

    async def _draw(self) -> None:
        """Lay the graph out, and look for a run like this one, away from the loop."""
        shape = self.page.record().graph
        call = ThreadCall(lambda: (_drawn(shape), _expected_s(shape, self.run.log.run_id)), copy_context())
        await call.wait()
        drawn, self.page.expected_s = call.outcome()
        self._set({**self.page.whole(), "picture": drawn})

    def _set(self, changes: Mapping[str, Any]) -> None:
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
