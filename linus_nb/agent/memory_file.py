"""The SQLite connection behind a memory: opening and checking it, waiting for others, and closing it.

One connection guarded by a lock, whatever thread comes: a use takes a millisecond or so, or as long as the disk needs,
and runs of an agent wait for it in threads. Nobody holds the lock for long while waiting for another process.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from linus_nb.errors import MemoryBusyError, MemoryClosedError, MemoryFileError

T = TypeVar("T")
APPLICATION_ID = 0x6C6E626D  # "lnbm": how a file says that it is a memory
VERSION = 1
PATIENCE_S = 10.0  # for another process that writes
ONE_TRY_S = 0.01  # of it with the lock held
BETWEEN_TRIES_S = 0.001
CLOSING_WITHIN_S = 2.0  # for a thread that is at work when the interpreter ends

_SCHEMA = (
    """CREATE TABLE turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT, question TEXT NOT NULL, answer TEXT NOT NULL, at TEXT NOT NULL
    )""",
    # one row; turns up to summarised_to stand in the summary, those up to indexed_to can be found in words
    """CREATE TABLE about (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), summary TEXT NOT NULL DEFAULT '',
        summarised_to INTEGER NOT NULL DEFAULT 0, indexed_to INTEGER NOT NULL DEFAULT 0
    )""",
    "INSERT INTO about (only_row) VALUES (1)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
_INDEX = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(question, answer, content='', "
    "tokenize='porter unicode61 remove_diacritics 2')"
)


class MemoryFile:
    """A SQLite database that holds a memory: a file, or one in main memory where ``path`` is None.

    Raises:
        MemoryFileError: the file cannot be opened, or is something else.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.has_index = False
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._open()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._connection is None

    def read(self, work: Callable[[sqlite3.Connection], T], patience_s: float = PATIENCE_S) -> T:
        """Return what ``work`` reads, all of it from one moment."""
        return self._transaction("BEGIN", work, patience_s)

    def write(self, work: Callable[[sqlite3.Connection], T], patience_s: float = PATIENCE_S) -> T:
        """Do what ``work`` does to the file: all of it, or nothing where it raises.

        Raises:
            MemoryBusyError: another process held the file longer than ``patience_s`` seconds.
            MemoryFileError: it cannot be written, or is no longer at its path.
        """
        return self._transaction("BEGIN IMMEDIATE", work, patience_s)

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self._check_process()
        with self._lock:
            self._connection = None
            self._closing()

    # -- parts -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._process = os.getpid()
        connection = _connect(self.path)
        self._closing = weakref.finalize(self, _close, connection, self._process, self._lock)
        try:
            with _explained(self.path):
                until = monotonic() + PATIENCE_S
                _patiently(lambda: _check(connection, self.path), until)
                _patiently(lambda: _prepare(connection), until)
                self.has_index = has_fts5(connection)
                if self.has_index:
                    _patiently(lambda: connection.execute(_INDEX), until)
        except MemoryFileError:
            self._closing()
            raise
        self._whereabouts = _whereabouts(self.path)
        self._connection = connection

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T], patience_s: float) -> T:
        self._check_process()

        def attempt() -> T:
            with self._lock:
                if self._connection is None:
                    raise MemoryClosedError(self.path)
                if begin != "BEGIN" and _whereabouts(self.path) != self._whereabouts:
                    raise _gone(self.path)  # SQLite would write on, into a file that nobody can find
                return _within(self._connection, begin, work)

        with _explained(self.path, patience_s):
            return _patiently(attempt, monotonic() + patience_s)

    def _check_process(self) -> None:
        """In a forked process, take a new connection: one that two processes use would ruin the file."""
        if self._process == os.getpid():
            return
        self._lock = threading.RLock()  # a thread that is not here may have held the old one
        if self.path is not None and self._connection is not None:
            _INHERITED.append(self._connection)
            self._open()
        self._process = os.getpid()


_INHERITED: list[sqlite3.Connection] = []  # of the parent process; closing one here would touch its file


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether SQLite gave up waiting for another connection."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def has_fts5(connection: sqlite3.Connection) -> bool:
    """Return whether this SQLite was built with FTS5, its full-text search."""
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(text)")
    except sqlite3.OperationalError:  # no such module
        return False
    connection.execute("DROP TABLE temp.probe")
    return True


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None and not path.parent.is_dir():
        raise MemoryFileError(path, f"there is no folder {str(path.parent)!r}", "make the folder, or give another path")
    if path is not None and path.is_dir():
        raise MemoryFileError(path, "it is a folder", "give the path of a file in it")
    with _explained(path):
        return sqlite3.connect(
            path or ":memory:", timeout=ONE_TRY_S, isolation_level=None, check_same_thread=False, cached_statements=32
        )


