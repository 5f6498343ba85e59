"""Which nodes write and read which keys of the state, and the order that follows from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from linus_nb.graph.node import AgentNode


class Keys:
    """The writers of all nodes, and the readers among those whose order follows from what they read.

    Kept node by node, so that a definition costs as much as its keys have writers and readers.
    """

    def __init__(self) -> None:
        self.reads: dict[str, tuple[str, ...]] = {}  # node -> the keys it reads, where its order follows from them
        self._readers: dict[str, dict[str, str | None]] = {}  # key -> those nodes that read it -> what each writes
        self._writers: dict[str, list[str]] = {}  # key -> all nodes that write it, but for those that wait
        self._waiting: list[AgentNode] = []  # let in since somebody last asked: most graphs never ask

    def enter(self, node: AgentNode, reads: tuple[str, ...] | None) -> None:
        """Let a node in; ``reads`` is None where its order does not follow from what it reads."""
        self._waiting.append(node)
        if reads is not None:
            self.reads[node.name] = reads
            for key in reads:
                self._readers.setdefault(key, {})[node.name] = node.output_key

    def leave(self, node: AgentNode) -> None:
        """Forget a node."""
        for key in self.reads.pop(node.name, ()):
            del self._readers[key][node.name]
        if node.output_key is not None:
            self._writers_of(node.output_key).remove(node.name)

    def is_read(self, key: str | None) -> bool:
        """Return whether some node comes after whoever writes a key."""
        return key in self._readers

    def _writers_of(self, key: str) -> list[str]:
        for node in self._waiting:
            if node.output_key is not None:
                self._writers.setdefault(node.output_key, []).append(node.name)
        self._waiting.clear()
        return self._writers.get(key, [])

    def implied(
        self, node: AgentNode, reads: tuple[str, ...] | None, position: Mapping[str, int]
    ) -> Iterator[tuple[str, str]]:
        """Yield the (writer, reader) pairs of which a node is one half, were it let in, or let in anew.

        Who reads and writes the same key refines it, and comes after those writers alone that stand before it: two of
        them would wait for each other otherwise.
        """
        name, written = node.name, node.output_key
        here = position.get(name, math.inf)  # a new node stands behind all others
        for key in reads or ():
            for writer in self._writers_of(key):
                if writer != name and (key != written or position[writer] < here):
                    yield writer, name
        if written is None:
            return
        for reader, writes in self._readers.get(written, {}).items():
            if reader != name and (written != writes or here < position[reader]):
                yield name, reader
