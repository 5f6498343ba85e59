"""One try at a model call: the place it holds among the limits, and what it tells them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from linus_nb import events
from linus_nb.models.facts import model_name
from linus_nb.models.governing.choice import Choice
from linus_nb.models.governing.limits import Place
from linus_nb.models.governing.refusals import meaning_of
from linus_nb.models.usage import Usage, usage_of


@dataclass(slots=True)
class Held:
    """A call that may go on. ``said``: something of the reply has been handed on, so that it cannot be tried again."""

    choice: Choice
    messages: Sequence[Any]
    sent: int = 0  # tokens, as counted here
    place: Place | None = None
    began: float = field(default_factory=time.perf_counter)
    said: bool = False
    parts: list[Any] = field(default_factory=list)  # of the reply, once that is whole

    @property
    def waited_s(self) -> float:
        """Seconds that it waited for its place."""
        return 0.0 if self.place is None else self.place.waited_s

    def replied(self, parts: list[Any]) -> Usage:
        """Take a whole reply: tell the limits what the call took, and return that."""
        self.parts = parts
        usage = usage_of(parts, self.messages)
        if self.place is not None:
            self.place.used(usage.total_tokens)
        return usage

    def heed(self, error: Exception) -> None:
        """Tell the limits of a refusal."""
        meaning = meaning_of(error)
        if self.place is not None and meaning.refused:
            self.place.rejected(meaning.after_s)


@contextmanager
def held(choice: Choice, messages: Sequence[Any], sent: int, reserved: int) -> Iterator[Held]:
    """Hold a place for a call, waiting for it where there are limits.

    Args:
        choice: The model, with its limits.
        messages: What is asked.
        sent: Tokens of that, as counted here.
        reserved: Tokens that it will take, by a guess.
    """
    if choice.limits is None:
        yield Held(choice, messages)
        return
    with choice.limits.hold(reserved, events.priority.get(), model_name(choice.model)) as place:
        call = Held(choice, messages, sent, place)
        try:
            yield call
        except Exception as error:
            call.heed(error)
            raise


@asynccontextmanager
async def aheld(choice: Choice, messages: Sequence[Any], sent: int, reserved: int) -> AsyncIterator[Held]:
    """Hold a place for a call, awaiting it. Otherwise as `held`."""
    if choice.limits is None:
        yield Held(choice, messages)
        return
    async with choice.limits.ahold(reserved, events.priority.get(), model_name(choice.model)) as place:
        call = Held(choice, messages, sent, place)
        try:
            yield call
        except Exception as error:
            call.heed(error)
            raise
