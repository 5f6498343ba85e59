"""The inspector as a file: to send to a colleague, or to open where there is no notebook."""

from __future__ import annotations

from pathlib import Path

from linus_nb.engine.record import RunRecord
from linus_nb.errors import RenderError
from linus_nb.events import GraphShape
from linus_nb.rendering.inspector.payload import inspection
from linus_nb.rendering.inspector.standalone import standalone_page


def save_html(shape: GraphShape, record: RunRecord | None, path: str | Path) -> Path:
    """Write what an inspector shows of a graph and of its run to a page, and return its path.

    Raises:
        RenderError: The path ends in something else than .html or .htm.
        OSError: The file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise RenderError(f"a page cannot be saved as {target.name!r}; end the name in .html")
    target.write_text(standalone_page(inspection(shape, record)), encoding="utf-8", newline="\n")
    return target
