"""Events as JSON objects and back, by the fields of their dataclasses: a new event needs nothing here.

An event is ``{"type": "NodeFinished", field: value, ...}``; a field that has its default is left out. Names are looked
up among the classes of `linus_nb.events` only: nothing that a file names is ever imported or called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from linus_nb import events as ev
from linus_nb.engine.saved_values import bounded, decode_error, decode_value, encode_error, encode_float, encode_value
from linus_nb.errors import nearest
from linus_nb.events import Event
from linus_nb.masking import masked, masked_field
from linus_nb.models.spoken import spoken

_EVENTS = tuple(c for c in vars(ev).values() if isinstance(c, type) and issubclass(c, Event) and c is not Event)
TYPE = "type"  # the key of a class's name; no event has a field of this name


class Codec(NamedTuple):
    """How the values of one type are written and read; ``decode`` raises ValueError for what does not fit."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


class UnknownTypeError(ValueError):
    """An object that names a class which is not there."""


def encode_event(event: Event) -> dict[str, Any]:
    """Return an event as an object of JSON values.

    >>> from linus_nb.events import NodeStarted
    >>> encode_event(NodeStarted("r1", 4, 0.25, "search", 0.2))
    {'type': 'NodeStarted', 'run_id': 'r1', 'seq': 4, 'at': 0.25, 'node': 'search', 'ready_at': 0.2}
    """
    encoded: dict[str, Any] = codec_of(Event).encode(event)
    return encoded


def decode_event(saved: Any) -> Event:
    """Return the event that `encode_event` wrote.

    Raises:
        UnknownTypeError: it is of a class that is not known here.
        ValueError: a field is missing, unknown, or holds what it cannot hold.
    """
    event: Event = codec_of(Event).decode(saved)
    return event


@cache
def codec_of(hint: Any) -> Codec:
    """Return how a field of this type is written and read.

    Raises:
        TypeError: there is no way yet; that is for whoever gave an event such a field.
    """
    if hint in _BY_HINT:
        return _BY_HINT[hint]
    if hint is Event:
        return _one_of(_EVENTS)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Codec(lambda member: member.value, hint)
    if is_dataclass(hint):
        return _record(hint)
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return _choice(arguments)
    if get_origin(hint) is tuple and arguments[1:] == (...,):
        return _sequence(arguments[0])
    if get_origin(hint) is dict and arguments == (str, Any):
        return Codec(_encode_named, _named_values)
    if get_origin(hint) in (Union, UnionType):
        if NoneType in arguments:
            return _optional(Union[tuple(a for a in arguments if a is not NoneType)])  # noqa: UP007  made at run time
        return _one_of(arguments)
    raise TypeError(f"no way to save a field of type {hint!r}; teach linus_nb.engine.encoding one")


def _scalar(kind: type) -> Codec:
    """Return the codec of a type that JSON has; what should be one and is not is made one where that is possible."""

    def decode(saved: Any) -> Any:
        if type(saved) is not kind:
            raise ValueError(f"{_cut(saved)} is no {kind.__name__}")
        return saved

    return Codec(lambda value: value if type(value) is kind else kind(value), decode)


def _choice(among: tuple[Any, ...]) -> Codec:
    """Return the codec of a field that holds one of a few texts; a later version may know more of them."""

    def decode(saved: Any) -> Any:
        if saved not in among:
            raise UnknownTypeError(f"{_cut(saved)} is not known here; {nearest(str(saved), among)}".rstrip("; "))
        return saved

    return Codec(str, decode)


def _decode_float(saved: Any) -> float:
    value = decode_value(saved)
    if type(value) is int:
        value = float(value)
    if not isinstance(value, float):
        raise ValueError(f"{_cut(saved)} is no float")
    return value


def _decode_time(saved: Any) -> datetime:
    if not isinstance(saved, str):
        raise ValueError(f"{_cut(saved)} is no time")
    return datetime.fromisoformat(saved)


