"""What can be looked at as a run: a result, a saved run, or the handle of a run."""

from __future__ import annotations

from linus_nb.brief import brief
from linus_nb.engine.result import RecordedRun
from linus_nb.engine.run import Run
from linus_nb.errors import LinusError


class NotARunError(LinusError, TypeError):
    """Something else was given where a run is needed."""

    def __init__(self, thing: object) -> None:
        self.thing = thing
        super().__init__(
            f"{brief(thing)} is no run; give what a graph's run returned, what load_run(...) did, or a run's handle"
        )


def recorded(run: object) -> RecordedRun:
    """Return a run with its record; of a handle, what the run has come to so far.

    Raises:
        NotARunError: it is something else.
    """
    if isinstance(run, Run):
        return run.result()
    if isinstance(run, RecordedRun):
        return run
    raise NotARunError(run)
