"""The one seam between what things are and how they are shown.

Core classes name their view as a string; it is loaded when somebody looks. A view that fails never breaks a cell:
the failure is logged, and the plain text stands.
"""

from __future__ import annotations

import sys
from collections import deque
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from linus_nb.masking import logger

VERBATIM = "mathjax_ignore tex2jax_ignore"  # classes of HTML: what stands between two dollar signs is no formula


def view(target: str) -> Any:
    """Return the object that ``"package.module:name"`` names, importing its module now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


_shown: deque[tuple[str, str]] = deque(maxlen=50)  # (cell, what it has shown already)


def current_cell() -> str | None:
    """Return what names the execution of a notebook cell that goes on at the moment; None outside a kernel."""
    ipython = sys.modules.get("IPython")
    kernel = None if ipython is None else getattr(ipython.get_ipython(), "kernel", None)
    return None if kernel is None else kernel.get_parent("shell").get("header", {}).get("msg_id")


def note_shown(name: str) -> None:
    """Note that the cell of the moment shows something already, so that its last line need not show it again."""
    cell = current_cell()
    if cell is not None:
        _shown.append((cell, name))


def is_shown(name: str) -> bool:
    """Return whether the cell of the moment shows something already."""
    return bool(_shown) and (current_cell(), name) in _shown


class Shown:
    """Mixin: a rich repr for notebooks, from the function that ``_view`` names, as a MIME bundle.

    The function takes the object and returns ``{mime type: data}``; ``text/plain`` is always added.
    """

    _view: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002  IPython passes both
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        try:
            bundle |= view(self._view)(self)
        except Exception:  # a failing renderer must never break a cell; what failed is logged
            logger.exception("the picture of %s could not be drawn; its text is shown instead", type(self).__name__)
        return bundle


class Drawn(Shown):
    """Mixin: what has a picture that can be taken elsewhere. ``_drawn`` gives the graph and its run, if it ran."""

    def _drawn(self) -> tuple[Any, Any]:
        raise NotImplementedError

    def to_dot(self) -> str:
        """Return the picture as Graphviz source."""
        text: str = view("linus_nb.rendering.draw:dot")(*self._drawn())
        return text

    def to_mermaid(self) -> str:
        """Return the picture as Mermaid source, for a Markdown cell or a README."""
        text: str = view("linus_nb.rendering.draw:mermaid")(*self._drawn())
        return text

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file, and return its path.

        The ending chooses: .svg, .png, .pdf, .dot (Graphviz) or .mmd (Mermaid).

        Raises:
            RenderError: Another ending, or a .png or .pdf where nothing here can make one.
            OSError: The file cannot be written.
        """
        saved: Path = view("linus_nb.rendering.draw:save")(*self._drawn(), path)
        return saved

    def inspect(self) -> Any:
        """Look inside, in the cell whose last line this is: click a node, and what is known of it stands beside it.

        What it read and returned, attempts, calls of models with their messages, tools, errors; a timeline, a search,
        and a slider that replays the run. It stays in the saved notebook, and works there without a kernel.
        """
        return view("linus_nb.notebook.inspecting:Inspector")(self)

    def save_html(self, path: str | PathLike[str]) -> Path:
        """Write what `inspect` shows to a file that a browser opens, and return its path.

        The file needs nothing else, no network either: it can be sent to a colleague. Secrets are masked, see
        `linus_nb.masking`.

        Raises:
            RenderError: The path ends in something else than .html or .htm.
            OSError: The file cannot be written.
        """
        saved: Path = view("linus_nb.rendering.inspector.saving:save_html")(*self._drawn(), path)
        return saved
