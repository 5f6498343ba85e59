"""What an agent is told of earlier turns when it is asked something: within the budget, and what matters last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linus_nb.agent import memory_text
from linus_nb.agent.memory_store import Turn
from linus_nb.agent.memory_text import BREAK, MARKS, SUMMARY, Budget, clean, cut, fitting, indented, turn_size
from linus_nb.models.usage import estimated_tokens
from linus_nb.models.usage import token_quarters as size

if TYPE_CHECKING:
    from linus_nb.agent.memory import Memory
    from linus_nb.agent.requests import Message

MOST_RELEVANT = 3
SEARCH_WITHIN_S = 0.2  # somebody waits for the answer


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a memory has to say to a question; it is false where that is nothing.

    Attributes:
        text: All of it, as it goes into a prompt, before the question.
        summary: The summary that stands in it.
        recent: The turns that stand in it because they are the latest, in order of time; long ones may be cut.
        relevant: The turns that stand at its end because they have words of the question, the best last; likewise.
    """

    text: str = ""
    summary: str = ""
    recent: tuple[Turn, ...] = ()
    relevant: tuple[Turn, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text)

    @property
    def tokens(self) -> int:
        """About how many tokens the text has, as the budget counts."""
        return estimated_tokens(self.text)

    @property
    def examples(self) -> tuple[Message, ...]:
        """Turns of a conversation that show a small model how such a prompt is answered; none where nothing is told."""
        return memory_text.RECALLING if self.text else ()

    def before(self, question: str) -> str:
        """Return the question with what was said earlier before it."""
        return f"{self.text}\n{question}" if self.text else question


def recall(memory: Memory, question: str) -> Recalled:
    """Return what to tell a model of earlier turns, so that it can answer ``question``.

    The text never takes more tokens than the memory's budget. Reads only, and asks no model.

    Raises:
        MemoryFileError: the file cannot be read.
        MemoryClosedError: the memory was closed.
    """
    budget = memory.budget
    most_recent = budget.size // MARKS
    opening = memory.store.opening(clean(question), most_recent, MOST_RELEVANT, budget.size, SEARCH_WITHIN_S)
    summary = cut(indented(opening.summary), budget.quarter - size(SUMMARY) - BREAK)
    summary_line = f"{SUMMARY}{summary}" if summary else ""

    relevant = fitting(opening.found[::-1], budget.quarter)
    chosen = {turn.number for turn, _ in relevant}
    room = budget.size - _taken(summary_line) - sum(_taken(text) for _, text in relevant)
    recent = _latest([turn for turn in opening.recent if turn.number not in chosen], budget, room)

    lines = [summary_line, *(text for _, text in recent), *(text for _, text in relevant)]
    return Recalled(
        "\n".join(line for line in lines if line),
        summary,
        tuple(turn for turn, _ in recent),
        tuple(turn for turn, _ in relevant),
    )


def _taken(text: str) -> int:
    return size(text) + BREAK if text else 0  # and the line break after it


def _latest(turns: Sequence[Turn], budget: Budget, room: int) -> list[tuple[Turn, str]]:
    """Return turns with their texts: the latest get what room there is, once each older one has its share."""
    older, latest = turns[: -budget.latest], turns[-budget.latest :]
    reserved = 0
    left = room - sum(min(turn_size(turn), budget.per_turn) for turn in latest)
    kept: list[Turn] = []
    for turn in reversed(older):
        share = min(turn_size(turn), budget.per_turn)
        if reserved + share > left:
            break
        reserved += share
        kept.append(turn)
    shown = fitting(latest, room - reserved)
    return fitting(kept[::-1], room - sum(_taken(text) for _, text in shown)) + shown
