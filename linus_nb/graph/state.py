"""State that outlives a run: who wrote what and when, safe across threads; and snapshots of it."""

from __future__ import annotations

import copy
import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from linus_nb.brief import Brief, brief, brief_items
from linus_nb.display import Shown
from linus_nb.errors import GraphError, nearest


@dataclass(frozen=True, slots=True, repr=False)
class StateEntry(Brief):
    """One value, who wrote it, when (UTC), and whatever else was said of it."""

    value: Any
    source: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


class SharedState(Shown, MutableMapping[str, Any]):
    """A mapping that remembers who wrote each value and when, safe to use from several threads.

    A run starts from a fresh state; hand a `SharedState` to a `DAGExecutor` and it is read once at the start, then
    gets the initial state and each node's output as it is written. Values are kept by reference, lists that are
    returned are copies.

    Args:
        initial: values to begin with.
        history: how many writes and deletions are remembered, over all keys.

    >>> state = SharedState({"topic": "barriers"})
    >>> state.set("draft", "…", source="writer")
    >>> state.get("draft"), state.get_entry("draft").source
    ('…', 'writer')
    """

    _view = "linus_nb.rendering.state:state_bundle"

    def __init__(self, initial: Mapping[str, Any] | None = None, *, history: int = 1000) -> None:
        self._lock = threading.RLock()
        self._entries: dict[str, StateEntry] = {}
        self._history: deque[tuple[str, StateEntry | None]] = deque(maxlen=history)
        for key, value in (initial or {}).items():
            self.set(key, value)

    def set(self, key: str, value: Any, source: str | None = None, metadata: Mapping[str, Any] | None = None) -> None:
        """Write a value."""
        if not isinstance(key, str):
            raise GraphError(f"a state key is a string, not {key!r}")
        entry = StateEntry(value, source, dict(metadata or {}))
        with self._lock:
            self._entries[key] = entry
            self._history.append((key, entry))

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        return key in self._entries

    def delete(self, key: str) -> bool:
        """Delete a key; return whether it was there."""
        with self._lock:
            there = self._entries.pop(key, None) is not None
            if there:
                self._history.append((key, None))
            return there

    def get_entry(self, key: str) -> StateEntry | None:
        """Return a value with its source, metadata (a copy) and time, or None."""
        entry = self._entries.get(key)
        return None if entry is None else _copied(entry)

    def get_all(self) -> dict[str, Any]:
        """Return a dict of all values."""
        with self._lock:
            return {key: entry.value for key, entry in self._entries.items()}

    to_dict = get_all

    def get_history(self, key: str | None = None) -> list[tuple[str, StateEntry | None]]:
        """Return the writes (and, as None, the deletions) of one key or of all, oldest first."""
        with self._lock:
            items = [item for item in self._history if key is None or item[0] == key]
        return [(name, None if entry is None else _copied(entry)) for name, entry in items]

    def clear(self) -> None:
        """Delete everything, and forget the history."""
        with self._lock:
            self._entries.clear()
            self._history.clear()

    def to_json(self, *, indent: int | None = None) -> str:
        """Return JSON with value, source, metadata and time of each entry.

        Raises:
            GraphError: a value is not JSON, or would come back as another (a tuple as a list, say); the message names
                its key.
        """
        with self._lock:
            entries = dict(self._entries)
        rows = {
            k: {"value": e.value, "source": e.source, "metadata": dict(e.metadata), "time": e.time.isoformat()}
            for k, e in entries.items()
        }
        for key, row in rows.items():
            try:
                same = json.loads(json.dumps(row, allow_nan=False)) == row
            except (TypeError, ValueError, RecursionError) as error:
                raise GraphError(f"the value of {key!r} is not JSON ({error}); delete the key or convert it") from error
            if not same:
                raise GraphError(f"the value of {key!r} would not come back from JSON as it is; convert it")
        return json.dumps(rows, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> SharedState:
        """Return the state that `to_json` wrote.

        Raises:
            GraphError: the text is not such a state.
        """
        state = cls()
        try:
            for key, row in dict(json.loads(text)).items():
                time = datetime.fromisoformat(row["time"])
                entry = StateEntry(row["value"], row["source"], dict(row["metadata"]), time)
                state._entries[key] = entry
                state._history.append((key, entry))
        except (TypeError, ValueError, KeyError) as error:
            what = f"{type(error).__name__}: {error}"
            raise GraphError(f"this is not a state that to_json() wrote ({what}); export it again") from error
        return state

    def __getitem__(self, key: str) -> Any:
        return self._entries[key].value

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"SharedState({{{brief_items(self.get_all())}}})"


def _copied(entry: StateEntry) -> StateEntry:
    return replace(entry, metadata=dict(entry.metadata))


class StateManager(Shown):
    """Named snapshots of a `SharedState`: deep copies to come back to.

    >>> state = SharedState({"n": [1]})
    >>> manager = StateManager(state)
    >>> manager.snapshot("before")
    >>> state["n"].append(2)
    >>> manager.restore("before")
    >>> state["n"]
    [1]
    """

    _view = "linus_nb.rendering.state:manager_bundle"

    def __init__(self, state: SharedState | None = None) -> None:
        self.state = SharedState() if state is None else state
        self._snapshots: dict[str, dict[str, StateEntry]] = {}

    def snapshot(self, name: str) -> None:
        """Keep a deep copy of the state under ``name``."""
        with self.state._lock:
            self._snapshots[name] = copy.deepcopy(self.state._entries)

    def restore(self, name: str) -> None:
        """Put the state back to what it was.

        Raises:
            GraphError: no snapshot has that name.
        """
        if name not in self._snapshots:
            raise GraphError(f"no snapshot {name!r}; {nearest(name, self._snapshots)}(snapshots: {self.list()})")
        entries = copy.deepcopy(self._snapshots[name])
        with self.state._lock:
            self.state._entries = entries

    def list(self) -> list[str]:
        """Return the snapshots' names, oldest first."""
        return list(self._snapshots)

    def export(self) -> str:
        """Return the state as JSON (see `SharedState.to_json`)."""
        return self.state.to_json()

    def import_(self, text: str) -> None:
        """Replace the state by what `export` wrote."""
        loaded = SharedState.from_json(text)
        with self.state._lock:
            self.state._entries = loaded._entries

    def sizes(self) -> dict[str, int]:
        """Return how many keys each snapshot holds, by its name, oldest first."""
        return {name: len(entries) for name, entries in self._snapshots.items()}

    def __repr__(self) -> str:
        return f"StateManager(snapshots={brief(self.list())}, state={self.state!r})"
