"""What is told of a call while it goes on: that it waits, and which model is tried."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from linus_nb import events
from linus_nb.models.doubles import is_test_double
from linus_nb.models.facts import model_name
from linus_nb.models.prices import origin_of

_numbers = count(1)


class WaitTold:
    """A wait that is told of when it begins, if it ever does, and when it ends."""

    def __init__(self, model: str, reason: events.WaitReason, error: BaseException | None = None) -> None:
        self.model = model
        self.reason = reason
        self.error = error
        self._number: int | None = None

    def begin(self) -> None:
        """Tell that the call waits, once."""
        if self._number is None:
            self._number = next(_numbers)
            events.report(events.ModelWaits(self._number, self.model, self.reason, self.error))

    def end(self) -> None:
        """Tell that it waits no more, if that was told."""
        if self._number is not None:
            events.report(events.ModelWaited(self._number))
            self._number = None


@contextmanager
def resting(model: Any, error: Exception) -> Iterator[None]:
    """Tell of the pause before another try, while the block goes on."""
    told = WaitTold(model_name(model), "retry", error)
    told.begin()
    try:
        yield
    finally:
        told.end()


def tell_try(run_manager: Any, model: Any, first: Any, number: int, waited_s: float, failures: int) -> None:
    """Tell whoever hears a call which model is asked now.

    Args:
        run_manager: LangChain's, of the call.
        model: The one that is asked.
        first: The first choice.
        number: Of the tries at the model, from 1.
        waited_s: How long the call waited before this try.
        failures: How many tries failed before it.
    """
    from linus_nb.models.listeners import Listener, Tried

    hearing = [one for one in getattr(run_manager, "handlers", ()) if isinstance(one, Listener)]
    if hearing:
        instead_of = "" if model is first else model_name(first)
        is_double = is_test_double(str(model._llm_type))
        tried = Tried(origin_of(model), is_double, time.perf_counter(), number, waited_s, instead_of, failures)
        for one in hearing:
            one.tried(run_manager.run_id, tried)
