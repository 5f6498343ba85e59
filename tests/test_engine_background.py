"""Blocking code that waits for coroutines, beside running loops and within them."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from linus_nb.engine.background import run_blocking


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
