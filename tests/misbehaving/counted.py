"""What a server received, and what follows: how much at once, in any window, and whether anything came twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    """A request: when it came (seconds by a clock that never goes back), what it said, and how it ended."""

    number: int
    at_s: float
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    connection: int
    tokens: int = 0
    status: int | None = None  # None where nothing was answered
    ended_s: float | None = None
    hung_up: bool = False  # the client did

    @property
    def asked(self) -> str:
        """The text of the last message."""
        return str(self.body["messages"][-1]["content"])


@dataclass
class Counted:
    """All requests of a server."""

    requests: list[Received] = field(default_factory=list)
    connections: int = 0  # ever
    open_connections: int = 0  # now

    def __len__(self) -> int:
        return len(self.requests)

    def most_at_once(self) -> int:
        """How many were being answered at the same moment, at the most."""
        moments = [(r.at_s, 1) for r in self.requests]
        moments += [(r.ended_s, -1) for r in self.requests if r.ended_s is not None]
        most = now = 0
        for _, change in sorted(moments):
            now += change
            most = max(most, now)
        return most

    def most_requests_in(self, window_s: float) -> int:
        """The most requests in any window of so many seconds."""
        return int(_most([(r.at_s, 1) for r in self.requests], window_s))

    def most_tokens_in(self, window_s: float) -> float:
        """The most tokens of requests that came in any window of so many seconds."""
        return _most([(r.at_s, r.tokens) for r in self.requests], window_s)

    def sent_twice(self) -> list[str]:
        """What was asked more than once."""
        return [text for text, count in Counter(r.asked for r in self.requests).items() if count > 1]


def _most(events: list[tuple[float, float]], window_s: float) -> float:
    found = total = 0.0
    first = 0
    ordered = sorted(events)
    for at, amount in ordered:
        total += amount
        while ordered[first][0] <= at - window_s:
            total -= ordered[first][1]
            first += 1
        found = max(found, total)
    return found
