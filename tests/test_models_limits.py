"""Limits that many calls share: never more than they allow in any window, hardly less, in order, and nothing lost."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.errors import ModelError
from linus_nb.models.governing.limits import MARGIN, Limits
from linus_nb.models.governing.window import Window
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


# -- windows --------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 7)), max_size=40), st.integers(7, 20))
def test_a_window_never_holds_more_than_it_may_and_waits_no_longer_than_needed(asked, most):
    window, now, taken = Window(most, 10.0), 0.0, []
    for pause, amount in asked:
        now += pause
        wait = window.wait_s(amount, now)
        if wait > 0:
            just_before = sum(a for at, a in taken if at > now + wait - 1e-3 - 10.0)
            assert just_before + amount > most
        now += wait
        window.take(amount, now)
        taken.append((now, amount))
        assert sum(a for at, a in taken if at > now - 10.0 + SLACK) <= most


def test_what_was_reserved_and_not_used_is_free_at_once_and_what_was_used_beyond_counts():
    window = Window(100, 60.0)
    one = window.take(90, 0.0)
    assert window.wait_s(20, 1.0) == 59.0
    window.correct(one, 30)
    assert window.wait_s(70, 1.0) == 0.0
    window.correct(one, 95)
    assert window.wait_s(10, 1.0) == 59.0


def test_a_correction_that_comes_after_its_window_changes_nothing():
    window = Window(100, 60.0)
    one = window.take(90, 0.0)
    window.take(10, 70.0)
    assert window.wait_s(80, 70.0) == 0.0
    window.correct(one, 5)
    assert window.wait_s(95, 70.0) == 60.0


def test_more_than_fits_in_a_window_has_one_of_its_own():
    window = Window(100, 60.0)
    assert window.wait_s(500, 0.0) == 0.0
    window.take(500, 0.0)
    assert window.wait_s(1, 10.0) == 50.0


# -- calls ------------------------------------------------------------------------------------------------------------


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
