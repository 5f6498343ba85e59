"""A short text that matches a regular expression: for schemas that ask for one."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

MOST_REPEATS = 64  # that are tried to make a text long enough
LONGEST = 10_000  # of the texts that are tried
_CHARACTERS = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:;/+@#!?'\"()[]{}<>=*&%$\\|~^`\t\n"
_CATEGORIES = {
    "CATEGORY_DIGIT": "0",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_WORD": " ",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "a",
}


def matching_text(pattern: str, min_length: int = 0, max_length: int | None = None) -> str | None:
    """Return a text in which ``pattern`` is found, as short as may be, or None where none comes to mind.

    Look-arounds are only checked, not obeyed: where one decides, a text is found by luck.

    >>> matching_text(r"^[A-Z]{2}-[0-9]{3}$"), matching_text("^(mon|tues)day$"), matching_text("^[a-z]+$", 3)
    ('AA-000', 'monday', 'aaa')
    """
    try:
        compiled = re.compile(pattern)
        parsed = import_module("re._parser").parse(pattern)  # the parser of `re` itself, which has no public name
    except re.error:
        return None

    def fits(text: str) -> bool:
        short_enough = max_length is None or len(text) <= max_length
        return short_enough and len(text) >= min_length and compiled.search(text) is not None

    texts = [""]
    for extra in range(MOST_REPEATS):
        texts.append(_written(parsed, extra, {}))
        if fits(texts[-1]):
            return texts[-1]
        if len(texts[-1]) > max(min_length, LONGEST):
            break
    # nothing in it repeats: it may be found in a longer text
    return next(filter(fits, (text.ljust(min_length, "x") for text in texts)), None)


def _written(parsed: Any, extra: int, groups: dict[int, str]) -> str:
    """Return a text for a parsed pattern; what may repeat does so ``extra`` times more than it has to."""
    return "".join(_piece(str(kind), value, extra, groups) for kind, value in parsed)


def _piece(kind: str, value: Any, extra: int, groups: dict[int, str]) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL":
            return next(c for c in "ab" if ord(c) != value)
        case "ANY":
            return "x"
        case "IN":
            return _one_of(value)
        case "BRANCH":
            return _written(value[1][0], extra, groups)
        case "SUBPATTERN":
            number, *_, inner = value
            text = _written(inner, extra, groups)
            if number is not None:
                groups[number] = text
            return text
        case "ATOMIC_GROUP":
            return _written(value, extra, groups)
        case "GROUPREF":
            return groups.get(value, "")
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner = value
            return "".join(_written(inner, extra, groups) for _ in range(min(least + extra, int(most))))
        case _:  # anchors and look-arounds take no room
            return ""


def _one_of(members: Any) -> str:
    first = str(members[0][0])
    if first == "NEGATE":
        allowed = (c for c in _CHARACTERS[1:] if not any(_holds(member, c) for member in members[1:]))
        return next(allowed, "é")
    value = members[0][1]
    if first == "RANGE":
        return chr(value[0])
    return chr(value) if first == "LITERAL" else _CATEGORIES.get(str(value), "a")


def _holds(member: tuple[Any, Any], character: str) -> bool:
    kind, value = str(member[0]), member[1]
    if kind == "LITERAL":
        return ord(character) == int(value)
    if kind == "RANGE":
        return bool(value[0] <= ord(character) <= value[1])
    match str(value):
        case "CATEGORY_DIGIT":
            return character.isdigit()
        case "CATEGORY_SPACE":
            return character.isspace()
        case "CATEGORY_WORD":
            return character.isalnum() or character == "_"
        case other:
            return not _holds((kind, other.replace("NOT_", "")), character)
