"""Calls under limits, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from linus_nb.models import Limits
from tests.virtual_time import VirtualLoop

SLACK = 1e-6


def virtual(make: Callable[[Callable[[], float]], Any]) -> Any:
    """Run what ``make`` makes of a clock, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(make(runner.get_loop().time))


def most_in_a_window(events: list[tuple[float, float]], length_s: float) -> float:
    """The most that was taken in any window, of (at, amount) in order."""
    found = total = 0.0
    first = 0
    for at, amount in events:
        total += amount
        while events[first][0] <= at - length_s + SLACK:
            total -= events[first][1]
            first += 1
        found = max(found, total)
    return found


async def call(
    limits: Limits,
    log: list[Any],
    clock: Any,
    *,
    lasts: float = 0.0,
    tokens: int = 0,
    really: int | None = None,
    priority: float = 0,
    name: Any = None,
) -> None:
    async with limits.ahold(tokens, priority) as place:
        log.append((clock(), tokens, name))
        await asyncio.sleep(lasts)
        place.used(tokens if really is None else really)
