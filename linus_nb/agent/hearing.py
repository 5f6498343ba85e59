"""Reports from code that may outlive whoever waits for it, or that runs in another thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from linus_nb import events


@contextmanager
def heard(loop: asyncio.AbstractEventLoop | None = None) -> Iterator[None]:
    """Let what is reported in this context count until the end of the block, and no later.

    Args:
        loop: whose thread this is: what is reported in other threads arrives here.
    """
    receiver = events.sink.get()
    if receiver is None:
        yield
        return
    receive, place = receiver
    here = threading.get_ident()
    over = False

    def while_awaited(at: Any, reported: events.Report) -> None:
        if over:
            return
        if loop is None or threading.get_ident() == here:
            receive(at, reported)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(while_awaited, at, reported)

    token = events.sink.set((while_awaited, place))
    try:
        yield
    finally:
        over = True
        events.sink.reset(token)
