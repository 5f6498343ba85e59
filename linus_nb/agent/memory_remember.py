"""What a memory does once a question is answered: it keeps the turn, and has old ones summarised when need be.

A part of the agent's loop: it asks for its one model call, and whoever drives the loop makes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from linus_nb.agent.memory_errors import MemoryClosedError, MemoryFileError
from linus_nb.agent.memory_file import PATIENCE_S, BusyError
from linus_nb.agent.memory_store import Turn, Waiting
from linus_nb.agent.memory_text import Budget, clean, cut, fitting, size, turn_size
from linus_nb.agent.requests import CallModel, Message, Reply, Steps
from linus_nb.engine import threads

if TYPE_CHECKING:
    from linus_nb.agent.memory import Memory

logger = logging.getLogger("linus_nb")

PURPOSE = "memory summary"
PATIENCE_ON_A_LOOP_S = 0.02
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
    if not _kept(memory, question, answer) or not memory.summarising.begin():
        return
    try:
        waiting = memory.store.waiting(MOST_LOOKED_AT, memory.budget.size)
        batch = to_summarise(waiting.turns, memory.budget)
        if batch:
            yield from _summarise(memory, waiting, batch, ask)
    except (MemoryFileError, MemoryClosedError) as error:
        logger.error("earlier turns were not summarised, and stay as they are: %s", error)
    finally:
        memory.summarising.end()


def _summarise(memory: Memory, waiting: Waiting, batch: Sequence[Turn], ask: Asking) -> Steps[None]:
    call = CallModel(summary_messages(waiting.summary, batch, memory.budget), PURPOSE)
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
        logger.error("%d earlier turns were not summarised, and stay as they are: %s", len(batch), failure)
        return
    memory.store.summarise(waiting.since, batch[-1].number, summary, PATIENCE_ON_A_LOOP_S)


# -- keeping a turn --------------------------------------------------------------------------------------------------


def _kept(memory: Memory, question: str, answer: str) -> bool:
    """Keep a turn; return whether it is there already.

    An event loop does not wait for another process that holds the file: a thread does.
    """
    question, answer, at = clean(question), clean(answer), datetime.now(UTC)
    try:
        memory.store.add(question, answer, at, PATIENCE_ON_A_LOOP_S if _on_a_loop() else PATIENCE_S)
    except BusyError:
        if _on_a_loop():
            threads.start(lambda: _keep_later(memory, question, answer, at))
        else:
            logger.exception(_LOST)
        return False
    except (MemoryFileError, MemoryClosedError):
        logger.exception(_LOST)
        return False
    return True


_LOST = "a turn could not be kept in the memory"


def _keep_later(memory: Memory, question: str, answer: str, at: datetime) -> None:
    try:
        memory.store.add(question, answer, at)
    except (MemoryFileError, MemoryClosedError):
        logger.exception(_LOST)


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


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
    lines = [text for _, text in fitting(turns, budget.size - size(before))]
    so_far = f"Summary so far: {before}" if before else ""
    told = "\n".join(line for line in (so_far, *lines, "New summary:") if line)
    return (("system", system), *_EXAMPLE, ("user", told))
