"""The clock as a tool."""

from __future__ import annotations

from datetime import UTC, datetime

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
