"""Answers of a given type, and questions of one: what pydantic can validate."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from linus_nb.agent.loose_json import find_json, read_scalar, valid_json
from linus_nb.agent.notations import labelled, spoken
from linus_nb.agent.reply_kinds import Unusable
from linus_nb.errors import InputError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_ERRORS = 500


class Structure:
    """A type that pydantic knows: a model class, a dataclass, a TypedDict, or a type hint.

    Args:
        kind: the type.
        role: the option that names it, for messages.

    Raises:
        TypeError: pydantic can make no schema of it.
    """

    def __init__(self, kind: Any, role: str) -> None:
        self.kind = kind
        self.role = role
        if not isinstance(self.schema, dict):
            raise TypeError(f"{role}={kind!r} has no JSON schema; give a pydantic model")

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter

        return TypeAdapter(self.kind)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema that a model is shown."""
        from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

        try:
            return self._adapter.json_schema()
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            raise TypeError(
                f"{self.role}={self.kind!r} is no type that can be checked; give a pydantic model"
            ) from error

    def read(self, text: str) -> Any:
        """Return what a model wrote as this type; the JSON may stand in prose or in a fence.

        Raises:
            Unusable: none of it fits; why, in words for the model.
        """
        from pydantic import ValidationError

        said, why = spoken(text), ""
        found = sorted(find_json(said), key=lambda f: not f.valid)
        is_cut = any(not f.whole for f in found)
        for value in self._candidates(said, [f.value for f in found if f.whole], is_cut=is_cut):
            try:
                return self._adapter.validate_json(json.dumps(value))  # strict types take texts from JSON alone
            except ValidationError as error:
                why = why or _in_words(error)
        reasons = [why or "there is no JSON in it"] if why or not is_cut else []
        raise Unusable("; ".join([*reasons, "the reply was cut before its end"] if is_cut else reasons))

    def _candidates(self, said: str, values: list[Any], *, is_cut: bool) -> Iterator[Any]:
        """Yield what may be the answer, the likeliest first."""
        fields = list(self.schema.get("properties", {}))
        for value in values:
            yield from _unwrapped(value, fields)
        if is_cut or not said:
            return  # the rest of it may be what counts
        if fields:
            yield from labelled(said, fields)[:3] if "{" not in said else ()
            return
        try:
            yield read_scalar(said)
        except ValueError:
            yield said  # a word, where one is wanted

    def checked(self, task: Any) -> Any:
        """Return what an agent is asked as this type; a text stands for the only field of one that has one.

        Raises:
            InputError: it does not fit.
        """
        from pydantic import ValidationError

        fields = list(self.schema.get("properties", {}))
        if isinstance(task, str) and len(fields) == 1:
            task = {fields[0]: task}
        given = dict(task) if isinstance(task, Mapping) else task
        try:
            return self._adapter.validate_python(given)
        except ValidationError as error:
            wanted = ", ".join(map(repr, fields)) or self.kind
            raise InputError(f"the question does not fit {self.role}: {_in_words(error)}; give {wanted}") from error

    def plain(self, value: Any) -> Any:
        """Return a value of this type as plain data: what JSON can hold."""
        return self._adapter.dump_python(value, mode="json")


def _unwrapped(value: Any, fields: Collection[str]) -> Iterator[Any]:
    """Yield a value, and what it wraps: ``{"answer": {…}}``, ``[{…}]``; first what has the fields that are wanted."""
    inner = [*value.values()] if isinstance(value, dict) else value
    wrapped = inner[0] if len(inner) == 1 else value.get("properties") if isinstance(value, dict) else None
    if isinstance(wrapped, str):
        wrapped = valid_json(wrapped)
    known = isinstance(value, dict) and not value.keys().isdisjoint(fields)
    ordered = (value, wrapped) if known or not fields else (wrapped, value)
    yield from (each for each in ordered if isinstance(each, dict | list))


def _in_words(error: Any) -> str:
    """Return what pydantic found wrong, in one line: the place and the reason of each of the first three errors."""
    if error.error_count() > MOST_ERRORS:  # to list them takes its time
        return f"{error.error_count()} parts of it do not fit the JSON schema"
    found = [f"{'.'.join(map(str, e['loc'])) or 'the value'}: {e['msg']}" for e in error.errors()[:3]]
    more = error.error_count() - len(found)
    return "; ".join(found) + (f"; and {more} more" if more else "")
