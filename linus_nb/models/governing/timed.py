"""Blocking calls that may not take longer than so many seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_OVER = object()


class TooLateError(Exception):
    """The time is over. ``idle``: not that for all, but that since the last piece."""

    def __init__(self, *, idle: bool = False) -> None:
        super().__init__(idle)
        self.idle = idle


def within(seconds: float | None, function: Callable[[], T]) -> T:
    """Return what a function returns; give it up when the time is over, whatever it goes on doing in its thread.

    Raises:
        TooLateError: It took longer.
    """
    if seconds is None:
        return function()
    for piece in pieces_within(seconds, None, lambda: iter([function()])):
        return piece
    raise AssertionError("one piece is there")


def pieces_within(
    seconds: float | None,
    idle_s: float | None,
    make: Callable[[], Iterator[T]],
    clock: Callable[[], float] | None = None,
) -> Iterator[T]:
    """Yield what an iterator yields; give it up when all, or the next piece, takes too long.

    Raises:
        TooLateError: It took longer.
    """
    from time import monotonic

    now = clock or monotonic
    if seconds is None and idle_s is None:
        yield from make()
        return
    said: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    given_up = threading.Event()

    def work() -> None:
        try:
            for piece in make():
                said.put((piece, None))
                if given_up.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            said.put((_OVER, error))
        else:
            said.put((_OVER, None))

    context = copy_context()
    threading.Thread(target=context.run, args=(work,), name="linus_nb model call", daemon=True).start()
    end_s = None if seconds is None else now() + seconds
    try:
        while True:
            left_s = None if end_s is None else max(0.0, end_s - now())
            wait_s = idle_s if left_s is None else left_s if idle_s is None else min(left_s, idle_s)
            try:
                piece, error = said.get(timeout=wait_s)
            except Empty:
                raise TooLateError(idle=wait_s == idle_s and left_s != wait_s) from None
            if error is not None:
                raise error
            if piece is _OVER:
                return
            yield piece
    finally:
        given_up.set()
