"""What a node is given, in words, for an agent that is asked in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_text(given: Any) -> str:
    r"""Return what an agent is given as text.

    >>> as_text({"topic": "tides"})
    'tides'
    >>> as_text({"topic": "tides", "words": 20})
    'topic: tides\nwords: 20'
    """
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        if len(given) == 1:
            return as_text(next(iter(given.values())))
        return "\n".join(f"{key}: {value}" for key, value in given.items())
    messages = given.to_messages() if hasattr(given, "to_messages") else given  # what a LangChain prompt gives
    if isinstance(messages, list) and messages and all(hasattr(message, "text") for message in messages):
        return "\n".join(str(message.text) for message in messages)  # without roles, which would only confuse
    return str(given.text if hasattr(given, "text") else given)
