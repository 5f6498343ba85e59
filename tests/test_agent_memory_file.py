"""Where a memory is kept: files, processes, threads; its end, and its card."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from linus_nb.agent import memory_file
from linus_nb.agent.memory import Memory
from linus_nb.errors import (
    MemoryBusyError,
    MemoryClosedError,
    MemoryFileError,
    MemorySizeError,
)
from tests.memory_steps import COLOUR, questions, talk


@pytest.fixture(params=["memory", "file"])
def memory(request, tmp_path):
    with Memory(path=tmp_path / "talk.db" if request.param == "file" else None) as made:
        yield made


@pytest.fixture
def without_fts5(monkeypatch):
    monkeypatch.setattr(memory_file, "has_fts5", lambda _: False)


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_keeps_it(tmp_path):
    path = tmp_path / "talk.db"
    with Memory(path=path) as memory:
        calls = talk(memory, 60)
        before = memory.export()
    assert calls
    with Memory(path=str(path)) as memory:
        assert memory.export() == before
        assert len(memory.search("question")) == 5
    assert [file.name for file in tmp_path.iterdir()] == ["talk.db"]


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with Memory(path="~/talk.db") as memory:
        assert memory.path == tmp_path / "talk.db"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MemoryFileError, match=r"there is no folder '.*nowhere'; make the folder"):
        Memory(path=tmp_path / "nowhere" / "talk.db")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(MemoryFileError, match="it is a folder; give the path of a file in it"):
        Memory(path=tmp_path)


def test_a_file_of_something_else_is_refused_and_left_as_it_was(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes. " * 100)
    with pytest.raises(MemoryFileError, match="it is no SQLite file; give the path of another file"):
        Memory(path=path)
    assert path.read_text() == "These are my notes. " * 100
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_something_else_is_refused_and_left_as_it_was(tmp_path):
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE turns (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(MemoryFileError, match="an SQLite database of something else"):
        Memory(path=path)
    assert path.read_bytes() == before


def test_a_file_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "talk.db"
    Memory(path=path).close()
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 2")
    later.close()
    with pytest.raises(MemoryFileError, match="a later version of linus_nb wrote it; update linus_nb"):
        Memory(path=path)


def test_an_empty_file_becomes_a_memory(tmp_path):
    path = tmp_path / "talk.db"
    path.touch()
    with Memory(path=path) as memory:
        memory.add(*COLOUR)
        assert len(memory) == 1


@pytest.mark.parametrize("budget", [0, 63, -1, True, 100.5, "1000", None])
def test_a_budget_that_is_too_small_is_refused(budget):
    with pytest.raises(MemorySizeError, match=r"token_budget=.*give a whole number from 64"):
        Memory(budget)


def test_at_least_one_turn_is_recent_and_looked_for(memory):
    with pytest.raises(MemorySizeError, match="recent_turns=0"):
        Memory(recent_turns=0)
    with pytest.raises(MemorySizeError, match="limit=0"):
        memory.search("x", limit=0)


# -- the end ---------------------------------------------------------------------------------------------------------


def test_a_closed_memory_says_that_it_is(tmp_path):
    path = tmp_path / "talk.db"
    memory = Memory(path=path)
    memory.close()
    memory.close()
    assert memory.closed
    assert repr(memory) == f"Memory(closed, token_budget=1000, recent_turns=4, path={str(path)!r})"
    for use in (lambda: memory.add("q", "a"), lambda: len(memory), lambda: memory.search("q"), memory.export):
        with pytest.raises(MemoryClosedError, match=r"the memory is closed; open it again with Memory\(path="):
            use()


def test_a_memory_that_nobody_holds_closes_itself(tmp_path):
    memory = Memory(path=tmp_path / "talk.db")
    memory.add(*COLOUR)
    assert (tmp_path / "talk.db-wal").exists()
    del memory
    gc.collect()
    assert not (tmp_path / "talk.db-wal").exists()


def test_its_repr_counts(memory):
    memory.add(*COLOUR)
    where = f", path={str(memory.path)!r}" if memory.path else ""
    assert repr(memory) == f"Memory(1 turn, token_budget=1000, recent_turns=4{where})"


# -- many at once ----------------------------------------------------------------------------------------------------


def test_threads_share_it_and_turns_stay_whole(memory):
    def work(n):
        for k in range(25):
            memory.add(f"question {n} {k}", f"answer {n} {k}")
            memory.search(f"question {n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    turns = memory.turns
    assert len(turns) == 200
    assert all(turn.question.replace("question", "answer") == turn.answer for turn in turns)
    for n in range(8):
        mine = [turn.question for turn in turns if turn.question.startswith(f"question {n} ")]
        assert mine == [f"question {n} {k}" for k in range(25)]


def test_loops_of_several_threads_share_it(memory):
    async def work(n):
        memory.add(f"question {n}", "ok")
        await asyncio.sleep(0)
        return len(memory.search("question"))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda n: asyncio.run(work(n)), range(12)))
    assert len(memory) == 12


WRITER = """
import sys
from linus_nb.agent.memory import Memory
with Memory(path=sys.argv[1]) as memory:
    for k in range(60):
        memory.add(f"question {sys.argv[2]} {k}", f"answer {sys.argv[2]} {k}")
        memory.search("question")
