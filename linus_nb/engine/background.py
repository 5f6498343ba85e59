"""One event loop in a thread of its own, for the coroutines that blocking code must wait for.

Blocking code needs no loop of its own and disturbs none that runs: the caller waits while the coroutine runs here,
with the caller's context variables. It works beside a running loop, too (a notebook's, say).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from linus_nb.engine import threads

T = TypeVar("T")
SIGN_OF_LIFE_S = 0.05

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def _background_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, starting its thread when it is first needed (and again in a forked child)."""
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = asyncio.new_event_loop()
            # a daemon: an interpreter that exits does not wait for it
            _thread = threading.Thread(target=_serve, args=(_loop,), name="linus_nb background loop", daemon=True)
            _thread.start()
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            continue  # out of a task that user code made; whoever awaits that task gets it, and the loop goes on


def _leave_if_blocked(loop: asyncio.AbstractEventLoop) -> None:
    """Let the next caller start another loop where this one gives no sign of life: a coroutine on it blocks."""
    global _loop
    alive = threading.Event()
    loop.call_soon_threadsafe(alive.set)
    try:
        alive.wait(SIGN_OF_LIFE_S)
    finally:  # after a second interrupt, too
        if not alive.is_set():
            with _lock:
                if _loop is loop:
                    _loop = None


def run_blocking(
    coroutine: Coroutine[Any, Any, T], started: Callable[[concurrent.futures.Future[None]], None] | None = None
) -> T:
    """Run a coroutine to its end while the calling thread waits, and return its result.

    ``started`` gets a future by which another thread can cancel it.

    An interrupt (Stop, Ctrl-C) cancels the coroutine and is raised at once. Called from the background loop's own
    thread, where waiting would wait for itself, the coroutine runs in a fresh thread.

    >>> async def answer() -> int:
    ...     return 42
    >>> run_blocking(answer())
    42
    """
    loop = _background_loop()
    box: list[T] = []
    raised: list[BaseException] = []
    given_up: list[bool] = []
    tasks: list[asyncio.Task[Any]] = []

    async def carried() -> None:
        tasks.extend(filter(None, [asyncio.current_task()]))
        try:
            if given_up:  # before it began, and with no future in hand to cancel it by
                coroutine.close()
                raise asyncio.CancelledError
            box.append(await coroutine)
        except (KeyboardInterrupt, SystemExit) as error:  # it would end the loop, with everyone who waits for it
            raised.append(error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():  # by us, or by whoever has the future
                raise
            raised.append(error)  # the coroutine's own, whose message a future would lose

    if threading.current_thread() is _thread:
        _in_a_fresh_thread(carried())
    else:
        future: concurrent.futures.Future[None] | None = None
        waiting = threads.waited_for.get()
        try:  # around the sending, too: an interrupt can come at any line once the coroutine may run
            future = asyncio.run_coroutine_threadsafe(carried(), loop)
            if started is not None:
                started(future)
            if waiting is not None:
                waiting.add(future)
            future.result()
        except (KeyboardInterrupt, SystemExit):
            given_up.append(True)
            loop.call_soon_threadsafe(_cancel_all, tasks)
            _leave_if_blocked(loop)
            raise
        except concurrent.futures.CancelledError as error:  # the thread pool's kind, which is an ordinary Exception
            raise asyncio.CancelledError(*error.args) from error
        finally:
            if waiting is not None and future is not None:
                waiting.discard(future)
    if raised:
        raise raised[0]
    return box[0]


def _cancel_all(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


def _in_a_fresh_thread(coroutine: Coroutine[Any, Any, None]) -> None:
    context = copy_context()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            context.run(asyncio.run, coroutine)
        except BaseException as error:  # noqa: BLE001  carried over to the thread that waits, and raised there
            errors.append(error)

    thread = threading.Thread(target=work, name="linus_nb nested call", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
