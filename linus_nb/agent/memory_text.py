"""How what is remembered reads in a prompt, and how it is made to fit.

Every line of it begins with a mark, or with two spaces where it goes on: so nothing that was once said, or read on some
page by a tool, can stand in a prompt as if the user asked for it now.

Short and plain, as a model of 135M parameters needs it. The embedded model was tried on six questions: from the turn
that matters alone it answered all of them; with five other turns, five where the one that matters stood last, and two
in order of time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from linus_nb.agent.memory_store import Turn
from linus_nb.agent.requests import Message
from linus_nb.models.usage import BYTES_PER_TOKEN
from linus_nb.models.usage import token_quarters as size

SUMMARY = "Earlier, in short: "
QUESTION = "Earlier: "
ANSWER = "Answer: "
CUT = "…"

RECALLING: tuple[Message, ...] = (
    ("user", "Earlier: my cat is called Tom\nAnswer: Nice!\nWhat is the name of my cat?"),
    ("assistant", "Tom"),
    ("user", "Earlier: I was born in Spain.\nAnswer: Spain is a lovely country.\nWhere am I from?"),
    ("assistant", "Spain"),
    ("user", "Earlier: I play football on Mondays\nAnswer: Good to know.\nWhat do I do on Mondays?"),
    ("assistant", "You play football on Mondays."),
)
"""Examples of questions that are answered from what was said earlier: for a prompt that begins so."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Who gets how much room in a prompt: a quarter for the summary, one for what was found, the rest for the latest.

    Attributes:
        size: All of it, in quarters of a token.
        latest: How many of the latest turns are never summarised: as many as wished for, or as a quarter has room for.
    """

    size: int
    latest: int

    @classmethod
    def of(cls, tokens: int, recent_turns: int) -> Budget:
        """Return the budget of a memory."""
        size = tokens * BYTES_PER_TOKEN
        return cls(size, max(1, min(recent_turns, size // 4 // SMALLEST_TURN)))

    @property
    def quarter(self) -> int:
        """What the summary may take, and what was found; and what the ``latest`` turns count for at most."""
        return self.size // 4

    @property
    def half(self) -> int:
        """What turns that are repeated word for word can count on."""
        return self.size // 2

    @property
    def per_turn(self) -> int:
        """What each of those can count on, and counts for at most: longer ones are cut where there is no more room."""
        return self.quarter // self.latest


def clean(text: object) -> str:
    r"""Return a text that any file can hold: without NUL and halves of characters.

    >>> clean("a\0b"), clean("\ud83d")
    ('a�b', '?')
    """
    return str(text).encode("utf-8", "replace").decode("utf-8").replace("\0", "�")


def indented(text: str) -> str:
    r"""Return a text whose lines, but for the first, are indented; empty ones are left out.

    >>> indented(" one\n\nEarlier: two\n")
    'one\n  Earlier: two'
    """
    return "\n  ".join(line.rstrip() for line in text.splitlines() if line.strip()).lstrip()


def cut(text: str, room: int) -> str:
    """Return a text that takes at most ``room``, its end left out where it is longer.

    >>> cut("twelve bytes", 12), cut("thirteen byte", 12), cut("no", 1)
    ('twelve bytes', 'thirteen…', '')
    """
    if size(text) <= room:
        return text
    sums = accumulate(size(char) for char in text[: max(0, room)])  # each takes 1 at least
    kept = text[: bisect_right(list(sums), room - size(CUT))].rstrip()
    whole = kept.rpartition(" ")[0]
    kept = whole if len(whole) > len(kept) * 3 // 4 else kept  # rather between words than within one
    return f"{kept}{CUT}" if kept else ""


BREAK = size("\n")  # between any two lines
MARKS = size(f"{QUESTION}\n{ANSWER}\n")  # room of a turn that is not for its own words, with the line break after it
SMALLEST_TURN = MARKS + 24  # with less room than that, a turn that does not fit would tell nothing


def turn_text(turn: Turn, room: int) -> str:
    """Return a turn in at most ``room``, its line break counted; nothing where so little would tell nothing.

    >>> from datetime import UTC, datetime
    >>> print(turn_text(Turn("my favourite colour is teal", "Noted.", datetime.now(UTC)), 100))
    Earlier: my favourite colour is teal
    Answer: Noted.
    """
    question, answer = indented(turn.question), indented(turn.answer)
    if room < min(SMALLEST_TURN, turn_size(turn)):
        return ""
    for_question, for_answer = shares([size(question), size(answer)], room - MARKS)
    said, answered = cut(question, for_question), cut(answer, for_answer)
    return f"{QUESTION}{said}\n{ANSWER}{answered}" if answered else f"{QUESTION}{said}"


def turn_size(turn: Turn) -> int:
    """Return how much room a turn needs, so that it is not cut."""
    return MARKS + size(indented(turn.question)) + size(indented(turn.answer))


def fitting(turns: Sequence[Turn], room: int) -> list[tuple[Turn, str]]:
    """Return turns with their texts, long ones cut so that all fit into ``room``; if need be without the first.

    >>> fitting([], 100)
    []
    """
    turns = _latest_that_can_be_told(turns, room)
    rooms = shares([turn_size(turn) for turn in turns], room)
    texts = [(turn, turn_text(turn, given)) for turn, given in zip(turns, rooms, strict=True)]
    return [(turn, text) for turn, text in texts if text]


def _latest_that_can_be_told(turns: Sequence[Turn], room: int) -> Sequence[Turn]:
    for first in range(len(turns) - 1, -1, -1):
        room -= min(turn_size(turns[first]), SMALLEST_TURN)
        if room < 0:
            return turns[first + 1 :]
    return turns


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """Share ``room`` out: those who want little get it, and the others the same amount of what is left.

    >>> shares([10, 500, 300], 210)
    [10, 100, 100]
    """
    given = [0] * len(wanted)
    smallest_first = sorted(range(len(wanted)), key=lambda place: wanted[place])
    for done, place in enumerate(smallest_first):
        given[place] = min(wanted[place], max(0, room) // (len(wanted) - done))
        room -= given[place]
    return given
