"""The switch that makes real model calls impossible, for tests: no test reaches a model, or a network, by accident."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from linus_nb.errors import NoModelError

ENV = "LINUS_NB_NO_MODELS"

# a plain variable of the module, not a context variable: threads and loops that start later must see it too;
# None where no block has said anything, so that the environment decides
_allowed: bool | None = None


@contextmanager
def forbid_real_models() -> Iterator[None]:
    """Refuse every real model inside the block, in all threads; the innermost block decides."""
    with _said(allowed=False):
        yield


@contextmanager
def real_models_allowed() -> Iterator[None]:
    """Allow real models inside the block, whatever a block around it or ``LINUS_NB_NO_MODELS`` says."""
    with _said(allowed=True):
        yield


@contextmanager
def _said(*, allowed: bool) -> Iterator[None]:
    global _allowed
    before, _allowed = _allowed, allowed
    try:
        yield
    finally:
        _allowed = before


def require_real_models(wanted: str) -> None:
    """Return when real models may be built.

    Args:
        wanted: What was asked for, for the sentence.

    Raises:
        NoModelError: The switch is on.
    """
    if _allowed is None and os.environ.get(ENV, "") not in ("", "0"):
        switch = f"{ENV}={os.environ[ENV]!r}"
    elif _allowed is False:
        switch = "forbid_real_models()"
    else:
        return
    raise NoModelError(
        f"{wanted} was asked for, and real models are switched off by {switch}; "
        "use a scripted model of linus_nb.testing, or make the call inside real_models_allowed()"
    )
