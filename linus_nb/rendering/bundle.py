"""MIME bundles of graphs and runs: what a cell shows, a saved file keeps, and an untrusted copy can still show."""

from __future__ import annotations

from html import escape
from typing import Protocol

from linus_nb.engine.critical_path import critical_path
from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import GraphShape, NodeStatus
from linus_nb.rendering import labels
from linus_nb.rendering.card import Spot, card, header, image, part, sentence
from linus_nb.rendering.draw import critical_edges, layout_of
from linus_nb.rendering.layout import Layout
from linus_nb.rendering.numbers import plural, seconds
from linus_nb.rendering.picture import offset, page_size, picture
from linus_nb.rendering.timeline import PAGE_WIDTH, timeline_svg
from linus_nb.rendering.type_setting import printable

MOST_NODES_PICTURED = 600
MOST_NODES_IN_BOTH_THEMES = 150  # beyond, the saved file would grow for little: the light picture serves both
MOST_ROWS_IN_TIMELINE = 60


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
    shape = dag.shape()
    if not shape.nodes:
        empty = "It has no nodes yet. Add one with <code>dag.add_node(AgentNode(name, agent))</code>"
        return {"text/html": card([header(printable(shape.name), "", ["empty"]), sentence(empty)])}
    html = card([header(printable(shape.name), "", [labels.size_line(shape)]), _diagram(shape, None)])
    return {"text/html": html}


def result_bundle(result: HasRecord) -> dict[str, str]:
    """Return a run as ``{"text/html": …}``: header, diagram, timeline, and what went wrong with what to type next."""
    return {"text/html": record_card(result.record)}


def record_card(record: RunRecord) -> str:
    """Return the card of a run as HTML."""
    facts = [record.schedule, seconds(record.duration_s), labels.counts(record), labels.tokens(record)]
    return card(
        [
            header(printable(record.graph.name), record.status, facts),
            _diagram(record.graph, record),
            _timeline(record),
            sentence(what_happened(record), NEXT_STEPS.get(record.status, ())),
        ]
    )


NEXT_STEPS = {
    "success": ("result.to_frame()", "result.final_state"),
    "partial": ("result.errors", "result.to_frame()"),
    "failed": ("result.errors", "result.to_frame()", "result.raise_for_failure()"),
    "cancelled": ("result.node_results", "result.to_frame()"),
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


def _timeline(record: RunRecord) -> str:
    rows = sum(node.start_s is not None for node in record.nodes.values())
    if not 0 < rows <= MOST_ROWS_IN_TIMELINE or record.duration_s <= 0:
        return ""
    alternative = f"Timeline of {printable(record.graph.name)}, {seconds(record.duration_s)}"
    return image(timeline_svg(record), timeline_svg(record, theme="dark"), PAGE_WIDTH, alternative)


def what_happened(record: RunRecord) -> str:
    """Return one or two sentences of HTML that say what went wrong, or what the time went to."""
    nodes = record.nodes.values()
    failed = [n for n in nodes if n.status is NodeStatus.FAILED]
    kept = [n for n in nodes if n.error is not None and n.status is not NodeStatus.FAILED]
    said = [_erred(n, "failed") for n in failed[:2]]
    if len(failed) > 2:
        said.append(f"{len(failed) - 2} more failed.")
    said += [_erred(n, "erred, and the run went on") for n in kept[:2]]
    if len(kept) > 2:
        said.append(f"{len(kept) - 2} more erred.")
    if record.status == "cancelled":
        done = sum(n.status is NodeStatus.COMPLETED for n in nodes)
        said.append(f"Stopped after {seconds(record.duration_s)}; the results of {plural(done, 'node')} are kept.")
    said += [f"<b>{_name(n)}</b> could not be stopped and was abandoned." for n in nodes if n.abandoned]
    if failed:
        said += _skipped(record)
    if record.status in ("success", "partial"):
        path = critical_path(record)[1]
        length = sum(record.nodes[name].duration_s or 0.0 for name in path)
        if len(path) > 1:
            said.append(f"The critical path (bold) took {seconds(length)} of {seconds(record.duration_s)}.")
    return " ".join(said)


def _erred(node: NodeRecord, verb: str) -> str:
    error = labels.error_line(node.error) if node.error is not None else "no error kept"
    tries = f" (in {plural(node.attempts, 'try')})" if node.attempts > 1 else ""
    return f"<b>{_name(node)}</b> {verb}{tries}: {escape(error.rstrip('.'))}."


def _skipped(record: RunRecord) -> list[str]:
    skipped = [n for n in record.nodes.values() if n.status is NodeStatus.SKIPPED and n.error is None]
    if not skipped:
        return []
    first = f"<b>{_name(skipped[0])}</b> was skipped: {escape(printable(skipped[0].reason or 'no reason given'))}"
    return [first + (f", and so were {len(skipped) - 1} more." if len(skipped) > 1 else ".")]


def _name(node: NodeRecord) -> str:
    name = printable(node.name)
    return escape(name if len(name) <= 60 else name[:59] + "…")
