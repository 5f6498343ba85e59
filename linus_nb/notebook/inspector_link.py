"""Whole values for inspectors that stand in frames: one widget that is never shown. Loaded when it is first needed."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import Any

import anywidget

from linus_nb.notebook.inspector_values import GiveValue, answer

MOST_LINKED = 50  # runs; of those linked longest ago, pages show what they hold


class InspectorLink(anywidget.AnyWidget):
    """Answers pages that ask for whole values, by the name of their link."""

    _esm = (Path(__file__).parent / "inspector_link.js").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__()
        self._giving: dict[str, GiveValue] = {}
        self.on_msg(self._heard)

    def add(self, give: GiveValue) -> str:
        """Return the name of a new link, for the payload of a page that may ask ``give``."""
        name = secrets.token_hex(16)
        self._giving[name] = give
        while len(self._giving) > MOST_LINKED:
            del self._giving[next(iter(self._giving))]
        return name

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict) or content.get("type") != "value":
            return
        give = self._giving.get(content.get("link", ""))
        if give is None:  # a page of another kernel's
            self.send({"type": "value", "id": content.get("id"), "link": ""})
        else:
            self.send(answer(give, content) | {"link": content["link"]})


@cache
def the_link() -> InspectorLink:
    """Return the one link of this kernel."""
    return InspectorLink()
