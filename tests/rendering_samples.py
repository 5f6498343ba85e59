"""Graphs and runs to be drawn: a run in which everything happened, and names that no format likes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import EdgeShape, GraphShape, ModelCalled, NodeShape, NodeStatus

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    'a"b\\n|{',
    "名前",
    "back\\slash",
    "\\N",
    "ends in \\",
    "two\nlines",
    "<b>bold</b>",
    "&lt;i&gt; &amp;",
    " ",
    "]]>",
    "nul\x00 bell\x07",
    "lone \ud800 surrogate",
    "x" * 200,
)


def hostile() -> GraphShape:
    """A chain of hostile names, with hostile descriptions and conditions."""
    nodes = tuple(NodeShape(name, i, f"does {name} & <img src=x>") for i, name in enumerate(HOSTILE_NAMES))
    edges = tuple(EdgeShape(a, b, conditional=True, label=f"if {b}") for a, b in pairwise(HOSTILE_NAMES))
    return GraphShape('graph <"\\&>', nodes, edges)


def research() -> GraphShape:
    """Five levels, a conditional edge, a join that always runs, and an edge over three levels."""
    levels = {"ingest": 0, "search": 1, "tables": 1, "summarise": 2, "figures": 2, "fallback": 3, "report": 4}
    pairs = [
        ("ingest", "search"),
        ("ingest", "tables"),
        ("search", "summarise"),
        ("tables", "figures"),
        ("summarise", "report"),
        ("fallback", "report"),
        ("ingest", "report"),
    ]
    return GraphShape(
        "research",
        tuple(
            NodeShape(name, level, description=f"the {name} step", trigger="always" if name == "report" else "any")
            for name, level in levels.items()
        ),
        (*(EdgeShape(*pair) for pair in pairs), EdgeShape("figures", "fallback", True, "empty?")),
    )


def failed_run() -> RunRecord:
    """`research`, where figures timed out, and fallback was therefore skipped."""
    shape = research()
    call = (0.3, ModelCalled("m", 0.2, input_tokens=5000, output_tokens=4120))
    done = NodeStatus.COMPLETED
    nodes = [
        NodeRecord("ingest", 0, done, 0.0, 0.0, 0.41, 1, calls=(call,)),
        NodeRecord("search", 1, done, 0.41, 0.41, 1.61, 2),
        NodeRecord("tables", 1, done, 0.41, 0.41, 1.29, 1),
        NodeRecord("summarise", 2, done, 1.61, 1.61, 4.25, 1),
        NodeRecord("figures", 2, NodeStatus.FAILED, 1.29, 2.2, 4.2, 1, error=TimeoutError("no answer in <2> s")),
        NodeRecord("fallback", 3, NodeStatus.SKIPPED, end_s=4.2, reason="upstream 'figures' failed"),
        NodeRecord("report", 4, done, 4.25, 4.25, 5.2, 1),
    ]
    return run_record(shape, nodes, "failed", 5.2)


def run_record(shape: GraphShape, nodes: list[NodeRecord], status: str, duration_s: float) -> RunRecord:
    """A record of nodes made by hand."""
    began = datetime(2026, 11, 1, tzinfo=UTC)
    return RunRecord("r1", "dataflow", began, shape, status, duration_s, {node.name: node for node in nodes})
