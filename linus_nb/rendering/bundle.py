"""MIME bundles of graphs and runs: what a cell shows, a saved file keeps, and an untrusted copy can still show."""

from __future__ import annotations

from html import escape
from typing import Protocol

from linus_nb.display import is_shown
from linus_nb.engine.record import RunRecord
from linus_nb.events import GraphShape
from linus_nb.numbers import plural, seconds
from linus_nb.rendering import labels
from linus_nb.rendering.card import Spot, card, foldable, header, image, part, sentence
from linus_nb.rendering.draw import critical_edges, layout_of
from linus_nb.rendering.inside import Inside, inside
from linus_nb.rendering.layout import Layout
from linus_nb.rendering.picture import offset, page_size, picture
from linus_nb.rendering.sentences import what_happened
from linus_nb.rendering.timeline import PAGE_WIDTH, rows_drawn
from linus_nb.rendering.timeline_rows import rows_of
from linus_nb.rendering.type_setting import printable, shortened

MOST_NODES_PICTURED = 600
MOST_NODES_IN_BOTH_THEMES = 150  # beyond, the saved file would grow for little: the light picture serves both


class HasShape(Protocol):
    """A graph: an `AgentDAG`, or whatever else can say how it looks."""

    def shape(self) -> GraphShape:
        """Return the graph as a picture needs it."""


class HasRecord(Protocol):
    """A run or its result."""

    @property
    def record(self) -> RunRecord:
        """The record of the run."""


def dag_bundle(dag: HasShape) -> dict[str, str]:
    """Return a graph that did not run as ``{"text/html": …}``."""
    return {"text/html": graph_card(dag.shape())}


def graph_card(shape: GraphShape) -> str:
    """Return the card of a graph that did not run as HTML."""
    if not shape.nodes:
        empty = "It has no nodes yet. Add one with <code>dag.add_node(AgentNode(name, agent))</code>"
        return card([header(printable(shape.name), "", ["empty"]), sentence(empty)])
    return card(
        [
            header(printable(shape.name), "", [labels.size_line(shape)]),
            _diagram(shape, None),
            *_insides(shape, None),
        ]
    )


def result_bundle(result: HasRecord) -> dict[str, str]:
    """Return a run as ``{"text/html": …}``: header, diagram, timeline, and what went wrong with what to type next."""
    record = result.record
    if is_shown(record.run_id):
        return {"text/html": card([_header(record, "shown above")])}
    return {"text/html": record_card(record)}


def record_card(record: RunRecord) -> str:
    """Return the card of a run as HTML."""
    return card(
        [
            _header(record),
            _diagram(record.graph, record),
            *_insides(record.graph, record),
            _timeline(record),
            sentence(what_happened(record), _next_steps(record)),
        ]
    )


def _header(record: RunRecord, *more: str) -> str:
    facts = [record.schedule, seconds(record.duration_s), labels.counts(record), labels.tokens(record), *more]
    return header(printable(record.graph.name), record.status, facts)


def _next_steps(record: RunRecord) -> list[str]:
    """Return what to type next; where something ran inside nodes, the table that shows it."""
    nested = any(node.items or node.inner for node in record.nodes.values())
    table = "result.to_frame('steps')" if nested else "result.to_frame()"
    return [table if step == "result.to_frame()" else step for step in NEXT_STEPS.get(record.status, ())]


NEXT_STEPS = {
    "success": ("result.inspect()", "result.to_frame()", "result.final_state"),
    "partial": ("result.inspect()", "result.errors", "result.to_frame()"),
    "failed": ("result.inspect()", "result.errors", "result.to_frame()", "result.raise_for_failure()"),
    "cancelled": ("result.inspect()", "result.node_results", "result.to_frame()"),
}


def _diagram(shape: GraphShape, record: RunRecord | None) -> str:
    count = len(shape.nodes)
    if count > MOST_NODES_PICTURED:
        return part(f'<span class="linus-muted">{plural(count, "node")}: too many for a picture.</span>')
    layout, critical = layout_of(shape), critical_edges(record)
    light = picture(shape, layout, record, critical=critical)
    dark = picture(shape, layout, record, theme="dark", critical=critical) if count <= MOST_NODES_IN_BOTH_THEMES else ""
    width, _ = page_size(shape, layout)
    drawn = image(light, dark, width, labels.alternative(shape, record), _spots(shape, layout, record))
    if dark:
        return drawn
    how = "by level" if layout.drawn_by == "built in" else f"by {layout.drawn_by}"
    return f'{part(f"""<span class="linus-muted">{plural(count, "node")}, drawn {escape(how)}</span>""")}{drawn}'


def _spots(shape: GraphShape, layout: Layout, record: RunRecord | None) -> list[Spot]:
    """Return the tooltips of nodes: an image shows none of those inside it."""
    width, height = page_size(shape, layout)
    left, top = offset(shape)
    return [
        Spot(
            (box.left + left) / width * 100,
            (box.top + top) / height * 100,
            box.width / width * 100,
            box.height / height * 100,
            labels.tooltip(node, record),
        )
        for node, box in zip(shape.nodes, layout.boxes, strict=True)
    ]


def _insides(shape: GraphShape, record: RunRecord | None) -> list[str]:
    """Return a foldable picture for each graph that a node holds, and a line that counts those left out."""
    found, left_out = inside(shape, record)
    parts = [_inside(graph) for graph in found.values()]
    if left_out:
        how = "; <code>result.to_frame('steps')</code> lists what ran in them" if record else ""
        held = f"{plural(left_out, 'more graph')} inside {'is' if left_out == 1 else 'are'} not drawn{how}."
        parts.append(part(f'<span class="linus-muted">{held}</span>'))
    return parts


def _inside(graph: Inside) -> str:
    deeper = "".join(_inside(below) for below in graph.within.values())
    facts = [graph.remark, graph.size, labels.counts(graph.record) if graph.status in TROUBLED and graph.record else ""]
    body = _diagram(graph.shape, graph.record) + deeper
    return foldable(shortened(printable(graph.path)), graph.status, facts, body, unfolded=graph.status == "failed")


TROUBLED = ("partial", "failed", "cancelled")  # where the counts of an inner graph's nodes say more than its size


def _timeline(record: RunRecord) -> str:
    if record.duration_s <= 0 or all(node.start_s is None for node in record.nodes.values()):
        return ""
    alternative = f"Timeline of {printable(record.graph.name)}, {seconds(record.duration_s)}"
    rows = rows_of(record)
    light, dark = rows_drawn(record, rows), rows_drawn(record, rows, theme="dark")
    return image(light.svg, dark.svg, PAGE_WIDTH, alternative, light.spots)
