"""Replies of models kept in a file, so that a question that was asked before costs nothing.

No library does this: LangChain's SQLite cache needs SQLAlchemy, knows no streams, and lets the same question through
twice when it is asked twice at once; diskcache is no longer maintained.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from linus_nb.errors import CacheFileError
from linus_nb.masking import logger
from linus_nb.models.governing.flights import Flights

APPLICATION_ID = 0x6C6E6263  # "lnbc": how a file says that it is a cache
PATIENCE_S = 5.0  # for another process that writes
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, at TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
"""


class ResponseCache:
    """Replies of models, by what was asked: hand it to ``governed(model, cache=...)``.

    A reply is found again for the same model, settings, messages, tools and schema, and no other. The file holds
    replies and no questions; several models, threads and processes may share it. What cannot be written is logged, and
    the reply is handed on all the same.

    Args:
        path: A file, made where there is none; without one, replies are kept as long as the cache itself.

    Raises:
        CacheFileError: The file cannot be opened, or is something else.

    >>> from linus_nb.models import governed
    >>> from linus_nb.testing import ScriptedModel
    >>> model = governed(ScriptedModel(["one", "two"]), cache=ResponseCache())
    >>> [model.invoke("hello").text for _ in range(3)]
    ['one', 'one', 'one']
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.flights = Flights()
        self._lock = threading.Lock()
        self._connection = self._opened()

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the reply that was kept under a key, as LangChain's plain data, or None."""
        try:
            with self._lock:
                row = self._connection.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
            found = None if row is None else json.loads(row[0])
        except (sqlite3.Error, ValueError) as error:
            logger.warning("the cache %s cannot be read, and the model is asked: %s", self.path, error)
            return None
        return found if isinstance(found, dict) and {"type", "data"} <= found.keys() else None

    def put(self, key: str, model: str, reply: dict[str, Any]) -> None:
        """Keep a reply under a key, in the place of an older one."""
        row = (key, model, json.dumps(reply), datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            with self._lock, self._connection:
                self._connection.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            logger.warning("the cache %s cannot be written, and the reply is not kept: %s", self.path, error)

    def clear(self) -> None:
        """Forget all replies.

        Raises:
            CacheFileError: The file cannot be written.
        """
        try:
            with self._lock, self._connection:
                self._connection.execute("DELETE FROM replies")
        except sqlite3.Error as error:
            raise CacheFileError(self.path, error) from error

    def close(self) -> None:
        """Close the file; models that still use the cache ask as if it were empty."""
        with self._lock:
            self._connection.close()

    def __len__(self) -> int:
        with self._lock:
            count: int = self._connection.execute("SELECT count(*) FROM replies").fetchone()[0]
            return count

    def __deepcopy__(self, _: object) -> ResponseCache:
        """Return this cache: copies of a model share it."""
        return self

    def __repr__(self) -> str:
        return f"ResponseCache({'' if self.path is None else repr(str(self.path))})"

    def _opened(self) -> sqlite3.Connection:
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path or ":memory:", timeout=PATIENCE_S, check_same_thread=False)
            try:
                marked = connection.execute("PRAGMA application_id").fetchone()[0]
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                if tables and marked != APPLICATION_ID:
                    raise CacheFileError(self.path, "it is the database of something else")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")  # a reply that a power failure takes is asked again
                connection.executescript(_SCHEMA)
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, CacheFileError):
                raise
            raise CacheFileError(self.path, error) from error
        return connection
