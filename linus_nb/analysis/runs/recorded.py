"""What can be looked at as a run: a result, a saved run, or the handle of a run."""

from __future__ import annotations

from linus_nb.brief import brief
from linus_nb.engine.result import RecordedRun
from linus_nb.engine.run import Run
from linus_nb.errors import NotARunError


def recorded(run: object) -> RecordedRun:
    """Return a run with its record; of a handle, what the run has come to so far.

    Raises:
        NotARunError: it is something else.
    """
    if isinstance(run, Run):
        return run.result()
    if isinstance(run, RecordedRun):
        return run
    raise NotARunError(brief(run))
