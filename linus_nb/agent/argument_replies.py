"""The arguments of a tool, from what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linus_nb.agent.loose_json import Found, find_json, read_scalar, valid_json
from linus_nb.agent.notations import folded, labelled, parameters, spoken, written_calls
from linus_nb.agent.reply_kinds import NAMES_OF_ARGUMENTS, Unusable

_WRAPPERS = (*NAMES_OF_ARGUMENTS, "function", "function_call", "tool_call", "tool_calls", "tool")
_SCALARS = ("string", "integer", "number", "boolean")
_ALONE = (
    re.compile(r"```\w{0,20}\n([^`\n]+)\n?```"),
    re.compile(r"`([^`\n]+)`"),
    re.compile(r"\"([^\"\n]+)\""),
    re.compile(r"'([^'\n]+)'"),
)


def read_arguments(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's arguments.

    Raises:
        Unusable: they cannot be seen in the text, or one that is required is missing.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    said = spoken(text)
    found = find_json(said)
    problem: Unusable | None = None
    for given in _candidates(said, found, properties):
        try:
            return _checked(given, schema)
        except Unusable as why:
            problem = problem or why
    try:
        return _checked({}, schema)
    except Unusable as why:
        cut = any(not value.whole for value in found)
        raise Unusable(f"{problem or why}{'; the reply was cut before its end' if cut else ''}") from None


def _candidates(said: str, found: Sequence[Found], properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what may be the arguments, the likeliest first. What is cut may end in half a value: it is left out."""
    names = {folded(name): name for name in properties}
    calls = [arguments for _, arguments in written_calls(said)]
    for value in _objects(said, found, calls, properties):
        named = {key if key in properties else names.get(folded(key), key): inner for key, inner in value.items()}
        if not properties.keys().isdisjoint(named):
            yield named
    if len(properties) == 1:
        [name] = properties
        yield from ({name: value} for value in _only_values(said, found, calls))


def _objects(
    said: str, found: Sequence[Found], calls: Sequence[Any], properties: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for value in sorted((f for f in found if f.whole), key=lambda f: not f.valid):
        yield from _unwrapped(value.value, properties)
    yield parameters(said)
    for arguments in calls:
        if isinstance(arguments, dict):
            yield arguments
        elif isinstance(arguments, list) and 1 < len(arguments) <= len(properties):
            yield dict(zip(properties, arguments, strict=False))
    if "{" not in said:  # lines of broken JSON look like lines with labels
        yield from labelled(said, list(properties))


def _unwrapped(value: Any, properties: Mapping[str, Any], deep: int = 4) -> Iterator[dict[str, Any]]:
    """Yield the objects in which arguments may stand: within what is called so, then the value itself."""
    if isinstance(value, str):
        value = valid_json(value)
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    if not isinstance(value, dict):
        return
    for key in _WRAPPERS if deep else ():
        if key in value and key not in properties:
            yield from _unwrapped(value[key], properties, deep - 1)
    yield value


def _only_values(said: str, found: Sequence[Found], calls: Sequence[Any]) -> Iterator[Any]:
    """Yield what may be the one argument of a tool: the only value of an object, or a reply that is but a value."""
    for value in (f.value for f in found if f.whole):
        for inner in _unwrapped(value, {}):
            if len(inner) == 1:
                yield next(iter(inner.values()))
            else:
                yield from (v for k, v in inner.items() if k in NAMES_OF_ARGUMENTS)
    for arguments in calls:
        if isinstance(arguments, list) and len(arguments) == 1:
            yield arguments[0]
        elif isinstance(arguments, str):
            yield arguments
    for record in labelled(said, NAMES_OF_ARGUMENTS):
        yield from (value for value in record.values() if value and value[0] not in "{[")
    yield from (alone.group(1).strip() for mark in _ALONE if (alone := mark.fullmatch(said)))
    try:
        yield read_scalar(said)
    except ValueError:
        return


# -- what a tool takes -----------------------------------------------------------------------------------------------


def _checked(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    closed = schema.get("additionalProperties") in (False, None)
    kept = {}
    for name, value in given.items():
        if closed and name not in properties:
            continue
        fitting = _of_type(name, value, properties.get(name, {}))
        if fitting is not None or _takes_null(properties.get(name, {})):  # small models write null for "nothing"
            kept[name] = fitting
    for name in schema.get("required", ()):
        if name not in kept:
            raise Unusable(f"the argument {name!r} is missing")
    return kept


def _of_type(name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value as its parameter takes it, where that is a matter of brackets.

    Raises:
        Unusable: it is an object or a list where a text or a number is needed.
    """
    kind = schema.get("type")
    if kind in _SCALARS:
        if isinstance(value, list) and len(value) == 1:
            [value] = value
        if isinstance(value, dict | list):
            raise Unusable(f"the argument {name!r} is no {kind}")
    elif kind in ("array", "object") and isinstance(value, str):
        written = valid_json(value)
        value = value if written is None else written
    if kind == "array" and isinstance(value, str | int | float):
        return [value]
    return value


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", ())]
    return ("type" not in schema and "anyOf" not in schema) or any(kind.get("type") == "null" for kind in kinds)
