"""What tools give and raise, as text for the model and for the record: whatever it is."""

from __future__ import annotations

import re
from typing import Any

LONGEST_TOLD = 20_000  # characters
_LINKS = re.compile(r"\s*For further information visit https://errors\.pydantic\.dev\S*")  # a model cannot


def text_of(value: Any) -> str:
    """Return a value as text; of one that cannot be shown as text (its ``__str__`` raises), what it is.

    >>> text_of(42), text_of(10**5000)
    ('42', '(a result that cannot be shown as text: int)')
    """
    try:
        return str(value)
    except Exception:  # noqa: BLE001  any class may have a __str__ that raises anything; what it is can still be told
        return f"(a result that cannot be shown as text: {type(value).__name__})"


def told(value: Any) -> str:
    """Return a value as text that a model can be told: cut where it is longer than any model would read."""
    text = text_of(value)
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}… ({len(text):,} characters)"


def error_text(error: BaseException) -> str:
    """Return what an error says; its type where it says nothing."""
    try:
        return _LINKS.sub("", str(error)) or type(error).__name__
    except Exception:  # noqa: BLE001  likewise
        return type(error).__name__
