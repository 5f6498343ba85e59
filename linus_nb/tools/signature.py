"""A function's parameters as a JSON schema, and the check of what a model wrote against them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from linus_nb.errors import ToolError


@dataclass(frozen=True, slots=True)
class Arguments:
    """The parameters of a function: their JSON schema, and a check that gives Python values."""

    schema: dict[str, Any]
    model: Any
    name: str

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the type hints want them.

        Raises:
            ToolError: an argument is missing, or of another type.
        """
        from pydantic import ValidationError

        try:
            model = self.model.model_validate(dict(given))
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ToolError(f"{self.name!r} cannot take the arguments {dict(given)!r}: {told}") from None
        names = {field: info.alias for field, info in self.model.model_fields.items()}
        return {names[field]: getattr(model, field) for field in model.model_fields_set}


def arguments_of(function: Callable[..., Any], name: str) -> Arguments:
    """Return the parameters of a function.

    Raises:
        ToolError: the signature cannot be read, or has a parameter that cannot be given by name.
    """
    from pydantic import ConfigDict, Field, PydanticUserError, create_model
    from pydantic.json_schema import PydanticJsonSchemaWarning

    try:
        signature = inspect.signature(function)
        hints = get_type_hints(
            function if inspect.isroutine(function) else type(function).__call__, include_extras=True
        )
    except (TypeError, ValueError, NameError) as error:
        raise ToolError(f"the parameters of {name!r} cannot be read ({error}); give it type hints") from error
    fields: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ToolError(f"{name!r} takes {parameter.name!r} by position only; a model names its arguments")
        default = ... if parameter.default is parameter.empty else parameter.default
        # under a name of our own: pydantic keeps some for itself (`_a`, `model_config`), and warns of others (`json`)
        fields[f"p{len(fields)}"] = (hints.get(parameter.name, str), Field(default, alias=parameter.name))
    try:
        model = create_model(name, __config__=ConfigDict(arbitrary_types_allowed=False, extra="ignore"), **fields)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PydanticJsonSchemaWarning)  # of a default that JSON cannot hold
            schema = model.model_json_schema(by_alias=True)
    except (PydanticUserError, NameError) as error:
        raise ToolError(f"the parameters of {name!r} cannot be described to a model: {error}") from error
    return Arguments({"properties": {}} | _plain(schema), model, name)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the titles, which tell a model nothing and cost it tokens."""
    properties = {name: {k: v for k, v in s.items() if k != "title"} for name, s in schema["properties"].items()}
    return {k: v for k, v in schema.items() if k not in ("title", "description")} | {"properties": properties}
