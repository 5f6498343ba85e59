"""The inspector in the output of a cell: it survives saving, and where scripts may not run, a picture stands.

Measured with JupyterLab 4.6 and nbconvert 7.17: a frame with its own document is kept in a notebook that is trusted and
in an exported page, and runs there without a network. In an untrusted notebook, and where an exporter sanitises, frame
and style sheet are taken out, and what is left is the picture. A widget would leave "model not found" behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from linus_nb.rendering.card import dark
from linus_nb.rendering.inspector.standalone import standalone_page

HEIGHT = 640  # pixels; a frame cannot ask for another without leave to reach out of its sandbox
LEAST = 380  # pixels: room to read about a node of a graph that has not run
AROUND = 130  # pixels: what stands around the diagram of such a graph, which has no timeline
SHRUNK = 0.6  # of its size, about, is what a diagram has in the width of a cell

# The picture is hidden by the frame beside it, not by the style sheet alone: it shows wherever the frame was taken out.
# The document in the frame sees its reader's colours as those that the frame has.
_STYLE = (
    ".linus-frame{display:block;width:100%;border:1px solid #d8dde3;border-radius:10px;"
    "color-scheme:light}.linus-frame+.linus-unframed{display:none}"
    + dark(".linus-frame", "color-scheme:dark;border-color:#343a43")
)


def framed(payload: Mapping[str, Any], picture: str) -> str:
    """Return the inspector of a run as HTML for the output of a cell.

    The frame is a sandbox: its script can reach neither the notebook nor the network.

    Args:
        payload: The run, as `inspector.payload` gives it.
        picture: HTML that needs no script, as `bundle.record_card` gives it, for where the frame is taken out.

    >>> html = framed({"title": "research"}, "<b>a card</b>")
    >>> 'sandbox="allow-scripts"' in html, "<b>a card</b>" in html
    (True, True)
    """
    title = escape(f"{payload.get('title', '')}, looked into")
    page = escape(standalone_page(payload))
    return (
        f"<div><style>{_STYLE}</style>"
        f'<iframe class="linus-frame" style="height:{_height(payload):.0f}px" sandbox="allow-scripts" title="{title}" '
        f'srcdoc="{page}"></iframe><div class="linus-unframed">{picture}</div></div>'
    )


def _height(payload: Mapping[str, Any]) -> float:
    if payload.get("state") != "before":
        return HEIGHT
    drawn: float = payload["graph"]["height"]
    return min(HEIGHT, max(LEAST, drawn * SHRUNK + AROUND))
