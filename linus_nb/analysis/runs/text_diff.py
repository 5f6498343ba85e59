"""What differs between two values, in lines that a person reads; bounded in time and length, whatever they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any
from unicodedata import normalize

from linus_nb.agent import AgentResponse
from linus_nb.brief import brief
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.saved_values import SavedValue
from linus_nb.masking import masked, masked_field

WIDTH = 100  # characters of a line
MOST_CHARACTERS = 10_000_000  # of one text, and
MOST_LINES = 250_000  # of one value, that are looked at
MOST_COMPARED = 2_000  # lines of each value, between what both begin and end with: difflib is quadratic
MOST_KEPT = 400  # lines of a diff
CONTEXT = 2  # lines around a difference
DEEPEST = 20
INDENT = "    "
_NUMBERS = (int, float, bool, type(None))
CUT = "… not looked at further"

_SENTENCE = re.compile(r"(?<=[.!?]\s)|(?<=[。！？])")
_PIECE = re.compile(rf".{{1,{WIDTH}}}(?:\s+|\Z)|.{{1,{WIDTH}}}")
# controls, lone surrogates, what turns the direction of writing, and what nobody sees: they would disguise a text, or
# be refused; joiners (U+200C, U+200D) belong to the writing of some languages, and to emoji
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\xa0\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202f\u2060-\u2069\ud800-\udfff\ufeff]"
)
_KEPT_SPACE = "\xa0\u202f"  # no line breaks there
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def diff_text(a: Any, b: Any) -> str:
    """Return what differs between two values that are known to differ, line by line.

    A line of ``a`` alone begins with ``- ``, one of ``b`` alone with ``+ ``, one of both with two spaces; lines that
    are left out are counted. Mappings, lists and objects have an item a line, texts a sentence, tables a row.

    >>> print(diff_text({"city": "Paris", "km": 7}, {"city": "Lyon", "km": 7}))
      {
    -     'city': 'Paris',
    +     'city': 'Lyon',
          'km': 7,
      }
    """
    a_lines, b_lines = lines_of(a), lines_of(b)
    lines = list(_diff_lines(a_lines, b_lines))
    if not lines:
        if any(line.strip() == CUT for line in a_lines):
            return (
                f"(no difference in their first {MOST_LINES:,} lines, and {MOST_CHARACTERS:,} characters of each text; "
                "what follows was not looked at)"
            )
        if type(a) is not type(b):
            return f"(both read the same: {type(a).__name__} in a, {type(b).__name__} in b)"
        if isinstance(a, str) and a != b:
            return masked(_first_difference(a, b))
        return "(both read the same: they differ in types, in white space, or in what is masked)"
    if len(lines) > MOST_KEPT:
        lines = [*lines[:MOST_KEPT], f"… {len(lines) - MOST_KEPT:,} more lines of the diff"]
    if len(a_lines) == len(b_lines) and all(map(_look_the_same, a_lines, b_lines)):
        lines.append("(they look the same: letters with accents are one character here, and several there)")
    return masked("\n".join(lines))


def _look_the_same(a: str, b: str) -> bool:
    return a == b or normalize("NFC", a) == normalize("NFC", b)


def _first_difference(a: str, b: str) -> str:
    """Return the first lines of two texts that differ, as Python writes them: with what cannot be seen."""
    pairs = zip_longest(a.splitlines(keepends=True), b.splitlines(keepends=True), fillvalue="")
    old, new = next((x, y) for x, y in pairs if x != y)
    return f"- {brief(old, WIDTH)}\n+ {brief(new, WIDTH)}"


def one_sided(value: Any, mark: str) -> str:
    """Return a value that only one side has, as a diff: each line begins with ``mark``, a plus or a minus."""
    lines = lines_of(value)
    shown = [f"{mark} {line}" for line in lines[:MOST_KEPT]]
    more = [f"… {len(lines) - MOST_KEPT:,} more lines"] if len(lines) > MOST_KEPT else []
    return masked("\n".join([*shown, *more]))


def _diff_lines(a: list[str], b: list[str]) -> Iterator[str]:
    head = _alike(a, b)
    tail = _alike(a[head:][::-1], b[head:][::-1])
    before, after = max(0, head - CONTEXT), max(0, tail - CONTEXT)
    a, b = a[before : len(a) - after], b[before : len(b) - after]
    longer = max(len(a), len(b))
    a, b = a[:MOST_COMPARED], b[:MOST_COMPARED]
    done = -before
    for group in SequenceMatcher(None, a, b).get_grouped_opcodes(CONTEXT):
        yield from _left_out(group[0][1] - done)
        for what, a_from, a_to, b_from, b_to in group:
            if what == "equal":
                yield from (f"  {line}" for line in a[a_from:a_to])
                continue
            yield from (f"- {line}" for line in a[a_from:a_to])
            yield from (f"+ {line}" for line in b[b_from:b_to])
        done = group[-1][2]
    if done > -before and longer > MOST_COMPARED:
        yield f"… {longer - MOST_COMPARED:,} more lines were not compared"
    elif done > -before:
        yield from _left_out(len(a) - done + after)


def _left_out(count: int) -> Iterator[str]:
    if count:
        yield f"… {count:,} lines alike" if count > 1 else "… 1 line alike"


def _alike(a: list[str], b: list[str]) -> int:
    """Return how many lines both begin with."""
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


# -- a value as lines ---------------------------------------------------------------------------------------------


def lines_of(value: Any) -> list[str]:
    r"""Return a value as lines that a person reads; secrets in it are masked, and controls are visible signs.

    >>> lines_of("One sentence.\nTwo.")
    ['One sentence.', 'Two.']
    """
    reader = _Reader()
    lines = reader.text(value) if isinstance(value, str) else reader.value(value)
    found = []
    for line in lines:
        found.append(_HIDDEN.sub(_visible, line.rstrip()))
        if len(found) == MOST_LINES:
            return [*found, CUT]
    return found


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _KEPT_SPACE:
        return "⍽"
    return chr(0x2400 + code) if code < 32 else "�"


class _Reader:
    """Walks one value; ``_open`` holds the containers around the part that is read."""

    def __init__(self) -> None:
        self._open: list[int] = []

    def value(self, value: Any) -> Iterator[str]:
        """Yield the lines of a value: one of them, or a bracket, what is inside, and a bracket."""
        if isinstance(value, str) and (len(value) > WIDTH or "\n" in value):
            yield '"""'
            yield from self.text(value)
            yield '"""'
            return
        inside = _inside(value)
        if inside is None or _is_short(value):
            yield from self.text(_as_text(value))
        elif id(value) in self._open or len(self._open) == DEEPEST:
            yield brief(value)
        else:
            begin, end, parts = inside
            self._open.append(id(value))
            yield from self._container(begin, end, parts)
            self._open.pop()

    def _container(self, begin: str, end: str, parts: Iterable[tuple[str, Any]]) -> Iterator[str]:
        empty = True
        for label, part in parts:
            if empty:
                yield begin
            empty = False
            held = ""  # a line behind, as the last of each part ends in a comma
            for line in self.value(part):
                if held:
                    yield held
                held = f"{INDENT}{label}{line}"
                label = ""
            yield f"{held},"
        yield end if not empty else begin + end

    def text(self, text: str) -> Iterator[str]:
        """Yield a text line by line, a long line by its sentences, and a long sentence in pieces."""
        lines = masked(text, MOST_CHARACTERS).splitlines() or [""]
        for line in [*lines, CUT] if len(text) > MOST_CHARACTERS else lines:
            if len(line) <= WIDTH:
                yield line
                continue
            for sentence in _SENTENCE.split(line):
                yield from _PIECE.findall(sentence)


