"""Whole values for an inspector that asks: what a page may ask a kernel, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Where = list[str | int]  # the way from a step of the payload to a value: ["calls", 2, "messages", 0, "text"]
GiveValue = Callable[[str, Where], str]  # gives the whole text at a way in the step of a path


def answer(give: GiveValue, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the message that answers a page; a `LookupError` is told to who asked.

    >>> answer(lambda path, where: f"all of {path}", {"id": 3, "path": "search", "where": ["output"]})
    {'type': 'value', 'id': 3, 'text': 'all of search', 'problem': ''}
    """
    try:
        text, problem = give(str(asked.get("path")), list(asked.get("where") or [])), ""
    except LookupError as error:
        text, problem = None, f"the kernel no longer has it ({error})"
    return {"type": "value", "id": asked.get("id"), "text": text, "problem": problem}
