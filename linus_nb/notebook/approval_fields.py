"""The arguments of a tool call as texts that a person can edit, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linus_nb.agent.approval import Question

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_NEEDED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list, such as [1, 2]",
    "object": 'an object, such as {"key": 1}',
}
_JSON = "JSON, with texts in double quotes"
_SIMPLE = ("integer", "number", "boolean")  # where in the text it goes wrong is no help


class UnfittingError(ValueError):
    """What a person wrote cannot be the argument ``name``; says why."""

    def __init__(self, name: str, wanted: str, why: str) -> None:
        self.name = name
        super().__init__(f"{name!r} needs {wanted}{why}")


@dataclass(frozen=True, slots=True)
class Field:
    """One argument: its value, and the ``text`` by which it is shown: as it is, or as JSON (``is_json``).

    ``given`` is False for an argument that the tool requires and that the model left out.
    """

    name: str
    value: Any
    text: str
    is_json: bool
    kind: str = ""
    hint: str = ""
    given: bool = True

    def read(self, text: str) -> Any:
        """Return the value that ``text`` means; the very value that was there, where the text was not touched.

        Raises:
            UnfittingError: it is no JSON, or of another kind than the tool takes.
        """
        if text == self.text:
            return self.value
        value: Any = text
        if self.is_json:
            try:
                value = json.loads(text)
            except json.JSONDecodeError as error:
                where = f" ({error.msg}, column {error.colno})" if self.kind not in _SIMPLE else f", not {text!r}"
                raise UnfittingError(self.name, _NEEDED.get(self.kind, _JSON), where) from None
        if self.kind in _TYPES and not _is_a(value, self.kind):
            raise UnfittingError(self.name, _NEEDED[self.kind], f", not {text!r}")
        return value


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def fields_of(question: Question) -> tuple[Field, ...]:
    """Return a field for each argument, those last that the tool requires and the model left out."""
    schema = question.tool.schema
    missing = [name for name in schema.get("required", ()) if name not in question.arguments]
    given = [_field(name, value, question) for name, value in question.arguments.items()]
    return (*given, *(_left_out(name, question) for name in missing))


def _field(name: str, value: Any, question: Question) -> Field:
    kind, hint = _facts(name, question)
    if isinstance(value, str) and kind in ("string", "") and not _hides(value):
        return Field(name, value, value, False, kind, hint)
    shown = json.dumps(value, ensure_ascii=False, default=repr)
    return Field(name, value, json.dumps(value, default=repr) if _hides(shown) else shown, True, kind, hint)


def _hides(text: str) -> bool:
    """Return whether a part of a text cannot be seen, or disguises another; JSON writes it as an escape."""
    return not all(char.isprintable() or char in "\n\t" for char in text)


def _left_out(name: str, question: Question) -> Field:
    kind, hint = _facts(name, question)
    return Field(name, None, "", kind != "string", kind, hint, given=False)


def _facts(name: str, question: Question) -> tuple[str, str]:
    facts = question.tool.parameters.get(name)
    if not isinstance(facts, Mapping):
        return "", ""
    kind = facts.get("type")
    return kind if isinstance(kind, str) else "", str(facts.get("description", ""))


def arguments_of(fields: Sequence[Field], texts: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that the texts mean; one left out by the model, and left empty, stays out.

    Raises:
        UnfittingError: one of the texts cannot be read.
    """
    pairs = zip(fields, texts, strict=True)
    return {field.name: field.read(text) for field, text in pairs if field.given or text}
