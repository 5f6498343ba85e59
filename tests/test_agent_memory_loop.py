"""No event loop waits for a memory's disk or its summaries; and a run that is cancelled leaves the file whole."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time

import pytest

from linus_nb import Agent
from linus_nb.agent import memory_file
from linus_nb.agent.drivers import adrive
from linus_nb.agent.memory import Memory
from linus_nb.agent.memory_recall import recall
from linus_nb.agent.memory_remember import remember
from linus_nb.testing import ScriptedModel
from tests.memory_steps import talk, told
from tests.slow_disk import slow

LONGEST_STALL_S = 0.05


async def longest_stall(work):
    """Return the longest time in which the loop served nobody else while ``work`` went on."""
    longest, over = 0.0, False

    async def watch():
        nonlocal longest
        while not over:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - began - 0.005)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.02)
    await work
    over = True
    await watching
    return longest


def echoes(messages, schema):
    last = messages[-1].text
    return "They talked." if last.endswith("New summary:") else "Noted. " * 12


@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
def test_a_slow_disk_and_a_slow_summary_stall_no_loop(tmp_path, monkeypatch, strategy):
    where = []
    with Memory(200, 1, path=tmp_path / "talk.db") as memory:
        model = ScriptedModel(echoes, latency_s=0.1)
        agent = Agent(llm=model, memory=memory, strategy=strategy)
        told(memory, "word " * 60)
        monkeypatch.setattr(memory_file, "_within", memory_file._within)  # so that it is put back
        slow(memory_file, 0.15, where)

        async def three():
            async with asyncio.TaskGroup() as group:
                for n in range(3):
                    group.create_task(agent.arun(f"Remark {n}: the tide was high. " * 3))

        # another program on this machine may take the processor away for a while; it does not do so five times
        stalls = []
        while not stalls or (stalls[-1] > LONGEST_STALL_S and len(stalls) < 5):
            stalls.append(asyncio.run(longest_stall(three())))
        assert stalls[-1] < LONGEST_STALL_S
        assert len(where) > 10
        assert threading.get_ident() not in where
        assert memory.summary == "They talked."


def test_a_loop_does_not_wait_for_a_process_that_holds_the_file(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        other = sqlite3.connect(memory.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        async def run():
            keeping = asyncio.create_task(adrive(remember(memory, "my favourite colour is teal", "Noted."), None))
            await asyncio.sleep(0.05)
            assert not keeping.done()
            assert recall(memory, "colour").text == ""
            other.execute("COMMIT")  # it would wait here for ever, had the loop waited
            other.close()
            async with asyncio.timeout(20):
                await keeping

        asyncio.run(run())
        assert [turn.question for turn in memory.turns] == ["my favourite colour is teal"]


# -- cancelled -------------------------------------------------------------------------------------------------------

DISK = ("recall", "keep", "is it due", "what is due", "take over")
"""What a run that summarises asks its file for, one after the other."""


@pytest.mark.parametrize("place", [*range(len(DISK)), "model"], ids=[*DISK, "model"])
def test_a_run_that_is_cancelled_at_its_disk_or_its_summary_loses_no_earlier_turn(tmp_path, monkeypatch, place):
    began, may_go_on = threading.Event(), threading.Event()
    within, count = memory_file._within, iter(range(100))

    def waits(connection, begin, work):
        if next(count) != place:
            return within(connection, begin, work)

        def and_wait(there):
            done = work(there)
            began.set()
            assert may_go_on.wait(20)
            return done

        return within(connection, begin, and_wait)

    def summarises(messages, schema):
        if messages[-1].text.endswith("New summary:"):
            began.set()
            return "They talked."
        return "Noted."

    with Memory(200, 1, path=tmp_path / "talk.db") as memory:
        for n in range(3):
            memory.add(f"Question {n} " + "word " * 30, "ok")
        before = memory.turns
        # only the summary waits for the model, for ever
        model = ScriptedModel(summarises, latency_s=3600.0 if place == "model" else 0.0)
        agent = Agent(llm=ScriptedModel(summarises) if place != "model" else model, memory=memory)

        async def cancelled():
            if place == "model":
                task = asyncio.create_task(adrive(remember(memory, "last " + "word " * 30, "ok"), model))
                while not model.calls:  # noqa: ASYNC110  it tells nobody that it was called
                    await asyncio.sleep(0.001)
            else:
                task = asyncio.create_task(agent.arun("last " + "word " * 30))
                assert await asyncio.to_thread(began.wait, 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            may_go_on.set()

        with monkeypatch.context() as patched:
            patched.setattr(memory_file, "_within", waits)
            asyncio.run(cancelled())
        assert [turn.question for turn in memory.turns][:3] == [turn.question for turn in before]
        assert len(memory) == (3 if place == 0 else 4)
        assert memory.store.file.read(lambda there: there.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
        # and what comes afterwards is kept and summarised as if nothing had been
        assert talk(memory, 5, words=30)
        assert memory.summary == "They talked."
        assert memory.turns[0].summarised
