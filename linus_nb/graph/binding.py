"""How each node gets its input, decided before anything runs; what cannot be decided is a problem with a remedy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from linus_nb.errors import nearest
from linus_nb.graph.node import AgentNode
from linus_nb.graph.plan import Binding, Plan
from linus_nb.graph.target import Parameters

NOTHING = Binding("nothing")
VIEW = Binding("view")


def bind(plan: Plan, initial_keys: frozenset[str], without: Collection[int] = ()) -> tuple[list[Binding], list[str]]:
    """Return a binding for each node, and the problems that keep the graph from running with these initial keys.

    Nodes in ``without`` will not run, so nothing is asked of them.
    """
    problems: list[str] = []
    bindings = [
        NOTHING if i in without else _bind_node(plan, i, node, initial_keys, problems)
        for i, node in enumerate(plan.nodes)
    ]
    return bindings, problems


def _bind_node(plan: Plan, i: int, node: AgentNode, initial: frozenset[str], problems: list[str]) -> Binding:
    mapping = node.input_mapping
    if mapping is not None:
        unseen = (key for key in mapping.values() if not _visible(plan, i, key, initial))
        problems.extend(_unreadable(plan, i, key, initial) for key in unseen)
    if node.map_over is not None and not _visible(plan, i, node.map_over, initial):
        problems.append(_unreadable(plan, i, node.map_over, initial))
    if node.target.parameters is not None:
        return _bind_function(plan, i, node, node.target.parameters, initial, problems)
    binding = _of_one_input(plan, i, node)
    if node.target.graph is None:
        return binding
    seen = _visible_keys(plan, i, initial) if mapping is None else set(mapping)
    if node.map_item is not None:
        seen.add(node.map_item)
    inner_plan = node.target.graph.plan()
    inner, inside = bind(inner_plan, frozenset(seen))
    inside = check(inner_plan, inside, node.target.graph.reducers)
    problems.extend(f"inside {node.name!r}: {problem}" for problem in inside)
    return replace(binding, inner=(inner_plan, inner))


def _of_one_input(plan: Plan, i: int, node: AgentNode) -> Binding:
    """Return the binding of an agent, a Runnable or a graph: one input."""
    if not node.target.takes_input:
        return NOTHING
    mapping = node.input_mapping
    all_of_it = Binding("copy", item=node.map_item) if node.target.kind == "runnable" else VIEW
    if node.map_over is None:
        return all_of_it if mapping is None else Binding("dict", _keys(plan, i, mapping))
    if mapping is not None:
        return Binding("dict", _keys(plan, i, mapping), item=node.map_item or "item")
    return Binding("item") if node.map_item is None else replace(all_of_it, item=node.map_item)


def _keys(plan: Plan, i: int, mapping: Mapping[str, str]) -> tuple[tuple[str, str, Sequence[int]], ...]:
    """Return what an agent calls each value, its key, and who writes it before node ``i``."""
    return tuple((name, key, plan.heard(key, i)) for name, key in mapping.items())


def _bind_function(
    plan: Plan, i: int, node: AgentNode, parameters: Parameters, initial: frozenset[str], problems: list[str]
) -> Binding:
    mapping, item = node.input_mapping, node.map_item
    if mapping is None and not parameters.required and not parameters.optional:
        return NOTHING
    required = tuple(name for name in parameters.required if name != item)
    optional = tuple(name for name in parameters.optional if name != item)
    source = _StateNames(plan, i, initial) if mapping is None else mapping
    missing = [name for name in required if name not in source]
    if not missing and not parameters.by_position_only:
        extra = [] if mapping is None else [name for name in mapping if name not in required + optional]
        if extra and not parameters.any_keyword:
            problems.append(_untaken(node, extra, required + optional))
        named = required + tuple(name for name in optional if name in source) + tuple(extra)
        if not named and item is None:
            return NOTHING
        keys = _keys(plan, i, {name: source[name] for name in named})
        return Binding("keywords", keys, frozenset((*optional, *extra)), item=item)
    if not missing:
        keys = _keys(plan, i, {name: source[name] for name in required})
        return Binding("positions", keys, positions=parameters.required, item=item)
    lone = len(required) == 1 and not node.by_name and item is None
    if lone and (mapping is None or mapping):
        return VIEW if mapping is None else Binding("dict", _keys(plan, i, mapping))
    if mapping is not None:
        shown = ", ".join(map(repr, missing))
        problems.append(
            f"node {node.name!r} needs {shown}, which its input_mapping does not give; add it there, or a default"
        )
    else:
        problems.extend(_unreadable(plan, i, name, initial) for name in missing)
    return NOTHING


def _untaken(node: AgentNode, extra: list[str], names: tuple[str, ...]) -> str:
    """Return the sentence for names that an input_mapping gives and a function does not take."""
    shown = ", ".join(map(repr, extra))
    taken = ", ".join(map(repr, names)) or "none"
    hint = "".join(dict.fromkeys(nearest(name, names) for name in extra))
    return (
        f"node {node.name!r}: its input_mapping gives {shown}, which its function does not take; {hint}"
        f"(its parameters: {taken}) leave it out, or add such a parameter"
    )


class _StateNames(Mapping[str, str]):
    """The keys that a node may see, each standing for itself; asked one by one, never listed for every node."""

    def __init__(self, plan: Plan, i: int, initial: frozenset[str]) -> None:
        self.plan, self.i, self.initial = plan, i, initial

    def __contains__(self, key: object) -> bool:
        return _visible(self.plan, self.i, key, self.initial)

    def __getitem__(self, key: str) -> str:
        return key

    def __iter__(self) -> Any:
        return iter(sorted(_visible_keys(self.plan, self.i, self.initial)))

    def __len__(self) -> int:
        return len(_visible_keys(self.plan, self.i, self.initial))


def _visible(plan: Plan, i: int, key: object, initial: frozenset[str]) -> bool:
    if key in initial:
        return True
    writers = plan.writers.get(key, ()) if isinstance(key, str) else ()
    return any(plan.is_ancestor(w, i) for w in writers)


def _visible_keys(plan: Plan, i: int, initial: frozenset[str]) -> set[str]:
    return set(initial) | {key for key in plan.writers if _visible(plan, i, key, frozenset())}


def _unreadable(plan: Plan, i: int, key: str, initial: frozenset[str]) -> str:
    """Return the sentence for a key that node ``i`` reads but cannot see."""
    name = plan.names[i]
    writers = [w for w in plan.writers.get(key, ()) if w != i]
    if writers:
        before = [w for w in writers if not plan.is_ancestor(i, w)]
        if before:
            writer = plan.names[before[-1]]
            edge = f"{writer!r} -> {name!r}"
            return f"node {name!r} reads {key!r} from {writer!r}, which does not come before it; add an edge {edge}"
        writer = plan.names[writers[0]]
        return (
            f"node {name!r} reads {key!r}, which only {writer!r} writes, and that comes after it; "
            f"pass {key!r} in initial_state, or turn the order round"
        )
    known = _visible_keys(plan, i, initial)
    seen = ", ".join(map(repr, sorted(known)[:12])) or "none"
    hint = nearest(key, known) or nearest(key, (k for k, w in plan.writers.items() if w != [i]))
    return (
        f"node {name!r} reads {key!r}, which nothing writes; {hint}(keys it can see: {seen}) "
        f"pass {key!r} in initial_state, or give some node before it output_key={key!r}"
    )


def check(plan: Plan, problems: list[str], reducers: Mapping[str, Any], idle: Collection[int] = ()) -> list[str]:
    """Return ``problems`` with those of the graph as a whole before them; nodes in ``idle`` will not run."""
    whole: list[str] = []
    if not len(plan):
        whole.append("it has no nodes; add one with dag.add_node(AgentNode('name', function))")
    unordered = ((key, plan.unordered_writers(key, idle)) for key in plan.writers if key not in reducers)
    whole.extend(
        f"nodes {pair[0]!r} and {pair[1]!r} both write {key!r}, and neither comes before the other; "
        f"add an edge between them, use two keys, or fold them with reducers={{{key!r}: ...}}"
        for key, pair in unordered
        if pair is not None
    )
    return whole + problems
