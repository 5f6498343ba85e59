"""The widget of a live view: what it shows, as traits; how, in ``live.js``. Loaded when the first one is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from linus_nb.rendering.live_style import live_style
from linus_nb.rendering.palette import STATUSES


class LiveWidget(anywidget.AnyWidget):
    """Shows a run. ``on_stop`` is called when somebody presses its Stop button.

    ``nodes`` holds those that changed with the latest message; ``on_open`` is called when a page has just been opened,
    and needs all of them.
    """

    _esm = (Path(__file__).parent / "live.js").read_text(encoding="utf-8")
    _css = live_style()

    glyphs = traitlets.Dict({name: look.glyph for name, look in STATUSES.items()}).tag(sync=True)
    picture = traitlets.Unicode("").tag(sync=True)
    head = traitlets.Dict().tag(sync=True)
    nodes: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    panes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    summary = traitlets.Unicode("").tag(sync=True)
    now_s = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, on_stop: Callable[[], None], on_open: Callable[[], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._does = {"stop": on_stop, "open": on_open}
        self.on_msg(self._heard)

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("type") in self._does:
            self._does[content["type"]]()
