"""Many runs, loops, threads and processes with one memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from linus_nb import Agent
from linus_nb.agent.drivers import adrive
from linus_nb.agent.memory import Memory
from linus_nb.agent.memory_remember import remember
from linus_nb.testing import ScriptedModel


@pytest.fixture(params=["memory", "file"])
def memory(request, tmp_path):
    with Memory(200, 2, path=tmp_path / "talk.db" if request.param == "file" else None) as made:
        yield made


def echoes(messages, schema):
    """Answer with what was asked for, or with a summary."""
    last = messages[-1].text
    return "They talked." if last.endswith("New summary:") else f"Answer to {last.splitlines()[-1]}"


def question(n):
    return f"question {n} about the tides in the harbour"


async def gathered(agent, numbers):
    async with asyncio.TaskGroup() as group:
        for n in numbers:
            group.create_task(agent.arun(question(n)))


def is_whole(memory, numbers):
    """Check that each question is there once with its own answer, in order of time."""
    turns = memory.turns
    assert sorted(turn.question for turn in turns) == sorted(map(question, numbers))
    assert all(turn.answer == f"Answer to {turn.question}" for turn in turns)
    assert all(one.at <= two.at and one.number < two.number for one, two in pairwise(turns))
    assert memory.store.file.read(lambda there: there.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
    return True


@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
def test_ten_runs_at_once_lose_no_turn_and_double_none(memory, strategy):
    model = ScriptedModel(echoes, latency_s=0.002)
    asyncio.run(gathered(Agent(llm=model, memory=memory, strategy=strategy), range(10)))
    assert is_whole(memory, range(10))


def test_ten_threads_lose_no_turn_and_double_none(memory):
    agent = Agent(llm=ScriptedModel(echoes), memory=memory)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: agent.run(question(n)), range(30)))
    assert is_whole(memory, range(30))


def test_two_agents_on_two_loops_share_a_memory(memory):
    agents = [Agent(llm=ScriptedModel(echoes, latency_s=0.001), memory=memory) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: asyncio.run(gathered(agents[n], range(n * 10, n * 10 + 10))), range(2)))
    assert is_whole(memory, range(20))


def test_a_memory_serves_one_loop_after_the_other(memory):
    agent = Agent(llm=ScriptedModel(echoes), memory=memory)
    for n in range(0, 9, 3):
        asyncio.run(gathered(agent, [n, n + 1]))
        agent.run(question(n + 2))
    assert is_whole(memory, range(9))


def test_runs_at_once_summarise_no_turn_twice(memory):
    model = ScriptedModel(echoes, latency_s=0.001)

    async def run(n):
        for k in range(6):
            await adrive(remember(memory, f"Question {n}-{k} " + "word " * 10, f"Answer {n}-{k}"), model)

    async def ten():
        async with asyncio.TaskGroup() as group:
            for n in range(10):
                group.create_task(run(n))

    asyncio.run(ten())
    told_again = "".join(call.messages[-1].text for call in model.calls)
    assert len(memory) == 60
    assert memory.summary == "They talked."
    for kept in memory.turns:
        number = kept.question.split()[1]
        assert kept.answer == f"Answer {number}"
        assert told_again.count(f"Earlier: Question {number} ") == kept.summarised


PROCESS = """
import asyncio, sys
from linus_nb import Agent
from linus_nb.agent.memory import Memory
from linus_nb.testing import ScriptedModel
from tests.test_agent_memory_at_once import echoes, gathered

first = int(sys.argv[2])
with Memory(200, 2, path=sys.argv[1]) as memory:
    agent = Agent(llm=ScriptedModel(echoes, latency_s=0.001), memory=memory)
    for n in range(first, first + 30, 10):
        asyncio.run(gathered(agent, range(n, n + 10)))
"""


def process(code, *arguments):
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_two_processes_share_a_file_and_nothing_is_locked(tmp_path):
    path = tmp_path / "talk.db"
    started = [process(PROCESS, path, first) for first in (0, 30)]
    assert [(each.communicate(timeout=120)[1], each.returncode) for each in started] == [("", 0)] * 2
    with Memory(path=path) as memory:
        assert is_whole(memory, range(60))
        assert memory.summary == "They talked."


UNCLOSED = """
import asyncio, sys
from linus_nb import Agent
from linus_nb.agent import memory_file
from linus_nb.agent.memory import Memory
from linus_nb.testing import ScriptedModel
from tests.test_agent_memory_at_once import echoes, gathered, question

memory = Memory(200, 2, path=sys.argv[1])
agent = Agent(llm=ScriptedModel(echoes), memory=memory)
agent.run(question(0))
asyncio.run(gathered(agent, [1, 2]))
"""


def test_a_memory_that_is_not_closed_leaves_nothing_behind_at_exit(tmp_path):
    ended = process(UNCLOSED, tmp_path / "talk.db")
    assert (ended.communicate(timeout=60)[1], ended.returncode) == ("", 0)
    assert [file.name for file in tmp_path.iterdir()] == ["talk.db"]
    with Memory(path=tmp_path / "talk.db") as memory:
        assert is_whole(memory, range(3))


MID_WRITE = (
    UNCLOSED
    + """
import threading
from tests.slow_disk import slow

writing = slow(memory_file, 0.3)
threading.Thread(target=agent.run, args=(question(3),), daemon=True).start()
writing.wait(30)
"""
)


def test_a_process_that_ends_while_a_turn_is_written_leaves_the_file_whole(tmp_path):
    ended = process(MID_WRITE, tmp_path / "talk.db")
    assert (ended.communicate(timeout=60)[1], ended.returncode) == ("", 0)
    with Memory(path=tmp_path / "talk.db") as memory:
        assert is_whole(memory, range(len(memory)))
        assert len(memory) >= 3
