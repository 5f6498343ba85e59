"""Text before it is drawn: made printable, measured without a font, and cut to a width."""

from __future__ import annotations

import unicodedata

from linus_nb.masking import masked

_NARROW = frozenset("iljtfrI.,:;'|!()[]{} -`\"/\\")
_DIRECTIONS = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))
_WIDE = frozenset("mwMW@%&—…")


def printable(text: object) -> str:
    r"""Return ``text`` as one line that any format can carry: controls and lone surrogates become visible signs.

    Secrets in it are masked: give it the whole text, and cut what it returns, as half a key looks like none.

    >>> printable("two\nlines")
    'two↵lines'
    >>> printable(" ")
    "' '"
    """
    raw = str(text)
    if not raw.strip():
        return repr(raw)
    return _visible_text(masked(raw))


def printable_start(text: object, limit: int) -> str:
    """Return the start of ``text`` as `printable` does, cut to ``limit`` characters with an ellipsis."""
    return printable(masked(str(text), limit))


def printable_lines(text: str) -> str:
    r"""Return ``text`` as `printable` does, but with its line ends and tabs, and blank where it is blank.

    >>> printable_lines("two\nlines\x00")
    'two\nlines␀'
    """
    lines = (_visible_text(line, "\t") for line in masked(text).split("\n"))
    return "\n".join(lines)


def _visible_text(text: str, but: str = "") -> str:
    """Return ``text`` with signs for what cannot be seen; most has nothing of that kind."""
    return text if text.isprintable() else "".join(c if c in but else _visible(c) for c in text)


def _visible(char: str) -> str:
    if char == "\n":
        return "↵"
    category = unicodedata.category(char)
    if category == "Cc":
        return chr(0x2400 + ord(char)) if ord(char) < 32 else "�"
    # Lone surrogates and non-characters have no place in XML; direction overrides could disguise a name.
    if category in ("Cs", "Cn") or unicodedata.bidirectional(char) in _DIRECTIONS:
        return "�"
    return char


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the estimated width in pixels of ``text`` set in a sans-serif font of ``size`` pixels.

    Errs on the wide side, as nobody knows which font a reader has. East Asian wide characters count a full em.
    """
    ems = sum(_ems(char) for char in text)
    return ems * size * (1.07 if bold else 1.0)


def _ems(char: str) -> float:
    if char in _NARROW:
        return 0.37
    if char in _WIDE:
        return 0.98
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.05
    return 0.70 if char.isupper() else 0.62


def elided(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return ``text``, cut with an ellipsis where it is wider than ``width`` pixels."""
    if text_width(text, size, bold=bold) <= width:
        return text
    room = width - text_width("…", size, bold=bold)
    kept = 0
    for char in text:
        room -= text_width(char, size, bold=bold)
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def shortened(path: str, limit: int = 60) -> str:
    """Return ``path`` of at most ``limit`` characters, cut in its middle: the end of a path tells most.

    >>> shortened("a" * 30 + "/draft[3]", limit=21)
    'aaaaaaaaaa…a/draft[3]'
    """
    half = (limit - 1) // 2
    return path if len(path) <= limit else f"{path[:half]}…{path[-half:]}"
