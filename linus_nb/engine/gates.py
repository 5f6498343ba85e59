"""Order among the nodes that may start: three schedules over one frontier, and limits on what runs at once."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Literal, Protocol

from linus_nb.errors import GraphError, nearest
from linus_nb.graph.plan import Plan

Schedule = Literal["sequential", "levels", "dataflow"]
SCHEDULES = ("sequential", "levels", "dataflow")


class Gate(Protocol):
    """Holds ready nodes back until they may start."""

    def admit(self, ready: list[int]) -> list[int]:
        """Take nodes that are ready; return those that may start now."""

    def ended(self, i: int) -> list[int]:
        """Note that a node is final (ran or was skipped); return those that may start now."""


class LevelGate:
    """Levels: all nodes of a level at once, the next level when all of them are final."""

    def __init__(self, plan: Plan) -> None:
        self.level_of = plan.level
        self.left = plan.level_sizes.copy()
        self.held: list[list[int]] = [[] for _ in self.left]
        self.current = 0

    def admit(self, ready: list[int]) -> list[int]:
        """Let those of the current level pass, and hold the others."""
        now = []
        for i in ready:
            level = self.level_of[i]
            if level == self.current:
                now.append(i)
            else:
                self.held[level].append(i)
        return now

    def ended(self, i: int) -> list[int]:
        """Open the next level when this one is empty."""
        self.left[self.level_of[i]] -= 1
        if self.left[self.current]:
            return []
        while self.current + 1 < len(self.left) and not self.left[self.current]:
            self.current += 1
        now, self.held[self.current] = self.held[self.current], []
        return now


class SequentialGate:
    """One by one, in plan order."""

    def __init__(self) -> None:
        self.heap: list[int] = []
        self.running: int | None = None

    def admit(self, ready: list[int]) -> list[int]:
        """Let the first pass when nothing runs."""
        for i in ready:
            heappush(self.heap, i)
        return self._next()

    def ended(self, i: int) -> list[int]:
        """Let the next pass."""
        if self.running == i:
            self.running = None
        return self._next()

    def _next(self) -> list[int]:
        if self.running is not None or not self.heap:
            return []
        self.running = heappop(self.heap)
        return [self.running]


class Limiter:
    """At most ``max_concurrency`` nodes at once, within the resources there are, by priority then plan order.

    A node whose resources are taken lets those behind it pass.
    """

    def __init__(
        self, inner: Gate | None, plan: Plan, max_concurrency: int | None, resources: Mapping[str, float]
    ) -> None:
        self.inner = inner
        self.plan = plan
        self.places = float("inf") if max_concurrency is None else max_concurrency
        self.free = dict(resources)
        self.queue: list[tuple[int, int]] = []
        self.holding: set[int] = set()

    def admit(self, ready: list[int]) -> list[int]:
        """Queue what may start, and let pass what fits."""
        for i in ready if self.inner is None else self.inner.admit(ready):
            heappush(self.queue, (-self.plan.nodes[i].priority, i))
        return self._fitting()

    def ended(self, i: int) -> list[int]:
        """Take back what the node held, and let pass what fits now."""
        if i in self.holding:
            self.holding.remove(i)
            self.places += 1
            for resource, amount in (self.plan.nodes[i].resources or {}).items():
                self.free[resource] += amount
        for k in () if self.inner is None else self.inner.ended(i):
            heappush(self.queue, (-self.plan.nodes[k].priority, k))
        return self._fitting()

    def _fitting(self) -> list[int]:
        now: list[int] = []
        passed: list[tuple[int, int]] = []
        while self.queue and self.places > 0:
            entry = heappop(self.queue)
            needs = self.plan.nodes[entry[1]].resources or {}
            if all(self.free[r] >= amount for r, amount in needs.items()):
                for resource, amount in needs.items():
                    self.free[resource] -= amount
                self.places -= 1
                self.holding.add(entry[1])
                now.append(entry[1])
            else:
                passed.append(entry)
        for entry in passed:
            heappush(self.queue, entry)
        return now


def check_schedule(schedule: str) -> None:
    """Raise unless the schedule is one there is."""
    if schedule not in SCHEDULES:
        hint = nearest(schedule, SCHEDULES)
        raise GraphError(f"schedule is {schedule!r}; {hint}choose one of {', '.join(map(repr, SCHEDULES))}")


def make_gate(plan: Plan, schedule: str, max_concurrency: int | None, resources: Mapping[str, float]) -> Gate | None:
    """Return the gate for a schedule within these limits; None where a node may start the moment it is ready."""
    if schedule == "sequential":
        return SequentialGate()  # one at a time keeps every limit that a node alone can keep
    gate = LevelGate(plan) if schedule == "levels" else None
    if max_concurrency is None and not plan.limited:
        return gate
    return Limiter(gate, plan, max_concurrency, resources)


def impossible_demands(plan: Plan, resources: Mapping[str, float]) -> list[str]:
    """Return a sentence for each node that needs more than there is."""
    problems = []
    for node in plan.nodes:
        for resource, amount in (node.resources or {}).items():
            there = resources.get(resource, 0)
            if amount > there:
                problems.append(
                    f"node {node.name!r} needs {amount:g} {resource!r} and the executor has {there:g}; "
                    f"lower the demand or give DAGExecutor(resources={{{resource!r}: {amount:g}}})"
                )
    return problems
