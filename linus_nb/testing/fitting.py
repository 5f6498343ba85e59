"""The smallest value that fits a JSON schema: what a scripted model writes when it has no script."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain, islice, takewhile
from typing import Any

from linus_nb.errors import ModelError
from linus_nb.testing.patterns import matching_text

Schema = Mapping[str, Any]
MOST_TRIED = 1000  # values, where a list wants different ones
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "idn-email": "a@example.com",
    "name-email": "A <a@example.com>",
    "hostname": "example.com",
    "uri": "http://example.com/",
    "url": "http://example.com/",
    "multi-host-uri": "http://example.com/",
    "uri-reference": "a",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "uuid1": "00000000-0000-1000-8000-000000000000",
    "uuid3": "00000000-0000-3000-8000-000000000000",
    "uuid4": "00000000-0000-4000-8000-000000000000",
    "uuid5": "00000000-0000-5000-8000-000000000000",
    "uuid6": "00000000-0000-6000-8000-000000000000",
    "uuid7": "00000000-0000-7000-8000-000000000000",
    "uuid8": "00000000-0000-8000-8000-000000000000",
    "ipv4": "0.0.0.0",
    "ipv6": "::",
    "ipvanyaddress": "0.0.0.0",
    "ipv4network": "0.0.0.0/32",
    "ipv6network": "::/128",
    "ipvanynetwork": "0.0.0.0/32",
    "ipv4interface": "0.0.0.0/32",
    "ipv6interface": "::/128",
    "ipvanyinterface": "0.0.0.0/32",
    "directory-path": ".",
    "path": ".",
    "color": "red",
    "regex": "a",
}
"""A text for each format of JSON Schema and of pydantic that says more than its length."""


def smallest_instance(schema: Schema) -> Any:
    """Return the smallest value that fits ``schema``: first of an enum, nothing optional, bounds kept.

    Knows what pydantic writes (``$defs``, ``anyOf``, ``const``, bounds, tuples, sets, formats, recursive models) and
    most of the rest of JSON Schema. ``not``, ``if``, ``contains`` and what a pattern looks around for are not obeyed.

    Raises:
        ModelError: no value fits, or none was found.

    >>> smallest_instance({"type": "object", "properties": {"tool": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
    ...                    "required": ["tool"]})
    {'tool': 'a'}
    """
    for value in _Fitting(schema).values(schema):
        return value
    shown = json.dumps(schema, default=str)
    shown = shown if len(shown) <= 200 else shown[:200] + "…"
    raise ModelError(f"found no value that fits the schema {shown}; give the scripted model a reply of its own")


class _Fitting:
    """Values that fit the parts of one schema, small ones first; no value where nothing fits."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def values(self, schema: Any, within: frozenset[str] = frozenset()) -> Iterator[Any]:
        """Yield different values that fit; ``within`` are the references that are being followed."""
        if schema is False:
            return
        if not isinstance(schema, Mapping) or not schema:
            yield from ("x", "y", "z")  # anything goes
            return
        if "$ref" in schema or "allOf" in schema:
            merged, followed = self._merged(schema)
            # a value that holds itself never ends: there is a smaller one that takes another branch
            if not followed & within:
                yield from self.values(merged, within | followed)
        elif "anyOf" in schema or "oneOf" in schema:
            key = "anyOf" if "anyOf" in schema else "oneOf"
            rest = _without(schema, key)
            if "default" in rest:
                yield rest.pop("default")
            yield from chain.from_iterable(self.values(_both(branch, rest), within) for branch in schema[key])
        elif "const" in schema or "enum" in schema:
            listed = [schema["const"]] if "const" in schema else schema["enum"]
            yield from (value for value in listed if _is_of(value, schema.get("type", _TYPES)))
        else:
            if "default" in schema:
                yield schema["default"]
            kinds = schema.get("type") or _told_type(schema)
            for kind in [kinds] if isinstance(kinds, str) else kinds:
                yield from self._of_type(kind, schema, within)

    def _of_type(self, kind: str, schema: Schema, within: frozenset[str]) -> Iterator[Any]:
        match kind:
            case "object":
                yield from self._objects(schema, within)
            case "array":
                yield from self._arrays(schema, within)
            case "integer" | "number":
                yield from _numbers(schema, whole=kind == "integer")
            case "boolean":
                yield from (False, True)
            case "null":
                yield None
            case _:
                yield from self._texts(schema, within)

    def _objects(self, schema: Schema, within: frozenset[str]) -> Iterator[Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        wanted = list(schema.get("required", ()))
        optional = [name for name in properties if name not in wanted]
        missing = max(schema.get("minProperties", 0) - len(wanted), 0)
        parts = {name: properties.get(name, others) for name in [*wanted, *optional[:missing]]}
        parts |= dict(islice(self._other_names(schema, within), max(missing - len(optional), 0)))
        if len(parts) < schema.get("minProperties", 0):
            return
        smallest = {}
        for name, part in parts.items():
            for value in self.values(part, within):
                smallest[name] = value
                break
            else:
                return  # a property that nothing fits
        yield smallest
        for name, part in parts.items():
            for value in islice(self.values(part, within), 1, None):
                yield {**smallest, name: value}

    def _other_names(self, schema: Schema, within: frozenset[str]) -> Iterator[tuple[str, Any]]:
        """Yield names that the schema does not list, each with the schema of its value."""
        for pattern, part in schema.get("patternProperties", {}).items():
            name = matching_text(pattern)
            if name is not None:
                yield name, part
        if (others := schema.get("additionalProperties", True)) is not False:
            names = self.values(_both({"type": "string", "minLength": 1}, schema.get("propertyNames", {})), within)
            yield from ((name, others) for name in names if name not in schema.get("properties", {}))

    def _arrays(self, schema: Schema, within: frozenset[str]) -> Iterator[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        first, item = list(schema.get("prefixItems", ())), schema.get("items", {})
        different = schema.get("uniqueItems", False)
        size = least
        while size <= most:
            parts = [first[k] if k < len(first) else item for k in range(size)]
            smallest: list[Any] = []
            for part in parts:
                tried = islice(self.values(part, within), MOST_TRIED)
                fresh = (value for value in tried if not different or _key(value) not in map(_key, smallest))
                for value in fresh:
                    smallest.append(value)
                    break
                else:
                    return  # an item that nothing fits
            yield smallest
            for k, part in enumerate(parts):
                for value in islice(self.values(part, within), 1, MOST_TRIED):
                    if not different or _key(value) not in map(_key, smallest):
                        yield [*smallest[:k], value, *smallest[k + 1 :]]
            size += 1

    def _texts(self, schema: Schema, within: frozenset[str]) -> Iterator[Any]:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        kind = schema.get("format")
        if "pattern" in schema:
            text = matching_text(schema["pattern"], least, None if most == math.inf else int(most))
            if text is not None:
                yield text
        elif kind == "json-string" or schema.get("contentMediaType") == "application/json":
            yield from map(json.dumps, self.values(schema.get("contentSchema", {"type": "null"}), within))
        elif kind in _FORMATS:
            yield _FORMATS[kind]
        else:
            yield from _plain_texts(least, most)

    def _merged(self, schema: Schema) -> tuple[Any, frozenset[str]]:
        """Return one schema for all that has to hold at once, and the references that were followed for it."""
        merged: Any = _without(schema, "$ref", "allOf")
        followed: frozenset[str] = frozenset()
        waiting = [*([{"$ref": schema["$ref"]}] if "$ref" in schema else []), *schema.get("allOf", ())]
        while waiting:
            part = waiting.pop(0)
            if isinstance(part, Mapping) and (name := part.get("$ref")) is not None:
                if name not in followed:
                    followed |= {name}
                    waiting = [self._target(name), *waiting]
                part = _without(part, "$ref")
            if isinstance(part, Mapping) and "allOf" in part:
                waiting = [*part["allOf"], *waiting]
                part = _without(part, "allOf")
            merged = _both(part, merged)
        return merged, followed

    def _target(self, reference: str) -> Any:
        """Return what a reference within the schema points to (a JSON pointer after ``#``)."""
        found = self._root
        try:
            for step in reference.removeprefix("#").split("/")[1:]:
                key = step.replace("~1", "/").replace("~0", "~").replace("%25", "%")
                found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, ValueError):
            raise ModelError(f"the schema refers to {reference!r}, which is not in it") from None
        return found


def _told_type(schema: Schema) -> Iterable[str]:
    """Return the type of a schema that names none, by the bounds that it sets."""
    for kind, marks in (
        ("object", ("properties", "required", "additionalProperties", "minProperties", "patternProperties")),
        ("array", ("items", "prefixItems", "minItems", "uniqueItems")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(mark in schema for mark in marks):
            return (kind,)
    return ("string",)


def _is_of(value: Any, kinds: str | Iterable[str]) -> bool:
    """Return whether a value is of one of the types, by their names in JSON Schema."""
    classes: dict[str, Any] = {"object": Mapping, "array": list, "string": str, "boolean": bool, "null": type(None)}
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind in ("integer", "number"):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return True
        elif isinstance(value, classes.get(kind, object)):
            return True
    return False


def _numbers(schema: Schema, *, whole: bool) -> Iterator[int | float]:
    """Yield numbers within the bounds, nearest to 0 first; whole ones where there are any."""
    low, high = _bound(schema, "minimum", "exclusiveMinimum", -1), _bound(schema, "maximum", "exclusiveMaximum", 1)
    step = Fraction(str(schema.get("multipleOf", 1)))
    if whole and step.denominator != 1:
        step = Fraction(step.numerator)  # the whole numbers among its multiples
    least = -math.inf if low is None else _next(low[0], step, up=True, past=low[1])
    most = math.inf if high is None else _next(high[0], step, up=False, past=high[1])
    yield from (int(n * step) if (n * step).denominator == 1 else float(n * step) for n in _nearest(least, most))
    if not whole and "multipleOf" not in schema and low and high and low[0] < high[0] and least > most:
        yield float((low[0] + high[0]) / 2)  # no whole number lies between


def _bound(schema: Schema, inclusive: str, exclusive: str, sign: int) -> tuple[Fraction, bool] | None:
    """Return the tighter of two bounds, and whether it is itself left out; None for neither."""
    bounds = [(Fraction(str(schema[key])), past) for key, past in ((inclusive, False), (exclusive, True))
              if isinstance(schema.get(key), (int, float)) and not isinstance(schema[key], bool)]  # fmt: skip
    return min(bounds, key=lambda bound: (sign * bound[0], not bound[1])) if bounds else None


def _next(bound: Fraction, step: Fraction, *, up: bool, past: bool) -> int:
    """Return the first multiple of ``step`` that a bound allows, as a count of steps."""
    count = bound / step
    if up:
        return math.floor(count) + 1 if past else math.ceil(count)
    return math.ceil(count) - 1 if past else math.floor(count)


def _nearest(least: float, most: float) -> Iterator[int]:
    """Yield the integers from ``least`` to ``most``, the one nearest to 0 first."""
    start = int(min(max(least, 0), most)) if least <= most else 0
    up = takewhile(lambda n: n <= most, (start + k for k in range(MOST_TRIED)))
    down = takewhile(lambda n: n >= least, (start - k for k in range(1, MOST_TRIED)))
    if least <= most:
        yield from up
        yield from down


def _plain_texts(least: int, most: float) -> Iterator[str]:
    """Yield different texts, the shortest first."""
    if least == 0:
        yield ""
    length = max(least, 1)
    while length <= most and length < least + MOST_TRIED:
        yield from (letter + "x" * (length - 1) for letter in "xyzabcdefghijklmnopqrstuvw")
        length += 1


def _both(a: Any, b: Any) -> Any:
    """Return a schema of what fits both of two."""
    if a is False or b is False:
        return False
    if not isinstance(a, Mapping) or not isinstance(b, Mapping):
        return a if isinstance(a, Mapping) else b
    merged = {**a, **b, **{key: _joined(key, a[key], b[key]) for key in a.keys() & b.keys()}}
    if "const" in a and "const" in b and a["const"] != b["const"]:
        return False
    if "const" in merged and merged["const"] not in merged.get("enum", [merged["const"]]):
        return False
    return False if merged.get("type") == [] else merged


def _joined(key: str, a: Any, b: Any) -> Any:
    if a == b:
        return a
    match key:
        case "properties" | "patternProperties":
            return {**a, **b, **{name: _both(a[name], b[name]) for name in a.keys() & b.keys()}}
        case "items" | "additionalProperties" | "propertyNames":
            return _both(a, b)
        case "required":
            return list(dict.fromkeys([*a, *b]))
        case "enum":
            return [value for value in a if value in b]
        case "type":
            return _common_types(a, b)
        case "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties":
            return max(a, b)
        case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties":
            return min(a, b)
        case "anyOf" | "oneOf" | "allOf":
            return [{"allOf": [x, y]} for x in a for y in b] if key != "allOf" else [*a, *b]
        case _:
            return b


def _common_types(a: Any, b: Any) -> list[str]:
    first, second = ([kinds] if isinstance(kinds, str) else list(kinds) for kinds in (a, b))
    both = [kind for kind in first if kind in second]
    return both or [kind for kind in ("integer",) if kind in first + second and "number" in first + second]


def _without(schema: Schema, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
