"""The critical path of a run, for the eye: the chain of nodes whose durations add up to the most."""

from __future__ import annotations

from linus_nb.engine.record import RunRecord
from linus_nb.rendering.labels import sources_of


def critical_path(record: RunRecord) -> tuple[str, ...]:
    """Return the names along the longest chain of nodes that ran, by the sum of their durations.

    Nodes that never started count nothing and are passed through. Empty where no node ran.
    """
    sources = sources_of(record.graph)
    longest: dict[str, float] = {}
    came_from: dict[str, str | None] = {}
    for name, node in record.nodes.items():  # plan order: sources come first
        before = max(sources.get(name, ()), key=lambda source: longest[source], default=None)
        longest[name] = (node.duration_s or 0.0) + (longest[before] if before is not None else 0.0)
        came_from[name] = before
    at = max(longest, key=lambda name: longest[name], default=None)
    path: list[str] = []
    while at is not None:
        path.append(at)
        at = came_from[at]
    return tuple(name for name in reversed(path) if record.nodes[name].duration_s is not None)
