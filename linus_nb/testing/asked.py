"""What a call asks of a scripted model: the schema of its reply, and the tools that it may or must call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


def schema_asked(options: Mapping[str, Any]) -> Schema | None:
    """Return the JSON schema that the options of a call ask for, in OpenAI's form or as a pydantic model; or None."""
    asked = options.get("response_format")
    if asked is None:
        return None
    if hasattr(asked, "model_json_schema"):
        schema: Schema = asked.model_json_schema()
        return schema
    if not isinstance(asked, Mapping):
        raise TypeError(f"response_format is {asked!r}; give a pydantic model, or a mapping with a 'json_schema'")
    if asked.get("type") == "json_object":
        return {"type": "object"}
    found: Schema | None = asked.get("json_schema", {}).get("schema")
    return found


def tools_bound(options: Mapping[str, Any]) -> tuple[Schema, ...]:
    """Return the functions that were bound: ``name``, ``description``, ``parameters`` (a JSON schema) of each."""
    return tuple(tool.get("function", tool) for tool in options.get("tools") or ())


def tool_required(options: Mapping[str, Any]) -> Schema | None:
    """Return the tool that has to be called: the one named, or the first where any will do; None where none has to."""
    tools, choice = tools_bound(options), options.get("tool_choice")
    if isinstance(choice, Mapping):
        choice = choice.get("function", choice).get("name")
    if not tools or choice in (None, False, "auto", "none"):
        return None
    return _named(tools, str(choice)) or tools[0]


def _named(tools: Sequence[Schema], name: str) -> Schema | None:
    return next((tool for tool in tools if tool.get("name") == name), None)
