"""What need not run, as results were given: nodes whose work nobody would see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from linus_nb.errors import UnknownNodeError
from linus_nb.graph.plan import Binding, Plan


def given_results(plan: Plan, overrides: Mapping[str, Any]) -> dict[int, Any]:
    """Return the results that were handed to a run, by the number of their node.

    Raises:
        UnknownNodeError: a name that no node bears.
    """
    for name in overrides:
        if name not in plan.index:
            raise UnknownNodeError(name, plan.names)
    return {plan.index[name]: value for name, value in overrides.items()}


def unneeded(plan: Plan, bindings: Sequence[Binding], given: Collection[int]) -> list[int]:
    """Return the nodes that only lead to given ones, and whose key no other node or condition can read.

    An agent that sees the whole state, and any condition, may read every key before it.
    """
    idle: set[int] = set()
    readers: dict[str, list[int]] = {}  # of a key, among the nodes that run
    see_all: list[int] = []
    for i in reversed(range(len(plan))):  # what comes after a node is decided before it
        targets = plan.targets[i]
        if i not in given:
            leads_to_given = bool(targets) and all(t in given or t in idle for t in targets)
            if leads_to_given and not _is_read(plan, i, readers.get(plan.output_keys[i] or "", ()), see_all):
                idle.add(i)
                continue
            if bindings[i].way in ("view", "copy"):
                see_all.append(i)
            for _, key, _ in bindings[i].keys:
                readers.setdefault(key, []).append(i)
            over = plan.nodes[i].map_over
            if over is not None:
                readers.setdefault(over, []).append(i)
        if any(target not in given for target, _ in plan.conditions[i]):
            see_all.append(i)
    return sorted(idle)


def _is_read(plan: Plan, i: int, readers: Collection[int], see_all: Collection[int]) -> bool:
    return plan.output_keys[i] is not None and any(plan.is_ancestor(i, k) for k in (*readers, *see_all))
