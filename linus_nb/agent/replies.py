"""From what a model wrote to what was asked for: repaired where its meaning is plain, refused where not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from linus_nb.agent.schemas import MOST_TASKS

LONGEST_REPLY = 100_000  # characters that are read
MOST_VAIN_STARTS = 20  # brackets that begin nothing, before the search is given up
NOTHINGS = frozenset({"", "none", "null", "nil", "no", "n/a", "no tool", "no_tool", "respond", "response", "answer"})


class Unusable(Exception):  # noqa: N818  never leaves the loop: it says why the question is asked again
    """A reply that cannot be read as what was asked for; its text says why, to the model."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a plan. ``depends_on`` holds the numbers, from 1, of earlier tasks of the same plan.

    ``arguments`` are the tool's, where the model has decided them already.
    """

    description: str
    tool: str | None = None
    depends_on: tuple[int, ...] = ()
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the task is done, and what is missing where it is not."""

    complete: bool
    missing: str = ""


# -- JSON in text ----------------------------------------------------------------------------------------------------


def json_values(text: str) -> list[Any]:
    r"""Return the JSON objects and lists that a text holds, in order, wherever they stand in it.

    >>> json_values('Sure! ```json\n{"a": 1}\n``` and [2]')
    [{'a': 1}, [2]]
    """
    values, at, vain = [], 0, 0
    text = text[:LONGEST_REPLY]
    while (start := _next_bracket(text, at)) is not None and vain < MOST_VAIN_STARTS:
        value, end = _decoded(text, start)
        if end > start:
            values.append(value)
        else:
            vain += 1  # each costs the length of the text, and a heap of brackets has many
        at = max(end, start + 1)
    return values


def _next_bracket(text: str, at: int) -> int | None:
    found = re.compile(r"[{\[]").search(text, at)
    return found.start() if found else None


def _decoded(text: str, start: int) -> tuple[Any, int]:
    """Return the value that begins at ``start`` and where it ends; the end is ``start`` where there is none."""
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError):
        return _nearly_json(text, start)
    return value, end


def _nearly_json(text: str, start: int) -> tuple[Any, int]:
    """Read a Python literal, a trailing comma, or unclosed brackets at the end of the text."""
    end = _closing(text, start)
    part = text[start:end]
    for mended in (re.sub(r",\s*([}\]])", r"\1", part), part + _brackets_left_open(part)):
        try:
            value = json.loads(mended, strict=False)
        except (json.JSONDecodeError, RecursionError):
            continue
        if value:  # brackets alone say nothing
            return value, end
    try:
        value = ast.literal_eval(part)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None, start
    return (value, end) if isinstance(value, dict | list) else (None, start)


