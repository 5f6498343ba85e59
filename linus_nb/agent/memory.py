"""The memory of an agent: what was asked and answered before, within a token budget."""

from __future__ import annotations

import threading
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from linus_nb.agent.memory_json import from_json, to_json
from linus_nb.agent.memory_store import MemoryStore, Turn
from linus_nb.agent.memory_text import Budget, clean
from linus_nb.display import Shown
from linus_nb.errors import MemoryClosedError, MemoryFileError, MemoryInUseError, MemorySizeError

SMALLEST_BUDGET = 64


class Memory(Shown):
    """What an agent remembers of earlier runs: ``Agent(memory=Memory())``.

    The latest turns stand in a prompt word for word. Once they pass half the budget, the oldest are summarised, and the
    summary stands for them. Turns that have words of the new question are searched for in all that was ever said, and
    stand right before it.

    One memory may serve many runs, threads and event loops at once, and one file several processes.

    Args:
        token_budget: How many tokens of a prompt it may take: about four times as many letters.
        recent_turns: How many of the latest turns are never summarised; fewer where the budget has no room for them.
        path: A file that keeps it (made if it is not there); None keeps it as long as this object lives.

    Raises:
        MemorySizeError: a budget of less than 64 tokens, or no recent turns.
        MemoryFileError: the file cannot be opened, or is something else.

    >>> memory = Memory()
    >>> turn = memory.add("my favourite color is teal", "Noted.")
    >>> [turn.question for turn in memory.search("Which colours do I like?")]
    ['my favourite color is teal']
    """

    _view = "linus_nb.rendering.memory:memory_bundle"

    def __init__(self, token_budget: int = 1000, recent_turns: int = 4, path: str | Path | None = None) -> None:
        _check("token_budget", token_budget, SMALLEST_BUDGET)
        _check("recent_turns", recent_turns, 1)
        self.token_budget = token_budget
        self.recent_turns = recent_turns
        self.budget = Budget.of(token_budget, recent_turns)
        self.path = None if path is None else Path(path).expanduser().absolute()
        self.store = MemoryStore(self.path)
        self.summarising = Summarising()

    # -- turns -------------------------------------------------------------------------------------------------------

    def add(self, question: str, answer: str) -> Turn:
        """Keep a question and its answer, as the latest turn. Summarises nothing.

        Raises:
            MemoryFileError: it cannot be written.
        """
        return self.store.add(clean(question), clean(answer))

    def search(self, query: str, limit: int = 5) -> list[Turn]:
        """Return at most ``limit`` turns that have words of ``query``, in whatever form, the best first.

        Any text may be asked for; there is no query language in it.
        """
        _check("limit", limit, 1)
        return list(self.store.search(clean(query), limit))

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, the latest last; also those that stand in the summary."""
        return self.store.turns()

    @property
    def summary(self) -> str:
        """The summary of earlier turns; empty as long as none were summarised."""
        return self.store.summary()[0]

    def __len__(self) -> int:
        return self.store.count()

    def __bool__(self) -> bool:
        return True  # an empty memory is a memory

    def clear(self) -> None:
        """Forget all of it. Numbers of turns go on."""
        self.store.clear()

    # -- as a text ---------------------------------------------------------------------------------------------------

    def export(self) -> str:
        """Return the turns and their summary as JSON."""
        return to_json(*self.store.everything())

    def import_(self, text: str) -> None:
        """Take over an exported memory.

        Raises:
            NotAMemoryError: `export` did not write this text.
            MemoryInUseError: there are turns here already.
        """
        summary, turns = from_json(text)
        present = self.store.fill(summary, turns)
        if present:
            raise MemoryInUseError(present)

    @classmethod
    def from_export(
        cls, text: str, token_budget: int = 1000, recent_turns: int = 4, path: str | Path | None = None
    ) -> Memory:
        """Return a new memory that holds an exported one.

        Raises:
            NotAMemoryError: `export` did not write this text.
            MemoryInUseError: the file at ``path`` holds turns already.
        """
        from_json(text)  # before a file is made
        memory = cls(token_budget, recent_turns, path)
        try:
            memory.import_(text)
        except BaseException:
            memory.close()
            raise
        return memory

    # -- the end -----------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.store.file.closed

    def close(self) -> None:
        """Close the file; a memory without one is gone. Nothing can be asked of it then."""
        self.store.file.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "" if self.path is None else f", path={str(self.path)!r}"
        return f"Memory({self._holds()}, token_budget={self.token_budget}, recent_turns={self.recent_turns}{where})"

    def _holds(self) -> str:
        try:
            count = len(self)
        except MemoryClosedError:
            return "closed"
        except MemoryFileError:  # a repr never raises: it stands in other errors' reports
            return "unreadable"
        return "1 turn" if count == 1 else f"{count} turns"


class Summarising:
    """Who of several runs summarises: one at a time.

    A run that was dropped in the midst of it (its generator never closed) gives it free after a while.
    """

    LONGEST_S = 600.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: float | None = None
        self._pause = 0

    def begin(self) -> bool:
        """Return whether the caller may summarise now; it says `end` when it has."""
        with self._lock:
            if self._pause:
                self._pause -= 1
                return False
            if self._began is not None and monotonic() - self._began < self.LONGEST_S:
                return False
            self._began = monotonic()
            return True

    def end(self) -> None:
        """Let others summarise."""
        with self._lock:
            self._began = None

    def failed(self, pause: int) -> None:
        """Let the next ``pause`` turns pass before another try: a model that cannot would be asked at every turn."""
        with self._lock:
            self._pause = pause


def _check(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise MemorySizeError(name, value, least)
