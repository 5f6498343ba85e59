"""The one seam between what things are and how they are shown.

Core classes name their view as a string; it is loaded when somebody looks. A view that fails never breaks a cell:
the failure is logged, and the plain text stands.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

logger = logging.getLogger("linus_nb")


def view(target: str) -> Any:
    """Return the object that ``"package.module:name"`` names, importing its module now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


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
