"""JSON as models write it: in prose or a fence, with other quotes, comments, trailing commas, or cut at the end.

One pass, and bounded, as it runs on the event loop: valid JSON is read at the speed of Python's own reader, and what
is nearly JSON up to a number of pieces (signs, texts, words).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

LONGEST = 100_000  # characters that are read
MOST_VALUES = 50
MOST_PIECES = 1_000  # of JSON that is not valid: 5,000 characters or so, and 2 ms
MOST_ATTEMPTS = 8  # to read valid JSON; each may go through the whole text
DEEPEST = 50

_START = re.compile(r"[{\[]")
_SPACE = re.compile(r"[\s\ufeff\u200b]*+(?:(?://|#)[^\n]*+[\s\ufeff\u200b]*+)*+")
_WORD = re.compile(r"[^\s,{}\[\]\"“”]++")
_KEY = re.compile(r"[^\s,:={}\[\]\"“”]++")
_ENDING = {'"': '"', "'": "'", "`": "`", "“": "”“\"", "„": "”“\"", "«": "»", "‘": "’"}  # fmt: skip
_UP_TO = {
    # up to a mark that ends the text: behind it stands what can follow a text, not the next word of it
    marks: re.compile(rf"((?:[^{marks}\\]++|\\.|[{marks}](?![ \t]*+(?:[,:}}\]\n\r\"'“/#]|\Z)))*+)[{marks}]", re.DOTALL)
    for marks in set(_ENDING.values())
}
_ESCAPE = re.compile(r"\\(u[dD][89a-bA-B][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_MEANT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "/": "/", "`": "`"}
_HALF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None}


@dataclass(frozen=True, slots=True)
class Found:
    """A value that a text holds.

    Attributes:
        value: An object or a list.
        whole: Nothing of it is missing: the text did not end within it, but for braces at its end.
        valid: It is JSON as it stands.
    """

    value: Any
    whole: bool = True
    valid: bool = True


def json_values(text: str) -> list[Any]:
    r"""Return the JSON objects and lists that a text holds, in order, wherever they stand in it.

    >>> json_values('Sure! ```json\n{"a": 1,}\n``` and [2]')
    [{'a': 1}, [2]]
    """
    return [found.value for found in find_json(text)]


def find_json(text: str, pieces: int = MOST_PIECES) -> list[Found]:
    """Return the JSON objects and lists that a text holds, in order, and how each of them stands there.

    Args:
        text: What a model wrote.
        pieces: How many signs, texts and words are read of what is not valid JSON.

    >>> find_json("{'a': 1, 'b': [2")
    [Found(value={'a': 1, 'b': []}, whole=False, valid=False)]
    """
    text = _unquoted(without_halves(text[:LONGEST]).strip())
    mend = _HALF_A_PAIR.search(text) is not None
    values: list[Found] = []
    at, attempts = 0, MOST_ATTEMPTS
    while (start := _START.search(text, at)) and len(values) < MOST_VALUES and pieces > 0:
        at = start.start()
        read = _valid(text, at) if attempts else None
        if read is not None:
            value, at = read
            found = [] if _is_deep(value) else [Found(value)]
        else:
            attempts = max(attempts - 1, 0)
            reader = _Reader(text, at, pieces)
            found, at, pieces = reader.read(), reader.at, reader.pieces
        values += (Found(_mended(f.value), f.whole, f.valid) for f in found) if mend else found
    return values[:MOST_VALUES]


def _unquoted(text: str) -> str:
    """Return the text that a text in JSON holds: some models write their JSON as one."""
    if text[:1] != '"' or text[-1:] != '"' or "{" not in text:
        return text
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text


def without_halves(text: str) -> str:
    r"""Return a text that can be sent and saved: half a character (a lone surrogate) becomes a question mark.

    >>> without_halves("cut \ud83d")
    'cut ?'
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def valid_json(text: str) -> Any:
    """Return the object or list that a text is, as valid JSON and nothing else; None where it is none."""
    text = text.strip()
    read = _valid(text, 0) if text[:1] in ("{", "[") else None
    if read is None or read[1] < len(text) or _is_deep(read[0]):
        return None
    return _mended(read[0]) if _HALF_A_PAIR.search(text) else read[0]


