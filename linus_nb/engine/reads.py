"""What the nodes of a run read: told from how they are bound and from what was written, when somebody asks.

Nothing is noted while a node is called with the keys that its binding names. A node's sources have ended when it
starts, so whoever asks later is told the same. Only what a node looks up by itself is noted, by key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import ItemsView, Iterator, KeysView, Sequence, ValuesView
from typing import Any

from linus_nb.engine.view import Values
from linus_nb.events import KeyRead
from linus_nb.graph.plan import Binding

_INDEXED = (list, tuple)  # whoever holds one of these has its items
_HOLDING = (set, frozenset, deque, range, KeysView, ValuesView, ItemsView)  # whose items stay while they do


class Reads:
    """What was read in one run, by the number of the node. It keeps nothing alive that the run's events do not."""

    def __init__(self, values: Values, bindings: Sequence[Binding]) -> None:
        self._values = values
        self._bindings = bindings
        self._items: dict[int, list[Any]] = {}

    def note_items(self, i: int, values: list[Any], source: Any) -> None:
        """Note the items of mapped node ``i``, unless they are found by their place, or would be gone by now."""
        if isinstance(source, _HOLDING):
            self._items[i] = values

    def item(self, i: int, item: int) -> Any:
        """Return an item that `note_items` kept, or None."""
        return self._items[i][item] if i in self._items else None

    def bound(self, i: int) -> tuple[KeyRead, ...]:
        """Return the keys that node ``i`` is called with, and the one whose items it runs for."""
        binding, over = self._bindings[i], self._values.plan.nodes[i].map_over
        if not binding.keys and over is None:
            return ()
        named = [(key, "" if name == key else name, writers) for name, key, writers in binding.keys]
        if over is not None:
            named.insert(0, (over, "", self._values.plan.heard(over, i)))
        return tuple(self._found(named))

    def looked_up(self, i: int) -> tuple[KeyRead, ...]:
        """Return the keys that node ``i`` has looked up by itself, as far as they were noted."""
        keys = self._values.looked_up.get(i)
        if not keys:
            return ()
        plan, known = self._values.plan, {read.key for read in self.bound(i)}
        return tuple(self._found([(key, "", plan.heard(key, i)) for key in keys if key not in known]))

    def _found(self, named: list[tuple[str, str, Sequence[int]]]) -> Iterator[KeyRead]:
        """Yield what was there; a key that was not written is left out."""
        for key, name, writers in named:
            sources = self._values.sources(key, writers)
            if sources:
                yield KeyRead(key, name, sources)
