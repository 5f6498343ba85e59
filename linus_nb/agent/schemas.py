"""The JSON schemas of what the model is asked to write: small and bounded, so that a small model ends its reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from linus_nb.tools.adapt import NO_TOOL

MOST_TASKS = 8  # with 3 the embedded model gave the same answers to 30 small tasks


def plan_schema(tools: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a plan. The tool comes first: a small model chooses best before it writes."""
    task = _object(
        tool={"type": "string", "enum": [*tools, NO_TOOL]},
        description={"type": "string", "maxLength": 200},
        depends_on={"type": "array", "maxItems": MOST_TASKS - 1, "items": {"type": "integer"}},
    )
    return _object(tasks={"type": "array", "minItems": 1, "maxItems": MOST_TASKS, "items": task})


def verdict_schema() -> dict[str, Any]:
    """Return the schema of a completion check."""
    return _object(
        complete={"type": "string", "enum": ["yes", "no"]},
        missing={"type": "string", "maxLength": 100},
    )


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema lies in the subset that OpenAI calls strict: closed objects, every property required."""
    if schema.get("type") == "object":
        properties: Mapping[str, Any] = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(properties):
            return False
        return all(is_strict(s) for s in properties.values())
    if "default" in schema or "$ref" in schema or "anyOf" in schema:
        return False
    return is_strict(schema["items"]) if isinstance(schema.get("items"), dict) else True


def without_lengths(schema: Any) -> Any:
    """Return a schema without the bounds on text that OpenAI's strict mode refuses."""
    if isinstance(schema, Mapping):
        bounds = ("maxLength", "minLength") if schema.get("type") == "string" else ()
        return {k: without_lengths(v) for k, v in schema.items() if k not in bounds}
    return schema
