"""Where the nodes and edges of a graph stand: the same diagram that a cell shows, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linus_nb.brief import message_of
from linus_nb.engine.record import RunRecord
from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering import labels
from linus_nb.rendering.bundle import MOST_NODES_PICTURED
from linus_nb.rendering.draw import critical_edges, layout_of
from linus_nb.rendering.inspector.folded import Folded, folded
from linus_nb.rendering.layout import Layout, Point
from linus_nb.rendering.picture import level_places, offset, page_size
from linus_nb.rendering.type_setting import printable

Graph = dict[str, Any]
UNNAMED = "condition"  # what an edge says whose condition has no name worth reading


def drawn_graph(shape: GraphShape, record: RunRecord | None, paths: Mapping[str, str]) -> Graph | None:
    """Return a graph with its layout; None where it has more nodes than a picture can carry.

    Args:
        shape: The graph.
        record: Its run, if it ran.
        paths: The path of each node, by name.
    """
    return None if len(shape.nodes) > MOST_NODES_PICTURED else _placed(shape, record, paths)


def outermost_graph(shape: GraphShape, record: RunRecord | None, paths: Mapping[str, str], why: str) -> Graph:
    """Return the graph that an inspector opens with: folded where it has more nodes than a picture can carry.

    Args:
        shape: The graph.
        record: Its run, if it ran.
        paths: The path of each node that can be looked into, by name.
        why: What is said of those that cannot.
    """
    drawn = drawn_graph(shape, record, paths)
    return _of_groups(folded(shape), paths, why) if drawn is None else drawn


def _placed(shape: GraphShape, record: RunRecord | None, paths: Mapping[str, str]) -> Graph:
    layout = layout_of(shape)
    bold = critical_edges(record if is_over(record) else None)  # until then it changes with every node that ends
    decisions = {} if record is None else record.decisions
    left, top = offset(shape)
    width, height = page_size(shape, layout)
    return {
        "width": round(width, 1),
        "height": round(height, 1),
        "levels": [{"x": _px(x + left), "text": f"level {level + 1}"} for level, x in level_places(shape, layout)],
        "nodes": [
            {
                "path": paths[node.name],
                "name": printable(node.name),
                "sub": labels.kind_line(node),
                "x": _px(box.left + left),
                "y": _px(box.top + top),
                "width": _px(box.width),
                "height": _px(box.height),
                "opens": _opens(node, record),
            }
            for node, box in zip(shape.nodes, layout.boxes, strict=True)
        ],
        "edges": [
            _edge(edge, layout, k, (left, top))
            | {
                "source": paths[edge.source],
                "target": paths[edge.target],
                "gave": _gave(decisions.get((edge.source, edge.target))),
                "critical": (edge.source, edge.target) in bold,
            }
            for k, edge in enumerate(shape.edges)
        ],
        "folded": None,
    }


def is_over(record: RunRecord | None) -> bool:
    """Return whether there was a run, and it has ended."""
    return record is not None and record.status != "running"


def _opens(node: NodeShape, record: RunRecord | None) -> str | None:
    done = record.nodes.get(node.name) if record else None
    if node.over and done is not None and done.start_s is not None:
        return "items" if done.items else None
    return None if node.inner is None else "graph"


def _edge(edge: EdgeShape, layout: Layout, k: int, corner: Point) -> Graph:
    left, top = corner
    first, *rest = [f"{x + left:.1f} {y + top:.1f}" for x, y in layout.curves[k]]
    place = layout.labels[k]
    text = printable(edge.label) if edge.label else UNNAMED if edge.conditional else ""
    found: Graph = {"d": f"M{first}C{' '.join(rest)}", "text": text}
    return found if place is None else found | {"at": [_px(place[0] + left), _px(place[1] + top)]}


def _gave(decision: bool | BaseException | None) -> bool | str | None:
    if isinstance(decision, BaseException):
        return f"raised: {printable(f'{type(decision).__name__}: {message_of(decision)}')[:240]}"
    return decision


def _px(value: float) -> float:
    return round(value, 1)


def _of_groups(found: Folded, paths: Mapping[str, str], why: str) -> Graph:
    taken = set(paths.values())
    own = {name: name if name not in taken else f"{name}′" for name in found.members}
    drawn = _placed(found.shape, None, own)
    for node in drawn["nodes"]:
        node |= {"opens": "group", "group": [paths[name] for name in found.members[node["name"]] if name in paths]}
    said = f"{found.said} {why}".rstrip()
    return drawn | {"levels": [], "folded": {"levels": [list(span) for span in found.levels], "text": said}}
