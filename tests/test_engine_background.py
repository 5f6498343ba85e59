"""Blocking code that waits for coroutines, beside running loops and within them."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextvars import ContextVar

import pytest

from linus_nb import AgentDAG, AgentNode
from linus_nb.engine.background import run_blocking
from tests.real_time import in_time


async def where() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_it_works_with_and_without_a_running_loop():
    async def cell():
        return run_blocking(where())

    assert run_blocking(where()) == "linus_nb background loop"
    assert asyncio.run(cell()) == "linus_nb background loop"


def test_called_from_its_own_thread_it_does_not_wait_for_itself():
    async def outer():
        return run_blocking(where())

    assert run_blocking(outer()) == "linus_nb nested call"


def test_errors_and_context_variables_pass_through():
    tag: ContextVar[str] = ContextVar("tag")
    tag.set("seen")

    async def read():
        return tag.get()

    async def breaks():
        raise LookupError("as it was")

    async def nested():
        return run_blocking(breaks())

    assert run_blocking(read()) == "seen"
    for failing in (breaks, nested):
        with pytest.raises(LookupError, match="as it was"):
            run_blocking(failing())


def test_a_coroutine_that_cancels_itself_raises_asyncios_error():
    async def cancels():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_blocking(cancels())


def test_after_an_interrupt_a_background_loop_that_somebody_blocks_is_left_behind():
    entered = threading.Event()

    async def inner():
        entered.set()
        await asyncio.sleep(60)

    async def blocks():
        run_blocking(inner())  # waits in the background loop's own thread

    def interrupt():
        assert entered.wait(10)
        os.kill(os.getpid(), signal.SIGINT)  # heard in the main thread

    async def quick():
        return 1

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_blocking(blocks())
    assert in_time(lambda: run_blocking(quick())) == 1


@pytest.mark.parametrize("sent", [False, True], ids=["while it is sent", "once it is sent"])
def test_an_interrupt_before_the_waiting_began_leaves_nothing_behind_that_runs_or_blocks(monkeypatch, sent):
    entered, ended = threading.Event(), threading.Event()
    real = asyncio.run_coroutine_threadsafe

    async def inner():
        entered.set()
        await asyncio.sleep(60)

    async def blocks():
        run_blocking(inner())

    async def waits():
        entered.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    def interrupted(*_: object) -> None:
        assert entered.wait(10)
        raise KeyboardInterrupt

    def interrupted_sending(coroutine, loop):
        real(coroutine, loop)
        interrupted()

    async def quick():
        return 1

    for work in (waits, blocks):
        entered.clear()
        with monkeypatch.context() as patched:
            if not sent:
                patched.setattr(asyncio, "run_coroutine_threadsafe", interrupted_sending)
            with pytest.raises(KeyboardInterrupt):
                run_blocking(work(), interrupted)
        assert in_time(lambda: run_blocking(quick())) == 1
    assert ended.wait(10)


def test_what_a_cancelled_node_waits_for_on_the_background_loop_is_cancelled_with_it():
    began, ended = threading.Event(), threading.Event()

    async def slow():
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.set()
            raise

    async def main():
        run = AgentDAG("waits").add_node(AgentNode("n", lambda: run_blocking(slow()))).start()
        await asyncio.to_thread(began.wait, 10)
        run.cancel()
        result = await run
        await asyncio.to_thread(ended.wait, 10)
        return result.status

    assert in_time(lambda: asyncio.run(main())) == "cancelled"
    assert ended.is_set()
