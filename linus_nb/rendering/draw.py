"""Draw a graph with what this machine has: ``dot``, its stand-in from a wheel, or a layout of our own.

Graphviz is asked only where things stand; the drawing is always ours. So a picture looks the same whoever laid it
out, a recoloured one costs no new layout, and no name that a user chose passes through a foreign program's escaping.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from linus_nb.engine.critical_path import critical_path
from linus_nb.engine.record import RunRecord
from linus_nb.errors import RenderError
from linus_nb.events import GraphShape
from linus_nb.masking import logger
from linus_nb.rendering import graphviz_tools
from linus_nb.rendering.dot_source import dot_source
from linus_nb.rendering.layered import layered
from linus_nb.rendering.layout import Layout
from linus_nb.rendering.mermaid import mermaid_source
from linus_nb.rendering.palette import ThemeName
from linus_nb.rendering.picture import picture

# Up to these, `dot` needs at most 0.2 s, its stand-in 0.3 s; beyond, the time grows quickly with long edges, and our
# own layout needs 0.03 s.
MOST_NODES_FOR_DOT = 300
MOST_EDGES_FOR_DOT = 600


def renderer() -> str:
    """Return what lays pictures out here: ``dot 2.43.0``, ``graphviz-pure 0.2.2`` or ``built in``."""
    found = graphviz_tools.programs()
    return found[0].title if found else "built in"


@lru_cache(maxsize=64)
def layout_of(shape: GraphShape) -> Layout:
    """Return the best layout that can be had here; remembered, so that a run's pictures share one."""
    if len(shape.nodes) <= MOST_NODES_FOR_DOT and len(shape.edges) <= MOST_EDGES_FOR_DOT:
        for program in graphviz_tools.programs():
            try:
                return graphviz_tools.placed(shape, program)
            except RenderError as error:
                logger.warning("%s; the next renderer is tried", error)
    return layered(shape)


def critical_edges(record: RunRecord | None) -> frozenset[tuple[str, str]]:
    """Return the edges along the critical path of a run, to be drawn bold; none where there was no run."""
    if record is None:
        return frozenset()
    path = critical_path(record)[1]
    return frozenset(pairwise(path))


def svg(shape: GraphShape, record: RunRecord | None = None, *, theme: ThemeName = "light") -> str:
    """Return the graph as a self-contained SVG document, coloured by ``record`` where there is one."""
    return picture(shape, layout_of(shape), record, theme=theme, critical=critical_edges(record))


def dot(shape: GraphShape, record: RunRecord | None = None) -> str:
    """Return the graph as Graphviz source, with the critical path of a run in bold."""
    return dot_source(shape, record, critical=critical_edges(record))


def mermaid(shape: GraphShape, record: RunRecord | None = None) -> str:
    """Return the graph as Mermaid source, likewise."""
    return mermaid_source(shape, record, critical=critical_edges(record))


def png(shape: GraphShape, record: RunRecord | None = None) -> bytes | None:
    """Return the graph as a PNG at twice the usual resolution, or None where no renderer here makes one."""
    return _converted(shape, record, "png")


def _converted(shape: GraphShape, record: RunRecord | None, kind: str) -> bytes | None:
    critical = critical_edges(record)
    for program in graphviz_tools.programs():
        source = dot_source(shape, record, critical=critical, glyphs=program.has_glyphs)
        try:
            dpi = ["-Gdpi=144"] if kind == "png" else []
            return graphviz_tools.run(program.command, ["-Kdot", f"-T{kind}", *dpi], source)
        except RenderError as error:
            logger.warning("%s; the next renderer is tried", error)
    return None


def save(shape: GraphShape, record: RunRecord | None, path: str | Path) -> Path:
    """Write the graph to ``path`` and return it; the ending chooses: .svg, .png, .pdf, .dot or .mmd (Mermaid).

    Raises:
        RenderError: Another ending, or a .png or .pdf where nothing here can make one.
    """
    target = Path(path)
    kind = target.suffix.lower().lstrip(".")
    if kind == "svg":
        target.write_text(svg(shape, record), encoding="utf-8")
    elif kind in ("dot", "gv"):
        target.write_text(dot(shape, record), encoding="utf-8")
    elif kind == "mmd":
        target.write_text(mermaid(shape, record), encoding="utf-8")
    elif kind in ("png", "pdf"):
        data = _converted(shape, record, kind)
        if data is None:
            raise RenderError(
                f"{target.name!r} needs Graphviz, which is not here (or failed, see the log); "
                "install it from https://graphviz.org, or save as .svg"
            )
        target.write_bytes(data)
    else:
        raise RenderError(
            f"a picture cannot be saved as {target.name!r}; end the name in .svg, .png, .pdf, .dot or .mmd "
            "(and .save_html() writes a page to look around in)"
        )
    return target
