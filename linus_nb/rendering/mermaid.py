"""Mermaid source, which GitHub, GitLab, Quarto and Jupyter's own Markdown cells draw."""

from __future__ import annotations

from collections.abc import Collection

from linus_nb.engine.record import RunRecord
from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering import labels
from linus_nb.rendering.layout import NAME_SIZE, WIDEST, edge_label
from linus_nb.rendering.palette import STATUSES
from linus_nb.rendering.type_setting import elided, printable


def quoted(text: str) -> str:
    """Return ``text`` as a quoted Mermaid label that is drawn as it is: no markup, no Markdown, no entities of its own.

    >>> quoted('a"b <c> #1')
    '"a#34;b #60;c#62; #35;1"'
    """
    safe = "".join(char if char.isalnum() or char in _PLAIN or ord(char) > 127 else f"#{ord(char)};" for char in text)
    return f'"{safe}"'


_PLAIN = frozenset(" .,:;?!()/=+-'")


def mermaid_source(
    shape: GraphShape, record: RunRecord | None = None, *, critical: Collection[tuple[str, str]] = ()
) -> str:
    """Return the graph as a Mermaid flowchart, coloured by what happened where a record is given.

    Args:
        shape: The graph.
        record: The run to colour it by.
        critical: Edges, as (source, target), to draw thick.
    """
    index = {node.name: i for i, node in enumerate(shape.nodes)}
    sources = labels.sources_of(shape)
    lines = ["flowchart LR"]
    for i, node in enumerate(shape.nodes):
        lines.append(f"  n{i}{_box(node, record, sources)}")
    for edge in shape.edges:
        bold = (edge.source, edge.target) in critical
        lines.append(f"  n{index[edge.source]} {_arrow(edge, bold)} n{index[edge.target]}")
    return "\n".join([*lines, *_classes(shape, record), ""])


def _box(node: NodeShape, record: RunRecord | None, sources: dict[str, list[str]]) -> str:
    glyph = STATUSES[labels.status_of(node.name, record)].glyph
    words = f"{glyph} {elided(printable(node.name), WIDEST, NAME_SIZE)}"
    line = labels.second_line(node, record, sources)
    label = f"{quoted(words)[:-1]}<br>{quoted(line)[1:]}"
    if node.inner is not None:
        return f"[[{label}]]"
    return f"([{label}])" if node.over else f"({label})"


def _arrow(edge: EdgeShape, bold: bool) -> str:
    label = f"|{quoted(edge_label(edge.label))}|" if edge.label else ""
    return ("==>" if bold else "-.->" if edge.conditional else "-->") + label


def _classes(shape: GraphShape, record: RunRecord | None) -> list[str]:
    members: dict[str, list[str]] = {}
    for i, node in enumerate(shape.nodes):
        members.setdefault(labels.status_of(node.name, record), []).append(f"n{i}")
    lines = []
    for status, names in members.items():
        look = STATUSES[status]
        dashes = ",stroke-dasharray:5 3" if look.dashed else ""
        lines.append(f"  classDef {status} fill:{look.light.fill},stroke:{look.light.stroke},color:#1f2328{dashes}")
        lines.append(f"  class {','.join(names)} {status}")
    return lines
