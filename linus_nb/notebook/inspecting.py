"""Looking inside a graph or a run: what `inspect()` returns shows itself in the cell whose last line it is."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from contextvars import copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from linus_nb.display import Drawn, Shown, current_cell
from linus_nb.engine.record import Folding
from linus_nb.engine.run import Run
from linus_nb.engine.threads import ThreadCall
from linus_nb.events import Event
from linus_nb.notebook.inspector_values import GiveValue, Where
from linus_nb.notebook.run_view import RunView
from linus_nb.notebook.surroundings import WIDGET, is_attended, kernel
from linus_nb.rendering.bundle import graph_card, record_card
from linus_nb.rendering.card import card, header
from linus_nb.rendering.inspector.framed import framed
from linus_nb.rendering.inspector.news import news
from linus_nb.rendering.inspector.payload import Payload, inspection, whole_value
from linus_nb.rendering.inspector.steps import values_in
from linus_nb.rendering.text import graph_text
from linus_nb.rendering.type_setting import printable

if TYPE_CHECKING:
    from linus_nb.notebook.inspector_widget import InspectorWidget

T = TypeVar("T")


class Inspector(Shown):
    """A graph, or a run that has ended, to look around in. Outside a notebook it is text.

    Args:
        drawn: The graph, or what a run came to.
        selected: The path of the step that is chosen to begin with.
    """

    _view = "linus_nb.notebook.inspecting:inspector_bundle"

    def __init__(self, drawn: Drawn, selected: str | None = None) -> None:
        self.drawn = drawn
        self.selected = selected

    def __repr__(self) -> str:
        return graph_text(*self.drawn._drawn())


def inspector_bundle(inspector: Inspector) -> dict[str, str]:
    """Return an inspector as ``{"text/html": …}``: a page in a frame, and a card where frames are taken out."""
    shape, record = inspector.drawn._drawn()
    payload = inspection(shape, record)
    if inspector.selected in payload["steps"]:
        payload["selected"] = inspector.selected
    here = kernel()
    if here is not None and is_attended(here) and any(value["whole"] for value in values_in(payload["steps"])):
        from linus_nb.notebook.inspector_link import the_link  # a widget: only where somebody may ask

        payload["link"] = the_link().add(giver(inspector.drawn))
    return {"text/html": framed(payload, graph_card(shape) if record is None else record_card(record))}


def giver(drawn: Drawn) -> GiveValue:
    """Return what gives whole values of a run for as long as somebody else keeps that."""
    kept = weakref.ref(drawn)

    def give(path: str, where: Where) -> str:
        there = kept()
        if there is None:
            raise LookupError("nothing refers to the run any more")
        return whole_value(there._drawn()[1], path, where)

    return give


def of_run(run: Run) -> Inspector | LiveInspector:
    """Return what shows a run, be it over or not."""
    return Inspector(run.result()) if run.ended else LiveInspector(run)


class LiveInspector(RunView):
    """Looks inside a run that goes on; what it came to stays in the notebook, with the same step chosen."""

    interval_s = 0.2
    share: ClassVar[float] = 0.1  # of the time, at most, goes into finding out what is new

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._folding = Folding()
        self._payload: Payload = {}
        self._widget: InspectorWidget | None = None
        self._rest_until = 0.0
        self._selected: str | None = None

    def note(self, event: Event) -> None:
        """Take the next event of the run."""
        self._folding.take(event)

    def opening(self) -> dict[str, Any]:
        """Return a line: the page is made in a thread, so that no node of the run waits for it."""
        name = self._folding.record().graph.name
        return {"text/html": card([header(printable(name), "running", [])]), "text/plain": repr(self)}

    async def follow(self) -> None:
        """Show the page, and tell it what is new until the run has ended."""
        self._payload, module = await self._apart(
            lambda look: (look(), import_module("linus_nb.notebook.inspector_widget"))
        )
        first = self._payload
        self._widget = module.InspectorWidget(
            first,
            self._give,
            on_open=lambda: None if self._payload is first else self._payload,
            on_select=self._select,
            on_stop=self.run.cancel,
        )
        self.put({WIDGET: self._widget.get_view_spec(), "text/plain": repr(self)})
        await super().follow()

    async def update(self) -> None:
        """Tell the page what is new."""
        if time.perf_counter() < self._rest_until:
            self._news.set()  # it is still new then
            return
        began, before = time.perf_counter(), self._payload

        def compared(look: Callable[[], Payload]) -> tuple[Payload, Payload]:
            payload = look()
            return payload, news(before, payload)

        self._payload, told = await self._apart(compared)
        if self._widget is not None:
            self._widget.tell(told)
        ended = time.perf_counter()
        self._rest_until = ended + (ended - began) / self.share

    async def _apart(self, work: Callable[[Callable[[], Payload]], T]) -> T:
        """Return what some work makes of the payload of this moment. It is done in a thread: it may take a while."""
        record, now_s = self._folding.record(), self.run.now()
        call = ThreadCall(lambda: work(lambda: inspection(record.graph, record, now_s)), copy_context())
        await call.wait()
        made: T = call.outcome()
        return made

    def remains(self) -> dict[str, Any]:
        """Return the inspector of what the run came to."""
        if self._widget is not None:
            self._widget.close()
        return Inspector(self.run.result(), self._selected)._repr_mimebundle_()

    def _give(self, path: str, where: Where) -> str:
        return whole_value(self.run.record, path, where)

    def _select(self, path: str | None) -> None:
        self._selected = path

    def _ipython_display_(self) -> None:
        if current_cell() is None:
            print(repr(self))  # noqa: T201  IPython in a terminal has asked for it
        else:
            self.show()

    def __repr__(self) -> str:
        record = self.run.record
        return graph_text(record.graph, record)
