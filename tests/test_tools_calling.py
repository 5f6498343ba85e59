"""How an agent calls a tool: limits, retries, threads, cancellation."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from linus_nb import backoff, events
from linus_nb.agent.tool_calls import acall, call
from linus_nb.errors import ToolError, ToolTimeoutError
from linus_nb.tools import Tool, tool
from tests.real_time import in_time
from tests.virtual_time import run

colour: ContextVar[str] = ContextVar("colour", default="none")
SCHEMA = {"type": "object", "properties": {}}

both_ways = pytest.mark.parametrize("way", [call, lambda *given: run(acall(*given))], ids=["call", "acall"])


def blocks(function, **settings):
    return Tool("t", "T.", SCHEMA, blocking=lambda _: function(), **settings)


def awaits(function, **settings):
    return Tool("t", "T.", SCHEMA, awaiting=lambda _: function(), **settings)


def failing(times, error, value="done"):
    """Return a function that raises so often and then returns, and the list of its calls."""
    calls = []

    def function():
        calls.append(1)
        if len(calls) <= times:
            raise error
        return value

    return function, calls


# -- results ---------------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
def test_a_tool_gets_its_arguments_and_gives_its_result(way, limit):
    @tool(timeout_seconds=limit)
    def double(number: int) -> int:
        """Double."""
        return 2 * number

    @tool(timeout_seconds=limit)
    async def triple(number: int) -> int:
        """Triple."""
        await asyncio.sleep(0)
        return 3 * number

    assert way(double, {"number": 21}) == 42
    assert way(triple, {"number": 5}) == 15


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
def test_a_result_that_can_be_awaited_is_awaited(way, limit):
    async def inner():
        return 7

    async def outer():
        return inner()

    assert way(blocks(outer, timeout_seconds=limit), {}) == 7
    assert way(awaits(outer, timeout_seconds=limit), {}) == 7


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
def test_a_tool_sees_the_callers_context(way, limit):
    token = colour.set("teal")
    try:
        assert way(blocks(colour.get, timeout_seconds=limit), {}) == "teal"
    finally:
        colour.reset(token)


def test_a_blocking_call_without_a_limit_stays_in_its_thread():
    assert call(blocks(threading.current_thread), {}) is threading.current_thread()


@pytest.mark.parametrize("limit", [None, 60])
def test_an_awaited_call_of_a_sync_tool_runs_in_a_daemon_thread(limit):
    thread = run(acall(blocks(threading.current_thread, timeout_seconds=limit), {}))
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_an_async_tool_is_awaited_on_the_callers_loop():
    async def loop():
        return asyncio.get_running_loop()

    async def main():
        return await acall(awaits(loop), {}) is asyncio.get_running_loop()

    assert run(main())


# -- limits ----------------------------------------------------------------------------------------------------------


def test_a_sync_tool_that_takes_too_long_is_left_behind_in_both_ways():
    for way in (call, lambda *given: asyncio.run(acall(*given))):
        release, ended = threading.Event(), threading.Event()

        def wait(release=release, ended=ended):
            release.wait(10)
            ended.set()
            return "late"

        with pytest.raises(ToolTimeoutError, match=r"'t' gave no answer in 0\.05 s"):
            in_time(lambda way=way, wait=wait: way(blocks(wait, timeout_seconds=0.05), {}))
        assert not ended.is_set()
        release.set()
        assert ended.wait(10)  # its result goes nowhere, and disturbs nobody


def test_an_async_tool_that_takes_too_long_is_cancelled():
    cancelled = []

    async def wait():
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def main():
        with pytest.raises(ToolTimeoutError):
            await acall(awaits(wait, timeout_seconds=5), {})
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(5)
    with pytest.raises(ToolTimeoutError):
        in_time(lambda: call(awaits(wait, timeout_seconds=0.05), {}))
    assert cancelled == [1, 1]


def test_the_limit_holds_for_a_tool_that_swallows_its_cancellation():
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                if stopped.is_set():
                    raise
                stopped.set()

    async def main():
        with pytest.raises(ToolTimeoutError):
            await acall(awaits(stubborn, timeout_seconds=5), {})
        return asyncio.get_running_loop().time()

    stopped = threading.Event()
    assert run(main()) < 6


def test_the_limit_of_a_sync_tool_holds_for_what_it_gives_to_be_awaited():
    async def wait():
        await asyncio.sleep(1000)

    with pytest.raises(ToolTimeoutError):
        in_time(lambda: call(blocks(wait, timeout_seconds=0.05), {}))
    with pytest.raises(ToolTimeoutError):
        run(acall(blocks(wait, timeout_seconds=5), {}))


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
def test_a_time_out_of_the_tools_own_is_its_own(way, limit):
    def slow():
        raise TimeoutError("the server's")

    with pytest.raises(TimeoutError, match="the server's") as raised:
        way(blocks(slow, timeout_seconds=limit), {})
    assert not isinstance(raised.value, ToolTimeoutError)


# -- retries ---------------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.usefixtures("no_backoff")
def test_a_tool_is_tried_again_until_it_succeeds_or_no_attempt_is_left(way):
    flaky, calls = failing(2, ValueError("no"))
    assert way(blocks(flaky, retry_count=2), {}) == "done"
    assert len(calls) == 3
    broken, calls = failing(9, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        way(blocks(broken, retry_count=2), {})
    assert len(calls) == 3


@both_ways
@pytest.mark.usefixtures("no_backoff")
def test_errors_that_no_attempt_can_mend_are_raised_at_once(way):
    for settings, error in (({"retry_on": OSError}, ValueError()), ({}, ToolError("no such host"))):
        function, calls = failing(1, error)
        with pytest.raises(type(error)):
            way(blocks(function, retry_count=3, **settings), {})
        assert len(calls) == 1


@both_ways
@pytest.mark.usefixtures("no_backoff")
def test_arguments_that_do_not_fit_are_not_tried_again(way, monkeypatch):
    calls = []
    monkeypatch.setattr(backoff, "backoff_s", lambda attempt: calls.append(attempt) or 0.0)

    @tool(retry_count=3)
    def double(number: int) -> int:
        """Double."""
        return 2 * number

    with pytest.raises(ToolError, match="'double' cannot take the arguments"):
        way(double, {"number": "many"})
    assert calls == []


def test_each_attempt_has_the_whole_limit_and_the_waits_are_the_engines(monkeypatch):
    monkeypatch.setattr(backoff, "backoff_s", lambda attempt: 100.0 * attempt)
    times = []

    async def slow():
        times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1000)

    async def main():
        with pytest.raises(ToolTimeoutError):
            await acall(awaits(slow, timeout_seconds=5, retry_count=2), {})

    run(main())
    assert times == pytest.approx([0, 105, 310])


# -- cancellation ----------------------------------------------------------------------------------------------------


async def _swallows():
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        return "nothing happened"


async def _raises_another():
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        raise ValueError("interrupted") from None


async def _waits():
    await asyncio.sleep(1000)


@pytest.mark.parametrize("function", [_swallows, _raises_another, _waits])
@pytest.mark.parametrize("limit", [None, 60])
def test_a_cancellation_ends_the_call_whatever_the_tool_makes_of_it(function, limit):
    attempts = []

    async def counted():
        attempts.append(1)
        return await function()

    async def main():
        task = asyncio.create_task(acall(awaits(counted, timeout_seconds=limit, retry_count=3), {}))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(1)
    assert len(attempts) == 1


@pytest.mark.parametrize("limit", [None, 60])
def test_a_cancelled_call_does_not_wait_for_a_thread(limit):
    release, began = threading.Event(), threading.Event()

    def wait():
        began.set()
        release.wait(10)

    async def main():
        task = asyncio.create_task(acall(blocks(wait, timeout_seconds=limit), {}))
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return release.is_set()

    try:
        assert in_time(lambda: asyncio.run(main())) is False
    finally:
        release.set()


def test_a_cancellation_between_two_attempts_ends_the_call(monkeypatch):
    monkeypatch.setattr(backoff, "backoff_s", lambda _: 100.0)
    function, calls = failing(9, ValueError())

    async def main():
        task = asyncio.create_task(acall(blocks(function, retry_count=3), {}))
        await asyncio.sleep(50)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert len(calls) == 1


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
@pytest.mark.parametrize("make", [blocks, awaits])
def test_a_tool_that_was_cancelled_from_inside_has_failed_and_nobody_else_is_cancelled(way, limit, make):
    async def cancels_itself():
        raise asyncio.CancelledError

    with pytest.raises(ToolError, match="'t' was cancelled from inside"):
        way(make(cancels_itself, timeout_seconds=limit, retry_count=3), {})


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
def test_stop_iteration_is_the_same_error_in_every_way(way, limit):
    with pytest.raises(ToolError, match="'t' raised StopIteration"):
        way(blocks(lambda: next(iter(())), timeout_seconds=limit), {})


@both_ways
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(way, interrupt):
    def stop():
        raise interrupt

    with pytest.raises(interrupt):
        way(blocks(stop, retry_count=2), {})


# -- reports ---------------------------------------------------------------------------------------------------------


def test_what_an_abandoned_call_reports_is_not_heard():
    heard, release, ended = [], threading.Event(), threading.Event()

    def reports():
        release.wait(10)
        events.report(events.ModelCalled("late", 0.0))
        ended.set()

    token = events.sink.set((lambda place, call: heard.append((place, call.model)), "here"))
    try:
        for way in (call, lambda *given: asyncio.run(acall(*given))):
            with pytest.raises(ToolTimeoutError):
                way(blocks(reports, timeout_seconds=0.05), {})
            release.set()
            assert ended.wait(10)
            release.clear()
            ended.clear()
    finally:
        events.sink.reset(token)
    assert heard == []


@both_ways
@pytest.mark.parametrize("limit", [None, 60])
def test_what_a_call_reports_while_it_goes_on_is_heard(way, limit):
    heard = []
    token = events.sink.set((lambda place, call: heard.append((place, call.model)), "here"))
    try:
        way(blocks(lambda: events.report(events.ModelCalled("inner", 0.0)), timeout_seconds=limit), {})
    finally:
        events.sink.reset(token)
    assert heard == [("here", "inner")]


def test_the_sink_is_as_before_when_the_call_has_ended():
    sink = (lambda place, call: None, 0)
    token = events.sink.set(sink)
    try:
        call(blocks(lambda: 1), {})
        assert events.sink.get() is sink
    finally:
        events.sink.reset(token)
