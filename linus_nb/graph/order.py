"""An order of the nodes in which every edge leads upwards, kept while the graph grows: a circle is what has no such order."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence


class Order:
    """A rank for each node, higher than those of all nodes before it.

    An edge that leads upwards already costs one comparison. For any other, the nodes between its two ends are searched
    from both sides in turn, and those of the side that comes to its end first are moved: the two-way search of Bender,
    Fineman, Gilbert and Tarjan ("A new approach to incremental cycle detection", 2015), with ranks that leave gaps.

    Args:
        before: the sources of each node's edges; read here, changed by the owner.
        after: the targets of each node's edges.
    """

    def __init__(self, before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> None:
        self._before = before
        self._after = after
        self._rank: dict[str, float] = {}
        self._top = 0.0  # no rank is higher

    def enter(self, name: str) -> None:
        """Let a node in, above all others; one that is in stays where it is."""
        if name not in self._rank:
            self._top += 1
            self._rank[name] = self._top

    def leave(self, name: str) -> None:
        """Forget a node."""
        del self._rank[name]

    def make_room(self, sources: Collection[str], targets: Collection[str], between: str | None = None) -> bool:
        """Let all sources rank below all targets and return True, or False if a path leads from a target to a source.

        Args:
            sources: nodes from which edges are about to lead to the targets, or to the node between.
            targets: nodes to which they will lead.
            between: a node that is about to get its edges; those that it has now do not count.
        """
        rank = self._rank
        low = min((rank[name] for name in targets), default=math.inf)
        high = max((rank[name] for name in sources), default=-math.inf)
        if low <= high:
            moved = self._side_to_move(sources, targets, low, high, between)
            if moved is None:
                return False
            upwards, names = moved
            if upwards:
                beyond = (rank[n] for name in names for n in self._after[name] if n not in names and n != between)
                self._spread(names, high, min(beyond, default=math.inf))
            else:
                beyond = (rank[n] for name in names for n in self._before[name] if n not in names and n != between)
                self._spread(names, max(beyond, default=-math.inf), low)
            return self.make_room(sources, targets, between)
        if between is not None and not low > rank.get(between, math.inf) > high:
            if targets:
                rank[between] = low  # a place of its own below the targets is found by the spreading
                self._spread([between], high, low)
            else:
                rank.pop(between, None)
                self.enter(between)
        return True
