"""Questions that are under way: who asks the same meanwhile waits for that reply."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

_asked: ContextVar[frozenset[str]] = ContextVar("linus_nb_asked_for_here", default=frozenset())
"""The questions that whoever is at work in this context has under way: in the body of a loop over a stream, say."""


class Flight:
    """A question under way. ``reply`` holds what comes of it; None where whoever asked gave up, and another may."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.reply: Future[Any] = Future()
        self._thread = threading.get_ident()

    def is_own(self, *, blocking: bool) -> bool:
        """Return whether to wait for it would be to wait for oneself.

        Args:
            blocking: Whether nothing else goes on in this thread meanwhile.
        """
        return self.key in _asked.get() or (blocking and self._thread == threading.get_ident())


class Flights:
    """The questions under way, by key; safe to share between threads and loops."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._lock = threading.Lock()

    def join(self, key: str) -> tuple[Flight, bool]:
        """Return the flight of a question, and whether the caller is the one to ask it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(key)
        _asked.set(_asked.get() | {key})
        return flight, True

    def land(self, key: str, reply: Any = None, error: Exception | None = None) -> None:
        """End the flight of a question with its reply, its error, or neither."""
        with self._lock:
            flight = self._flights.pop(key)
        _asked.set(_asked.get() - {key})
        if error is not None:
            flight.reply.set_exception(error)
        else:
            flight.reply.set_result(reply)