def read_scalar(text: str) -> Any:
    """Return the text, number, truth value or null that a text is as JSON.

    Raises:
        ValueError: it is none of them.
    """
    if text.lstrip()[:1] in ("{", "["):
        raise ValueError("an object or a list")
    return _mended(json.loads(text, strict=False))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return without_halves(value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {without_halves(name): _mended(item) for name, item in value.items()}
    return value


def _valid(text: str, start: int) -> tuple[Any, int] | None:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError, too
        return None


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _items(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


# -- what is nearly JSON ---------------------------------------------------------------------------------------------


class _NotJsonError(Exception):
    """What stands here is something else: prose in brackets, code, a set."""


class _Open:
    """An object or a list that is not closed yet; of an object, the key that waits for its value."""

    __slots__ = ("colon", "comma", "inner", "key")

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.key: str | None = None
        self.colon = False
        self.comma = False

    def wants_key(self) -> bool:
        return isinstance(self.inner, dict) and not self.colon

    def put(self, value: Any) -> None:
        if isinstance(self.inner, list):
            self.inner.append(value)
        elif self.colon:
            self.inner[self.key] = value
            self.key, self.colon = None, False
        elif self.key is None and isinstance(value, str):
            self.key = value
        else:
            raise _NotJsonError
        self.comma = False


class _Reader:
    """Reads one value that begins at a bracket. ``at`` is where it ended, ``pieces`` how many more may be read."""

    def __init__(self, text: str, at: int, pieces: int) -> None:
        self.text, self.at, self.pieces = text, at, pieces
        self.stack: list[_Open] = []
        self.top: Any = None
        self.cut = False  # the text ended within a text or a word

    def read(self) -> list[Found]:
        """Return the value; where it is none, the objects and lists within that were read to their ends."""
        try:
            while self._piece():
                if not self.stack:
                    return [Found(self.top, valid=False)]
        except _NotJsonError:
            return [Found(part, valid=False) for part in self._parts()]
        if not self.top:
            return []  # brackets alone say nothing
        return [Found(self.top, whole=not self.cut and all(map(_is_closable, self.stack)), valid=False)]

    def _parts(self) -> Iterator[Any]:
        for number, opened in enumerate(self.stack, start=1):
            open_one = self.stack[number].inner if number < len(self.stack) else None
            for part in _items(opened.inner):
                if isinstance(part, dict | list) and part and part is not open_one:
                    yield part

    def _piece(self) -> bool:
        """Read one piece; return whether there was one.

        Raises:
            _NotJsonError: it does not belong here.
        """
        self._skip()
        if self.at >= len(self.text):
            return False
        self._count(1)
        sign = self.text[self.at]
        if sign in "{[":
            self.at += 1
            self._open({} if sign == "{" else [])
        elif sign in "}]":
            self.at += 1
            self._close(dict if sign == "}" else list)
        elif sign == ",":
            self.at += 1
            opened = self.stack[-1]
            if opened.key is not None and not opened.colon:
                raise _NotJsonError  # a set, or prose
            opened.key, opened.colon, opened.comma = None, False, True
        elif sign in ":=" and self.stack[-1].key is not None and not self.stack[-1].colon:
            self.at += 2 if self.text.startswith("=>", self.at) else 1
            self.stack[-1].colon = True
        elif sign in _ENDING:
            self._text(sign)
        else:
            self._words()
        return True

    def _count(self, pieces: int) -> None:
        self.pieces -= pieces
        if self.pieces < 0:
            raise _NotJsonError

    def _skip(self) -> None:
        """Go on to the next piece, past space and comments."""
        while True:
            self.at = self._past_space(self.at)
            if not self.text.startswith("/*", self.at):
                return
            end = self.text.find("*/", self.at + 2)
            self.at = len(self.text) if end < 0 else end + 2
            self._count(1)

    def _past_space(self, at: int) -> int:
        """Return where the space at ``at`` ends, with the comments in it."""
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _open(self, inner: Any) -> None:
        if len(self.stack) >= DEEPEST:
            raise _NotJsonError
        if not self.stack:
            self.top = inner
        elif isinstance(inner, dict) and self.stack[-1].inner == {} and self.stack[-1].key is None:
            inner = self.stack[-1].inner  # doubled braces, as in a template
        elif self.stack[-1].wants_key():
            raise _NotJsonError
        else:
            self.stack[-1].put(inner)
        self.stack.append(_Open(inner))

    def _close(self, kind: type) -> None:
        """Close the innermost bracket of a kind, and those within that were left open; a stray one counts for none."""
        if not any(isinstance(opened.inner, kind) for opened in self.stack):
            return
        while True:
            opened = self.stack.pop()
            if opened.key is not None and not opened.colon:
                self.stack.append(opened)
                raise _NotJsonError
            if isinstance(opened.inner, kind):
                return

    def _text(self, mark: str) -> None:
        found = _UP_TO[_ENDING[mark]].match(self.text, self.at + 1)
        if found is None:
            self.at, self.cut = len(self.text), True
            return
        self.at = found.end()
        said = found.group(1)
        if (escapes := said.count("\\")) > 0:
            self._count(escapes)
            said = _ESCAPE.sub(_unescaped, said)
        self.stack[-1].put(said)

    def _words(self) -> None:
        """Read a key without quotes, or a value: a number, a word such as ``null``, or words up to a sign or a line."""
        opened = self.stack[-1]
        if opened.wants_key():
            key = _KEY.match(self.text, self.at)
            if key is None:
                raise _NotJsonError
            self.at = key.end()
            opened.put(key.group())
            return
        start = self.at
        while (word := _WORD.match(self.text, self.at)) is not None:
            self._count(1)
            self.at = word.end()
            after = self._past_space(self.at)
            if after == self.at or "\n" in self.text[self.at : after] or self.text[after : after + 2] == "/*":
                break
            if _WORD.match(self.text, after) is None or "//" in self.text[self.at : after]:
                break
            self.at = after
        words = self.text[start : self.at].strip()
        if not words:
            raise _NotJsonError  # a smart quote that ends nothing
        value, is_known = _meant(words)
        if not is_known and isinstance(self.top, list) and len(self.stack) == 1:
            raise _NotJsonError  # prose in brackets
        if self.at >= len(self.text) and not (is_known and isinstance(value, bool | None)):
            self.cut = True
            return
        opened.put(value)


def _is_closable(opened: _Open) -> bool:
    return isinstance(opened.inner, dict) and opened.key is None and not opened.comma


def _unescaped(escape: re.Match[str]) -> str:
    said = escape.group(1)
    if len(said) > 1:
        return str(json.loads(f'"{escape.group()}"'))
    return _MEANT.get(said, escape.group())  # as in a path of Windows: a backslash that is meant


def _meant(words: str) -> tuple[Any, bool]:
    """Return the value of words, and whether they are more than words; so are not thousands of digits."""
    known = words.casefold()
    if known in _WORDS:
        return _WORDS[known], True
    try:
        return int(words), True
    except ValueError:
        if words.lstrip("+-").isdecimal():
            return words, False
    try:
        return float(words), True
    except ValueError:
        return words, False
