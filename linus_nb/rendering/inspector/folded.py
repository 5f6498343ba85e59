"""A graph of too many nodes for a picture, as a graph of a few groups of levels."""

from __future__ import annotations

from dataclasses import dataclass

from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.numbers import plural

MOST_GROUPS = 24


@dataclass(frozen=True, slots=True)
class Folded:
    """The graph of groups, whose nodes are in which, and what is said of it."""

    shape: GraphShape
    members: dict[str, list[str]]  # by the name of a group
    levels: list[tuple[int, int, int]]  # first and last level of a group, and how many nodes it has
    said: str


def folded(shape: GraphShape) -> Folded:
    """Return a graph as groups of neighbouring levels, each with about as many nodes as the others.

    >>> nodes = tuple(NodeShape(f"n{k}", k) for k in range(100))
    >>> found = folded(GraphShape("chain", nodes, ()))
    >>> list(found.members)[:2], found.said
    (['levels 1–4', 'levels 5–8'], '100 nodes in 100 levels, folded into 25 groups.')
    """
    by_level: dict[int, list[str]] = {}
    for node in shape.nodes:
        by_level.setdefault(node.level, []).append(node.name)
    most = 1 if len(by_level) <= MOST_GROUPS else len(shape.nodes) / MOST_GROUPS
    groups: list[list[int]] = []
    size = 0
    for level in sorted(by_level):
        if not groups or size + len(by_level[level]) > most:
            groups.append([])
            size = 0
        groups[-1].append(level)
        size += len(by_level[level])
    names = [_named(levels[0], levels[-1]) for levels in groups]
    group_of = {name: names[k] for k, levels in enumerate(groups) for level in levels for name in by_level[level]}
    place = {name: k for k, name in enumerate(names)}
    pairs = {(place[group_of[edge.source]], place[group_of[edge.target]]) for edge in shape.edges}
    members = {
        names[k]: [name for level in levels for name in by_level[level]] for k, levels in enumerate(groups)
    }  # fmt: skip
    count, depth = plural(len(shape.nodes), "node"), plural(len(by_level), "level")
    return Folded(
        GraphShape(
            shape.name,
            tuple(NodeShape(name, k, kind=plural(len(members[name]), "node")) for k, name in enumerate(names)),
            tuple(EdgeShape(names[a], names[b]) for a, b in sorted(pairs) if a != b),
        ),
        members,
        [(levels[0], levels[-1], len(members[names[k]])) for k, levels in enumerate(groups)],
        f"{count} in {depth}, folded into {plural(len(groups), 'group')}.",
    )


def _named(first: int, last: int) -> str:
    return f"level {first + 1}" if first == last else f"levels {first + 1}–{last + 1}"
