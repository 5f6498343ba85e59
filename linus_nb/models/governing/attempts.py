"""In which order models are tried, and what happens between two tries. Decided here, done by who blocks or awaits."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from linus_nb import backoff
from linus_nb.models.governing.refusals import Meaning, meaning_of


@dataclass(frozen=True, slots=True)
class Try:
    """Ask a model; the error of that is sent back."""

    model: Any
    is_last: bool  # nothing is tried after it


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next try."""

    seconds: float
    error: Exception


class Tries:
    """The tries of one call, as whoever blocks or awaits goes through them: ``step`` is what to do now."""

    def __init__(self, models: Sequence[Any], retries: int, *, heeded: bool) -> None:
        self._steps = attempts(models, retries, heeded=heeded)
        self.step = next(self._steps)

    def rested(self) -> None:
        """Go on after a pause."""
        self.step = next(self._steps)

    def failed(self, error: Exception) -> None:
        """Go on after a try that failed.

        Raises:
            Exception: That error, where nothing else is tried.
        """
        try:
            self.step = self._steps.send(error)
        except StopIteration:
            raise error from error.__cause__


def attempts(models: Sequence[Any], retries: int, *, heeded: bool) -> Generator[Try | Pause, Exception, Exception]:
    """Yield tries, and pauses between them; return the error of the last one.

    A model is tried again after what may pass: a connection, a time limit, 429, 5xx. Then, and after anything else,
    the next model has its turn.

    Args:
        models: The first choice, and those to fall back on.
        retries: Tries after the first, for each.
        heeded: What a provider asks for with 429 is waited for elsewhere, by all.
    """
    for k, model in enumerate(models):
        others = k + 1 < len(models)
        for attempt in range(1, retries + 2):
            error = yield Try(model, is_last=not others and attempt > retries)
            meaning = meaning_of(error)
            if not meaning.again or attempt > retries:
                break
            seconds = _pause_s(meaning, attempt, heeded=heeded)
            if seconds > 0:
                yield Pause(seconds, error)
    return error


def _pause_s(meaning: Meaning, attempt: int, *, heeded: bool) -> float:
    if meaning.refused and heeded:
        return 0.0
    return backoff.backoff_s(attempt) if meaning.after_s is None else meaning.after_s