def _closing(text: str, start: int) -> int:
    """Return the end of the bracket that opens at ``start``, or the end of the text."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "{[") - (text[at] in "}]")
        if depth == 0:
            return at + 1
    return len(text)


def _brackets_left_open(part: str) -> str:
    stack = []
    for sign in re.sub(r'"(?:[^"\\]|\\.)*"', "", part):
        if sign in "{[":
            stack.append("}" if sign == "{" else "]")
        elif sign in "}]" and stack:
            stack.pop()
    return "".join(reversed(stack))


# -- the plan --------------------------------------------------------------------------------------------------------


def read_plan(text: str, tools: Collection[str], question: str) -> tuple[Task, ...]:
    """Return the tasks of a plan; none where the model named none.

    Raises:
        Unusable: no plan can be seen in the text, or it names a tool that does not exist.
    """
    values = json_values(text)
    if not values:
        raise Unusable("it holds no JSON object")
    for value in values:
        entries = _entries(value)
        if entries is not None:
            break
    else:
        raise Unusable('it has no "tasks"')
    if len(values) > 1 and all(_is_task(v) for v in values):
        entries = values  # one object for each task
    tasks: list[Task] = []
    places: dict[int, int] = {}  # number in the reply -> number in the plan, as entries without content fall away
    for number, entry in enumerate(entries, start=1):
        task = _task(entry, tools, question, places)
        if task is not None and len(tasks) < MOST_TASKS:
            tasks.append(task)
            places[number] = len(tasks)
    if entries and not tasks:
        raise Unusable("none of its tasks says what to do")
    return tuple(tasks)


def _entries(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    for key in ("tasks", "plan", "steps"):
        inner = value.get(key)
        if isinstance(inner, dict):
            return _entries(inner) or [inner]
        if isinstance(inner, list):
            return inner
        if isinstance(inner, str):
            return [inner]
        if key in value:
            return []
    return [value] if _is_task(value) else None


def _is_task(value: Any) -> bool:
    return isinstance(value, dict) and not {"description", "tool", "task", "tool_name"}.isdisjoint(value)


def _task(entry: Any, tools: Collection[str], question: str, places: Mapping[int, int]) -> Task | None:
    if isinstance(entry, str):
        return Task(entry.strip()) if entry.strip() else None
    if not isinstance(entry, dict) or not entry:
        return None
    said = next((entry[k] for k in ("description", "task", "name", "step") if isinstance(entry.get(k), str)), "")
    named = entry.get("tool", entry.get("tool_name"))
    if isinstance(named, dict):
        named = named.get("name")
    tool = _tool(named, tools)
    wanted = entry.get("depends_on") or []
    numbers = wanted if isinstance(wanted, list) else [wanted]
    depends_on = dict.fromkeys(places[n] for n in map(_number, numbers) if n is not None and n in places)
    return Task(said.strip() or question, tool, tuple(depends_on))


def _tool(named: Any, tools: Collection[str]) -> str | None:
    if named is None or named is False:
        return None
    name = str(named).strip().removesuffix("()")
    if name in tools:
        return name
    folded = {tool.casefold().replace("_", " "): tool for tool in tools}
    found = folded.get(name.casefold().replace("_", " "))
    if found is None and name.casefold() not in NOTHINGS:
        raise Unusable(f"there is no tool {name[:60]!r}; the tools are {', '.join([*tools, 'none'])}")
    return found


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    digits = re.search(r"\d{1,4}", value) if isinstance(value, str) else None
    return int(digits.group()) if digits else None


# -- arguments -------------------------------------------------------------------------------------------------------


def read_arguments(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's arguments.

    Raises:
        Unusable: they cannot be seen in the text, or one that is required is missing.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = list(schema.get("required", ()))
    objects = [value for value in json_values(text) if isinstance(value, dict)]
    fitting = (value for value in map(_unwrapped(properties), objects) if not properties.keys().isdisjoint(value))
    found: dict[str, Any] = next(fitting, {})
    if not found and len(properties) == 1:
        found = _only_value(text, objects, next(iter(properties)))
    lacking = [name for name in required if name not in found]
    if lacking:
        raise Unusable(f"the argument {lacking[0]!r} is missing")
    closed = schema.get("additionalProperties") in (False, None)
    return {name: value for name, value in found.items() if not closed or name in properties}


def _unwrapped(properties: Mapping[str, Any]) -> Any:
    def unwrap(value: dict[str, Any]) -> dict[str, Any]:
        for key in ("arguments", "args", "parameters", "input", "tool_input"):
            inner = value.get(key)
            if isinstance(inner, dict) and key not in properties:
                return inner
        return value

    return unwrap


def _only_value(text: str, objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the one argument of a tool, from an object with one value under another name, or from a JSON scalar."""
    for value in objects:
        if len(value) == 1 and not isinstance(inner := next(iter(value.values())), dict | list):
            return {name: inner}
    try:
        scalar = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return {name: scalar} if isinstance(scalar, str | int | float) else {}


# -- the verdict -----------------------------------------------------------------------------------------------------

_YES, _NO = frozenset({"yes", "true", "complete", "completed", "done"}), frozenset({"no", "false", "incomplete", "not"})


def read_verdict(text: str) -> Verdict:
    """Return what a completion check came to.

    Raises:
        Unusable: neither yes nor no can be seen in the text.
    """
    for value in json_values(text):
        if not isinstance(value, dict):
            continue
        said = next((value[k] for k in ("complete", "completed", "is_complete", "done") if k in value), None)
        word = str(said).strip().casefold()
        if word in _YES | _NO:
            missing = value.get("missing") or value.get("reason") or ""
            return Verdict(word in _YES, missing.strip() if isinstance(missing, str) else str(missing))
    first = re.match(r"\W*(yes|no)\b", text.casefold())
    if first:
        return Verdict(first.group(1) in _YES)
    raise Unusable('"complete" is neither "yes" nor "no"')
