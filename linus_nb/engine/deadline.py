"""A time limit that holds also for a coroutine that will not end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

CLOCK_TICK_S = 0.001  # a timer may come so much before its time
GRACE_S = 0.2  # what has not ended so long after its cancellation is abandoned


class ExpiredError(Exception):
    """The time was over. `TimeoutError` would be mistaken for one that the coroutine raises itself.

    ``abandoned``: the coroutine would not end, and goes on.
    """

    def __init__(self, abandoned: bool) -> None:
        self.abandoned = abandoned
        super().__init__()


async def within(seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine comes to, in a task of its own; after ``seconds`` it is cancelled, and then abandoned.

    `asyncio.timeout` would wait for ever for a coroutine that swallows its cancellation.

    Raises:
        ExpiredError: it took longer; what it came to afterwards is dropped.
    """
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    task = loop.create_task(coroutine)

    def settle(_: object = None) -> None:
        if not over.done():
            over.set_result(None)

    task.add_done_callback(settle)
    timer = loop.call_later(seconds, settle)
    try:
        await over
        if task.done():
            return task.result()
        over = loop.create_future()
        task.cancel()
        timer = loop.call_later(GRACE_S, settle)
        await over
    except asyncio.CancelledError:
        if not task.done():
            task.cancel()
            await _ended(task)
        raise
    finally:
        timer.cancel()
    task.add_done_callback(_look)
    raise ExpiredError(abandoned=not task.done())


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait until a cancelled task has ended; whoever waits for us knows when to give up."""
    over = asyncio.Event()
    task.add_done_callback(lambda _: over.set())
    await over.wait()
    _look(task)


def _look(task: asyncio.Task[Any]) -> None:
    """Ask for an error that nobody wants, so that asyncio does not report it as overlooked."""
    if not task.cancelled():
        task.exception()
