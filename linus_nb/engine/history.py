"""The latest runs of this process, so that a cell that forgot to keep its result loses nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from linus_nb.engine.result import ExecutionResult
from linus_nb.events import GraphShape, RunStarted

_runs: deque[Callable[[], ExecutionResult]] = deque(maxlen=20)


def remember(result_of_run: Callable[[], ExecutionResult]) -> None:
    """Keep a run, as what gives its result at any moment; the oldest of twenty is forgotten."""
    _runs.append(result_of_run)


def last_run() -> ExecutionResult | None:
    """Return the result of the latest run in this process, as it stands, or None if there was none.

    Also after Stop: what had finished is in it.
    """
    return _runs[-1]() if _runs else None


def latest_like(graph: GraphShape, but: str) -> ExecutionResult | None:
    """Return the latest run of the same graph that went through, other than the run ``but``, or None."""
    for result_of_run in reversed(tuple(_runs)):
        result = result_of_run()
        first = next(iter(result.events), None)
        same = isinstance(first, RunStarted) and first.graph == graph and first.run_id != but
        if same and result.status == "success":
            return result
    return None
