"""The body of an answer from the web as text: bounded, decompressed within the bound, decoded."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from linus_nb.errors import ToolError
from linus_nb.tools.decoding import cut_note, decoded, encoding_by_mark, is_encoding

if TYPE_CHECKING:
    import httpx

_TEXTUAL = re.compile(r"text/.+|application/(json|xml|[\w.-]+\+(json|xml))|image/svg\+xml")
# how HTML and XML name their encoding, at their beginning
_DECLARED = re.compile(rb"""(?:charset|<\?xml[^>]*encoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_LOOKED_AT = 1024  # bytes that are searched for it


async def read_body(response: httpx.Response, url: str, most: int) -> str:
    """Return the text of an answer, of at most ``most`` bytes; a longer one is cut, with a note.

    Raises:
        ToolError: it is no text, or packed in a way that is not known.
    """
    kind, _, rest = response.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if not _TEXTUAL.fullmatch(kind):
        raise ToolError(f"{url!r} is {kind or 'of no named type'}; only text, JSON and XML can be fetched")
    content = await _content(response, url, most)
    cut = len(content) > most
    length = response.headers.get("content-length", "")
    packed = "content-encoding" in response.headers
    size = int(length) if length.isascii() and length.isdigit() and not packed else None
    return decoded(content[:most], _encoding(content, rest), cut) + cut_note(most, size, cut)


async def _content(response: httpx.Response, url: str, most: int) -> bytes:
    """Return the body, or one byte more than ``most`` of it."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", "deflate"):
        raise ToolError(f"{url!r} is packed as {packing!r}; only gzip and deflate can be read")
    # told its bound: a few thousand bytes may unpack to gigabytes
    unpacker = None if packing == "identity" else zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    content = bytearray()
    try:
        async for chunk in response.aiter_raw():
            room = most + 1 - len(content)
            content += chunk[:room] if unpacker is None else unpacker.decompress(chunk, room)
            if len(content) > most:
                break
    except zlib.error as error:
        raise ToolError(f"{url!r} is packed as {packing!r}, and cannot be unpacked: {error}") from error
    return bytes(content)


def _encoding(content: bytes, parameters: str) -> str:
    named = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", parameters, re.IGNORECASE)
    declared = _DECLARED.search(content[:_LOOKED_AT])
    candidates = (
        encoding_by_mark(content),
        named and named[1],
        declared and declared[1].decode("ascii"),
    )
    return next((c for c in candidates if c and is_encoding(c)), "utf-8")
