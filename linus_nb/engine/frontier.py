"""Scheduling as pure bookkeeping: told how a node ended, it answers which may start and which never will.

It starts no task and reads no clock. Order among the nodes that may start is the business of a `gate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from linus_nb.graph.plan import Plan

Decision = bool | BaseException  # what a condition answered, or what it raised

NOT_ROUTED = "not routed"


class Frontier:
    """Which nodes of a plan may start, given how others ended.

    `skipped` collects (node, reason) of nodes that will not run; `broken` holds, for nodes that may start only to fail,
    what a condition on an edge into them raised.

    Args:
        plan: the graph.
        given: nodes that have a result already: ready once their sources have ended, whatever these came to.
        unneeded: nodes that will not run, and lead to given and unneeded ones only. What comes after them waits for
            what is before them, as it may read that.
    """

    def __init__(self, plan: Plan, given: Collection[int] = (), unneeded: Iterable[int] = ()) -> None:
        self.plan = plan
        self.given = given
        self._unneeded = frozenset(unneeded)
        self.waiting = plan.in_degree.copy()
        self.dead: dict[int, int] = {}  # edges into a node that are not live: there are few of them
        self.blocked: dict[int, int] = {}  # what failed above a node: the first in plan order, whoever came first
        self.broken: dict[int, BaseException] = {}
        self._broken_by: dict[int, int] = {}  # the first source in plan order whose condition raised
        self.skipped: list[tuple[int, str]] = []
        self._targets = plan.targets
        self._any = plan.any_trigger
        self._all_well = not self._unneeded  # every edge so far is live

    def roots(self) -> list[int]:
        """Return the nodes that wait for nothing; asked once, at the beginning."""
        roots = [i for i, count in enumerate(self.waiting) if count == 0]
        if not self._unneeded:
            return roots
        ready = [i for i in roots if i not in self._unneeded]
        for i in roots:
            if i in self._unneeded:
                ready += self.did_not_run(i, None)
        return sorted(ready)

    def ran(self, i: int, decisions: dict[int, Decision] | None = None) -> list[int]:
        """Note that a node ran (completed, or erred with ``on_error`` skip or continue); return who may start now.

        ``decisions`` holds what the conditions on its edges gave, by target.
        """
        waiting = self.waiting
        ready: list[int] = []
        if decisions:
            for t, decision in decisions.items():
                self._note(i, t, decision)
        for t in self._targets[i]:
            left = waiting[t] - 1
            waiting[t] = left
            if not left:
                if self._all_well and self._any[t]:
                    ready.append(t)  # by far the most common way
                else:
                    dropped = self._decide(t, ready)
                    if dropped is not None:
                        ready += self.did_not_run(*dropped)
        return ready

    def _note(self, i: int, t: int, decision: Decision) -> None:
        """Note what the condition on the edge from node ``i`` to node ``t`` gave."""
        if decision is True:
            return
        self._all_well = False
        self.dead[t] = self.dead.get(t, 0) + 1
        if isinstance(decision, BaseException) and i < self._broken_by.get(t, len(self.waiting)):
            self._broken_by[t] = i
            self.broken[t] = decision

    def did_not_run(self, i: int, failed: int | None) -> list[int]:
        """Note that a node did not run: as ``failed`` (itself, or one above) failed, or as it was not routed (None)."""
        self._all_well = False
        ready: list[int] = []
        stack = [(i, failed)]
        while stack:
            source, above = stack.pop()
            for t in self._targets[source]:
                self.dead[t] = self.dead.get(t, 0) + 1
                if above is not None:
                    self.blocked[t] = min(above, self.blocked.get(t, above))
                self.waiting[t] -= 1
                if not self.waiting[t]:
                    dropped = self._decide(t, ready)
                    if dropped is not None:
                        stack.append(dropped)
        return ready

    def _decide(self, t: int, ready: list[int]) -> tuple[int, int | None] | None:
        """Put a node whose sources have all ended among the ready or the skipped.

        Returns the skipped node, with what failed above it, when the caller walks on by itself.
        """
        if t in self._unneeded:
            return t, None
        trigger = self.plan.nodes[t].trigger
        if trigger == "always" or t in self.broken or t in self.given:
            ready.append(t)
            return None
        failed = self.blocked.get(t)
        if failed is None:
            sources = self.plan.in_degree[t]
            needed = sources if trigger == "all" else 1
            if sources - self.dead.get(t, 0) >= needed:
                ready.append(t)
                return None
        reason = NOT_ROUTED if failed is None else f"upstream {self.plan.names[failed]!r} failed"
        self.skipped.append((t, reason))
        return t, failed
