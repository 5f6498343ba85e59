"""From bytes to text, of files and of the web."""

from __future__ import annotations

import codecs

# of names and of source code; some of them slow, or strict whatever they are told
_NOT_OF_TEXTS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "unicode_escape", "raw_unicode_escape"}


def encoding_by_mark(content: bytes) -> str | None:
    """Return the encoding that a byte order mark at the beginning tells."""
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def is_encoding(name: str) -> bool:
    """Return whether Python knows an encoding of whole texts by this name."""
    try:
        "".encode(name)  # refuses those that are no encodings of text, such as hex
    except (LookupError, UnicodeError):
        return False
    return codecs.lookup(name).name not in _NOT_OF_TEXTS


def decoded(content: bytes, encoding: str, cut: bool) -> str:
    """Return bytes as text; half a character at a cut is left out, and what is no text is shown as �."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(content, final=not cut)


def cut_note(most: int, size: int | None, cut: bool) -> str:
    """Return the line that tells that a text was cut, or nothing."""
    of = f" of {size}" if size is not None and size > most else ""
    return f"\n[cut: these are the first {most} bytes{of}]" if cut else ""
