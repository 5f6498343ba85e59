"""An order of the nodes in which every edge leads upwards, kept while a graph grows; where none can be is a circle."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence


class Order:
    """A rank for each node, higher than those of the nodes before it.

    An edge that leads upwards already costs a comparison. For any other, the nodes that rank between its ends are
    searched from both ends in turn, and the side that runs out first moves past the other. So a chain that is added in
    reverse costs a step for each edge, and so do most graphs, in whatever order they come. (The idea is the two-way
    search of Bender, Fineman, Gilbert and Tarjan, "A new approach to incremental cycle detection", 2015; the ranks are
    floats with gaps between them, numbered anew when a gap is used up.)

    Args:
        before: the sources of each node's edges, which the owner keeps.
        after: the targets of each node's edges, which the owner keeps.
    """

    def __init__(self, before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> None:
        self._before = before
        self._after = after
        self._rank: dict[str, float] = {}
        self._top = 0.0  # no node ranks higher

    def enter(self, name: str) -> None:
        """Let a node in above all others; one that is in keeps its rank."""
        if name not in self._rank:
            self._top += 1.0
            self._rank[name] = self._top

    def leave(self, name: str) -> None:
        """Forget a node."""
        del self._rank[name]

    def admit_edge(self, source: str, target: str) -> bool:
        """Let ``target`` rank above ``source`` and return True, or False where an edge would close a circle."""
        if self._rank[source] < self._rank[target]:
            return True
        return source != target and self._move_apart([source], [target], None)

    def admit_node(self, name: str, sources: Collection[str], targets: Collection[str]) -> bool:
        """Let a node rank between the two and return True, or False where it would close a circle.

        It may be in or not; if it is, the edges that it has now do not count.
        """
        if not self._move_apart(sources, targets, name):
            return False
        rank = self._rank
        placed = name in rank and all(rank[s] < rank[name] for s in sources)
        if placed and all(rank[name] < rank[t] for t in targets):
            return True
        if targets:
            self._place([name], sources, targets)
        else:
            rank.pop(name, None)
            self.enter(name)
        return True

    def _move_apart(self, sources: Collection[str], targets: Collection[str], avoiding: str | None) -> bool:
        """Let all targets rank above all sources; return False if a path leads from a target to a source."""
        rank = self._rank
        low = min((rank[name] for name in targets), default=math.inf)
        high = max((rank[name] for name in sources), default=-math.inf)
        if low > high:
            return True
        below = {name for name in targets if rank[name] <= high}  # with all after these, up to the highest source
        above = {name for name in sources if rank[name] >= low}  # with all before these, down to the lowest target
        if below & above:
            return False
        down, up = list(below), list(above)
        while down and up:
            for name in self._after[down.pop()]:
                if name in above:
                    return False
                if rank[name] <= high and name not in below and name != avoiding:
                    below.add(name)
                    down.append(name)
            for name in self._before[up.pop()]:
                if name in below:
                    return False
                if rank[name] >= low and name not in above and name != avoiding:
                    above.add(name)
                    up.append(name)
        if not down:
            beyond = {n for name in below for n in self._after[name]} - below - {avoiding}
            self._place(sorted(below, key=rank.__getitem__), sources, beyond)
        else:
            beyond = {n for name in above for n in self._before[name]} - above - {avoiding}
            self._place(sorted(above, key=rank.__getitem__), beyond, targets)
        return True

    def _place(self, names: Sequence[str], sources: Iterable[str], targets: Collection[str]) -> None:
        """Rank some nodes, in this order, above all sources and below all targets."""
        rank = self._rank
        low = max((rank[name] for name in sources), default=-math.inf)
        high = min((rank[name] for name in targets), default=math.inf)
        step = 1.0
        if math.isinf(low):
            low = high - step * (len(names) + 1)
        elif not math.isinf(high):
            step = (high - low) / (len(names) + 1)
            if step < 4 * math.ulp(max(abs(low), abs(high))):
                for i, name in enumerate(sorted(rank, key=rank.__getitem__)):
                    rank[name] = float(i)
                self._top = float(len(rank))
                self._place(names, sources, targets)
                return
        for i, name in enumerate(names, start=1):
            rank[name] = low + i * step
        self._top = max(self._top, rank[names[-1]])
