"""The SQLite connection behind a memory: opening and checking it, waiting for others, and closing it.

One connection guarded by a lock, whatever thread or loop comes: a use takes a millisecond or so. Nobody holds the lock
for long while waiting for another process, and nobody waits longer than asked to.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from linus_nb.agent.memory_errors import MemoryClosedError, MemoryFileError

T = TypeVar("T")
APPLICATION_ID = 0x6C6E626D  # "lnbm": how a file says that it is a memory
VERSION = 1
PATIENCE_S = 10.0  # for another process that writes
ONE_TRY_S = 0.01  # of it with the lock held
BETWEEN_TRIES_S = 0.001

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
        self._lock = threading.Lock()
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
            BusyError: another process held the file longer than ``patience_s`` seconds.
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
        self._closing = weakref.finalize(self, _close, connection, self._process)
        try:
            until = monotonic() + PATIENCE_S
            _patiently(lambda: _check(connection, self.path), until)
            _patiently(lambda: _prepare(connection), until)
            self.has_index = has_fts5(connection)
            if self.has_index:
                _patiently(lambda: connection.execute(_INDEX), until)
        except sqlite3.Error as error:
            self._closing()
            raise _unusable(self.path, error) from error
        except MemoryFileError:
            self._closing()
            raise
        self._connection = connection

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T], patience_s: float) -> T:
        self._check_process()

        def attempt() -> T:
            with self._lock:
                if self._connection is None:
                    raise MemoryClosedError(self.path)
                return _within(self._connection, begin, work)

        try:
            return _patiently(attempt, monotonic() + patience_s)
        except sqlite3.Error as error:
            if is_busy(error):
                raise BusyError(self.path, patience_s) from error
            raise _unusable(self.path, error) from error

    def _check_process(self) -> None:
        """In a forked process, take a new connection: one that two processes use would ruin the file."""
        if self._process == os.getpid():
            return
        self._lock = threading.Lock()  # a thread that is not here may have held the old one
        if self.path is not None and self._connection is not None:
            _INHERITED.append(self._connection)
            self._open()
        self._process = os.getpid()


_INHERITED: list[sqlite3.Connection] = []  # of the parent process; closing one here would touch its file


class BusyError(MemoryFileError):
    """Another process did not let go of the file in time."""

    def __init__(self, path: object, patience_s: float) -> None:
        super().__init__(path, f"another process held it for {patience_s:g} s", "end that process, or try again")


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
    try:
        return sqlite3.connect(
            path or ":memory:", timeout=ONE_TRY_S, isolation_level=None, check_same_thread=False, cached_statements=32
        )
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


def _check(connection: sqlite3.Connection, path: Path | None) -> None:
    """Look at what is there before anything is written: a file of somebody else's stays as it is."""

    def look(there: sqlite3.Connection) -> tuple[int, int, int]:
        [[application]] = there.execute("PRAGMA application_id")
        [[version]] = there.execute("PRAGMA user_version")
        [[tables]] = there.execute("SELECT count(*) FROM sqlite_master")
        return application, version, tables

    application, version, tables = _within(connection, "BEGIN", look)
    if tables and application != APPLICATION_ID:
        raise MemoryFileError(path, "it is an SQLite database of something else", "give the path of another file")
    if tables and version > VERSION:
        raise MemoryFileError(path, "a later version of linus_nb wrote it", "update linus_nb, or give another path")


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


def _close(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        connection.close()


def _unusable(path: Path | None, error: sqlite3.Error) -> MemoryFileError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        return MemoryFileError(path, "it is no SQLite file", "give the path of another file")
    return MemoryFileError(path, str(error), "see that it can be written and that there is room, or give another path")
