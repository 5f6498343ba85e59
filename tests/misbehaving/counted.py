"""What came in, and what it proves: nothing twice, never more than so many at once or in any window of time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.misbehaving import protocol

Outcome = Literal["answered", "dropped", "client hung up", "stopped"]


@dataclass
class Received:
    """A request; times are seconds of ``time.perf_counter``."""

    number: int  # from 1, in order of arrival
    at_s: float
    path: str
    headers: dict[str, str]  # names in lower case
    body: Any = None  # the parsed JSON; None if it was none
    connection: int = 0  # which connection it came on, from 1
    tokens: int = 0  # what the answer would be charged
    status: int | None = None  # what was answered; None if nothing was
    ended_s: float | None = None
    outcome: Outcome | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_s is None

    @property
    def asked(self) -> str:
        """The text of the last message."""
        return protocol.text_of(self.body["messages"][-1]) if protocol.problem_with(self.body) is None else ""

    @property
    def attempt(self) -> int | None:
        """Which try of the client's own retries it says this is, from 0."""
        said = self.headers.get("x-stainless-retry-count")
        return None if said is None else int(said)


@dataclass
class Counted:
    """All requests and connections of a server. It is written on the server's thread, and may be read on any."""

    requests: list[Received] = field(default_factory=list)
    peak: int = 0  # most requests that were open at once
    connections: int = 0  # ever made
    open_connections: int = 0
    _open: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    # -- what a test asks -----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def open(self) -> list[Received]:
        return [request for request in list(self.requests) if request.is_open]

    def sent_twice(self) -> dict[str, int]:
        """The prompts that came more than once, and how often; for tests whose prompts all differ."""
        return {prompt: n for prompt, n in Counter(request.asked for request in self.requests).items() if n > 1}

    def most_requests_in(self, within_s: float) -> int:
        """The most requests that arrived within any stretch of so many seconds (its end not included)."""
        return _most([(request.at_s, 1) for request in self.requests], within_s)

    def most_tokens_in(self, within_s: float) -> int:
        """The most tokens of requests that arrived within any stretch of so many seconds; refused ones have none."""
        return _most([(request.at_s, request.tokens) for request in self.requests], within_s)

    def wait_until(self, is_so: Callable[[Counted], bool], within_s: float = 5.0) -> None:
        """Block until something is so: a client can hear the end of a reply before it is noted here."""
        with self._changed:
            if not self._changed.wait_for(lambda: is_so(self), within_s):
                raise AssertionError(f"it did not become so within {within_s:g} s: {self}")

    def wait_idle(self, within_s: float = 5.0) -> None:
        """Block until no request is open."""
        self.wait_until(lambda counted: not counted.open, within_s)

    # -- what the server says -------------------------------------------------------------------------------------

    def connected(self) -> int:
        with self._changed:
            self.connections += 1
            self.open_connections += 1
            self._changed.notify_all()
            return self.connections

    def disconnected(self) -> None:
        with self._changed:
            self.open_connections -= 1
            self._changed.notify_all()

    def arrived(self, path: str, headers: dict[str, str], body: Any, connection: int) -> Received:
        with self._changed:
            now_s, number = time.perf_counter(), len(self.requests) + 1
            self.requests.append(Received(number, now_s, path, headers, body, connection))
            self._open += 1
            self.peak = max(self.peak, self._open)
            self._changed.notify_all()
            return self.requests[-1]

    def ended(self, request: Received, outcome: Outcome) -> None:
        with self._changed:
            request.ended_s, request.outcome = time.perf_counter(), outcome
            self._open -= 1
            self._changed.notify_all()


def _most(arrivals: list[tuple[float, int]], within_s: float) -> int:
    """The largest sum over a window that starts with an arrival: no other window holds more."""
    most = total = first = 0
    for at_s, amount in arrivals:
        total += amount
        while arrivals[first][0] <= at_s - within_s:
            total -= arrivals[first][1]
            first += 1
        most = max(most, total)
    return most
