"""Driving the part of the loop that remembers, without an agent."""

from __future__ import annotations

from datetime import UTC, datetime

from linus_nb.agent.memory_remember import remember
from linus_nb.agent.memory_store import Turn
from linus_nb.agent.requests import CallModel, Reply
from linus_nb.models.usage import Usage

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def turn(question, answer="Noted.", **facts):
    return Turn(question, answer, AT, **facts)


def told(memory, question, answer="Noted.", reply="They talked."):
    """Remember a turn, answer its model call (an exception is thrown in), and return the calls that it made."""
    steps, calls = remember(memory, question, answer), []
    try:
        request = next(steps)
        while True:
            assert isinstance(request, CallModel)
            calls.append(request)
            request = steps.throw(reply) if isinstance(reply, Exception) else steps.send(Reply(reply, Usage()))
    except StopIteration:
        return calls


def talk(memory, turns, *, first=1, words=30):
    """Remember so many turns of so many words; return the calls, by the number of the turn that made them."""
    filler = " ".join(["word"] * words)
    calls = {n: told(memory, f"Question {n} {filler}", f"Answer {n}") for n in range(first, first + turns)}
    return {n: made for n, made in calls.items() if made}
