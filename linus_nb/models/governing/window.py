"""How much was taken in the last minute, exactly: what is taken at a moment is free again one window later."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Taken:
    """An amount that was taken at a moment."""

    at_s: float
    amount: float


class Window:
    """Bounds what is taken in any stretch of time.

    A bucket that fills up by and by, as most limiters have one, lets up to twice its size through in a minute: what it
    held, and what came meanwhile. This remembers each amount instead.

    Args:
        most: What may be taken in any window.
        length_s: Seconds that a window lasts.

    >>> window = Window(2, 60.0)
    >>> _ = window.take(1, now_s=0.0), window.take(1, now_s=10.0)
    >>> window.wait_s(1, now_s=20.0)
    40.0
    """

    def __init__(self, most: float, length_s: float) -> None:
        self.most = most
        self.length_s = length_s
        self._taken: deque[Taken] = deque()
        self._sum = 0.0

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return the seconds until an amount fits. One that is larger than the window fits when that is empty."""
        self._forget(now_s)
        free = self.most - self._sum
        if free >= amount or not self._taken:
            return 0.0
        for taken in self._taken:
            free += taken.amount
            if free >= amount:
                break
        return taken.at_s + self.length_s - now_s

    def take(self, amount: float, now_s: float) -> Taken:
        """Take an amount, whether it fits or not."""
        taken = Taken(now_s, amount)
        self._taken.append(taken)
        self._sum += amount
        return taken

    def correct(self, taken: Taken, amount: float) -> None:
        """Say what an amount that was taken really came to."""
        if self._taken and taken.at_s >= self._taken[0].at_s:  # else it is free again already
            self._sum += amount - taken.amount
            taken.amount = amount

    def _forget(self, now_s: float) -> None:
        while self._taken and self._taken[0].at_s + self.length_s <= now_s:
            self._sum -= self._taken.popleft().amount
        if not self._taken:
            self._sum = 0.0  # sums of floats drift
