"""A time limit by itself: the coroutine has its time, and then no more of anybody's."""

from __future__ import annotations

import asyncio
import gc

import pytest

from linus_nb.engine.deadline import GRACE_S, ExpiredError, within
from tests.test_engine_timeouts import stubborn
from tests.virtual_time import run


async def after(seconds, value="value"):
    await asyncio.sleep(seconds)
    return value


async def fails(error):
    await asyncio.sleep(1)
    raise error


async def timed(coroutine):
    """What a coroutine comes to, and when."""
    loop = asyncio.get_running_loop()
    try:
        outcome = await coroutine
    except Exception as error:  # noqa: BLE001  whatever it is, it is what is asked for
        outcome = type(error)
    return outcome, loop.time()


@pytest.mark.parametrize(
    ("coroutine", "outcome", "seconds"),
    [
        (lambda: after(1), "value", 1),
        (lambda: after(1.999), "value", 1.999),
        (lambda: fails(KeyError("x")), KeyError, 1),
        (lambda: fails(TimeoutError("its own")), TimeoutError, 1),
        (lambda: after(60), ExpiredError, 2),
        (lambda: stubborn(0.1), ExpiredError, 2.1),
        (lambda: stubborn(60), ExpiredError, 2 + GRACE_S),
    ],
)
def test_a_coroutine_has_its_time_and_no_more(coroutine, outcome, seconds):
    assert run(timed(within(2, coroutine()))) == (outcome, pytest.approx(seconds))


def test_what_is_given_up_is_cancelled_and_what_it_comes_to_later_is_dropped(caplog):
    async def ask():
        with pytest.raises(ExpiredError):
            await within(2, stubborn(5))

        async def breaks_later():
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                await asyncio.sleep(5)
                raise ValueError("nobody asks for it") from None

        with pytest.raises(ExpiredError):
            await within(2, breaks_later())
        await asyncio.sleep(10)
        return len(asyncio.all_tasks())

    assert run(ask()) == 1
    gc.collect()
    assert not caplog.records


@pytest.mark.parametrize("moment", [0, 0.5, 2, 2.05])
def test_a_cancellation_of_the_wait_reaches_the_coroutine(moment):
    ended = []

    async def notes():
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(asyncio.get_running_loop().time())

    async def stop():
        task = asyncio.create_task(within(2.1, notes()))
        await asyncio.sleep(moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(stop())
    assert ended == ([] if moment == 0 else [moment]) or ended == [moment]
