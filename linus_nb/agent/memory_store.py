"""What a memory writes into its file and reads from it: turns, their summary, and the search in them."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from linus_nb.agent.memory_file import PATIENCE_S, MemoryFile
from linus_nb.agent.memory_search import MOST_LOOKED_THROUGH, best_numbers, last_number
from linus_nb.agent.memory_words import searchable

logger = logging.getLogger("linus_nb")

MOST_INDEXED = 20_000  # characters of a text that can be found
WHOLE = 2**31 - 1  # characters: more than SQLite takes


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer.

    Attributes:
        question: What was asked or told.
        answer: What was answered.
        at: When it was kept.
        summarised: Whether it stands in the summary, and is no longer repeated word for word.
        number: Its place in the order of all turns; a number is never used again.
    """

    question: str
    answer: str
    at: datetime
    summarised: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a next summary is made of.

    Attributes:
        summary: The present summary.
        since: The number of the last turn that stands in it.
        turns: The turns after that one, the oldest first.
    """

    summary: str
    since: int
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands at the beginning of a prompt, all read at one moment. The latest turn is the last.

    Attributes:
        summary: The summary of the turns that are not repeated.
        recent: Turns that are not in the summary, the latest ones.
        found: Turns that a search found, the best first.
    """

    summary: str
    recent: tuple[Turn, ...]
    found: tuple[Turn, ...]


class MemoryStore:
    """The turns of a memory, in a file or in main memory."""

    def __init__(self, path: Path | None) -> None:
        self.file = MemoryFile(path)
        if self.file.has_index:
            self.file.write(_index_missing)
        else:
            logger.warning(
                "this Python's SQLite has no FTS5: a memory looks for words in its latest %d turns only",
                MOST_LOOKED_THROUGH,
            )

    # -- writing -----------------------------------------------------------------------------------------------------

    def add(self, question: str, answer: str, patience_s: float = PATIENCE_S) -> Turn:
        """Store a turn."""

        def work(there: sqlite3.Connection) -> Turn:
            at = datetime.now(UTC)  # while nobody else can write, so that times have the order of numbers
            number = _insert(there, question, answer, at)
            self._index(there)
            return Turn(question, answer, at, number=number)

        return self.file.write(work, patience_s)

    def fill(self, summary: str, turns: Iterable[Turn]) -> int:
        """Store turns and their summary where nothing is; return how many turns there were already, if any."""

        def work(there: sqlite3.Connection) -> int:
            present = _count(there)
            if present:
                return present
            summarised_to = last_number(there)
            for turn in turns:
                number = _insert(there, turn.question, turn.answer, turn.at)
                if turn.summarised:
                    summarised_to = number
            there.execute("UPDATE about SET summary = ?, summarised_to = ?", (summary, summarised_to))
            self._index(there)
            return 0

        return self.file.write(work)

    def summarise(self, since: int, to: int, summary: str, patience_s: float = PATIENCE_S) -> bool:
        """Let ``summary`` stand for all turns up to number ``to``.

        Nothing is changed, and the answer is False, where the summary reaches another turn than ``since`` by now:
        another process summarised, or the memory was cleared.
        """

        def work(there: sqlite3.Connection) -> bool:
            changed = there.execute(
                "UPDATE about SET summary = ?, summarised_to = ? WHERE summarised_to = ?", (summary, to, since)
            )
            return changed.rowcount == 1

        return self.file.write(work, patience_s)

    def clear(self) -> None:
        """Forget all turns and the summary."""

        def work(there: sqlite3.Connection) -> None:
            there.execute("DELETE FROM turns")
            if self.file.has_index:
                there.execute("INSERT INTO words (words) VALUES ('delete-all')")
            # not back to 0: a summary that is being written at this moment must not fit what comes next
            last = last_number(there)
            there.execute("UPDATE about SET summary = '', summarised_to = ?, indexed_to = ?", (last, last))

        self.file.write(work)

    def _index(self, there: sqlite3.Connection) -> None:
        if self.file.has_index:
            _index_missing(there)

    # -- reading -----------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many turns there are."""
        return self.file.read(_count)

    def summary(self) -> tuple[str, int]:
        """Return the summary, and the number of the last turn that stands in it."""
        return self.file.read(_summary)

    def turns(self, latest: int | None = None) -> tuple[Turn, ...]:
        """Return all turns, or the ``latest`` so many, the latest last."""
        return self.everything(latest)[1]

    def everything(self, latest: int | None = None) -> tuple[str, tuple[Turn, ...]]:
        """Return the summary and the turns, read at one moment."""

        def work(there: sqlite3.Connection) -> tuple[str, tuple[Turn, ...]]:
            summary, summarised_to = _summary(there)
            rows = there.execute(f"{_TURN} ORDER BY id DESC LIMIT ?", (-1 if latest is None else latest,)).fetchall()
            return summary, tuple(_turn(row, summarised_to) for row in reversed(rows))

        return self.file.read(work)

    def waiting(self, at_most: int, longest: int) -> Waiting:
        """Return the oldest turns that are not in the summary, texts cut after ``longest`` characters."""

        def work(there: sqlite3.Connection) -> Waiting:
            summary, since = _summary(there)
            rows = there.execute(
                f"{_TURN_CUT} WHERE id > ? ORDER BY id LIMIT ?", (longest, longest, since, at_most)
            ).fetchall()
            return Waiting(summary, since, tuple(_turn(row, since) for row in rows))

        return self.file.read(work)

    def opening(self, question: str, recent: int, found: int, longest: int, within_s: float) -> Opening:
        """Return what a prompt that asks ``question`` may begin with, texts cut after ``longest`` characters."""

        def work(there: sqlite3.Connection) -> Opening:
            summary, summarised_to = _summary(there)
            rows = there.execute(
                f"{_TURN_CUT} WHERE id > ? ORDER BY id DESC LIMIT ?", (longest, longest, summarised_to, recent)
            ).fetchall()
            latest = tuple(_turn(row, summarised_to) for row in reversed(rows))
            return Opening(summary, latest, self._found(there, question, found, longest, within_s))

        return self.file.read(work)

    def search(self, question: str, limit: int) -> tuple[Turn, ...]:
        """Return the turns that have words of a question, the best first."""
        return self.file.read(lambda there: self._found(there, question, limit, longest=WHOLE, within_s=None))

    def _found(
        self, there: sqlite3.Connection, question: str, limit: int, longest: int, within_s: float | None
    ) -> tuple[Turn, ...]:
        numbers = best_numbers(there, question, limit, self.file.has_index, within_s)
        return _turns_of(there, numbers, longest)


