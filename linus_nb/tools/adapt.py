"""From what people have (a function, a LangChain tool) to a `Tool`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from linus_nb.errors import ToolError
from linus_nb.tools.signature import arguments_of
from linus_nb.tools.tool import Tool, is_async

NO_TOOL = "none"  # what a model chooses that wants no tool
ACCEPTED = "give a function with type hints and a docstring (sync or async), a LangChain tool, or a linus_nb Tool"


def adapt_all(things: Iterable[Any]) -> dict[str, Tool]:
    """Return the tools by name, in order.

    Raises:
        ToolError: one of them is no tool, or two bear one name.
    """
    if callable(things) or not isinstance(things, Iterable) or isinstance(things, str | Mapping):
        raise ToolError(f"tools={things!r} is not a list of tools; write tools=[...]")
    tools: dict[str, Tool] = {}
    for thing in things:
        tool = adapt(thing)
        if tool.name == NO_TOOL:
            raise ToolError(f"a tool cannot be called {NO_TOOL!r}: it is what a model says that wants none; rename it")
        if tool.name in tools:
            raise ToolError(f"two tools are called {tool.name!r}; rename one of them")
        tools[tool.name] = tool
    return tools


def adapt(thing: Any) -> Tool:
    """Return ``thing`` as a `Tool`.

    Raises:
        ToolError: it is none, or a function whose parameters cannot be described to a model.

    >>> def double(number: int) -> int:
    ...     '''Double a whole number.'''
    ...     return 2 * number
    >>> tool = adapt(double)
    >>> tool.name, tool.description, list(tool.parameters)
    ('double', 'Double a whole number.', ['number'])
    """
    if isinstance(thing, Tool):
        return thing
    if _is_langchain_tool(thing):
        return _from_langchain(thing)
    if callable(thing) and not isinstance(thing, type):
        return from_function(thing)
    raise ToolError(f"{thing!r} is not a tool; {ACCEPTED}")


def from_function(function: Any) -> Tool:
    """Return a sync or async function as a tool; its name, docstring and type hints are what the model reads."""
    name = getattr(function, "__name__", type(function).__name__)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ToolError(f"{name!r} yields, and a model needs one result; let it return a list")
    if not name.isidentifier():
        raise ToolError(f"a tool needs a name that a model can write, and {name!r} is none; {ACCEPTED}")
    arguments = arguments_of(function, name)

    def call(given: Mapping[str, Any]) -> Any:
        return function(**arguments.checked(given))

    async def acall(given: Mapping[str, Any]) -> Any:
        return await function(**arguments.checked(given))

    awaited = is_async(function)
    return Tool(
        name=name,
        description=inspect.getdoc(function) or name.replace("_", " "),
        schema=arguments.schema,
        blocking=None if awaited else call,
        awaiting=acall if awaited else None,
        wrapped=function,
    )


def _is_langchain_tool(thing: Any) -> bool:
    """Told by its attributes, so that LangChain is not loaded to ask."""
    return not isinstance(thing, type) and all(
        hasattr(thing, name) for name in ("name", "description", "invoke", "ainvoke", "tool_call_schema")
    )


def _from_langchain(tool: Any) -> Tool:
    def call(given: Mapping[str, Any]) -> Any:
        return tool.invoke(dict(given))

    async def acall(given: Mapping[str, Any]) -> Any:
        return await tool.ainvoke(dict(given))

    blocks, awaits = _langchain_ways(tool)
    return Tool(
        name=tool.name,
        description=tool.description or tool.name,
        schema={"type": "object", "properties": {}} | _schema_of(tool),
        blocking=call if blocks else None,
        awaiting=acall if awaits else None,
    )


def _schema_of(tool: Any) -> dict[str, Any]:
    """Return the schema of a LangChain tool's arguments."""
    if tool.args_schema is None and list(tool.args) == ["tool_input"]:
        # LangChain's `Tool`, which takes one text: its call schema would be that of the function's wrapper
        return {"properties": {"tool_input": {"type": "string"}}, "required": ["tool_input"]}
    described = tool.tool_call_schema
    schema: dict[str, Any] = described if isinstance(described, dict) else described.model_json_schema()
    return schema


def _langchain_ways(tool: Any) -> tuple[bool, bool]:
    """Return whether a LangChain tool has a blocking way of its own, and an awaiting one.

    `ainvoke` of a tool without a coroutine would run it in LangChain's threads; we run it in ours.
    """
    if hasattr(tool, "func") or hasattr(tool, "coroutine"):
        blocks = getattr(tool, "func", None) is not None
        return blocks, getattr(tool, "coroutine", None) is not None or not blocks
    inherited = next(kind for kind in type(tool).__mro__ if kind.__name__ == "BaseTool")
    return True, type(tool)._arun is not inherited._arun  # type: ignore[attr-defined]  # BaseTool, known by its name
