"""What makes an answer right."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Check = Callable[[Any], bool]


def names(*wanted: str, but_not: str = "") -> Check:
    """The answer has all these words or numbers, whatever is around them, and not the other one."""

    def right(answer: Any) -> bool:
        text = _plain(answer)
        return all(_has(text, word) for word in wanted) and not (but_not and _has(text, but_not))

    return right


def holds(**fields: str | int) -> Check:
    """The answer's fields are these; of a text, it is enough that the word is in it."""

    def right(answer: Any) -> bool:
        return all(
            _has(_plain(getattr(answer, name)), wanted) if isinstance(wanted, str) else getattr(answer, name) == wanted
            for name, wanted in fields.items()
        )

    return right


def says_today(form: str, *also: str) -> Check:
    """The answer has a part of today's date, in a form of ``strftime``."""
    return lambda answer: names(datetime.now().astimezone().strftime(form), *also)(answer)


def _plain(answer: Any) -> str:
    return re.sub(r"(?<=\d),(?=\d{3})", "", str(answer)).casefold()  # 1,043 is 1043


def _has(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word.casefold())}(?!\w|\.\d)", text) is not None
