"""What of a reply somebody has heard: from then on it cannot be asked for again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any, TypeVar

from linus_nb.models.governing.held import Held

T = TypeVar("T")


def from_first_word(call: Held, pieces: Iterator[T]) -> Iterator[T]:
    """Yield the pieces of a reply once one of them says something; until then its try may fail unheard.

    Streams begin with a piece that only names the role.
    """
    unheard: list[T] = []
    for piece in pieces:
        if not call.said and not _says(piece):
            unheard.append(piece)
            continue
        call.said = True
        yield from unheard
        unheard.clear()
        yield piece
    yield from unheard


async def afrom_first_word(call: Held, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield the pieces, awaiting them. Otherwise as `from_first_word`."""
    unheard: list[T] = []
    async for piece in pieces:
        if not call.said and not _says(piece):
            unheard.append(piece)
            continue
        call.said = True
        for earlier in unheard:
            yield earlier
        unheard.clear()
        yield piece
    for piece in unheard:
        yield piece


def _says(piece: Any) -> bool:
    """Return whether a piece has words or a tool call; a whole reply always counts."""
    message = getattr(piece, "message", None)
    if message is None:
        return True
    return bool(message.content or message.tool_call_chunks or message.additional_kwargs)
