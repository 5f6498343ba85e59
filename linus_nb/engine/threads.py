"""Daemon threads for blocking nodes, grown on demand and used again.

Not a `ThreadPoolExecutor`: its size is fixed (asyncio's default has six threads on two cores), and its threads are
joined when the interpreter exits, so that one call that never returns would hang it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, ContextVar, copy_context
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[], None]
waited_for: ContextVar[set[Future[None]] | None] = ContextVar("linus_nb_waited_for", default=None)
"""What the blocking code of this context waits for on the background loop: given up, it is cancelled with it."""

_idle: list[SimpleQueue[Work]] = []
_lock = threading.Lock()


def _serve(inbox: SimpleQueue[Work]) -> None:
    while True:
        inbox.get()()
        with _lock:
            _idle.append(inbox)


def start(work: Work) -> None:
    """Run ``work``, which must not raise, in an idle thread or in a new one."""
    with _lock:
        inbox = _idle.pop() if _idle else None
    if inbox is None:
        inbox = SimpleQueue()
        threading.Thread(target=_serve, args=(inbox,), name="linus_nb worker", daemon=True).start()
    inbox.put(work)


class ThreadCall:
    """A blocking call in a thread. ``ended`` tells whether it came back; if not, whoever gave up abandoned it."""

    def __init__(self, function: Callable[[], Any], context: Context) -> None:
        self.function = function
        self.context = context
        self.ended = False
        self.waits: set[Future[None]] = set()
        self.given_up = False  # nobody waits any more: what has not begun need not begin
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self, then: Callable[[], object]) -> None:
        """Start the call; ``then`` is called in its thread when it has ended."""

        def work() -> None:
            if self.given_up:
                self.ended = True
                return
            try:
                self.context.run(waited_for.set, self.waits)
                self.value = self.context.run(self.function)
            except BaseException as error:  # noqa: BLE001  handed to the thread that waits, which raises it
                self.error = error
            self.ended = True
            then()

        start(work)

    def outcome(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.value

    async def wait(self) -> None:
        """Start the call and await its end. What it came to is in `outcome`: a coroutine cannot raise StopIteration."""
        loop = asyncio.get_running_loop()
        came_back = loop.create_future()

        def resolve() -> None:
            if not came_back.done():
                came_back.set_result(None)

        def then() -> None:
            try:
                loop.call_soon_threadsafe(resolve)
            except RuntimeError:
                if not loop.is_closed():
                    raise  # a closed loop means that nobody waits any more: the call was abandoned

        self.run(then)
        try:
            await came_back
        except asyncio.CancelledError:
            self.give_up()
            raise

    def give_up(self) -> None:
        """Wait no more: what has not begun does not begin, and what the call itself waits for is cancelled."""
        self.given_up = True
        for future in tuple(self.waits):
            future.cancel()

    def wait_blocking(self, timeout_s: float) -> bool:
        """Start the call and block until its end, at most ``timeout_s`` seconds; return whether it came back."""
        self._over = threading.Event()
        self.run(self._over.set)
        return self.wait_on(timeout_s)

    def wait_on(self, timeout_s: float) -> bool:
        """Block on, after `wait_blocking`, at most ``timeout_s`` seconds; return whether it has come back."""
        return self._over.wait(min(timeout_s, threading.TIMEOUT_MAX))


async def in_thread(function: Callable[[], T]) -> T:
    """Await a blocking call that runs in a daemon thread, in a copy of the caller's context."""
    call = ThreadCall(function, copy_context())
    await call.wait()
    result: T = call.outcome()
    return result