Parts = Iterable[tuple[str, Any]]  # what stands before a part, and the part


def _inside(value: Any) -> tuple[str, str, Parts] | None:
    """Return the brackets and the parts of a value that has any."""
    kind = type(value)
    if isinstance(value, AgentResponse):
        return _inside(value.result)
    if isinstance(value, ExecutionResult):
        return _inside({"node_results": value.node_results, "final_state": value.final_state})
    if isinstance(value, Mapping):
        return "{", "}", ((f"{brief(key)}: ", _seen(key, value[key])) for key in value)
    if isinstance(value, Set):
        return "{", "}", (("", part) for part in sorted(value, key=brief))
    if isinstance(value, tuple | list):
        begin, end = "()" if isinstance(value, tuple) else "[]"
        return begin, end, (("", part) for part in value)
    attributes = _attributes(value)
    if attributes is None:
        return None
    return f"{kind.__name__}(", ")", ((f"{name}=", _seen(name, part)) for name, part in attributes.items())


def _attributes(value: Any) -> dict[str, Any] | None:
    """Return what an object is made of, if it has no better way to show itself."""
    kind = type(value)
    if isinstance(value, type | BaseException | SavedValue):
        return None
    if is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in fields(value)}
    if hasattr(kind, "model_fields"):  # pydantic
        return dict(value)
    if getattr(kind, "__repr__", None) is object.__repr__:
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if not name.startswith("__")]
        held = {name: getattr(value, name) for name in slots if hasattr(value, name)}
        return held | getattr(value, "__dict__", {}) if held else getattr(value, "__dict__", None)
    return None


def _is_short(value: Any) -> bool:
    """Return whether a value is a list of a few numbers, which are one line."""
    return type(value) in (list, tuple) and len(value) <= 8 and all(type(part) in _NUMBERS for part in value)


class _Masked:
    """Stands for a value that is not shown because of the field it is in."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __repr__(self) -> str:
        return self.shown


def _seen(name: object, value: Any) -> Any:
    shown = masked_field(name, value)
    return value if shown is None else _Masked(shown)


def _as_text(value: Any) -> str:
    """Return the text of a value that has no parts: rows of a table, or its ``repr`` without addresses in memory."""
    try:
        if hasattr(value, "to_csv"):  # pandas
            return str(value.head(MOST_LINES).to_csv(lineterminator="\n"))
        if hasattr(value, "tolist") and getattr(value, "size", MOST_CHARACTERS) <= MOST_LINES:  # numpy
            rows = value.tolist()
            return _ADDRESS.sub("", "\n".join(map(repr, rows)) if isinstance(rows, list) else repr(rows))
        return _ADDRESS.sub("", repr(value))
    except Exception:  # noqa: BLE001  whatever a class of the user's does: a diff shows what can be shown
        return brief(value)
