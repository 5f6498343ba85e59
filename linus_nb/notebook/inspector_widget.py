"""The inspector as a widget: a kernel behind it tells what goes on, and whole values. Loaded when one is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from linus_nb.notebook.inspector_values import GiveValue, answer
from linus_nb.rendering.inspector.assets import widget_module
from linus_nb.rendering.inspector.standalone import json_text
from linus_nb.rendering.inspector.style import inspector_style


class InspectorWidget(anywidget.AnyWidget):
    """Shows a payload, and what `tell` adds to it.

    ``on_value`` gives the whole of a value that is cut in the payload; a `LookupError` that it raises is told to who
    asked. ``on_open`` gives the payload of now when a page has just been opened, or None where the first one still
    holds. ``on_select`` is told the path of the step that somebody chose, or None; with ``on_stop``
    there is a button that calls it. All are called in whatever thread a message arrives.
    """

    _esm = widget_module()
    _css = inspector_style()

    payload = traitlets.Unicode("{}").tag(sync=True)  # JSON, as a node may have any name
    stoppable = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        payload: Mapping[str, Any],
        on_value: GiveValue,
        on_open: Callable[[], Mapping[str, Any] | None] = lambda: None,
        on_select: Callable[[str | None], None] = lambda path: None,  # noqa: ARG005  nobody asked to be told
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(payload=json_text(payload), stoppable=on_stop is not None)
        self._on_value = on_value
        self._on_open = on_open
        self._on_select = on_select
        self._on_stop = on_stop
        self.on_msg(self._heard)

    def tell(self, news: Mapping[str, Any]) -> None:
        """Tell every open page what is new: parts of the payload, the steps that changed, changes from one on."""
        self.send({"type": "news", "text": json_text(news)})

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        if content.get("type") == "open":
            now = self._on_open()
            if now is not None:
                self.send({"type": "whole", "text": json_text(now)})
        elif content.get("type") == "value":
            self.send(answer(self._on_value, content))
        elif content.get("type") == "selected":
            self._on_select(content.get("path"))
        elif content.get("type") == "stop" and self._on_stop is not None:
            self._on_stop()
