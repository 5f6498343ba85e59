"""Limits that many calls share: never more than they allow in any window, hardly less, in order, and nothing lost."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.errors import ModelError
from linus_nb.models.governing.limits import MARGIN, Limits
from tests.limited_calls import call, most_in_a_window, virtual


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.one_of(st.none(), st.integers(200, 2_000)),
       st.one_of(st.none(), st.integers(1, 8)))  # fmt: skip
def test_no_minute_sees_more_than_is_allowed_and_nothing_is_left_over(seed, requests, tokens, at_once):
    draw = random.Random(seed)

    async def all_calls(clock: Any) -> tuple[Limits, list[Any]]:
        limits = Limits(requests_per_minute=requests, tokens_per_minute=tokens, max_concurrency=at_once, _clock=clock)
        log: list[Any] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(80):
                group.create_task(
                    call(limits, log, clock, lasts=draw.choice([0, 0.1, 3, 70]), tokens=draw.randrange(200))
                )
                await asyncio.sleep(draw.choice([0, 0, 0.5]))
        return limits, log

    limits, log = virtual(lambda clock: all_calls(clock))
    assert len(log) == 80
    assert (limits.in_flight, limits.waiting) == (0, 0)
    assert most_in_a_window([(at, 1) for at, _, _ in log], 60.0) <= requests
    if tokens is not None:
        assert most_in_a_window([(at, amount) for at, amount, _ in log], 60.0) <= tokens


@pytest.mark.parametrize(("requests", "tokens"), [(600, None), (None, 60_000), (600, 60_000)])
def test_hardly_less_than_is_allowed_gets_through(requests, tokens):
    """Half an hour of as many calls as may be, all of 100 tokens of which half were reserved for nothing."""

    async def all_calls(clock: Any) -> list[Any]:
        limits = Limits(requests_per_minute=requests, tokens_per_minute=tokens, _clock=clock)
        log: list[Any] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(600 * 30):
                group.create_task(call(limits, log, clock, lasts=1.0, tokens=100, really=100))
        return log

    log = virtual(lambda clock: all_calls(clock))
    # the first 600 go at once: what counts is the pace from then on
    assert 600 * 29 / (log[-1][0] / 60.0) >= 0.97 * 600
    assert most_in_a_window([(at, 1) for at, _, _ in log], 60.0) <= 600


def test_what_was_reserved_for_nothing_lets_others_through():
    async def all_calls(clock: Any) -> list[Any]:
        limits = Limits(tokens_per_minute=1_000, _clock=clock)
        log: list[Any] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(call(limits, log, clock, lasts=1.0, tokens=500, really=100))
        return log

    log = virtual(lambda clock: all_calls(clock))
    # two at once; then what they gave back, one after the other, as each reserves a half
    assert [round(at) for at, _, _ in log] == [0, 0, 1, 2, 3, 4, 61, 62, 63, 64]


def test_a_refusal_holds_all_up_and_then_fewer_go_on_which_grow_again():
    async def all_calls(clock: Any) -> list[tuple[float, int]]:
        limits = Limits(max_concurrency=8, _clock=clock)
        log: list[tuple[float, int]] = []
        refused = 0

        async def one() -> None:
            nonlocal refused
            async with limits.ahold() as place:
                log.append((clock(), limits.in_flight))
                await asyncio.sleep(1)
                if clock() == 1.0:  # the first eight all hear it
                    refused += 1
                    place.rejected(retry_after_s=5.0)
                else:
                    place.used(0)

        async with asyncio.TaskGroup() as group:
            for _ in range(60):
                group.create_task(one())
        assert refused == 8
        return log

    log = virtual(lambda clock: all_calls(clock))
    at_once: dict[float, int] = {}
    for at, open_calls in log:
        at_once[round(at)] = max(open_calls, at_once.get(round(at), 0))
    assert list(at_once)[:2] == [0, 6]  # nothing until it may
    assert at_once[0] == 8
    assert at_once[6] == 4  # halved once, not eight times
    pace = list(at_once.values())[1:-1]
    assert pace == sorted(pace)
    assert pace[-1] > 4


def test_threads_and_loops_share_one_limit():
    """In real time: forty calls of threads and of loops in threads, four at once, none of them longer than a moment."""
    limits = Limits(max_concurrency=4)
    lock, now, most, done = threading.Lock(), 0, 0, 0

    def enter() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)

    def leave() -> None:
        nonlocal now, done
        with lock:
            now -= 1
            done += 1

    def in_a_thread() -> None:
        for _ in range(5):
            with limits.hold():
                enter()
                time.sleep(0.003)
                leave()

    async def one() -> None:
        async with limits.ahold():
            enter()
            await asyncio.sleep(0.003)
            leave()

    async def all_of_a_loop() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(one())

    threads = [threading.Thread(target=in_a_thread) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(all_of_a_loop())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert done == 40
    assert most == 4
    assert (limits.in_flight, limits.waiting) == (0, 0)


def test_a_waiting_thread_sleeps_until_its_time():
    limits = Limits(requests_per_minute=1, _window_s=0.2)
    began = time.monotonic()
    turns = 0
    whole = limits._turn

    def counted(waiting: Any) -> float:
        nonlocal turns
        turns += 1
        return whole(waiting)

    limits._turn = counted  # type: ignore[method-assign]  # counted only
    for _ in range(3):
        with limits.hold():
            pass
    assert time.monotonic() - began >= 2 * 0.2 * MARGIN
    assert turns <= 12  # not asked again and again


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, -1, 2.5, "8", True])
@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "max_concurrency"])
def test_a_limit_that_is_none_is_refused(name: str, value: Any):
    with pytest.raises(ValueError, match=rf"Limits\({name}=.*\): give a whole number from 1, or leave it out"):
        Limits(**{name: value})


def test_limits_that_limit_nothing_are_refused():
    with pytest.raises(ValueError, match="limits nothing; give requests_per_minute, tokens_per_minute or max_conc"):
        Limits()


def test_limits_show_what_they_are():
    assert repr(Limits(requests_per_minute=5, max_concurrency=2)) == "Limits(requests_per_minute=5, max_concurrency=2)"


def test_time_that_goes_on_between_two_looks_at_the_clock_gives_nobody_a_place_too_early():
    """It once let a call through whose time had come while it was being told to wait."""
    readings = count()
    limits = Limits(requests_per_minute=1, _clock=lambda: next(readings) * 1e-4, _window_s=0.002)
    for _ in range(50):
        with limits.hold() as place:
            assert place.request is not None
    assert limits.in_flight == 0


def test_a_blocking_call_does_not_wait_for_the_loop_that_it_blocks() -> None:
    limits = Limits(max_concurrency=1)

    async def main() -> None:
        async with limits.ahold():
            with pytest.raises(ModelError, match=r"Limits\(max_concurrency=1\) are taken by calls of this event loop"):
                limits.hold().__enter__()
        with limits.hold():  # nobody is in the way any more
            assert limits.in_flight == 1

    asyncio.run(main())
    assert (limits.in_flight, limits.waiting) == (0, 0)


def test_a_blocking_call_in_a_loop_waits_for_other_threads() -> None:
    limits = Limits(max_concurrency=1)
    holds, free = threading.Event(), threading.Event()

    def other() -> None:
        with limits.hold():
            holds.set()
            free.wait(10)

    async def main() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        holds.wait(10)
        threading.Timer(0.05, free.set).start()
        with limits.hold():
            assert limits.in_flight == 1
        thread.join()

    asyncio.run(main())