def _check(connection: sqlite3.Connection, path: Path | None) -> None:
    """Look at what is there before anything is written: a file of somebody else's stays as it is."""

    def look(there: sqlite3.Connection) -> tuple[int, int, set[str]]:
        [[application]] = there.execute("PRAGMA application_id")
        [[version]] = there.execute("PRAGMA user_version")
        tables = {name for [name] in there.execute("SELECT name FROM sqlite_master")}
        return application, version, tables

    application, version, tables = _within(connection, "BEGIN", look)
    if not tables:
        return
    if application != APPLICATION_ID:
        raise MemoryFileError(path, "it is an SQLite database of something else", "give the path of another file")
    if version > VERSION:
        raise MemoryFileError(path, "a later version of linus_nb wrote it", "update linus_nb, or give another path")
    if not {"turns", "about"} <= tables:
        raise _damaged(path)


def _prepare(connection: sqlite3.Connection) -> None:
    # with a log beside the file, readers and a writer do not wait for each other, and a commit need not reach the disk
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 200")  # pages: little to write at once

    def create(there: sqlite3.Connection) -> None:
        [[tables]] = there.execute("SELECT count(*) FROM sqlite_master")
        if not tables:  # another process may have been first
            for statement in _SCHEMA:
                there.execute(statement)

    _within(connection, "BEGIN IMMEDIATE", create)


def _within(connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute(begin)
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _patiently(attempt: Callable[[], T], until: float) -> T:
    """Try until it is not refused as busy, or time is over; SQLite itself waits a little in each try."""
    while True:
        try:
            return attempt()
        except sqlite3.Error as error:
            if not is_busy(error) or monotonic() >= until:
                raise
        sleep(BETWEEN_TRIES_S)  # sometimes SQLite refuses at once


def _whereabouts(path: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from all others; None where there is none."""
    if path is None:
        return None
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _close(connection: sqlite3.Connection, process: int, lock: threading.RLock) -> None:
    """Close a connection, once the thread that uses it is done; what it leaves undone, SQLite undoes."""
    if process == os.getpid() and lock.acquire(timeout=CLOSING_WITHIN_S):
        try:
            connection.close()
        finally:
            lock.release()


# -- what can be wrong with a file -------------------------------------------------------------------------------------

_PERMISSIONS = "see to the permissions of the file and of its folder, or give another path"
_OTHER_FILE = "give the path of another file"
_ROOM = "see that its disk has room and works, or give another path"
_REASONS = {
    sqlite3.SQLITE_NOTADB: ("it is no SQLite file", _OTHER_FILE),
    sqlite3.SQLITE_READONLY: ("it cannot be written", _PERMISSIONS),
    sqlite3.SQLITE_PERM: ("it may not be opened", _PERMISSIONS),
    sqlite3.SQLITE_CANTOPEN: ("it can be neither opened nor made", _PERMISSIONS),
    sqlite3.SQLITE_FULL: ("database or disk is full", _ROOM),
    sqlite3.SQLITE_IOERR: ("the disk failed", _ROOM),
}


@contextmanager
def _explained(path: Path | None, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Raise what SQLite raises as an error that says what to do.

    Its statements are always the same here: where it finds one wrong, or what it reads is no text and no time
    (ValueError), then the file is not what it was.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if is_busy(error):
            raise MemoryBusyError(path, patience_s) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
            raise _damaged(path) from error
        raise MemoryFileError(path, *_REASONS.get(code, (str(error), _ROOM))) from error
    except ValueError as error:
        raise _damaged(path) from error


def _gone(path: Path | None) -> MemoryFileError:
    return MemoryFileError(
        path,
        "it was deleted, moved or replaced while it was open",
        "what it held can still be read: give memory.export() to Memory.from_export(text, path=...)",
    )


def _damaged(path: Path | None) -> MemoryFileError:
    """Return the error of a file that holds a memory no longer, or not all of it."""
    return MemoryFileError(
        path,
        "it is damaged",
        "put a copy from before in its place, or move it away: a new memory begins where there is no file",
    )
