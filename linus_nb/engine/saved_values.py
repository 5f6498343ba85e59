"""Values and errors of a run as JSON, and what stands in for those that JSON cannot hold.

Secrets are masked in all of it, see `linus_nb.masking`. Else what JSON has is written as it is. The rest is marked: an
object with a key that begins with ``$`` is never plain.

* ``{"$float": "nan"}``, also ``"inf"`` and ``"-inf"``: JSON has no such numbers.
* ``{"$tuple": [...]}``; ``{"$items": [[key, value], ...]}``: a dict with keys that are numbers, booleans or None.
* ``{"$dict": {...}}``: a dict that has a key beginning with ``$`` itself.
* ``{"$type": "DataFrame", "$text": "..."}``: the ``repr`` of anything else; see `SavedValue`. Behind
  that of an array or a table stands a digest of its contents, of which a ``repr`` may show little.
"""

from __future__ import annotations

import math
import re
import traceback
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from linus_nb.brief import message_of
from linus_nb.engine.fingerprint import fingerprint
from linus_nb.masking import masked, masked_field

MOST_CHARACTERS = 100_000  # of the repr of one value, or of one traceback
MOST_PARTS = 1_000_000  # of one value: what shares its parts can be small in memory and endless when written out
DEEPEST = 60  # how far lists and dicts are followed into one another
MOST_BITS = 14_000  # of an int; Python reads no longer ones from text (`sys.get_int_max_str_digits`)

_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # one nan, so that lists that hold it are equal
_PLAIN_KEYS = (str, int, float, bool, type(None))


_CUT = "more characters were not saved"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class SavedValue:
    """What a saved run keeps of a value that JSON cannot hold: the name of its type, and its ``repr`` as text.

    >>> SavedValue("set", "{1, 2}")
    {1, 2}
    """

    type: str
    text: str

    @property
    def is_part(self) -> bool:
        """Whether the text plainly leaves out some of the value, so that two that read alike may differ."""
        return _CUT in self.text or bool(_ADDRESS.search(self.text))

    def __repr__(self) -> str:
        return self.text


class SavedError(Exception):
    """An error that was read from a saved run.

    Its class bears the name of the original's class (and is no other relative of it); two of them that say the same
    are equal.

    Attributes:
        traceback: the original's traceback as text, also shown below the message where this is raised.
        cause: type and message of the error that it was raised from, or an empty string.
    """

    def __init__(self, message: str = "", traceback: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback
        self.cause = cause
        if traceback:
            self.add_note(f"Saved with the run:\n{traceback}")

    def _facts(self) -> tuple[str, str, str, str]:
        return type(self).__name__, str(self), self.traceback, self.cause

    def __eq__(self, other: object) -> bool:
        return self._facts() == other._facts() if isinstance(other, SavedError) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._facts())


# -- values -------------------------------------------------------------------------------------------------------


def encode_value(value: Any) -> Any:
    """Return a value as `json.dumps` can write it; whatever the value is, this raises nothing.

    >>> encode_value({"n": 1, "pair": (True, None), "seen": {7}})
    {'n': 1, 'pair': {'$tuple': [True, None]}, 'seen': {'$type': 'set', '$text': '{7}'}}
    """
    try:
        return _Encoder().encode(value)
    except _TooLarge:
        name = type(value).__name__
        return _stand_in(name, f"<{name}: it has over {MOST_PARTS:,} parts, too many to save>")


def decode_value(saved: Any) -> Any:
    """Return the value that `encode_value` wrote.

    Raises:
        ValueError: a mark that it does not write.
    """
    if isinstance(saved, list):
        return [decode_value(part) for part in saved]
    if not isinstance(saved, dict):
        return saved
    if not any(key.startswith("$") for key in saved):
        return {key: decode_value(part) for key, part in saved.items()}
    match saved:
        case {"$text": str(text), "$type": str(name), **rest} if not rest:
            return SavedValue(name, text)
        case {"$float": ("nan" | "inf" | "-inf") as name, **rest} if not rest:
            return _FLOATS[name]
        case {"$tuple": list(parts), **rest} if not rest:
            return tuple(decode_value(part) for part in parts)
        case {"$dict": dict(pairs), **rest} if not rest:
            return {key: decode_value(part) for key, part in pairs.items()}
        case {"$items": list(items), **rest} if not rest:
            return dict(_item(item) for item in items)
    raise ValueError(f"a value is marked with {', '.join(map(repr, saved))}, which says nothing here")


def encode_float(value: float) -> Any:
    """Return a float as JSON can hold it."""
    return value if math.isfinite(value) else {"$float": float.__repr__(value)}


