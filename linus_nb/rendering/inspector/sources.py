"""The values that a node read, found where the record has them: with the nodes that wrote them, or around the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import KeyRead

ABSENT = object()  # no longer known: it was made on the way, or its writer's file is damaged


@dataclass(frozen=True, slots=True)
class Scope:
    """A run, and for a graph inside a node what that node read: its ``outer`` scope, its record, and the item."""

    record: RunRecord
    outer: Scope | None = None
    holder: NodeRecord | None = None
    item: Any = ABSENT

    def value_of(self, read: KeyRead) -> Any:
        """Return a value that was read; of what a reducer folded, the parts by who wrote them."""
        parts = {source: self._written(source, read.key) for source in read.sources}
        if len(parts) == 1:
            return next(iter(parts.values()))
        return {source or "initial state": value for source, value in parts.items() if value is not ABSENT}

    def _written(self, source: str, key: str) -> Any:
        if source:
            node = self.record.nodes.get(source)
            return ABSENT if node is None else node.result
        if self.outer is None or self.holder is None:
            return self.record.initial.get(key, ABSENT)
        found = next((read for read in self.holder.reads if key == (read.name or read.key)), None)
        return self.item if found is None else self.outer.value_of(found)

    def read_by(self, node: NodeRecord) -> list[tuple[str, str, Any]]:
        """Return what a node read: the key, what the node calls it, and the value, where that is known."""
        found = ((read, self.value_of(read)) for read in node.reads)
        return [(read.key, read.name or read.key, value) for read, value in found if value is not ABSENT]

    def item_of(self, node: NodeRecord, over: str, k: int) -> Any:
        """Return the item that a mapped node ran for, or `ABSENT`."""
        if node.items[k].item is not None:
            return node.items[k].item
        found = next((read for read in node.reads if read.key == over), None)
        values = ABSENT if found is None else self.value_of(found)
        return values[k] if isinstance(values, list | tuple) and k < len(values) else ABSENT
