"""What a memory does once a question is answered: it keeps the turn, and has old ones summarised when need be.

A part of the agent's loop: it asks for its one model call and for what waits for a disk, and whoever drives the loop
sees to both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from linus_nb.agent.memory_store import Turn, Waiting
from linus_nb.agent.memory_text import Budget, clean, cut, fitting, indented, turn_size
from linus_nb.agent.requests import CallBlocking, CallModel, Message, Reply, Steps
from linus_nb.errors import MemoryClosedError, MemoryFileError

if TYPE_CHECKING:
    from linus_nb.agent.memory import Memory

logger = logging.getLogger("linus_nb")

SUMMARY = "memory summary"  # what the model is asked for, in the record
MOST_LOOKED_AT = 2000  # turns, of those that wait to be summarised
MOST_SUMMARY_WORDS = 200
PAUSE_TURNS = 3  # after a summary that failed
BYTES_PER_WORD = 8  # a little more than English has, as models like to exceed what they are told

Asking = Callable[[CallModel], Steps[Reply]]


def asked(call: CallModel) -> Steps[Reply]:
    """Ask a model, and nothing else."""
    reply: Reply = yield call
    return reply


def remember(memory: Memory, question: str, answer: str, ask: Asking = asked) -> Steps[None]:
    """Keep a turn. When those that are repeated word for word pass half the budget, have the oldest summarised.

    The turn is kept before anything is asked for. Each turn is summarised once, and several turns lie between two
    summaries. A summary that fails (by an error that the driver throws in, or an empty reply) is logged, and the turns
    stay as they are; the next try is some turns later. So nothing here costs the answer.

    Args:
        memory: What to keep it in.
        question: What was asked.
        answer: What was answered.
        ask: How to ask the model: the loop gives its own, which counts calls and tokens.
    """
    many: bool = yield CallBlocking(partial(_keep, memory, clean(question), clean(answer)))
    if not many or not memory.summarising.begin():
        return
    try:
        due: Due | None = yield CallBlocking(partial(_look_for_due, memory))
        if due is not None:
            yield from _summarise(memory, due, ask)
    finally:
        memory.summarising.end()


@dataclass(frozen=True, slots=True)
class Due:
    """What a summary is to be made of: what waits, and as many of the first turns of it as one summary can take in."""

    waiting: Waiting
    batch: Sequence[Turn]


def _summarise(memory: Memory, due: Due, ask: Asking) -> Steps[None]:
    call = CallModel(summary_messages(due.waiting.summary, due.batch, memory.budget), SUMMARY)
    try:
        reply = yield from ask(call)
    except Exception as error:  # noqa: BLE001  whatever a model raises: the answer is there, and must not be lost for it
        failure: object = error
        summary = ""
    else:
        failure = "the reply was empty"
        summary = cut(clean(reply.text).strip(), memory.budget.quarter)
    if not summary:
        memory.summarising.failed(PAUSE_TURNS)
        logger.error("%d earlier turns %s: %s", len(due.batch), _STAY, failure)
        return
    yield CallBlocking(partial(_take_over, memory, due, summary))


# -- what waits for a disk, and in an event loop is done in a thread --------------------------------------------------
# Their errors are logged here: the answer that was given is not lost for them.

_STAY = "were not summarised, and stay as they are"


def _keep(memory: Memory, question: str, answer: str) -> bool:
    """Keep a turn; return whether there are turns to be summarised now."""
    try:
        memory.store.add(question, answer)
    except (MemoryFileError, MemoryClosedError):
        logger.exception("a turn could not be kept in the memory")
        return False
    return _look_for_due(memory) is not None


def _look_for_due(memory: Memory) -> Due | None:
    try:
        waiting = memory.store.waiting(MOST_LOOKED_AT, memory.budget.size)
    except (MemoryFileError, MemoryClosedError) as error:
        logger.error("earlier turns %s: %s", _STAY, error)
        return None
    batch = to_summarise(waiting.turns, memory.budget)
    return Due(waiting, batch) if batch else None


def _take_over(memory: Memory, due: Due, summary: str) -> None:
    try:
        memory.store.summarise(due.waiting.since, due.batch[-1].number, summary)
    except (MemoryFileError, MemoryClosedError) as error:
        logger.error("earlier turns %s: %s", _STAY, error)


# -- what to summarise -----------------------------------------------------------------------------------------------


def to_summarise(turns: Sequence[Turn], budget: Budget) -> list[Turn]:
    """Return the oldest of the turns that stand word for word, where these pass half the budget; else none.

    The latest stay. A long turn counts for no more than its share, since it is cut when it is shown: so the latest
    count for a quarter of the budget at most, and long answers do not make every turn a summary.
    """
    if sum(_counts_for(turn, budget) for turn in turns) <= budget.half:
        return []
    return list(_first(turns[: -budget.latest], budget))


def _counts_for(turn: Turn, budget: Budget) -> int:
    return min(turn_size(turn), budget.per_turn)


def _first(turns: Sequence[Turn], budget: Budget) -> Iterator[Turn]:
    """Yield as many of the turns, from the first, as one summary can take in."""
    room = budget.size - budget.quarter  # the present summary takes the quarter
    for turn in turns:
        room -= _counts_for(turn, budget)
        if room < 0:
            return
        yield turn


# -- the prompt ------------------------------------------------------------------------------------------------------

_EXAMPLE = (
    (
        "user",
        """Summary so far: Ann lives in Oslo.
Earlier: I bought a blue bicycle for 300 euros
Answer: Enjoy it!
Earlier: What is 300 / 12?
Answer: 25
New summary:""",
    ),
    ("assistant", "Ann lives in Oslo. She bought a blue bicycle for 300 euros. 300 / 12 is 25."),
)


def summary_messages(before: str, turns: Sequence[Turn], budget: Budget) -> tuple[Message, ...]:
    """Return the question for a summary of the present one and of turns, these cut so that they fit into the budget."""
    words = min(MOST_SUMMARY_WORDS, budget.quarter // BYTES_PER_WORD)
    system = (
        f"Summarise the conversation in at most {words} words. "
        "Keep names, numbers, likes, plans, decisions and results; leave out politeness."
    )
    # one that was made within a larger budget is shortened by the model, and keeps no turn out
    before = cut(indented(before), budget.size)
    lines = [text for _, text in fitting(turns, budget.size - budget.quarter)]
    so_far = f"Summary so far: {before}" if before else ""
    told = "\n".join(line for line in (so_far, *lines, "New summary:") if line)
    return (("system", system), *_EXAMPLE, ("user", told))