class _TooLarge(Exception):  # noqa: N818  it never leaves this module
    pass


class _Encoder:
    """Writes one value. Looks at true types only, as a value may lie about its ``__class__``."""

    def __init__(self) -> None:
        self.left = MOST_PARTS
        self.above: set[int] = set()  # the containers around the part that is being written

    def encode(self, value: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _TooLarge
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, str):
            return masked(str.__str__(value))
        if issubclass(kind, float):
            return encode_float(value)
        if issubclass(kind, int) and int.bit_length(value) <= MOST_BITS:
            return value
        if kind is SavedValue:
            return _stand_in(value.type, value.text)
        if issubclass(kind, dict | list) or kind is tuple:
            return self._container(value)
        return _stand_in(kind.__name__, _text(value))

    def _container(self, value: Any) -> Any:
        kind = type(value)
        if id(value) in self.above or len(self.above) == DEEPEST:
            return _stand_in(kind.__name__, "{...}" if issubclass(kind, dict) else "[...]")
        self.above.add(id(value))
        try:
            if issubclass(kind, dict):
                return self._dict(value)
            if kind is tuple:
                return {"$tuple": [self.encode(part) for part in value]}
            return [self.encode(part) for part in list.copy(value)]  # a copy: another thread may still write to it
        finally:
            self.above.remove(id(value))

    def _dict(self, value: dict[Any, Any]) -> Any:
        pairs = list(dict.items(value))
        if all(issubclass(type(key), str) for key, _ in pairs):
            plain = {masked(str.__str__(key)): self._field(key, part) for key, part in pairs}
            return {"$dict": plain} if any(key.startswith("$") for key in plain) else plain
        if all(type(key) in _PLAIN_KEYS for key, _ in pairs):
            return {"$items": [[self.encode(key), self._field(key, part)] for key, part in pairs]}
        return _stand_in(type(value).__name__, _text(value))

    def _field(self, key: Any, part: Any) -> Any:
        """Write what stands under a key: the mask where the key says that it is secret."""
        return masked_field(key, part) or self.encode(part)


def _item(item: Any) -> tuple[Any, Any]:
    match item:
        case [key, part] if isinstance(key, _PLAIN_KEYS) or (isinstance(key, dict) and "$float" in key):
            return decode_value(key), decode_value(part)
    raise ValueError("an item of a dict is not a pair of a plain key and a value")


def _stand_in(name: str, text: str) -> dict[str, str]:
    return {"$type": name, "$text": text}


def _text(value: object) -> str:
    try:
        contents = fingerprint(value)
        return bounded(repr(value)) + (f" (contents {contents})" if contents else "")
    except Exception as error:  # noqa: BLE001  a value that cannot show itself must not cost the run
        return f"<{type(value).__name__}: its repr raised {type(error).__name__}>"


def bounded(text: str) -> str:
    """Return a text with its secrets masked, cut where it is too long to be saved."""
    more = len(text) - MOST_CHARACTERS
    return masked(text) if more <= 0 else f"{masked(text, MOST_CHARACTERS)} ({more:,} {_CUT})"


# -- errors -------------------------------------------------------------------------------------------------------


def encode_error(error: BaseException) -> dict[str, str]:
    """Return the name of an error's type, its message, its traceback and its cause, as text."""
    if isinstance(error, SavedError):
        trace, cause = masked(error.traceback), masked(error.cause)
    else:
        trace = bounded("".join(traceback.format_exception(error)))
        origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        cause = "" if origin is None else masked(f"{type(origin).__name__}: {message_of(origin)}")
    facts = {"type": type(error).__name__, "message": masked(message_of(error)), "traceback": trace, "cause": cause}
    return {name: text for name, text in facts.items() if text}


def decode_error(saved: Any) -> SavedError:
    """Return the error that `encode_error` wrote.

    Raises:
        ValueError: it is not what `encode_error` writes.
    """
    if isinstance(saved, dict) and {"type"} <= saved.keys() <= {"type", "message", "traceback", "cause"}:
        facts: dict[str, str] = dict(saved)
        if all(isinstance(fact, str) for fact in facts.values()):
            return _error_class(facts.pop("type"))(**facts)
    raise ValueError("an error is not an object with a type, and message, traceback and cause as text")


@lru_cache(maxsize=256)
def _error_class(name: str) -> type[SavedError]:
    """Return a class of that name: pictures and tables show the type of an error by the name of its class."""
    return type(name, (SavedError,), {"__doc__": f"A saved {name}."})
