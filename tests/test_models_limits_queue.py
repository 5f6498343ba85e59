"""Who goes on when, of the calls that wait under limits: in order, as soon as may be, and nothing lost."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.models.governing.limits import MARGIN, Limits
from tests.limited_calls import call, virtual


def test_priority_goes_first_and_within_one_who_came_first():
    async def all_calls(clock: Any) -> list[Any]:
        limits = Limits(max_concurrency=1, _clock=clock)
        log: list[Any] = []
        async with asyncio.TaskGroup() as group:
            for k, priority in enumerate([0, 0, 5, 1, 5, 0]):
                group.create_task(call(limits, log, clock, lasts=1.0, priority=priority, name=(priority, k)))
        return [name for _, _, name in log]

    assert virtual(lambda clock: all_calls(clock)) == [(0, 0), (5, 2), (5, 4), (1, 3), (0, 1), (0, 5)]


def test_a_large_call_is_not_overtaken_for_ever_by_small_ones():
    async def all_calls(clock: Any) -> list[Any]:
        limits = Limits(tokens_per_minute=100, _clock=clock)
        log: list[Any] = []
        async with asyncio.TaskGroup() as group:
            group.create_task(call(limits, log, clock, tokens=60, name="small"))
            group.create_task(call(limits, log, clock, tokens=100, name="large"))
            for _ in range(5):
                group.create_task(call(limits, log, clock, tokens=20, name="later"))
        return [name for _, _, name in log]

    assert virtual(lambda clock: all_calls(clock)) == ["small", "large", *["later"] * 5]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whoever_may_go_on_does_whatever_happens_around(seed):
    """Calls come, go, are refused, cancelled and corrected at random; none that may go on is left to sleep."""
    draw = random.Random(seed)

    async def one(limits: Limits) -> None:
        async with limits.ahold(draw.randrange(200), draw.randrange(3)) as place:
            await asyncio.sleep(draw.choice([0, 0.1, 3, 70]))
            match draw.randrange(8):
                case 0:
                    place.rejected(draw.choice([None, 5.0]))
                case 1:
                    limits.pause(draw.choice([1.0, 30.0]))
                case 2:
                    place.unused()
                case _:
                    place.used(draw.randrange(300))

    async def all_calls(clock: Any) -> Limits:
        limits = Limits(
            requests_per_minute=draw.choice([None, 5, 40]),
            tokens_per_minute=draw.choice([None, 500, 3_000]),
            max_concurrency=draw.choice([1, 2, 8]),
            _clock=clock,
        )
        tasks: list[asyncio.Task[None]] = []

        async def look() -> None:
            """See twice a second who could have gone on since the last time."""
            could: object = None
            while not tasks or not all(task.done() for task in tasks):
                await asyncio.sleep(0.5)
                alive = [waiting for waiting in limits._queue if not waiting.given_up]
                first = min(alive, default=None)
                may = first if first is not None and limits._delay_s(first) == 0 else None
                assert may is None or may is not could
                could = may

        looking = asyncio.create_task(look())
        for _ in range(60):
            tasks.append(asyncio.create_task(one(limits)))
            await asyncio.sleep(draw.choice([0, 0, 0.5]))
            if draw.random() < 0.2:
                draw.choice(tasks).cancel()
        await looking
        return limits

    limits = virtual(lambda clock: all_calls(clock))
    assert (limits.in_flight, limits.waiting) == (0, 0)


def test_each_is_woken_when_its_turn_comes_and_not_before(monkeypatch):
    woken: list[asyncio.Event] = []
    wake = asyncio.Event.set

    def counted(event: asyncio.Event) -> None:
        woken.append(event)
        wake(event)

    monkeypatch.setattr(asyncio.Event, "set", counted)

    async def all_calls(clock: Any) -> None:
        limits = Limits(max_concurrency=2, requests_per_minute=10_000, tokens_per_minute=10**6, _clock=clock)
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(call(limits, [], clock, lasts=1.0, tokens=10, really=5))

    virtual(lambda clock: all_calls(clock))
    assert len(woken) == len(set(map(id, woken))) == 48


def test_a_call_that_is_cancelled_while_it_waits_leaves_no_trace():
    async def all_calls(clock: Any) -> tuple[Limits, list[float]]:
        limits = Limits(requests_per_minute=1, max_concurrency=1, _clock=clock)
        log: list[Any] = []
        await call(limits, log, clock)
        waiting = [asyncio.create_task(call(limits, log, clock, name=k)) for k in range(3)]
        await asyncio.sleep(1)
        waiting[0].cancel()
        waiting[1].cancel()
        await asyncio.wait(waiting)
        return limits, [at for at, _, _ in log]

    limits, times = virtual(lambda clock: all_calls(clock))
    assert times == pytest.approx([0.0, 60.0 * MARGIN])
    assert (limits.in_flight, limits.waiting) == (0, 0)


def test_a_call_that_is_never_sent_is_not_counted():
    async def all_calls(clock: Any) -> float:
        limits = Limits(requests_per_minute=1, tokens_per_minute=10, _clock=clock)
        async with limits.ahold(10) as place:
            place.unused()
        async with limits.ahold(10):
            return float(clock())

    assert virtual(lambda clock: all_calls(clock)) == 0.0
