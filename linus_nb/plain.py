"""Results as plain data: for JSON, and for web applications, whose endpoints may return them by their annotation."""

from __future__ import annotations

from typing import Any


def plain_data(value: Any) -> Any:
    """Return a value as what JSON can hold; what has no form there (an array, a table) as its text.

    >>> from datetime import date
    >>> plain_data({"when": date(2026, 11, 22), "set": {1}, "nothing": float("nan")})
    {'when': '2026-11-22', 'set': [1], 'nothing': None}
    """
    from pydantic_core import from_json, to_json

    if value is None or isinstance(value, str | bool):
        return value
    try:
        return from_json(to_json(value, fallback=str, inf_nan_mode="null"))
    except Exception:  # noqa: BLE001  any class may have a __str__ that raises anything, or hold itself
        return f"(a {type(value).__name__} that JSON cannot hold)"


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
