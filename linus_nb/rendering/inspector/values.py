"""Values as text for the inspector: strings as they are, what is like JSON over lines, all else by its repr.

A value is looked at no further than its text is long, secrets are masked before anything is cut, and a value that
cannot show itself costs nothing but its own text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from linus_nb.masking import masked, masked_field

LONGEST = 20_000  # characters of one value in a payload
SHORTEST = 120  # characters that even the longest values keep, however many there are
ROOM = 1_000_000  # characters of JSON for all values of a payload
MOST_WHOLE = 2_000_000  # characters of one value that a kernel is asked for
LINE = 88  # characters: what fits in one line stays in one
DEEPEST = 24

Text = tuple[str, int | None]  # of a value, and how long the whole is where this is cut
Show = Callable[[Any, int], Text]


class Held(dict[str, Any]):
    """A value of a payload, by reference until `settle` makes it text."""

    __slots__ = ("show", "value")

    def __init__(self, value: Any, show: Show | None = None) -> None:
        super().__init__(text="", whole=None)
        self.value = value
        self.show = show or text_of

    def whole_text(self) -> str:
        """Return the value's whole text."""
        return self.show(self.value, MOST_WHOLE)[0]


def held(name: object, value: Any) -> Held:
    """Return a value that has a name, by which it may be a secret."""
    return Held(masked_field(name, value) or value)


def settle(values: Iterable[Held], room: int = ROOM) -> None:
    """Make values text, each cut as the room for all of them demands. One that is held twice is made text once."""
    listed = list(values)
    limit = max(SHORTEST, min(LONGEST, 4 * room // max(1, len(listed))))
    known: dict[tuple[int, Show], Text] = {}
    for one in listed:
        key = (id(one.value), one.show)
        if key not in known:
            known[key] = one.show(one.value, limit)
        one["text"], one["whole"] = known[key]
    most = _cut_for(listed, room)
    for one in listed:
        if len(one["text"]) > most:
            one["whole"] = one["whole"] or len(one["text"])
            one["text"] = one["text"][:most]


def _cut_for(values: list[Held], room: int) -> int:
    """Return how long a text may be so that all fit: short ones stay whole, and leave their room to the others."""
    lengths = sorted(len(one["text"]) for one in values)
    signs = sum(lengths)
    # what JSON in HTML makes of them: a quote or a line end takes two signs, other alphabets six
    written = sum(len(json.dumps(one["text"])) + 5 * one["text"].count("<") for one in values)
    left = room * signs / max(1, written)
    for k, length in enumerate(lengths):
        share = left / (len(lengths) - k)
        if length > share:
            return max(SHORTEST, int(share))
        left -= length
    return LONGEST


def text_of(value: Any, limit: int) -> Text:
    r"""Return a value as text of at most ``limit`` characters, and the length of the whole where that is more.

    The whole length of lists and dicts is an estimate, by those of their parts that are shown.

    >>> text_of("plain\ntext", 80), text_of([1, None], 80), text_of("x" * 30, 10)
    (('plain\ntext', None), ('[1, None]', None), ('xxxxxxxxxx', 30))
    >>> print(text_of({"papers": ["a" * 40, "b" * 40], "api_key": "abc"}, 200)[0])
    {
      'papers': [
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
      ],
      'api_key': ••••,
    }
    """
    if issubclass(type(value), str):
        return cut(str.__str__(value), limit)
    if _parts(value) is None:
        return cut(_scalar(value, limit), limit)
    text, whole = _Written(limit).of(value)
    shown = masked(text)
    return shown[:limit], whole if len(shown) <= limit else max(whole or 0, len(shown))


def cut(text: str, limit: int) -> Text:
    """Return a text with its secrets masked, of at most ``limit`` characters, and how long it is as a whole."""
    if len(text) <= limit:
        shown = masked(text)
        return shown[:limit], None if len(shown) <= limit else len(shown)
    return masked(text, limit + 1)[:limit], len(text)


def _parts(value: Any) -> tuple[str, str, bool, int] | None:
    """Return how a container begins and ends, whether it has keys, and its size; None for what is none."""
    kind = type(value)
    if issubclass(kind, dict):
        return "{", "}", True, dict.__len__(value)
    if kind is tuple:
        return "(", ")", False, len(value)
    return ("[", "]", False, list.__len__(value)) if issubclass(kind, list) else None


def _listed(value: Any, has_keys: bool) -> list[tuple[Any, Any]] | Iterator[tuple[Any, Any]]:
    if has_keys:
        return list(dict.items(value))  # a copy: another thread may still write to it
    return ((None, part) for part in (list.copy(value) if issubclass(type(value), list) else value))


def _scalar(value: Any, limit: int) -> str:
    """Return the repr of what is no container; of a string that is longer than anybody will see, of its start."""
    kind = type(value)
    try:
        if issubclass(kind, str):
            text = str.__str__(value)
            return repr(masked(text) if len(text) <= limit else masked(text, limit))
        return repr(value)
    except Exception as error:  # noqa: BLE001  a value that cannot show itself must not cost the rest
        return f"<{kind.__name__}: its repr raised {type(error).__name__}>"


class _FullError(Exception):
    """There is no room for more."""


@dataclass(slots=True)
class _Written:
    """Lists and dicts over lines, until the room is used up."""

    limit: int
    length: int = 0
    share: float = 1.0  # how much of the outermost container is written

    def of(self, value: Any) -> Text:
        pieces: list[str] = []
        try:
            for piece in self._lines(value, "", 0):
                pieces.append(piece)
                self.length += len(piece)
                if self.length > self.limit:
                    raise _FullError
        except _FullError:
            return "".join(pieces), max(self.length, int(self.length / max(self.share, 1e-9)))
        return "".join(pieces), None

    def _lines(self, value: Any, indent: str, depth: int) -> Iterator[str]:
        container = _parts(value)
        if container is None:
            yield _scalar(value, self.limit)
            return
        opening, closing, has_keys, size = container
        short = _in_one_line(value, LINE - len(indent))
        if short is not None or depth == DEEPEST:
            yield short or f"{opening}…{closing}"
            return
        yield f"{opening}\n"
        inner = f"{indent}  "
        for k, (key, part) in enumerate(_listed(value, has_keys)):
            if not depth:
                self.share = (k + 1) / size
            yield f"{inner}{_scalar(key, LINE)}: " if has_keys else inner
            hidden = masked_field(key, part)
            if hidden is None:
                yield from self._lines(part, inner, depth + 1)
            else:
                yield hidden
            yield ",\n"
        yield f"{indent}{closing}"


def _in_one_line(value: Any, room: int) -> str | None:
    """Return a value as one line, or None where it has no room in one."""
    container = _parts(value)
    if container is None:
        if issubclass(type(value), str) and len(value) > room:
            return None
        text = _scalar(value, LINE)
        return text if len(text) <= room and "\n" not in text else None
    opening, closing, has_keys, size = container
    if size * 3 > room or room <= 2:
        return None
    room -= 2
    parts = []
    for key, part in _listed(value, has_keys):
        start = f"{_scalar(key, LINE)}: " if has_keys else ""
        shown = masked_field(key, part) or _in_one_line(part, room - len(start))
        if shown is None:
            return None
        parts.append(start + shown)
        room -= len(start) + len(shown) + 2
        if room < -2:
            return None
    return f"{opening}{', '.join(parts)}{',' * (opening == '(' and size == 1)}{closing}"
