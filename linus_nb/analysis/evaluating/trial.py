"""One case under way or over: what it came to, what that cost, and how it was scored."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from linus_nb.analysis.evaluating.cases import Case
from linus_nb.engine.threads import in_thread
from linus_nb.events import ModelCalled
from linus_nb.graph.target import Target

RUNNING = "running"


@dataclass
class Trial:
    """One case, from the moment when it begins.

    Attributes:
        case: what is asked.
        began: when it began, on the clock of the event loop.
        status: "running", then "success", "partial", "failed" or "cancelled".
        duration_s: seconds from the call to its return, scoring left out.
        output: what is scored.
        result: the agent's response, or the run of the graph; also one that failed.
        errors: sentences.
        calls: the model calls that it made.
        scores: what each scorer said, by name; those that said nothing are left out.
        judging: the model calls that scorers made.
        raised: what scorers raised, by name.
    """

    case: Case
    began: float
    status: str = RUNNING
    duration_s: float = 0.0
    output: Any = None
    result: Any = None
    errors: list[str] = field(default_factory=list)
    calls: Sequence[ModelCalled] = ()
    scores: dict[str, bool | float] = field(default_factory=dict)
    judging: Sequence[ModelCalled] = ()
    raised: dict[str, str] = field(default_factory=dict)

    def left(self, now: float) -> Trial:
        """Return the trial as it stands when it is given up, whatever may still become of it."""
        kept = replace(self, errors=list(self.errors), scores=dict(self.scores))
        kept.calls, kept.judging = tuple(self.calls), tuple(self.judging)
        if kept.status == RUNNING:
            kept.status, kept.duration_s = "cancelled", now - self.began
        return kept


def stopped_by_us() -> bool:
    """Return whether the task of the moment was asked to end; a `CancelledError` may come from what it calls, too."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def called(target: Target, *args: Any, **kwargs: Any) -> Any:
    """Call a user's function, or the like: a plain one in a thread, so that the loop (and with it Stop) stays alive."""
    if target.awaiting is not None:
        value = target.awaiting(*args, **kwargs)
    else:
        assert target.blocking is not None
        value = await in_thread(partial(target.blocking, *args, **kwargs))
    while inspect.isawaitable(value):  # of a lambda, for instance
        value = await value
    return value
