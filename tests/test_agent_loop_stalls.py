"""Nothing that an agent does keeps the event loop from running: no block over 50 ms that is ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from linus_nb import models
from tests.loop_monitor import LOCK, LONGEST_S, watching
from tests.stall_cases import all_cases, watched

# What is loaded for the first time is loaded in a thread; what of it is written in C (parsing prices, reading
# certificates, unpacking modules) keeps the interpreter's lock meanwhile, and we cannot make it let go.
LOADING_S = 0.25

CASES = list(all_cases())
FIRST = [name for name in CASES if name.startswith("first_") or "without_an_awaiting_way" in name]
ROOT = Path(__file__).parent.parent


ATTEMPTS = (
    3  # what is our fault is so each time; on a machine with no time for us, even starting a thread may take long
)


def assert_no_stalls(attempt: Callable[[], list[str]]) -> None:
    for _ in range(ATTEMPTS):
        too_long = attempt()
        if not too_long:
            return
    pytest.fail("\n".join(too_long))


@pytest.fixture(autouse=True)
def default_model_as_it_was(monkeypatch):
    """Put the default model back: a case has one of its own, also in an interpreter that is not a test's."""
    monkeypatch.setattr(models, "default_model", models.default_model)


@pytest.mark.parametrize("name", CASES)
def test_no_case_blocks_the_loop(name):
    assert_no_stalls(lambda: asyncio.run(watched(name, LOADING_S if name in FIRST else LONGEST_S)))


@pytest.mark.parametrize("name", FIRST)
def test_no_first_use_in_an_interpreter_blocks_the_loop(name):
    def attempt() -> list[str]:
        process = subprocess.run(
            [sys.executable, "-c", f"from tests.stall_cases import main; main({name!r}, {LOADING_S})"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        found: list[str] = json.loads(process.stdout)
        return found

    assert_no_stalls(attempt)


# -- the monitor itself ----------------------------------------------------------------------------------------------


def blamed(block) -> list[str]:
    async def main():
        async with watching() as monitor:
            block()
        return monitor.too_long()

    return asyncio.run(main())


def compute() -> None:
    until = time.thread_time() + 0.12
    while time.thread_time() < until:
        pass


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.15, lock.release).start()
    lock.acquire()


@pytest.mark.parametrize(
    ("block", "why"), [(compute, "computing"), (lambda: time.sleep(0.15), "sleeping"), (wait_for_a_lock, "sleeping")]
)
def test_the_monitor_sees_a_block(block, why):
    found = blamed(block)
    assert len(found) == 1
    assert why in found[0]


def test_the_monitor_sees_a_thread_that_keeps_the_interpreters_lock():
    numbers = [str(n) * 20 for n in range(400_000)]

    async def main():
        async with watching() as monitor:
            await asyncio.to_thread(json.dumps, numbers)
        return monitor

    monitor = asyncio.run(main())
    assert any(stall.why == LOCK for stall in monitor.stalls)


def test_the_monitor_blames_nobody_for_short_blocks_and_waiting():
    async def main():
        async with watching() as monitor:
            for _ in range(10):
                time.sleep(0.01)  # noqa: ASYNC251  a block that is short enough
                await asyncio.sleep(0.01)
            await asyncio.to_thread(time.sleep, 0.2)
        return monitor.too_long()

    assert asyncio.run(main()) == []
