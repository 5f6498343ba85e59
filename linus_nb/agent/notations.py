"""What models write around, or in place of, the JSON that was asked for: thoughts, marks, lines with labels, calls."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from linus_nb.agent.loose_json import LONGEST, find_json, without_halves

MOST_LINES = 300
MOST_CALLS = 8
MOST_BRACKETS = 100  # that may open the arguments of a call
LONGEST_CALL = 1_000  # characters between the brackets of a call
MOST_PIECES = 100  # of a call's arguments, where they are not valid JSON

_THOUGHT = r"(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)>"
_THOUGHTS = re.compile(rf".*(?:</{_THOUGHT}|<\|channel\|>final<\|message\|>)", re.IGNORECASE | re.DOTALL)  # to the last
_THOUGHT_BEGINS = re.compile(rf"<{_THOUGHT}|<\|channel\|>analysis", re.IGNORECASE)
_TURN_BEGINS = re.compile(r"\s*(?:<s>|\[/INST\]|<\|im_start\|>assistant|<start_of_turn>model)\s*")
_TURN_ENDS = re.compile(r"<\|(?:im_end|im_start|eot_id|eom_id|end|endoftext|return)\|>|</s>|<end_of_turn>")
_TO_THE_ANSWER = re.compile(r"(?:.*\n)?[ \t*#]{0,8}final answer[ \t*]{0,8}:[ \t*]{0,8}", re.IGNORECASE | re.DOTALL)
_ITEM = re.compile(
    r"[ \t>*#]{0,20}(?:[-*•+]|(?:step )?\d{1,2}[.):])[* \t]{1,8}(?:\[[ xX]?\][ \t]{1,8})?(.*)", re.IGNORECASE
)
_LABEL = re.compile(
    r"[ \t>*_#`•-]{0,20}(?:\d{1,2}[.)][ \t]{0,8})?[*_`]{0,3}([A-Za-z][\w -]{0,40}?)[*_`]{0,3}[ \t]{0,8}[:=](.*)"
)
_FUNCTION = re.compile(r'<function=([\w.-]{1,64})>|<invoke name="([\w.-]{1,64})">|\[ARGS\]')
_PARAMETER = re.compile(r'<parameter(?:=| name=)"?([\w.-]{1,64})"?>')
_BRACKET = re.compile(r"\(")
_NAME_AT_END = re.compile(r"[A-Za-z_][\w.-]{0,63}\Z")


# -- what was said ---------------------------------------------------------------------------------------------------


def spoken(text: str) -> str:
    """Return what a model said: without what it thought, and without turns that it made up after its own.

    >>> spoken("<think>42 * 17, hm</think>It is 714.<|im_end|>")
    'It is 714.'
    """
    text = without_halves(text[:LONGEST])
    if thoughts := _THOUGHTS.match(text):
        text = text[thoughts.end() :]
    if begins := _THOUGHT_BEGINS.search(text):
        text = text[: begins.start()]
    if turn := _TURN_BEGINS.match(text):
        text = text[turn.end() :]
    if turn := _TURN_ENDS.search(text):
        text = text[: turn.start()]
    return text.strip()


def answered(text: str) -> str:
    r"""Return an answer in words: what was said, and of a reply with the steps to it, the answer at its end.

    >>> answered("Thought: that is easy.\nFinal Answer: 714")
    '714'
    """
    said = spoken(text)
    steps = _TO_THE_ANSWER.match(said)
    return (said[steps.end() :].strip() if steps else "") or said


# -- lines -----------------------------------------------------------------------------------------------------------


def labelled(text: str, labels: Collection[str]) -> list[dict[str, str]]:
    r"""Return what stands behind labels, as in YAML or in steps of a thought; a label that comes again begins anew.

    >>> labelled("Thought: easy\nAction: calculator\nAction Input: `2 + 2`", ["action", "action_input"])
    [{'action': 'calculator', 'action_input': '2 + 2'}]
    """
    known = {folded(label): label for label in labels}
    records: list[dict[str, str]] = []
    for line in _lines(text):
        found = _LABEL.match(line)
        label = known.get(folded(found.group(1))) if found else None
        if found is None or label is None:
            continue
        if not records or label in records[-1]:
            records.append({})
        records[-1][label] = found.group(2).strip().strip("*").strip().strip("`\"',").strip()
    return records


def items(text: str) -> list[str]:
    """Return the items of the lists in a text: those with numbers and those with dashes."""
    return [found.group(1).strip() for line in _lines(text) if (found := _ITEM.match(line))]


def _lines(text: str) -> Iterator[str]:
    at = 0
    for _ in range(MOST_LINES):
        end = text.find("\n", at)
        yield text[at:end] if end >= 0 else text[at:]
        if end < 0:
            return
        at = end + 1


# -- calls -----------------------------------------------------------------------------------------------------------


def written_calls(text: str) -> list[tuple[str, Any]]:
    """Return the calls that a text writes in marks or as code: names, and arguments (a dict, a list or a text).

    >>> written_calls("<function=clock></function> and add(a=1, b='x')")
    [('clock', {}), ('add', {'a': 1, 'b': 'x'})]
    """
    calls: list[tuple[str, Any]] = []
    for mark, inside in _marked(_FUNCTION, text):
        objects = (found.value for found in find_json(inside, MOST_PIECES) if isinstance(found.value, dict))
        name = mark.group(1) or mark.group(2) or _name_before(text, mark.start())
        calls.append((name, parameters(inside) or next(objects, {})))
    brackets = (
        (_name_before(text, found.start()), found.end()) for found in islice(_BRACKET.finditer(text), MOST_BRACKETS)
    )
    for name, start in islice((call for call in brackets if call[0]), MOST_CALLS):
        between = _inside(text, start)
        if between is not None:
            calls.append((name, _code_arguments(between)))
    return calls


def _name_before(text: str, at: int) -> str:
    before = text[max(at - 65, 0) : at]
    found = _NAME_AT_END.search(before)
    return found.group() if found else ""


def parameters(text: str) -> dict[str, str]:
    """Return what stands in ``<parameter=NAME>`` marks."""
    found = {}
    for mark, inside in _marked(_PARAMETER, text):
        value, closed, _ = inside.partition("</parameter>")
        if closed:
            found[mark.group(1)] = value.strip()
    return found


def _marked(pattern: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the marks in a text, and what stands between each and the next."""
    marks = list(islice(pattern.finditer(text), MOST_CALLS + 1))
    for number, mark in enumerate(marks[:MOST_CALLS]):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        yield mark, text[mark.end() : end]


def _inside(text: str, start: int) -> str | None:
    """Return the text up to the bracket that closes, if it is near."""
    depth, quote, at = 1, "", start
    for at in range(start, min(len(text), start + LONGEST_CALL)):
        sign = text[at]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                return text[start:at]
    return None


def _code_arguments(inside: str) -> Any:
    """Return the arguments of a call in code: a dict where they are named, a list, or else the text as it stands."""
    if not inside.strip():
        return {}
    for opening, closing in ("{}", "[]"):
        found = find_json(opening + inside + closing, MOST_PIECES)
        if len(found) == 1 and found[0].whole:
            return found[0].value
    return inside.strip()


# -- names -----------------------------------------------------------------------------------------------------------


def folded(name: str) -> str:
    """Return a name without the differences that do not count.

    >>> folded("Web-Search") == folded("web_search")
    True
    """
    return re.sub(r"[\s_-]+", "", name).casefold()
