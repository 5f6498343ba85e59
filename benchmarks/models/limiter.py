"""What a limiter costs per call, and whether limits are used and kept: 30 s of virtual time, and a shorter real one.

The cost is that of taking a place and giving it back where nothing has to wait, in µs: `Limits` with all three limits
beside LangChain's `InMemoryRateLimiter` (which knows requests only), in turn, in one process. The throughput is what
went through in any stretch of 30 s (of a window of that length) by what may.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections import deque
from collections.abc import Callable

from langchain_core.rate_limiters import InMemoryRateLimiter  # noqa: TID253  this is a program, not the package

from linus_nb.models import Limits
from tests.virtual_time import VirtualLoop

CALLS = 20_000
CALLERS = 64


async def places(limits: Limits) -> float:
    """Return the µs a call that awaits takes."""
    began = time.perf_counter()
    for _ in range(CALLS):
        async with limits.ahold(tokens=100) as place:
            place.used(90)
    return (time.perf_counter() - began) / CALLS * 1e6


def blocking_places(limits: Limits) -> float:
    """Return the µs a call that blocks takes."""
    began = time.perf_counter()
    for _ in range(CALLS):
        with limits.hold(tokens=100) as place:
            place.used(90)
    return (time.perf_counter() - began) / CALLS * 1e6


async def acquired(limiter: InMemoryRateLimiter) -> float:
    """Return the µs a call takes with LangChain's limiter."""
    began = time.perf_counter()
    for _ in range(CALLS):
        await limiter.aacquire()
    return (time.perf_counter() - began) / CALLS * 1e6


def wide() -> Limits:
    """Return limits that nobody reaches."""
    return Limits(requests_per_minute=10**7, tokens_per_minute=10**9, max_concurrency=50)


def overhead(rounds: int) -> None:
    """Print the cost of a call."""
    found: dict[str, list[float]] = {"Limits, awaited": [], "Limits, blocking": [], "LangChain's limiter, awaited": []}
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        found["Limits, awaited"].append(asyncio.run(places(wide())))
        found["Limits, blocking"].append(blocking_places(wide()))
        rate = InMemoryRateLimiter(requests_per_second=10**9, max_bucket_size=10**9)
        found["LangChain's limiter, awaited"].append(asyncio.run(acquired(rate)))
        gc.enable()
    for name, micros in found.items():
        print(f"{name:32}{statistics.median(micros):8.1f} µs a call")


async def through(
    limits: Limits, seconds: float, latency_s: float, tokens: int, estimate: float, now: Callable[[], float]
) -> list[tuple[float, int]]:
    """Return when calls were let go in so many seconds, and how many tokens each took."""
    seen: list[tuple[float, int]] = []
    began = now()

    async def caller() -> None:
        while now() - began < seconds:
            async with limits.ahold(tokens=int(tokens * estimate)) as place:
                if now() - began >= seconds:
                    return
                seen.append((now() - began, tokens))
                await asyncio.sleep(latency_s)
                place.used(tokens)

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())
    return seen


def most_in(seen: list[tuple[float, int]], window_s: float) -> tuple[int, int]:
    """Return the most calls and the most tokens in any window."""
    held: deque[tuple[float, int]] = deque()
    calls = tokens = now = 0
    for at, amount in seen:
        held.append((at, amount))
        now += amount
        while held[0][0] <= at - window_s:
            now -= held.popleft()[1]
        calls, tokens = max(calls, len(held)), max(tokens, now)
    return calls, tokens


def report(name: str, seen: list[tuple[float, int]], window_s: float, windows: int, requests: int, tokens: int) -> None:
    """Print what went through by what may."""
    calls, spent = most_in(seen, window_s)
    share = len(seen) / (requests * windows), sum(amount for _, amount in seen) / (tokens * windows)
    print(
        f"{name:50}{len(seen):6} calls, {share[0]:7.1%} of the requests, {share[1]:7.1%} of the tokens; "
        f"most in a window: {calls} of {requests}, {spent:,} of {tokens:,}"
    )


def virtual(
    requests: int, tokens: int, each: int, estimate: float, window_s: float, windows: int
) -> list[tuple[float, int]]:
    """Return what goes through in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        now = runner.get_loop().time
        limits = Limits(requests_per_minute=requests, tokens_per_minute=tokens, _clock=now, _window_s=window_s)
        return runner.run(through(limits, window_s * windows, window_s / 20, each, estimate, now))


def real(requests: int, tokens: int, each: int, window_s: float, windows: int) -> list[tuple[float, int]]:
    """Return what goes through in real time."""
    limits = Limits(requests_per_minute=requests, tokens_per_minute=tokens, _window_s=window_s)
    return asyncio.run(through(limits, window_s * windows, 0.05, each, 1.1, time.monotonic))


def throughput() -> None:
    """Print how much of the limits is used."""
    for name, requests, tokens, each, estimate in (
        ("requests are short", 100, 10**6, 10, 1.0),
        ("tokens are short", 1000, 10_000, 100, 1.0),
        ("both are short", 100, 10_000, 100, 1.0),
        ("tokens, guessed 10 % too high", 1000, 10_000, 100, 1.1),
        ("tokens, guessed twice too high", 1000, 10_000, 100, 2.0),
    ):
        for window_s, windows, how in ((1.0, 30, "30 x 1 s"), (60.0, 10, "10 x 60 s")):
            seen = virtual(requests, tokens, each, estimate, window_s, windows)
            report(f"virtual, {how}, {name}", seen, window_s, windows, requests, tokens)
    seen = real(200, 20_000, 100, 1.0, 6)
    report("real, 6 x 1 s, both short, guessed 10 % too high", seen, 1.0, 6, 200, 20_000)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    overhead(parser.parse_args().rounds)
    throughput()


if __name__ == "__main__":
    main()
