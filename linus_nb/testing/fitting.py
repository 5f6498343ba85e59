"""The smallest value that fits a JSON schema: what a scripted model writes when it has no script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def smallest_instance(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Any:
    """Return the smallest value that fits ``schema``: first of an enum, nothing optional, bounds kept.

    >>> smallest_instance({"type": "object", "properties": {"tool": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
    ...                    "required": ["tool"]})
    {'tool': 'a'}
    """
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return smallest_instance(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return smallest_instance(schema[key][0], definitions)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _of_type(kind[0] if isinstance(kind, list) else kind, schema, definitions)


def _of_type(kind: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {n: smallest_instance(properties.get(n, {}), definitions) for n in schema.get("required", ())}
        case "array":
            item = schema.get("items", {})
            return [smallest_instance(item, definitions) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            return max(low, 0) if schema.get("maximum", 0) >= 0 else schema["maximum"]
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "x" * schema.get("minLength", 0)
