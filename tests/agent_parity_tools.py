"""Tools of all kinds, and people who are asked about them, for the scripts that an agent plays in every way."""

from __future__ import annotations

import asyncio
import enum
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as langchain_tool
from pydantic import BaseModel

from linus_nb.tools import tool


def upper(x: str) -> str:
    """Upper."""
    return x.upper()


async def aupper(x: str) -> str:
    """Upper, awaited."""
    await asyncio.sleep(0.01)
    return x.upper()


def later(x: str) -> Any:
    """Upper, by a plain function that gives an awaitable."""
    return aupper(x)


def fails(x: str) -> str:
    """Fail."""
    raise LookupError(f"no {x} {{brace}} %s")


async def afails(x: str) -> str:
    """Fail, awaited."""
    await asyncio.sleep(0.01)
    raise LookupError(f"no {x}")


def silent(x: str) -> str:
    """Fail without a word."""
    raise RuntimeError


async def own_cancel(x: str) -> str:
    """Cancel oneself."""
    raise asyncio.CancelledError("mine")


def gives(value: Any) -> Callable[..., Any]:
    def given(x: str) -> Any:
        """Give something."""
        return value

    return given


def flaky(times: int, *, awaited: bool, retries: int) -> Any:
    """Return a tool that fails so many times before it works; one for each call with other arguments."""
    tries: dict[str, int] = {}

    def attempt(x: str) -> str:
        tries[x] = tries.get(x, 0) + 1
        if tries[x] <= times:
            raise ConnectionError(f"try {tries[x]}")
        return f"{x} at try {tries[x]}"

    def flaky(x: str) -> str:
        """Work at last."""
        return attempt(x)

    async def aflaky(x: str) -> str:
        """Work at last."""
        await asyncio.sleep(0)
        return attempt(x)

    return tool(aflaky if awaited else flaky, retry_count=retries, name="flaky")


async def aslow(x: str) -> str:
    """Take too long."""
    await asyncio.sleep(0.3)
    return x


def slow(x: str) -> str:
    """Take too long."""
    threading.Event().wait(0.3)
    return x


class Colour(enum.Enum):
    """A colour."""

    RED = "red"


class Place(BaseModel):
    """A place."""

    town: str
    since: int = 0


class Report(BaseModel):
    """A report."""

    title: str
    pages: int


class Asked(BaseModel):
    """A question."""

    topic: str
    words: int


def typed(
    colour: Colour,
    kind: Literal["a", "b"],
    place: Place,
    when: datetime,
    many: list[dict[str, int]],
    n: int | None = None,
) -> str:
    """Take all kinds of arguments."""
    return f"{colour.name} {kind} {place.town} {when:%Y} {many} {n}"


TYPED = {
    "colour": "red", "kind": "a", "place": {"town": "Oslo"}, "when": "2024-05-06T07:08:09", "many": [{"a": 1}],
}  # fmt: skip


def straße(größe: str) -> str:
    """Unicode."""
    return größe


@langchain_tool
def chained(x: str) -> str:
    """Upper, by LangChain."""
    return x.upper()


@langchain_tool
async def achained(x: str) -> str:
    """Upper, by LangChain, awaited."""
    await asyncio.sleep(0)
    return x.upper()


@langchain_tool
def refuses(x: str) -> str:
    """Refuse, by LangChain."""
    raise ToolException("refused")


class Shouting(BaseTool):
    """A subclass."""

    name: str = "shouting"
    description: str = "Shout."

    def _run(self, x: str) -> str:
        return x.upper() + "!"


class Both(BaseTool):
    """A subclass with both ways."""

    name: str = "both"
    description: str = "Shout."

    def _run(self, x: str) -> str:
        return x.upper() + "!"

    async def _arun(self, x: str) -> str:
        return x.upper() + "!"


structured = StructuredTool.from_function(upper, aupper, name="structured", description="Both ways.")


# -- people ----------------------------------------------------------------------------------------------------------


async def slow_yes(name: str, arguments: Any) -> bool:
    await asyncio.sleep(0.01)
    return True


def junk(name: str, arguments: Any) -> Any:
    return "maybe"


def breaks(name: str, arguments: Any) -> bool:
    raise OSError("nobody there")
