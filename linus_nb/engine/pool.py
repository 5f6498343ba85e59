"""Places and resources: what bounds the work that goes on at the same moment.

One pool serves a whole run: its nodes, the items of its mapped nodes, and the runs of the graphs that its nodes hold.
Only what works takes a place; a node that waits for its items, or for the graph it holds, takes none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING

from linus_nb.graph.plan import Plan

if TYPE_CHECKING:
    from fractions import Fraction

Rank = tuple[tuple[int, int], ...]
"""Who goes first: (minus priority, place in plan order) of a node, after that of the node that holds its graph."""

Needs = Mapping[str, float]
Begin = Callable[[], bool]


class Pool:
    """Lets work begin when there is a place for it and the resources it needs: by priority, then in plan order.

    Work whose resources are taken lets those behind it pass.
    """

    def __init__(self, places: int | None, resources: Needs) -> None:
        self.places = inf if places is None else places
        self.free = _exact(resources)
        # a queue for each kind of demand, so that what does not fit is passed over at once
        self._queues: dict[tuple[tuple[str, Fraction], ...], list[tuple[Rank, int, Begin]]] = {}
        self._asked = 0  # keeps entries of the same rank apart

    def ask(self, rank: Rank, needs: Needs, begin: Begin) -> None:
        """Queue work; `serve` calls ``begin`` when it fits, which answers False if nobody wants that any more."""
        self._asked += 1
        exact = tuple(_exact(needs).items()) if needs else ()
        heappush(self._queues.setdefault(exact, []), (rank, self._asked, begin))

    def serve(self) -> None:
        """Begin whatever fits."""
        while self.places > 0:
            fitting = [
                (queue[0], needs)
                for needs, queue in self._queues.items()
                if queue and all(self.free[resource] >= amount for resource, amount in needs)
            ]
            if not fitting:
                return
            (_, _, begin), needs = min(fitting, key=lambda pair: pair[0][:2])
            heappop(self._queues[needs])
            if begin():
                self.places -= 1
                for resource, amount in needs:
                    self.free[resource] -= amount

    def give_back(self, needs: Needs) -> None:
        """Take back the place and the resources of work that is over, and begin whatever fits now."""
        self.places += 1
        for resource, amount in _exact(needs).items():
            self.free[resource] += amount
        self.serve()


def _exact(amounts: Needs) -> dict[str, Fraction]:
    """Return amounts as they are written: 0.7 is seven tenths, so that what is taken and given back adds up."""
    if not amounts:
        return {}
    from fractions import Fraction  # it loads decimal, for the few who count resources

    return {resource: Fraction(str(amount)) for resource, amount in amounts.items()}


def impossible_demands(plan: Plan, resources: Needs, idle: Collection[int] = ()) -> list[str]:
    """Return a sentence for each node that needs more than there is, also in the graphs that nodes hold.

    Nodes in ``idle`` will not run.
    """
    problems = []
    for i, node in enumerate(plan.nodes):
        if i in idle:
            continue
        for resource, amount in (node.resources or {}).items():
            there = resources.get(resource, 0)
            if amount > there:
                problems.append(
                    f"node {node.name!r} needs {amount:g} {resource!r} and the executor has {there:g}; "
                    f"lower the demand or give DAGExecutor(resources={{{resource!r}: {amount:g}}})"
                )
        if node.target.graph is not None:
            problems += impossible_demands(node.target.graph.plan(), resources)
    return problems
