"""Whether a task is done, from what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from linus_nb.agent.loose_json import find_json
from linus_nb.agent.notations import labelled, spoken
from linus_nb.agent.reply_kinds import Unusable, Verdict

_YES = frozenset({"yes", "y", "true", "complete", "completed", "done", "finished", "1", "1.0"})
_NO = frozenset({"no", "n", "false", "incomplete", "not", "unfinished", "0", "0.0"})
_QUESTIONS = ("complete", "completed", "is_complete", "done", "is_done", "finished", "answer", "verdict", "status")
_LACKS = ("missing", "reason")
_NOTHING = frozenset({"none", "nothing", "n/a", "null", "-"})
_FIRST = re.compile(r"[^\w{}\[\]]{0,20}(yes|no|true|false|completed?|incomplete|not complete|done)\b", re.IGNORECASE)


def read_verdict(text: str) -> Verdict:
    """Return what a completion check came to.

    Raises:
        Unusable: neither yes nor no can be seen in the text.
    """
    said = spoken(text)
    for value in _objects(said):
        for question in _QUESTIONS:
            word = _first_word(value.get(question))
            if word in _YES | _NO:
                return Verdict(word in _YES, _missing(value))
    if first := _FIRST.match(said):
        return Verdict(first.group(1).casefold().partition(" ")[0] in _YES)
    raise Unusable('"complete" is neither "yes" nor "no"')


def _objects(said: str) -> Iterator[Mapping[str, Any]]:
    for found in sorted(find_json(said), key=lambda f: not f.valid):
        inner = found.value if isinstance(found.value, list) else [found.value, *found.value.values()]
        yield from (value for value in inner[:20] if isinstance(value, dict))
    yield from labelled(said, (*_QUESTIONS, *_LACKS))


def _first_word(said: Any) -> str:
    if isinstance(said, dict | list):
        return ""
    found = re.search(r"[\w.]{1,20}", str(said)[:100])
    return found.group().casefold().rstrip(".") if found else ""


def _missing(value: Mapping[str, Any]) -> str:
    lack = next((value[key] for key in _LACKS if value.get(key)), "")
    words = ", ".join(map(str, lack[:10])) if isinstance(lack, list) else str(lack)
    return "" if words.strip().casefold() in _NOTHING else words.strip()[:200]
