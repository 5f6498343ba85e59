"""Lines that a person types at a terminal while an event loop goes on."""

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from weakref import WeakKeyDictionary

from linus_nb.engine.threads import ThreadCall

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def turn() -> asyncio.Lock:
    """Return the lock that lets one question of this loop after the other have the terminal."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


async def line_typed(prompt: str) -> str:
    """Show a prompt and return the line that is typed; nothing is left behind when this is cancelled.

    Raises:
        EOFError: the end of input was typed.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin.fileno())
        if not typed.done():
            typed.set_result(sys.stdin.readline())  # there is one: a terminal hands over whole lines

    try:
        loop.add_reader(sys.stdin.fileno(), read)
    except NotImplementedError:  # Windows: a thread, which waits on for its line if this is cancelled
        call = ThreadCall(lambda: input(prompt), copy_context())
        await call.wait()
        line: str = call.outcome()
        return line
    try:
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = await typed
    finally:
        loop.remove_reader(sys.stdin.fileno())
    if not line:
        raise EOFError
    return line
