"""Hears an interrupt (Stop, Ctrl-C) while somebody awaits a run, and wakes the event loop for it.

Whoever runs the loop has a handler for SIGINT that cancels the task which awaits. Two things are missing: an idle loop
does not notice before something else wakes it (ipykernel #881), and the task cannot tell an interrupt from any other
cancellation, such as its own time limit. So a handler of ours stands before the one that is there.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# what `signal` wraps to make enums of handlers; that fails for most, with an error that names the handler, and a
# run that asks and sets five times takes 25 µs longer for these sentences
_signal: Any = sys.modules.get("_signal", signal)
_get, _set = _signal.getsignal, _signal.signal

_INTERRUPT = int(signal.SIGINT)
_listeners: list[tuple[asyncio.AbstractEventLoop, Callable[[], None], Callable[[], None]]] = []
_previous: Any = None  # the handler that was there before ours
_at_work = False


def nobody() -> None:
    """Listen to nothing."""


@contextmanager
def told_to(listener: Callable[[], None], at_teardown: Callable[[], None] = nobody) -> Iterator[None]:
    """Tell ``listener`` of every interrupt, from the signal handler, while the block goes on.

    `nobody` listens where it is enough that the loop wakes. Does nothing outside the main thread, which alone hears
    signals, and where interrupts are ignored. Where the handler before ours raises and so ends the whole loop,
    ``at_teardown`` is the first thing that runs in it then: before its tasks are cancelled, in no order.
    """
    if threading.current_thread() is not threading.main_thread() or not callable(_get(_INTERRUPT)):
        yield
        return
    entry = (asyncio.get_running_loop(), listener, at_teardown)
    _listeners.append(entry)
    _install()
    try:
        yield
    finally:
        _listeners.remove(entry)
        last = not _listeners and _get(_INTERRUPT) is _handle
        if last and threading.current_thread() is threading.main_thread():  # a forgotten coroutine is closed anywhere
            _set(_INTERRUPT, _previous)


def say_instead(error: BaseException, sentence: str) -> None:
    """Let a cell show a sentence in place of a traceback that would only lead through an event loop.

    IPython asks an exception for it. The exception stays the one that asyncio raised, and means what it always does.
    """
    error._render_traceback_ = lambda: [sentence]  # type: ignore[attr-defined]  # any exception may bear it


def _install() -> None:
    """Stand before the handler of the moment: a cell's own is new with each cell."""
    global _previous
    current = _get(_INTERRUPT)
    if current is not _handle:
        _previous = current
        _set(_INTERRUPT, _handle)


def _handle(number: int, frame: FrameType | None) -> None:
    global _at_work
    if _at_work:  # somebody stands before us who was there after us: they have called us back
        return
    _at_work = True
    try:
        listening = [entry for entry in _listeners if not entry[0].is_closed()]
        for loop, listener, _ in listening:
            listener()
            loop.call_soon_threadsafe(nobody)  # wakes it
        try:
            _previous(number, frame)
        except BaseException:
            for loop, _, at_teardown in listening:
                loop.call_soon_threadsafe(at_teardown)
            raise
    finally:
        _at_work = False
