"""The edges of a graph that is being built: where each came from, and whether another would close a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from linus_nb.graph.node import Edge
from linus_nb.graph.order import Order

Origin = Literal["made", "after", "reads"]
"""Whether an edge was made with ``add_edge``, named with ``after=``, or follows from what a node reads."""


class Edges:
    """Edges by the names of their two nodes, with each node's neighbours.

    Nothing is refused here: ask `order` first, which lets an edge or a node come in.
    """

    def __init__(self) -> None:
        self.by_pair: dict[tuple[str, str], Edge] = {}
        self.position: dict[str, int] = {}  # of each node in the order of adding
        self._after: dict[str, list[str]] = {}
        self._before: dict[str, list[str]] = {}
        self._derived: dict[tuple[str, str], Origin] = {}  # of the edges that were not made with add_edge
        self._next_position = 0
        self.order = Order(self._before, self._after)

    def enter(self, name: str) -> None:
        """Let a node in behind all others; one that is in stays where it is."""
        if name in self.position:
            return
        self.position[name] = self._next_position
        self._next_position += 1
        self._after[name] = []
        self._before[name] = []
        self.order.enter(name)

    def leave(self, name: str) -> None:
        """Remove a node and its edges."""
        for source, target in self.around(name):
            self._remove(source, target)
        del self.position[name], self._after[name], self._before[name]
        self.order.leave(name)

    def add(self, pair: tuple[str, str], edge: Edge) -> None:
        """Add an edge between a pair that has none; it counts as made with ``add_edge``."""
        self.by_pair[pair] = edge
        self._after[pair[0]].append(pair[1])
        self._before[pair[1]].append(pair[0])

    def put(self, edge: Edge, origin: Origin) -> None:
        """Add an edge, or replace that of the same pair in its place."""
        pair = (edge.source, edge.target)
        if pair in self.by_pair:
            self.by_pair[pair] = edge
        else:
            self.add(pair, edge)
        if origin == "made":
            self._derived.pop(pair, None)
        else:
            self._derived[pair] = origin

    def replace_around(self, name: str, edges: Collection[tuple[Edge, Origin]]) -> None:
        """Let ``edges`` be all that enter and leave a node; those of a pair that has one already keep their place."""
        wanted = {(edge.source, edge.target) for edge, _ in edges}
        for source, target in self.around(name):
            if (source, target) not in wanted:
                self._remove(source, target)
        for edge, origin in edges:
            self.put(edge, origin)

    def _remove(self, source: str, target: str) -> None:
        del self.by_pair[source, target]
        self._after[source].remove(target)
        self._before[target].remove(source)
        self._derived.pop((source, target), None)

    # -- asking ---------------------------------------------------------------------------------------------------

    def origin(self, source: str, target: str) -> Origin:
        """Return where an edge came from."""
        return self._derived.get((source, target), "made")

    def around(self, name: str) -> list[tuple[str, str]]:
        """Return the pairs of the edges that enter and leave a node."""
        return [(source, name) for source in self._before[name]] + [(name, target) for target in self._after[name]]

    def reach(self, names: Iterable[str], *, up: bool) -> set[str]:
        """Return these nodes and all above them, or all below them."""
        neighbours = self._before if up else self._after
        found = set(names)
        stack = list(found)
        while stack:
            new = set(neighbours[stack.pop()]) - found
            found |= new
            stack += new
        return found

    def path(self, starts: Collection[str], ends: Collection[str], avoiding: str | None = None) -> list[str]:
        """Return a shortest path from one of ``starts`` to one of ``ends`` that avoids a node; there must be one."""
        came_from: dict[str, str | None] = dict.fromkeys(starts)
        queue = list(starts)
        for name in queue:  # grows while it is walked
            if name in ends:
                break
            for following in self._after[name]:
                if following not in came_from and following != avoiding:
                    came_from[following] = name
                    queue.append(following)
        path = [name]
        while (before := came_from[path[-1]]) is not None:
            path.append(before)
        return path[::-1]
