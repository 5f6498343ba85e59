"""Files that are damaged, locked away, deleted or replaced: clear errors, and nothing is lost that is still there."""

from __future__ import annotations

import logging
import os
import random
import tempfile
from pathlib import Path

import pytest

from linus_nb import Agent
from linus_nb.agent.memory import Memory
from linus_nb.agent.memory_recall import recall
from linus_nb.errors import LinusError, MemoryFileError, NotAMemoryError
from linus_nb.testing import ScriptedModel
from tests.memory_steps import talk, told

COLOUR = ("my favourite colour is teal", "Noted.")
PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of a memory of 60 turns."""
    path = tmp_path_factory.mktemp("whole") / "talk.db"
    with Memory(path=path) as memory:
        memory.add(*COLOUR)
        talk(memory, 59)
    return path.read_bytes()


# -- damaged ---------------------------------------------------------------------------------------------------------


def damaged(whole, seed):
    """Return a file with a hole, a lost end, or some letters changed, behind its first hundred bytes."""
    chance, content = random.Random(seed), bytearray(whole)
    kind = seed % 3
    if kind == 0:
        del content[chance.randrange(100, len(content)) :]
    elif kind == 1:
        at = chance.randrange(PAGE, len(content), PAGE)
        content[at : at + PAGE] = bytes(PAGE) if seed % 2 else chance.randbytes(PAGE)
    else:
        for _ in range(chance.choice([1, 5, 50, 500])):
            content[chance.randrange(100, len(content))] = chance.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("seed", range(120))
def test_a_damaged_file_raises_nothing_but_errors_that_say_what_to_do(whole, tmp_path, seed, caplog):
    path = tmp_path / "talk.db"
    path.write_bytes(damaged(whole, seed))
    errors = []

    def tried(use):
        try:
            return use()
        except LinusError as error:
            errors.append(error)

    caplog.set_level(logging.CRITICAL, "linus_nb")
    memory = tried(lambda: Memory(path=path))
    if memory is not None:
        with memory:
            tried(lambda: memory.search("colour"))
            tried(lambda: memory.turns)
            tried(lambda: recall(memory, "which colour?"))
            tried(lambda: told(memory, "and now?", "Noted."))
            tried(lambda: Memory.from_export(memory.export()).close())
            assert repr(memory).startswith("Memory(")
            assert memory._repr_mimebundle_()["text/plain"].startswith("Memory(")
    about_files = [str(error) for error in errors if isinstance(error, MemoryFileError)]
    assert all("; put a copy from before in its place" in e or "no SQLite file" in e for e in about_files)


def test_a_file_without_its_tables_is_damaged(tmp_path):
    path = tmp_path / "talk.db"
    with Memory(path=path) as memory:
        memory.store.file.write(lambda there: there.execute("DROP TABLE about"))
    with pytest.raises(MemoryFileError, match="it is damaged; put a copy from before in its place, or move it away"):
        Memory(path=path)


def test_a_time_that_is_none_is_damage_and_not_a_python_error(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        memory.add(*COLOUR)
        memory.store.file.write(lambda there: there.execute("UPDATE turns SET at = 'noon'"))
        with pytest.raises(MemoryFileError, match="it is damaged"):
            _ = memory.turns


def test_a_run_with_an_unreadable_memory_says_so_before_any_model_is_asked(tmp_path):
    model = ScriptedModel(["Hello"])
    with Memory(path=tmp_path / "talk.db") as memory:
        memory.store.file.write(lambda there: there.execute("DROP TABLE about"))
        with pytest.raises(MemoryFileError, match="it is damaged"):
            Agent(llm=model, memory=memory).run("Hello?")
        assert repr(memory) == f"Memory(0 turns, token_budget=1000, recent_turns=4, path={str(memory.path)!r})"
        assert "unreadable" in memory._repr_mimebundle_()["text/html"]
    assert model.calls == []


# -- locked away -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder():
    """Give a folder to somebody who is not root: root may write everywhere."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        path = Path(made) / "locked"
        try:
            path.mkdir()
            yield path
        finally:
            path.chmod(0o777)
            if root:
                os.seteuid(0)


not_on_windows = pytest.mark.skipif(os.name == "nt", reason="permissions are another thing on Windows")


@not_on_windows
def test_a_file_that_may_not_be_written_says_so_and_stays_as_it_was(folder):
    path = folder / "talk.db"
    with Memory(path=path) as memory:
        memory.add(*COLOUR)
    before = path.read_bytes()
    path.chmod(0o444)
    with pytest.raises(MemoryFileError, match="it cannot be written; see to the permissions of the file"):
        Memory(path=path)
    assert path.read_bytes() == before


@not_on_windows
def test_a_folder_that_may_not_be_written_says_so(folder):
    with Memory(path=folder / "talk.db") as memory:
        memory.add(*COLOUR)
    folder.chmod(0o555)
    with pytest.raises(MemoryFileError, match="it can be neither opened nor made; see to the permissions"):
        Memory(path=folder / "new.db")
    with pytest.raises(MemoryFileError, match="; see to the permissions"):
        Memory(path=folder / "talk.db")


@not_on_windows
def test_a_file_that_may_not_be_read_says_so(folder):
    path = folder / "talk.db"
    Memory(path=path).close()
    path.chmod(0)
    with pytest.raises(MemoryFileError, match="; see to the permissions"):
        Memory(path=path)


# -- deleted, moved, replaced ----------------------------------------------------------------------------------------


def deleted(path):
    for file in path.parent.glob("talk.db*"):
        file.unlink()


def moved(path):
    path.rename(path.with_name("elsewhere.db"))


def replaced(path):
    deleted(path)
    Memory(path=path).close()


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes and moves no file that is open")
@pytest.mark.parametrize("change", [deleted, moved, replaced])
def test_a_file_that_is_gone_meanwhile_is_missed_and_what_it_held_can_be_had(tmp_path, change, caplog):
    path = tmp_path / "talk.db"
    with Memory(path=path) as memory:
        memory.add(*COLOUR)
        change(path)
        with pytest.raises(MemoryFileError, match=r"deleted, moved or replaced while it was open; .*memory.export\(\)"):
            memory.add("and", "this?")
        # an answer is not lost for it, and the log says why the turn was not kept
        model = ScriptedModel(lambda messages, _: "Teal." if "teal" in messages[-1].text else "?")
        assert Agent(llm=model, memory=memory).run("which colour do I like?").result == "Teal."
        assert "a turn could not be kept in the memory" in caplog.text
        with Memory.from_export(memory.export(), path=tmp_path / "rescued.db") as rescued:
            assert [turn.question for turn in rescued.turns] == [COLOUR[0]]


# -- exports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_an_export_that_was_cut_or_changed_is_refused_or_read_and_nothing_else(seed):
    with Memory() as memory:
        talk(memory, 12)
        text = memory.export()
    chance = random.Random(seed)
    if seed % 2:
        text = text[: chance.randrange(len(text))]
    else:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice('{}[]",:0nul\\ud800') + text[at + 1 :]
    with Memory() as memory:
        refused = None
        try:
            memory.import_(text)
        except NotAMemoryError as error:
            refused = str(error)
        assert refused is None or refused.endswith("; give the text that memory.export() returned")
        assert len(memory) == 0 if refused else len(memory) <= 12
