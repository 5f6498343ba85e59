"""Checks of what a person sets on a tool."""

from __future__ import annotations

import math
import re
from typing import Any

from linus_nb.errors import ToolError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what the providers of models take


def name_checked(name: Any) -> str:
    """Return a name that a model can write.

    Raises:
        ToolError: it is none.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ToolError(f"a tool's name is {name!r}; write up to 64 letters, digits, '_' and '-'")
    return name


def seconds_checked(seconds: Any, whose: str) -> float:
    """Return a time limit.

    Raises:
        ToolError: it is no number above 0, or no end at all.
    """
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 < seconds < math.inf:
        raise ToolError(f"{whose}: timeout_seconds is {seconds!r}; give seconds above 0")
    return float(seconds)


def whole_checked(number: Any, what: str, least: int) -> int:
    """Return a whole number.

    Raises:
        ToolError: it is none, or below ``least``.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ToolError(f"{what} is {number!r}; give a whole number from {least}")
    return number


def kinds_checked(kinds: Any, whose: str) -> tuple[type[Exception], ...]:
    """Return exception types, of one or of several.

    Raises:
        ToolError: something else is among them, or a type that no retry may catch, such as `KeyboardInterrupt`.
    """
    several = (kinds,) if isinstance(kinds, type) else kinds
    if not isinstance(several, tuple | list | set | frozenset) or not all(
        isinstance(kind, type) and issubclass(kind, Exception) for kind in several
    ):
        raise ToolError(f"{whose}: retry_on is {kinds!r}; give exception types: (ConnectionError, TimeoutError)")
    return tuple(several)
