"""The latest runs of this process, so that a cell that forgot to keep its result loses nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linus_nb.engine.ledger import Ledger
    from linus_nb.engine.result import ExecutionResult

_runs: deque[Ledger] = deque(maxlen=20)


def remember(run: Ledger) -> None:
    """Keep a run; the oldest of twenty is forgotten."""
    _runs.append(run)


def last_run() -> ExecutionResult | None:
    """Return the result of the latest run in this process, as it stands, or None if there was none.

    Also after Stop: what had finished is in it.
    """
    return _runs[-1].result() if _runs else None
