"""Answers of a given type, and questions of one: what pydantic can validate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from linus_nb.agent.replies import Unusable, json_values
from linus_nb.errors import InputError

if TYPE_CHECKING:
    from pydantic import TypeAdapter


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
        from pydantic.errors import PydanticSchemaGenerationError

        try:
            return TypeAdapter(self.kind)
        except PydanticSchemaGenerationError as error:
            raise TypeError(
                f"{self.role}={self.kind!r} is no type that can be checked; give a pydantic model"
            ) from error

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema that a model is shown."""
        return self._adapter.json_schema()

    def read(self, text: str) -> Any:
        """Return what a model wrote as this type; the JSON may stand in prose or in a fence.

        Raises:
            Unusable: none of it fits; why, in words for the model.
        """
        from pydantic import ValidationError

        why = "there is no JSON in it"
        for value in json_values(text):
            try:
                return self._adapter.validate_python(value)
            except ValidationError as error:
                why = _in_words(error)
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise Unusable(why if json_values(text) else _in_words(error)) from None

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


def _in_words(error: Any) -> str:
    """Return what pydantic found wrong, in one line: the place and the reason of each of the first three errors."""
    found = [f"{'.'.join(map(str, e['loc'])) or 'the value'}: {e['msg']}" for e in error.errors()[:3]]
    more = error.error_count() - len(found)
    return "; ".join(found) + (f"; and {more} more" if more else "")
