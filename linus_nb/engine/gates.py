"""Order among the nodes that are ready: three schedules over one frontier."""

from __future__ import annotations

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


def check_schedule(schedule: str) -> None:
    """Raise unless the schedule is one there is."""
    if schedule not in SCHEDULES:
        hint = nearest(schedule, SCHEDULES)
        raise GraphError(f"schedule is {schedule!r}; {hint}choose one of {', '.join(map(repr, SCHEDULES))}")


def make_gate(plan: Plan, schedule: str) -> Gate | None:
    """Return the gate for a schedule; None for dataflow, where a node may start the moment it is ready."""
    if schedule == "sequential":
        return SequentialGate()
    return LevelGate(plan) if schedule == "levels" else None