"""


def test_processes_share_a_file_that_none_of_them_made_first(tmp_path):
    path = tmp_path / "talk.db"
    writers = [subprocess.Popen([sys.executable, "-W", "error", "-c", WRITER, path, str(n)]) for n in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    with Memory(path=path) as memory:
        assert len(memory) == 180
        assert all(turn.question.replace("question", "answer") == turn.answer for turn in memory.turns)
        assert memory.store.file.read(lambda there: there.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
        assert len(memory.search("question 2 7", limit=200)) >= 60


def test_a_process_that_is_killed_while_it_writes_leaves_whole_turns(tmp_path):
    path = tmp_path / "talk.db"
    endless = WRITER.replace("range(60)", "range(10**9)")
    with subprocess.Popen([sys.executable, "-c", endless, path, "0"]) as writer, Memory(path=path) as memory:
        while len(memory) < 20:
            assert writer.poll() is None
        writer.kill()
        writer.wait()
        memory.add("afterwards", "ok")
        *turns, last = memory.turns
        assert last.question == "afterwards"
        assert [turn.answer for turn in turns] == [f"answer 0 {k}" for k in range(len(turns))]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_takes_a_connection_of_its_own(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        memory.add("parent", "1")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                memory.add("child", "2")
                code = 0 if len(memory) == 2 else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        memory.add("parent again", "3")
        assert questions(memory.turns) == ["parent", "child", "parent again"]


def held(path):
    """Return a connection that holds the write lock of a file."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_writing_waits_for_another_process(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        other = held(memory.path)
        adding = threading.Thread(target=memory.add, args=COLOUR)
        adding.start()
        assert memory.turns == ()  # reading waits for nobody
        other.execute("COMMIT")
        other.close()
        adding.join(20)
        assert questions(memory.turns) == [COLOUR[0]]


def test_a_file_that_is_held_too_long_is_an_error(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        other = held(memory.path)
        with pytest.raises(MemoryBusyError, match=r"another process held it for 0\.02 s"):
            memory.store.summarise(0, 1, "x", 0.02)
        other.close()


def test_a_full_disk_is_a_clear_error_and_costs_nothing(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        memory.add(*COLOUR)
        memory.store.file.read(lambda there: there.execute("PRAGMA max_page_count = 1"))
        with pytest.raises(MemoryFileError, match="cannot be used: database or disk is full"):
            memory.add("long", "x" * 1_000_000)
        assert questions(memory.turns) == [COLOUR[0]]


# -- its card --------------------------------------------------------------------------------------------------------


def test_its_card_is_escaped_and_bounded(memory):
    assert "Nothing was said yet" in memory._repr_mimebundle_()["text/html"]
    for n in range(20):
        memory.add(f"<script>alert({n})</script>" * 100, "<b>bold</b> \u202e")
    memory.store.summarise(0, 3, "<img src=x>")
    html = memory._repr_mimebundle_()["text/html"]
    assert "<script" not in html.partition("</style>")[2]
    assert "&lt;script" in html
    assert "&lt;img src=x&gt;" in html
    assert "and 12 turns before" in html
    assert len(html) < 12_000


def test_the_card_of_a_closed_memory_says_so(memory):
    memory.close()
    assert "closed" in memory._repr_mimebundle_()["text/html"]


def test_its_text_tells_summary_and_latest_turns(memory):
    for n in range(12):
        memory.add(f"question {n}\nmore", "<b>bold</b>" if n == 11 else "")
    memory.store.summarise(0, 6, "They talked.\nOf tides.")
    first, *lines = memory._repr_mimebundle_()["text/plain"].splitlines()
    assert first == repr(memory)
    assert lines[:3] == [
        "  Earlier, in short: They talked.",
        "  Of tides.",
        "    5  question 4↵more  →  –  (in the summary)",
    ]
    assert lines[-2:] == ["   12  question 11↵more  →  <b>bold</b>", "  and 4 turns before"]
