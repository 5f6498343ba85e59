"""Any value as a short line of text: bounded, with its secrets masked, and whatever its ``repr`` does, there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from reprlib import Repr
from typing import Any

from linus_nb.masking import LONGEST_SECRET, masked, masked_field

MOST_KEYS = 8
LONGEST = 80  # characters of one value


class _Brief(Repr):
    """Looks at no more of a value than it shows: a list of a million is not walked, a text of megabytes not quoted."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = MOST_KEYS
        self.maxlevel = 4

    def repr_str(self, x: str, level: int) -> str:  # noqa: ARG002  the method's signature
        return repr(masked(x, self.limit))

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if level <= 0:
            return "{…}"
        shown = [
            f"{self.repr1(key, level - 1)}: {masked_field(key, x[key]) or self.repr1(x[key], level - 1)}"
            for key, _ in zip(x, range(MOST_KEYS), strict=False)
        ]
        if len(x) > MOST_KEYS:
            shown.append(f"… {len(x) - MOST_KEYS:,} more")
        return f"{{{', '.join(shown)}}}"

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002  the method's signature
        try:
            text = repr(x)
        except Exception as error:  # noqa: BLE001  a value that cannot show itself must not cost the rest
            return f"<{type(x).__name__}: its repr raised {type(error).__name__}>"
        shown = masked(text, self.limit)
        return " ".join(shown.split()) if "\n" in shown else shown


def brief(value: Any, limit: int = LONGEST) -> str:
    """Return a value as a text of at most ``limit`` characters, like ``repr`` would.

    >>> brief({"city": "Paris", "api_key": "abc"}), brief("x" * 100, 10)
    ("{'city': 'Paris', 'api_key': ••••}", "'xxxxxxx…'")
    """
    try:
        text = _Brief(limit).repr(value)
    except Exception as error:  # noqa: BLE001  a container of a class of its own, that cannot be walked
        text = f"<{type(value).__name__}: its repr raised {type(error).__name__}>"
    text = masked(text[: limit + LONGEST_SECRET])
    if len(text) <= limit:
        return text
    ending = text[0] if text[0] in "'\"" and isinstance(value, str) else ""
    return f"{text[: limit - 1 - len(ending)]}…{ending}"


def brief_items(values: Mapping[str, Any] | Iterable[tuple[str, Any]], most: int = MOST_KEYS) -> str:
    """Return the first keys of a mapping with their values, and how many more there are.

    >>> brief_items({"a": 1, "b": [2]})
    "'a': 1, 'b': [2]"
    """
    items = list(values.items() if isinstance(values, Mapping) else values)
    shown = [f"{brief(key, 40)}: {masked_field(key, value) or brief(value)}" for key, value in items[:most]]
    more = [f"… {len(items) - most:,} more"] if len(items) > most else []
    return ", ".join([*shown, *more])


class Brief:
    """Mixin of dataclasses: a repr of the fields that are not as they are by default, each of them short.

    The dataclass is made with ``repr=False``.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        shown = []
        for field in fields(self):  # type: ignore[arg-type]  # whoever has this mixin is a dataclass
            value = getattr(self, field.name)
            if field.repr and not _is_default(field, value):
                shown.append(f"{field.name}={masked_field(field.name, value) or brief(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _is_default(field: Field[Any], value: Any) -> bool:
    if value is field.default:
        return True
    if type(value) in (int, float, str):
        return bool(value == field.default)
    return field.default_factory is not MISSING and type(value) in (dict, list, tuple) and not value


def message_of(error: BaseException) -> str:
    """Return the message of an error, whatever its ``str`` does; nothing in it is masked yet."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001  as with a repr that raises
        return f"<its message raised {type(broken).__name__}>"
