"""In which order models are tried, and what happens between two tries. Decided here, done by who blocks or awaits."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from linus_nb import backoff
from linus_nb.models.governing.choice import Choice
from linus_nb.models.governing.refusals import Meaning, meaning_of


@dataclass(frozen=True, slots=True)
class Try:
    """Ask a model; the error of that is sent back."""

    choice: Choice
    number: int  # of the tries at this model, from 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next try at the same model."""

    choice: Choice
    seconds: float
    error: Exception


class Tries:
    """The tries of one call, as whoever blocks or awaits goes through them: ``step`` is what to do now.

    ``rested_s`` are the seconds of the pauses since the last try, ``failures`` the tries that failed.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.first = choices[0]
        self.rested_s = 0.0
        self.failures = 0
        self._steps = attempts(choices)
        self.step = next(self._steps)

    def rested(self, pause: Pause) -> None:
        """Go on after a pause."""
        self.rested_s += pause.seconds
        self.step = next(self._steps)

    def failed(self, error: Exception) -> None:
        """Go on after a try that failed.

        Raises:
            Exception: That error, where nothing else is tried.
        """
        self.rested_s = 0.0
        self.failures += 1
        try:
            self.step = self._steps.send(error)
        except StopIteration:
            raise error from error.__cause__


def attempts(choices: Sequence[Choice]) -> Generator[Try | Pause, Exception, Exception]:
    """Yield tries, and pauses between them; return the error of the last one.

    A model is tried again after what may pass: a connection, a time limit, 429, 5xx. Then, and after anything else,
    the next model has its turn.

    Args:
        choices: The first choice, and those to fall back on.
    """
    for choice in choices:
        for number in range(1, choice.retries + 2):
            error = yield Try(choice, number)
            meaning = meaning_of(error)
            if not meaning.again or number > choice.retries:
                break
            seconds = _pause_s(meaning, number, choice)
            if seconds > 0:
                yield Pause(choice, seconds, error)
    return error


def _pause_s(meaning: Meaning, number: int, choice: Choice) -> float:
    if meaning.refused and choice.limits is not None:
        return 0.0  # after a 429 all wait, there
    return backoff.backoff_s(number) if meaning.after_s is None else meaning.after_s
