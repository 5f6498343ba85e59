"""Driving the part of the loop that remembers, without an agent."""

from __future__ import annotations

from datetime import UTC, datetime

from linus_nb.agent.memory_remember import remember
from linus_nb.agent.memory_store import Turn
from linus_nb.agent.requests import CallBlocking, CallModel, Reply
from linus_nb.models.usage import Usage

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


COLOUR = ("my favourite colour is teal", "Noted.")


def questions(turns):
    return [turn.question for turn in turns]


def turn(question, answer="Noted.", **facts):
    return Turn(question, answer, AT, **facts)


def advance(steps, answer=None):
    """Give the loop what it asked for, do what it asks a disk for, and return its next model call; None at its end."""
    try:
        request = steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
        while isinstance(request, CallBlocking):
            request = steps.send(request.function())
    except StopIteration:
        return None
    assert isinstance(request, CallModel)
    return request


def told(memory, question, answer="Noted.", reply="They talked."):
    """Remember a turn, answer its model call (an exception is thrown in), and return the calls that it made."""
    steps, calls = remember(memory, question, answer), []
    request = advance(steps)
    while request is not None:
        calls.append(request)
        request = advance(steps, reply if isinstance(reply, Exception) else Reply(reply, Usage()))
    return calls


def until_it_summarises(memory):
    """Remember turns until one asks for a summary; return that part of the loop, and the call that waits."""
    while True:
        steps = remember(memory, "Question " + "word " * 30, "ok")
        request = advance(steps)
        if request is not None:
            return steps, request


def talk(memory, turns, *, first=1, words=30):
    """Remember so many turns of so many words; return the calls, by the number of the turn that made them."""
    filler = " ".join(["word"] * words)
    calls = {n: told(memory, f"Question {n} {filler}", f"Answer {n}") for n in range(first, first + turns)}
    return {n: made for n, made in calls.items() if made}
