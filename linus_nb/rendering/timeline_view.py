"""What `result.timeline()` returns: a picture that shows itself, and stays in the saved notebook."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path

from linus_nb.display import Shown
from linus_nb.engine.record import RunRecord
from linus_nb.errors import RenderError
from linus_nb.numbers import seconds
from linus_nb.rendering.card import card, image, part
from linus_nb.rendering.timeline import rows_drawn
from linus_nb.rendering.timeline_lanes import lanes_drawn
from linus_nb.rendering.timeline_rows import MOST_ROWS
from linus_nb.rendering.timeline_sheet import Drawing
from linus_nb.rendering.timeline_text import timeline_text
from linus_nb.rendering.type_setting import printable

WAYS: dict[str, Callable[..., Drawing]] = {
    "nodes": rows_drawn,
    "levels": partial(rows_drawn, levels=True),
    "lanes": lanes_drawn,
}


class Timeline(Shown):
    """When each node of a run waited and ran, as a picture; outside a notebook, as text.

    Args:
        record: The run.
        by: ``"nodes"``, ``"levels"`` or ``"lanes"``.
    """

    _view = "linus_nb.rendering.timeline_view:timeline_bundle"

    def __init__(self, record: RunRecord, by: str) -> None:
        self.record = record
        self.by = by

    @property
    def is_empty(self) -> bool:
        """Whether nothing has run yet."""
        return all(node.start_s is None for node in self.record.nodes.values())

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file that ends in .svg, and return its path.

        Raises:
            RenderError: Another ending.
            OSError: The file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise RenderError(f"a timeline cannot be saved as {target.name!r}; end the name in .svg")
        target.write_text(WAYS[self.by](self.record, keyed=True).svg, encoding="utf-8", newline="\n")
        return target

    def __repr__(self) -> str:
        return timeline_text(self.record)


def timeline_of(record: RunRecord, by: str | None = None) -> Timeline:
    """Return the timeline of a run.

    Args:
        record: The run.
        by: How its rows come about; see `ExecutionResult.timeline`.

    Raises:
        ValueError: There is no such way.
    """
    if by is None:
        by = "nodes" if len(record.nodes) <= MOST_ROWS else "lanes"
    if by not in WAYS:
        raise ValueError(f"no timeline by {by!r}; choose 'nodes', 'levels' or 'lanes'")
    return Timeline(record, by)


def timeline_bundle(timeline: Timeline) -> dict[str, str]:
    """Return a timeline as ``{"text/html": …}``."""
    record = timeline.record
    if timeline.is_empty:
        return {"text/html": card([part('<span class="linus-muted">Nothing has run.</span>')])}
    light, dark = (WAYS[timeline.by](record, theme=theme, keyed=True) for theme in ("light", "dark"))
    words = f"Timeline of {printable(record.graph.name)}, {seconds(record.duration_s)}"
    return {"text/html": card([image(light.svg, dark.svg, light.width, words, light.spots)])}
