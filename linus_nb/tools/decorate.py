"""``@tool``: a function, or a tool from elsewhere, with a time limit, retries and examples of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, overload

from linus_nb.errors import ToolError
from linus_nb.tools.adapt import adapt
from linus_nb.tools.checks import name_checked
from linus_nb.tools.tool import Example, Tool

GivenExample = Example | tuple[str, Mapping[str, Any] | None] | str
Kinds = type[Exception] | Iterable[type[Exception]]


@overload
def tool(
    thing: Any,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_seconds: float | None = None,
    retry_count: int | None = None,
    retry_on: Kinds | None = None,
    examples: Iterable[GivenExample] | None = None,
) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_seconds: float | None = None,
    retry_count: int | None = None,
    retry_on: Kinds | None = None,
    examples: Iterable[GivenExample] | None = None,
) -> Callable[[Any], Tool]: ...


def tool(
    thing: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_seconds: float | None = None,
    retry_count: int | None = None,
    retry_on: Kinds | None = None,
    examples: Iterable[GivenExample] | None = None,
) -> Tool | Callable[[Any], Tool]:
    """Make a tool of a function; or give one that is a tool already (LangChain's, say) limits of its own.

    As a decorator, bare or with settings; or called: ``tool(search, timeout_seconds=5)``. What is not given stays.

    Args:
        thing: a function with type hints and a docstring (sync or async), a LangChain tool, or a linus_nb tool.
        name: what the model calls it; the function's name, unless said.
        description: what it does, for the model; the docstring, unless said.
        timeout_seconds: for each attempt that an agent makes.
        retry_count: attempts after the first, with exponential backoff and jitter.
        retry_on: the exceptions worth another attempt.
        examples: questions that it answers, with the arguments: ``("What is 9 * 8?", {"expression": "9 * 8"})``.
            Three or more make a small model choose it, and fill it in, much more reliably.

    Raises:
        ToolError: it cannot be a tool, or a setting makes no sense.

    >>> @tool(timeout_seconds=5, retry_count=2, examples=[("Weather in Oslo?", {"city": "Oslo"})])
    ... def weather(city: str) -> str:
    ...     '''The weather in a city.'''
    ...     return f"{city}: 20 C"
    >>> weather("Rome"), weather.timeout_seconds, weather.retry_count
    ('Rome: 20 C', 5, 2)
    """
    if isinstance(thing, str):
        raise ToolError(f"{thing!r} is no function; a name is given as @tool(name={thing!r})")
    settings: dict[str, Any] = {
        "name": None if name is None else name_checked(name),
        "description": description,
        "timeout_seconds": timeout_seconds,
        "retry_count": retry_count,
        "retry_on": retry_on,
    }
    given = {key: value for key, value in settings.items() if value is not None}

    def made(of: Any) -> Tool:
        changed = replace(adapt(of), **given)
        return changed if examples is None else replace(changed, examples=tuple(_example(e, changed) for e in examples))

    return made if thing is None else made(thing)


def _example(given: Any, of: Tool) -> Example:
    match given:
        case Example():
            made = given
        case str(question):
            made = Example(question)
        case [str(question), Mapping() | None as arguments]:
            made = Example(question, arguments)
        case _:
            raise ToolError(f"an example of {of.name!r} is {given!r}; write (question, {{'argument': value}})")
    unknown = [name for name in made.arguments or () if name not in of.parameters]
    if unknown:
        known = ", ".join(map(repr, of.parameters)) or "none"
        raise ToolError(f"an example of {of.name!r} has the argument {unknown[0]!r}; its arguments: {known}")
    return made
