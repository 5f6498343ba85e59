"""Limits by the minute, kept over a real connection for real minutes: what the server saw, and its verdict.

The server enforces the same limits, and counts: in no 60 s may more requests or tokens arrive, none may come twice, and
none has to be refused. Asked from two event loops and four threads that share one model.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langchain_openai import ChatOpenAI  # noqa: TID253  this is a program, not the package

from linus_nb.models import Limits, governed, real_models_allowed
from tests.misbehaving import Later, Limited, MisbehavingServer, Reply
from tests.misbehaving.counted import Received

REQUESTS, TOKENS, AT_ONCE = 300, 30_000, 20


def reply(request: Received) -> Later:
    """Answer after 50 to 250 ms, with 40 to 160 tokens."""
    chance = random.Random(request.asked)
    return Later(chance.uniform(0.05, 0.25), Reply("ok", usage=(chance.randint(20, 60), chance.randint(20, 100))))


def ask(llm: Any, seconds: float) -> None:
    """Ask from two loops and four threads until the time is over."""
    end = time.monotonic() + seconds

    async def caller(name: str) -> None:
        k = 0
        while time.monotonic() < end:
            k += 1
            await llm.ainvoke(f"{name}, question {k}")

    async def loop(name: str) -> None:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for k in range(10):
                group.create_task(caller(f"{name}, caller {k}"))

    def in_loop(name: str) -> None:
        try:
            asyncio.run(loop(name))
        except TimeoutError:  # those that still wait for the next minute
            return

    def in_thread(name: str) -> None:
        for k in range(10**6):
            if time.monotonic() >= end - 2:  # one that begins to wait cannot be called back
                return
            if llm.choices[0].limits.waiting < AT_ONCE:
                llm.invoke(f"{name}, question {k}")
            time.sleep(0.01)

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(in_loop, f"loop {k}") for k in range(2)]:
            future.add_done_callback(lambda done: done.exception())
        for k in range(4):
            pool.submit(in_thread, f"thread {k}")


def main() -> None:
    """Print what the server saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    minutes = parser.parse_args().minutes
    script = Limited(reply, requests=REQUESTS, tokens=TOKENS, at_once=AT_ONCE)
    limits = Limits(requests_per_minute=REQUESTS, tokens_per_minute=TOKENS, max_concurrency=AT_ONCE)
    with MisbehavingServer(script, most_requests=10**5, most_s=minutes * 60 + 90) as server, real_models_allowed():
        llm = governed(ChatOpenAI(model="m", base_url=server.url, api_key="none"), limits=limits, retries=0)  # type: ignore[arg-type]  # a text will do
        ask(llm, minutes * 60)
        counted = server.counted
        spent = sum(request.tokens for request in counted.requests)
    windows = -(-minutes // 1)
    print(f"{minutes:g} minutes: {len(counted)} requests, {spent:,} tokens, refused: {dict(Counter(script.refused))}")
    print(f"sent twice: {len(counted.sent_twice())}, most at once: {counted.peak} of {AT_ONCE}")
    print(
        f"most in any 60 s: {counted.most_requests_in(60)} of {REQUESTS}, {counted.most_tokens_in(60):,} of {TOKENS:,}"
    )
    print(
        f"used: {len(counted) / (REQUESTS * windows):.1%} of the requests, "
        f"{spent / (TOKENS * windows):.1%} of the tokens"
    )


if __name__ == "__main__":
    main()
