"""A graph compiled for running: nodes numbered in plan order (level, then order of adding), edges as number lists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple, cast

from linus_nb.display import Shown, view
from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.graph.node import AgentNode, Condition, Edge


class Place(NamedTuple):
    """Who works, or reports: node ``i``, or one of its items."""

    i: int
    item: int | None = None


Way = Literal["nothing", "keywords", "positions", "dict", "view", "copy", "item"]


@dataclass(frozen=True, slots=True)
class Binding:
    """How a node is called: with nothing, by keyword or position, with a dict of mapped keys, a view, or a bare item.

    A "copy" is a dict of all that a view shows: LangChain takes no other mapping.
    ``keys`` holds what the agent calls a value, the state key it comes from, and those that write this key before the
    node, in plan order; ``optional`` ones may be absent. ``positions`` are names in the order of a call by position.
    ``item`` is what a mapped node's agent calls the item. ``inner`` holds the plan and the bindings of the graph that
    the node holds.
    """

    way: Way
    keys: tuple[tuple[str, str, Sequence[int]], ...] = ()
    optional: frozenset[str] = frozenset()
    positions: tuple[str, ...] = ()
    item: str | None = None
    inner: tuple[Plan, list[Binding]] | None = None


_MOST_TO_SCAN = 8  # sources; among more, a set finds one faster


def _is_straight(node: AgentNode) -> bool:
    """Return whether a node is a plain async function with no retry, timeout or priority."""
    target = node.target
    return (
        target.kind == "function"
        and target.awaiting is not None
        and not node.retry_count
        and node.map_over is None
        and node.timeout_seconds is None
        and not node.priority
    )


class Plan(Shown):
    """What the engine runs. Made once per state of a graph and shared by its runs, so it is never changed."""

    _view = "linus_nb.rendering.bundle:dag_bundle"

    def __init__(self, name: str, nodes: Sequence[AgentNode], edges: Sequence[Edge]) -> None:
        self.name = name
        self.edges = edges
        self.level = self._levels(nodes, edges)
        order = sorted(range(len(nodes)), key=self.level.__getitem__)  # stable: keeps the order of adding
        self.level = [self.level[k] for k in order]
        self.nodes = [nodes[k] for k in order]
        self.names = [node.name for node in self.nodes]
        self.index = {name: i for i, name in enumerate(self.names)}
        self.sources: list[list[int]] = [[] for _ in nodes]
        self.targets: list[list[int]] = [[] for _ in nodes]
        self.conditions: list[list[tuple[int, Condition]]] = [[] for _ in nodes]  # of the edges that leave a node
        for edge in edges:
            source, target = self.index[edge.source], self.index[edge.target]
            self.sources[target].append(source)
            self.targets[source].append(target)
            if edge.condition is not None:
                self.conditions[source].append((target, edge.condition))
        self.places = [Place(i) for i in range(len(nodes))]
        self.in_degree = [len(s) for s in self.sources]
        self.level_sizes = [0] * (max(self.level, default=-1) + 1)
        for depth in self.level:
            self.level_sizes[depth] += 1
        self.writers: dict[str, list[int]] = {}  # key -> who writes it, in plan order
        for i, node in enumerate(self.nodes):
            if node.output_key is not None:
                self.writers.setdefault(node.output_key, []).append(i)
        self.straight = [_is_straight(n) and not self.conditions[i] for i, n in enumerate(self.nodes)]
        self.functions = [cast("Callable[..., Any]", n.target.awaiting) for n in self.nodes]  # asked where straight
        self.output_keys = [n.output_key for n in self.nodes]
        self.any_trigger = [n.trigger == "any" for n in self.nodes]
        # bindings that passed a check, by initial keys; a graph inside may change, so its holder's are made anew
        self.bindings: dict[frozenset[str], list[Binding]] = {}
        self.demanding = any(n.resources or n.priority or n.target.graph is not None for n in nodes)
        self.holds_graphs = any(n.target.graph is not None for n in nodes)
        self._ancestry: dict[tuple[int, int], bool] = {}
        self._heard: dict[tuple[str, int], list[int]] = {}
        self._source_sets: dict[int, frozenset[int]] = {}

    @staticmethod
    def _levels(nodes: Sequence[AgentNode], edges: Sequence[Edge]) -> list[int]:
        """Return the length of the longest path to each node, in the order of adding."""
        position = {node.name: k for k, node in enumerate(nodes)}
        after: list[list[int]] = [[] for _ in nodes]
        waiting = [0] * len(nodes)
        for edge in edges:
            target = position[edge.target]
            after[position[edge.source]].append(target)
            waiting[target] += 1
        level = [0] * len(nodes)
        ready = [k for k, count in enumerate(waiting) if count == 0]
        for k in ready:  # grows while it is walked
            below = level[k] + 1
            for target in after[k]:
                level[target] = max(level[target], below)
                waiting[target] -= 1
                if waiting[target] == 0:
                    ready.append(target)
        return level

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        text: str = view("linus_nb.rendering.text:graph_text")(self.shape())
        return text

    def levels(self) -> list[list[str]]:
        """Return the names level by level."""
        levels: list[list[str]] = [[] for _ in self.level_sizes]
        for name, depth in zip(self.names, self.level, strict=True):
            levels[depth].append(name)
        return levels

    def is_ancestor(self, upper: int, lower: int) -> bool:
        """Return whether a path leads from ``upper`` to ``lower``.

        The parents are asked first and the rest searched only when needed: sets of ancestors for all nodes would
        take gigabytes on a graph of 100,000.
        """
        if self.level[upper] >= self.level[lower]:
            return False
        sources: Collection[int] = self.sources[lower]
        if len(sources) > _MOST_TO_SCAN:
            known_sources = self._source_sets.get(lower)
            if known_sources is None:
                known_sources = self._source_sets[lower] = frozenset(sources)
            sources = known_sources
        if upper in sources:
            return True
        pair = (upper, lower)
        known = self._ancestry.get(pair)
        if known is None:
            known = self._ancestry[pair] = self._search(upper, lower)
        return known

    def heard(self, key: str, i: int) -> Sequence[int]:
        """Return the nodes before node ``i`` that write a key, in plan order; found once, as each run asks again."""
        writers = self.writers.get(key)
        if writers is None:
            return ()
        known = self._heard.get((key, i))
        if known is None:
            known = self._heard[key, i] = [w for w in writers if self.is_ancestor(w, i)]
        return known

    def _search(self, upper: int, lower: int) -> bool:
        floor = self.level[upper]
        seen = {lower}
        stack = [lower]
        while stack:
            for source in self.sources[stack.pop()]:
                if source == upper:
                    return True
                if source not in seen and self.level[source] > floor:
                    seen.add(source)
                    stack.append(source)
        return False

    def unordered_writers(self, key: str, idle: Collection[int] = ()) -> tuple[str, str] | None:
        """Return two nodes that write ``key`` with no order between them, or None; those in ``idle`` will not run."""
        # in plan order a chain of pairs is enough: order is transitive
        for a, b in pairwise(w for w in self.writers[key] if w not in idle):
            if not self.is_ancestor(a, b):
                return self.names[a], self.names[b]
        return None

    def shape(self) -> GraphShape:
        """Return what a picture needs of this graph."""
        return GraphShape(
            self.name,
            tuple(
                NodeShape(
                    n.name,
                    depth,
                    n.description,
                    n.target.kind,
                    n.trigger,
                    n.map_over or "",
                    None if n.target.graph is None else n.target.graph.plan().shape(),
                    n.output_key or "",
                )
                for n, depth in zip(self.nodes, self.level, strict=True)
            ),
            tuple(EdgeShape(e.source, e.target, e.condition is not None, e.label) for e in self.edges),
        )
