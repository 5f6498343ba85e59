"""A memory as JSON text, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from linus_nb.agent.memory_store import Turn
from linus_nb.agent.memory_text import clean
from linus_nb.errors import NotAMemoryError

MARK = "linus_nb_memory"
VERSION = 1


def to_json(summary: str, turns: Iterable[Turn]) -> str:
    """Return a summary and turns as JSON."""
    told = [
        {"question": t.question, "answer": t.answer, "at": t.at.isoformat(), "summarised": t.summarised} for t in turns
    ]
    return json.dumps({MARK: VERSION, "summary": summary, "turns": told}, ensure_ascii=False, indent=1)


def from_json(text: str) -> tuple[str, list[Turn]]:
    """Return the summary and the turns that a JSON text holds.

    Raises:
        NotAMemoryError: it is not JSON, or JSON of something else.
    """
    try:
        content = json.loads(text)
    except (ValueError, TypeError) as error:
        raise NotAMemoryError(f"it is not JSON ({error})") from error
    except RecursionError as error:
        raise NotAMemoryError("it is nested too deeply") from error
    if not isinstance(content, Mapping) or MARK not in content:
        raise NotAMemoryError(f"it has no {MARK!r}")
    if content[MARK] != VERSION:
        raise NotAMemoryError(f"it is of version {content[MARK]!r}, and this is version {VERSION}")
    turns = content.get("turns")
    summary = content.get("summary", "")
    if not isinstance(turns, list) or not isinstance(summary, str):
        raise NotAMemoryError("it has no list of turns, or a summary that is no text")
    return clean(summary), _in_order([_turn(place, turn) for place, turn in enumerate(turns)])


def _turn(place: int, turn: Any) -> Turn:
    if not isinstance(turn, Mapping) or not all(isinstance(turn.get(key), str) for key in ("question", "answer")):
        raise NotAMemoryError(f"its turn {place} has no question and answer")
    return Turn(clean(turn["question"]), clean(turn["answer"]), _at(place, turn), turn.get("summarised") is True)


def _at(place: int, turn: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(turn["at"])
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotAMemoryError(f"its turn {place} has no time ({turn.get('at')!r})") from error


def _in_order(turns: list[Turn]) -> list[Turn]:
    """Return the turns as they are; those in the summary have to be the first ones."""
    if any(later.summarised and not earlier.summarised for earlier, later in pairwise(turns)):
        raise NotAMemoryError("a turn that is not summarised stands before one that is")
    return turns
