"""The search in the turns of a memory: which of them have to do with a question, the best first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from time import monotonic

from linus_nb.agent.memory_words import count_alike, insides, match_beginnings, match_words, words_of

MOST_CANDIDATES = 50  # by likeness; which of them come first is also a matter of age
MOST_LOOKED_THROUGH = 2000  # latest turns, where there is no FTS5
LOOKED_AT = 4000  # characters of each of those
HALF_AS_FRESH = 50  # turns after which a turn has lost half of what its age can cost it
STEPS_BETWEEN_LOOKS = 500  # of SQLite's machine, between looks at the clock


def best_numbers(
    there: sqlite3.Connection, question: str, limit: int, has_index: bool, within_s: float | None
) -> list[int]:
    """Return the numbers of at most ``limit`` turns that have words of a question, the best first."""
    words = words_of(question)
    if not words:
        return []
    if has_index:
        likeness = _by_index(there, words, max(MOST_CANDIDATES, limit), within_s)
    else:
        likeness = _by_looking_through(there, words)
    newest = last_number(there)
    return sorted(likeness, key=lambda n: (likeness[n] * _freshness(newest - n), n), reverse=True)[:limit]


def last_number(there: sqlite3.Connection) -> int:
    """Return the number of the turn that was added last; 0 where none ever was."""
    row = there.execute("SELECT seq FROM sqlite_sequence WHERE name = 'turns'").fetchone()
    return int(row[0]) if row else 0


def _freshness(age: int) -> float:
    """Return by how much a turn counts, so many turns later: from 1 down to a half."""
    return float(0.5 + 0.5 ** (1 + age / HALF_AS_FRESH))


def _by_index(
    there: sqlite3.Connection, words: Sequence[str], at_most: int, within_s: float | None
) -> dict[int, float]:
    """Return how alike turns are to the words, by number.

    Where none has any of them, those with a word that begins so, and else those with one that has it inside.
    """
    for match in (match_words(words), match_beginnings(words)):
        if match and (found := _ranked(there, match, words, at_most, within_s)):
            return found
    return _by_insides(there, insides(words), at_most, within_s)


def _ranked(
    there: sqlite3.Connection, match: str, words: Sequence[str], at_most: int, within_s: float | None
) -> dict[int, float]:
    """Rank by BM25, what was asked before what was answered; where that takes too long, rank the latest that match."""
    try:
        with _Deadline(there, within_s):
            rows = there.execute(
                "SELECT rowid, bm25(words, 1.0, 0.5) AS badness FROM words WHERE words MATCH ? "
                "ORDER BY badness, rowid DESC LIMIT ?",
                (match, at_most),
            ).fetchall()
        return {number: -badness for number, badness in rows}
    except sqlite3.OperationalError as error:
        _raise_unless_interrupted(error)
    latest = there.execute(
        "SELECT id, substr(question, 1, ?), substr(answer, 1, ?) FROM turns WHERE id IN "
        "(SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?)",
        (LOOKED_AT, LOOKED_AT, match, at_most),
    )
    return _counted(latest, words)


def _by_insides(
    there: sqlite3.Connection, words: Sequence[str], at_most: int, within_s: float | None
) -> dict[int, float]:
    """Look for turns with longer words, among the latest; where that takes too long, there are none."""
    if not words:
        return {}
    has_one = " OR ".join(["q LIKE ? OR a LIKE ?"] * len(words))
    try:
        with _Deadline(there, within_s):
            rows = there.execute(
                "SELECT id, q, a FROM (SELECT id, substr(question, 1, ?) AS q, substr(answer, 1, ?) AS a FROM turns "
                f"ORDER BY id DESC LIMIT ?) WHERE {has_one} LIMIT ?",
                (LOOKED_AT, LOOKED_AT, MOST_LOOKED_THROUGH, *(f"%{word}%" for word in words for _ in "qa"), at_most),
            ).fetchall()
        return _counted(rows, words)
    except sqlite3.OperationalError as error:
        _raise_unless_interrupted(error)
        return {}


def _raise_unless_interrupted(error: sqlite3.OperationalError) -> None:
    if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
        raise error


def _by_looking_through(there: sqlite3.Connection, words: Sequence[str]) -> dict[int, float]:
    """Do what can be done without FTS5: count the words in the latest turns."""
    latest = there.execute(
        "SELECT id, substr(question, 1, ?), substr(answer, 1, ?) FROM turns ORDER BY id DESC LIMIT ?",
        (LOOKED_AT, LOOKED_AT, MOST_LOOKED_THROUGH),
    )
    return _counted(latest, words)


def _counted(rows: Iterable[tuple[int, str, str]], words: Sequence[str]) -> dict[int, float]:
    counts = {number: count_alike(words, f"{question} {answer}") for number, question, answer in rows}
    return {number: count for number, count in counts.items() if count}


class _Deadline:
    """Interrupts what a connection does in this block once it has taken ``within_s`` seconds; None: never."""

    def __init__(self, there: sqlite3.Connection, within_s: float | None) -> None:
        self.there = there
        self.within_s = within_s

    def __enter__(self) -> None:
        if self.within_s is not None:
            until = monotonic() + self.within_s
            self.there.set_progress_handler(lambda: monotonic() > until, STEPS_BETWEEN_LOOKS)

    def __exit__(self, *_: object) -> None:
        self.there.set_progress_handler(None, 0)