def _encode_named(held: dict[str, Any]) -> dict[str, Any]:
    return {masked(str(name)): masked_field(str(name), value) or encode_value(value) for name, value in held.items()}


def _named_values(saved: Any) -> dict[str, Any]:
    return {name: decode_value(value) for name, value in _object(saved).items()}


def _encode_messages(messages: Any) -> list[list[str]]:
    return [[role, bounded(text)] for role, text in spoken(messages)]


def _decode_messages(saved: Any) -> tuple[tuple[str, str], ...]:
    pairs = saved if isinstance(saved, list) else [saved]
    if not all(isinstance(pair, list) and [type(part) for part in pair] == [str, str] for pair in pairs):
        raise ValueError(f"{_cut(saved)} is no list of pairs of a role and a text")
    return tuple((role, text) for role, text in pairs)


_BY_HINT: dict[Any, Codec] = {
    Any: Codec(encode_value, decode_value),
    BaseException: Codec(encode_error, decode_error),
    ev.Messages: Codec(_encode_messages, _decode_messages),
    str: Codec(lambda text: masked(str(text)), _scalar(str).decode),
    int: _scalar(int),
    bool: _scalar(bool),
    float: Codec(lambda value: encode_float(float(value)), _decode_float),
    datetime: Codec(datetime.isoformat, _decode_time),
}


def _sequence(of: Any) -> Codec:
    part = codec_of(of)

    def decode(saved: Any) -> tuple[Any, ...]:
        if not isinstance(saved, list):
            raise ValueError(f"{_cut(saved)} is no list")
        return tuple(part.decode(one) for one in saved)

    return Codec(lambda parts: [part.encode(one) for one in parts], decode)


def _optional(of: Any) -> Codec:
    def encode(value: Any) -> Any:
        return None if value is None else codec_of(of).encode(value)

    def decode(saved: Any) -> Any:
        return None if saved is None else codec_of(of).decode(saved)

    return Codec(encode, decode)  # looked up late: a graph holds nodes, which may hold a graph


def _one_of(classes: tuple[type, ...]) -> Codec:
    """Return the codec of a field that holds one of several dataclasses, told apart by their names."""
    by_name = {cls.__name__: cls for cls in classes}

    def encode(value: Any) -> dict[str, Any]:
        cls: Any = type(value)
        return {TYPE: cls.__name__, **codec_of(cls).encode(value)}

    def decode(saved: Any) -> Any:
        facts = dict(_object(saved))
        name = facts.pop(TYPE, None)
        if not isinstance(name, str) or name not in by_name:
            raise UnknownTypeError(f"{_cut(name)} is not known here; {nearest(str(name), by_name)}".rstrip("; "))
        return codec_of(by_name[name]).decode(facts)

    return Codec(encode, decode)


def _record(cls: Any) -> Codec:
    """Return the codec of a dataclass."""
    hints = get_type_hints(cls)
    defaults = {f.name: f.default for f in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}

    def encode(value: Any) -> dict[str, Any]:
        held = ((name, getattr(value, name)) for name in defaults)
        return {name: codec_of(hints[name]).encode(part) for name, part in held if part is not defaults[name]}

    def decode(saved: Any) -> Any:
        facts = _object(saved)
        if lost := sorted(required - facts.keys()):
            raise ValueError(f"{cls.__name__} has no {', '.join(map(repr, lost))}")
        decoded = {}
        for name, part in facts.items():
            if name not in hints:
                raise UnknownTypeError(f"{cls.__name__} has {_cut(name)}, which is not known here")
            try:
                decoded[name] = codec_of(hints[name]).decode(part)
            except UnknownTypeError:
                raise
            except ValueError as error:
                raise ValueError(f"{cls.__name__}.{name}: {error}") from error
        return cls(**decoded)

    return Codec(encode, decode)


def _object(saved: Any) -> dict[str, Any]:
    if not isinstance(saved, dict):
        raise ValueError(f"{_cut(saved)} is no object")
    return saved


def _cut(saved: Any) -> str:
    text = repr(saved)
    return text if len(text) <= 80 else text[:79] + "…"
