"""The widget of a question: what it shows, as a trait; how, in ``approval.js``. Loaded when the first one is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from linus_nb.rendering.card import STYLE, dark
from linus_nb.rendering.palette import STATUSES

_HERE = Path(__file__).parent
_WRONG = STATUSES["failed"]


class ApprovalWidget(anywidget.AnyWidget):
    """Shows a question. ``on_click`` gets what a click or a key sends, in whatever thread that arrives."""

    _esm = (_HERE / "approval.js").read_text(encoding="utf-8")
    _css = (
        STYLE
        + f".linus-ask{{--linus-wrong:{_WRONG.light.stroke}}}"
        + dark(".linus-ask", f"--linus-wrong:{_WRONG.dark.stroke}")
        + (_HERE / "approval.css").read_text(encoding="utf-8")
    )

    question = traitlets.Dict().tag(sync=True)

    def __init__(self, question: dict[str, Any], on_click: Callable[[dict[str, Any]], object]) -> None:
        super().__init__(question=question)
        self._on_click = on_click
        self.on_msg(self._heard)

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict):
            self._on_click(content)