# -- statements ------------------------------------------------------------------------------------------------------

_TURN = "SELECT id, question, answer, at FROM turns"
_TURN_CUT = "SELECT id, substr(question, 1, ?), substr(answer, 1, ?), at FROM turns"
_Row = tuple[int, str, str, str]


def _turn(row: _Row, summarised_to: int) -> Turn:
    number, question, answer, at = row
    if not all(isinstance(text, str) for text in (question, answer, at)):
        raise ValueError(f"turn {number} holds no texts")  # the file is damaged, as its schema forbids that
    return Turn(question, answer, datetime.fromisoformat(at), number <= summarised_to, number)


def _turns_of(there: sqlite3.Connection, numbers: Sequence[int], longest: int) -> tuple[Turn, ...]:
    """Return the turns of these numbers, in this order, texts cut after ``longest`` characters."""
    _, summarised_to = _summary(there)
    rows = (there.execute(f"{_TURN_CUT} WHERE id = ?", (longest, longest, n)).fetchone() for n in numbers)
    return tuple(_turn(row, summarised_to) for row in rows if row is not None)


def _insert(there: sqlite3.Connection, question: str, answer: str, at: datetime) -> int:
    cursor = there.execute(
        "INSERT INTO turns (question, answer, at) VALUES (?, ?, ?)", (question, answer, at.astimezone(UTC).isoformat())
    )
    return cast("int", cursor.lastrowid)


def _index_missing(there: sqlite3.Connection) -> None:
    """Make the latest turns findable: the one just written, and those that a Python without FTS5 wrote."""
    missing = there.execute(
        "SELECT id, substr(question, 1, ?), substr(answer, 1, ?) FROM turns "
        "WHERE id > (SELECT indexed_to FROM about) ORDER BY id",
        (MOST_INDEXED, MOST_INDEXED),
    )
    there.executemany(
        "INSERT INTO words (rowid, question, answer) VALUES (?, ?, ?)",
        ((number, searchable(question), searchable(answer)) for number, question, answer in missing),
    )
    there.execute("UPDATE about SET indexed_to = ?", (last_number(there),))


def _summary(there: sqlite3.Connection) -> tuple[str, int]:
    [(summary, summarised_to)] = there.execute("SELECT summary, summarised_to FROM about")
    return str(summary), int(summarised_to)


def _count(there: sqlite3.Connection) -> int:
    return int(there.execute("SELECT count(*) FROM turns").fetchone()[0])
