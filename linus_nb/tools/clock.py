"""The clock and the calendar as tools."""

from __future__ import annotations

from datetime import UTC, date, datetime

from linus_nb.errors import ToolError
from linus_nb.tools.tool import Example, Tool


def time_now() -> str:
    """Return the local date and time with its zone, as in ``Sunday 22 November 2026, 16:30 UTC``."""
    return datetime.now(UTC).astimezone().strftime("%A %d %B %Y, %H:%M %Z")


clock = Tool(
    name="clock",
    description="the current date and time",
    schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    blocking=lambda _: time_now(),
    examples=(
        Example("Tell me the time.", {}),
        Example("What day is it today?", {}),
        Example("What time is it?", {}),
    ),
    wrapped=time_now,
)


def count_days(start: str, end: str) -> int:
    """Return the days from one date to another, each as ``2026-05-01`` or ``today``; below 0 where the end is earlier.

    Raises:
        ToolError: one of them is no date.

    >>> count_days("2024-02-01", "2024-03-01")
    29
    """
    return (_date(end) - _date(start)).days


def _date(text: str) -> date:
    if text.strip().lower() == "today":
        return datetime.now(UTC).astimezone().date()
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ToolError(f"{text!r} is no date; write year-month-day, as 2026-05-01, or today") from None


_DATE = {"type": "string", "description": "a date as 2026-05-01, or today", "minLength": 5, "maxLength": 10}

days_between = Tool(
    name="days_between",
    description="count the days from one date to another",
    schema={
        "type": "object",
        "properties": {"start": _DATE, "end": _DATE},
        "required": ["start", "end"],
        "additionalProperties": False,
    },
    blocking=lambda arguments: count_days(str(arguments["start"]), str(arguments["end"])),
    examples=(
        Example("How many days are between 2023-05-01 and 2023-06-01?", {"start": "2023-05-01", "end": "2023-06-01"}),
        Example("How many days is it until 2030-01-01?", {"start": "today", "end": "2030-01-01"}),
        Example("How long ago was 2020-03-15?", {"start": "2020-03-15", "end": "today"}),
    ),
    wrapped=count_days,
)
