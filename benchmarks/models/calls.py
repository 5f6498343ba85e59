"""200 calls that take 50 ms, at most 50 in flight: bare httpx, ChatOpenAI, governed, and with LangChain's limiter.

Each takes its turn in every round; the server is another process. ``ratio`` is the median over the rounds of a way's
time by that of bare httpx in the same round.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from langchain_core.rate_limiters import InMemoryRateLimiter  # noqa: TID253  this is a program, not the package
from langchain_openai import ChatOpenAI  # noqa: TID253  likewise

from benchmarks.models.server import serving
from linus_nb.models import Limits, governed, real_models_allowed

CALLS, AT_ONCE, LATENCY_S = 200, 50, 0.05

Ask = Callable[[int], Awaitable[object]]


async def timed(ask: Ask) -> float:
    """Return the seconds that all calls took."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for k in range(CALLS):
            group.create_task(_one(ask, k))
    return time.perf_counter() - began


async def _one(ask: Ask, k: int) -> None:
    await ask(k)


def bounded(ask: Ask) -> Ask:
    """Return the same with a plain semaphore around it."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(k: int) -> None:
        async with places:
            await ask(k)

    return one


def ways(url: str, client: httpx.AsyncClient) -> dict[str, Ask]:
    """Return the ways to ask, by name."""

    async def bare(k: int) -> None:
        body = {"model": "m", "messages": [{"role": "user", "content": f"question {k}"}]}
        response = await client.post(f"{url}/chat/completions", json=body)
        assert response.json()["choices"]

    def chat(**options: Any) -> Any:
        return ChatOpenAI(model="m", base_url=url, api_key="none", max_retries=0, **options)  # type: ignore[arg-type]  # a text will do

    plain, limited = chat(), chat(rate_limiter=InMemoryRateLimiter(requests_per_second=10**6, max_bucket_size=10**6))
    own = governed(chat(), limits=Limits(max_concurrency=AT_ONCE))
    full = governed(chat(), limits=Limits(max_concurrency=AT_ONCE, requests_per_minute=10**6, tokens_per_minute=10**9))
    return {
        "bare httpx, semaphore": bounded(bare),
        "ChatOpenAI, semaphore": bounded(lambda k: plain.ainvoke(f"question {k}")),
        "ChatOpenAI, LangChain's limiter, semaphore": bounded(lambda k: limited.ainvoke(f"question {k}")),
        "governed, max_concurrency": lambda k: own.ainvoke(f"question {k}"),
        "governed, all three limits": lambda k: full.ainvoke(f"question {k}"),
    }


async def measure(url: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way in each round, after one that does not count."""
    async with httpx.AsyncClient(timeout=60) as client:
        asked = ways(url, client)
        found: dict[str, list[float]] = {name: [] for name in asked}
        for k in range(rounds + 1):
            for name in list(asked) if k % 2 else reversed(asked):
                seconds = await timed(asked[name])
                if k:
                    found[name].append(seconds)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with real_models_allowed(), serving(LATENCY_S) as url:
        found = asyncio.run(measure(url, rounds))
    bare = found["bare httpx, semaphore"]
    plain = found["ChatOpenAI, semaphore"]
    print(
        f"{CALLS} calls of {LATENCY_S * 1000:.0f} ms, {AT_ONCE} at once; the bound is {CALLS / AT_ONCE * LATENCY_S} s"
    )
    print(f"{'':44}{'median s':>10}{'to httpx':>10}{'to ChatOpenAI':>15}")
    for name, seconds in found.items():
        to_bare = statistics.median(a / b for a, b in zip(seconds, bare, strict=True))
        to_plain = statistics.median(a / b for a, b in zip(seconds, plain, strict=True))
        print(f"{name:44}{statistics.median(seconds):10.3f}{to_bare:10.2f}{to_plain:15.2f}")


if __name__ == "__main__":
    main()
