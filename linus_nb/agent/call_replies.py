"""Calls of tools that a model wrote into its text, because no server read them: Qwen, Mistral, Llama and their kin."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from linus_nb.agent.argument_replies import read_arguments
from linus_nb.agent.loose_json import find_json
from linus_nb.agent.notations import MOST_CALLS, spoken, written_calls
from linus_nb.agent.plan_replies import tool_named
from linus_nb.agent.reply_kinds import NAMES_OF_ARGUMENTS, Unusable

_MARKS = re.compile(
    r"<tool_call>|\[TOOL_CALLS\]|<function=|<\|python_tag\|>|<invoke name=|```tool_code|<function_calls?>"
)


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call; ``problem`` says why its arguments cannot be read, if they cannot."""

    tool: str
    arguments: Mapping[str, Any]
    problem: str = ""


def read_calls(text: str, schemas: Mapping[str, Mapping[str, Any]]) -> tuple[WrittenCall, ...]:
    """Return the calls in a text where it is plain that they are: they stand in marks, or are all of it.

    Args:
        text: What the model wrote.
        schemas: Of the arguments of each tool, by its name.

    >>> schema = {"properties": {"text": {"type": "string"}}, "required": ["text"]}
    >>> read_calls('<tool_call>{"name": "search", "arguments": {"text": "tea"}}</tool_call>', {"search": schema})
    (WrittenCall(tool='search', arguments={'text': 'tea'}, problem=''),)
    >>> read_calls("Call search to find tea.", {"search": schema})
    ()
    """
    said = spoken(text)
    if not _MARKS.search(said) and not (said[:1] in "{[" and said[-1:] in "}]"):
        return ()
    values = [found.value for found in find_json(said) if found.whole]
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    entries = [each for outer in flat for each in _calls_of(outer)]
    calls = [(str(tool_named(entry, schemas)), _given(entry)) for entry in entries]
    if not any(name in schemas for name, _ in calls):
        calls = written_calls(said)
    known = ((name, given) for name, given in calls if name in schemas)
    return tuple(_read(name, given, schemas[name]) for name, given in islice(known, MOST_CALLS))


def _calls_of(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return []
    inner = value.get("tool_calls")
    return [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else [value]


def _given(entry: Mapping[str, Any]) -> Any:
    inner = entry.get("function", entry.get("function_call"))
    held = [entry, inner] if isinstance(inner, dict) else [entry]
    return next((each[key] for each in held for key in NAMES_OF_ARGUMENTS if key in each), {})


def _read(name: str, given: Any, schema: Mapping[str, Any]) -> WrittenCall:
    written = given if isinstance(given, str) and given.lstrip()[:1] in ("{", "[") else json.dumps(given)
    try:
        return WrittenCall(name, read_arguments(written, schema))
    except Unusable as why:
        return WrittenCall(name, {}, str(why))
