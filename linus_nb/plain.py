"""Results in web applications: what has a ``to_dict`` can be what a FastAPI endpoint returns, by its annotation."""

from __future__ import annotations

from typing import Any


class Plain:
    """Mixin: pydantic takes an object of this class as it is, and writes it as its ``to_dict()``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the object as plain data."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # pydantic's own protocol
        from pydantic_core import core_schema

        to_dict = core_schema.plain_serializer_function_ser_schema(
            cls.to_dict, return_schema=core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())
        )
        return core_schema.is_instance_schema(cls, serialization=to_dict)
