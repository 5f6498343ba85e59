"""A plan, from what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from linus_nb.agent.loose_json import json_values
from linus_nb.agent.notations import folded, items, labelled, spoken, written_calls
from linus_nb.agent.reply_kinds import NAMES_OF_ARGUMENTS, Task, Unusable
from linus_nb.agent.schemas import MOST_TASKS

NOTHINGS = frozenset(
    {"", "-", "none", "null", "nil", "no", "na", "n/a", "undefined", "nothing", "respond", "response", "answer"}
    | {"final answer", "no tool", "no_tool", "no tool needed", "none needed", "not needed", "not applicable"}
)
MOST_ENTRIES = 50
LONGEST_DESCRIPTION = 2_000
_LISTS = ("tasks", "plan", "steps", "tool_calls", "actions", "task_list", "subtasks")
_WORDS = ("description", "task", "step", "title", "name")
_NAMES = ("function_call", "function", "action", "name", "recipient_name")  # of tools, where nothing is called a tool
_LABELS = ("tool", "tool_name", "action", "action_input", "description", "task", "depends_on", "id")


def read_plan(text: str, tools: Collection[str], question: str) -> tuple[Task, ...]:
    """Return the tasks of a plan; none where the model named none.

    Raises:
        Unusable: no plan can be seen in the text, or it names a tool that does not exist.
    """
    said = spoken(text)
    values = json_values(said)
    is_empty = False
    for entries in _entries_in(said, values, tools):
        tasks = _planned(entries, tools, question)
        if tasks:
            return tasks
        is_empty = is_empty or not entries
    if is_empty:
        return ()
    if not values:
        raise Unusable("it holds no JSON object")
    raise Unusable("none of its tasks says what to do" if any(map(_listed, values)) else 'it has no "tasks"')


# -- where the tasks stand -------------------------------------------------------------------------------------------


def _entries_in(said: str, values: Sequence[Any], tools: Collection[str]) -> Iterator[list[Any]]:
    """Yield what may be the tasks, the likeliest first."""
    for value in values:
        entries = _listed(value)
        if entries is not None and isinstance(value, dict):
            yield entries
    tasks = [value for value in values if _is_task(value, tools)]
    if tasks:
        yield tasks  # one object for each task
    for value in values:
        if isinstance(value, list) and (value or len(values) == 1):
            yield value
    lines = labelled(said, _LABELS)
    if any(_known(tool_named(record, tools), tools) for record in lines):
        yield list(lines)
    calls = [call for call in written_calls(said) if _known(call[0], tools)]
    if calls:
        yield [{"tool": name, "arguments": arguments} for name, arguments in calls]
    steps = items(said)
    if not any(step.casefold().startswith("none:") for step in steps):  # the list of tools, said again
        yield from _steps(steps, tools)


def _steps(steps: Sequence[str], tools: Collection[str]) -> Iterator[list[Any]]:
    """Yield the steps of a list in words, if one of them names a tool."""
    names = "|".join(re.escape(tool).replace("_", "[ _]") for tool in tools)
    if not names or not steps:
        return
    named = [re.search(rf"\b({names})\b", step[:LONGEST_DESCRIPTION], re.IGNORECASE) for step in steps]
    if any(named):
        yield [
            {"tool": found.group() if found else None, "description": step.replace("**", "")}
            for step, found in zip(steps, named, strict=True)
        ]


def _listed(value: Any) -> list[Any] | None:
    """Return the list of tasks that a value is, or holds; None where there is no such list."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    for key in _LISTS:
        inner = value.get(key)
        if isinstance(inner, dict):
            return _listed(inner) or _numbered(inner) or [inner]
        if isinstance(inner, list):
            return inner
        if isinstance(inner, str):
            return [inner]
        if key in value:
            return []
    return None


def _numbered(value: Mapping[str, Any]) -> list[Any]:
    """Return the tasks of an object that holds them by number: ``{"1": …, "task2": …}``."""
    if value and all(re.fullmatch(r"\w{0,10}?[ _-]?\d{1,2}", key) for key in value):
        return list(value.values())
    return []


def _is_task(value: Any, tools: Collection[str]) -> bool:
    if not isinstance(value, dict):
        return False
    return not {"description", "tool", "task", "tool_name"}.isdisjoint(value) or tool_named(value, tools) is not None


# -- one task --------------------------------------------------------------------------------------------------------


def _task(entry: Any, tools: Collection[str], question: str) -> Task | None:
    if isinstance(entry, str):
        name, colon, _ = entry.partition(":")
        tool = _known(name, tools) if colon else _known(entry, tools)
        said = question if tool and not colon else entry.strip()
        return Task(said[:LONGEST_DESCRIPTION], tool) if said else None
    if not isinstance(entry, dict) or not entry:
        return None
    named = tool_named(entry, tools)
    tool = _tool(named, tools)
    words = (entry[k] for k in _WORDS if isinstance(entry.get(k), str) and entry[k] != named)
    said = next((word.strip() for word in words if word.strip()), "") or _call_in_words(entry, tool) or question
    return Task(said[:LONGEST_DESCRIPTION], tool)


def tool_named(entry: Mapping[str, Any], tools: Collection[str]) -> Any:
    """Return what an entry says of its tool; None where it says nothing."""
    for key in ("tool", "tool_name"):
        if key in entry:
            named = entry[key]
            named = named[0] if isinstance(named, list) and len(named) == 1 else named
            return named.get("name") if isinstance(named, dict) else named
    for key in _NAMES:
        named = entry.get(key)
        if isinstance(named, dict):
            named = named.get("name")
        if isinstance(named, str) and (_known(named, tools) or not set(NAMES_OF_ARGUMENTS).isdisjoint(entry)):
            return named
    return None


def _tool(named: Any, tools: Collection[str]) -> str | None:
    """Return the tool that is meant, None for none.

    Raises:
        Unusable: there is no such tool.
    """
    if named is None or named is False or named == []:
        return None
    found = _known(named, tools)
    if found is None and (not isinstance(named, str) or _bare(named).casefold() not in NOTHINGS):
        raise Unusable(f"there is no tool {str(named)[:60]!r}; the tools are {', '.join([*tools, 'none'])}")
    return found


def _known(named: Any, tools: Collection[str]) -> str | None:
    if not isinstance(named, str) or len(named) > LONGEST_DESCRIPTION:
        return None
    name = _bare(named)
    if name in tools:
        return name
    alike = {folded(tool): tool for tool in tools}
    return alike.get(folded(name)) or alike.get(folded(re.sub(r"\b(?:the|use|tool)\b", "", name.casefold())))


def _bare(name: str) -> str:
    """Return a name without quotes, without the arguments behind it, and without the ``functions.`` before it."""
    return name.strip().strip("`'\"*<>. ").partition("(")[0].removeprefix("functions.").strip()


def _call_in_words(entry: Mapping[str, Any], tool: str | None) -> str:
    """Return a task's arguments as its description: two calls of one tool differ in nothing else."""
    held = [entry, *(value for key in _NAMES if isinstance(value := entry.get(key), dict))]
    given = next((inner[key] for inner in held for key in NAMES_OF_ARGUMENTS if inner.get(key)), None)
    if given is None:
        return ""
    shown = ", ".join(f"{k}={v!r}" for k, v in list(given.items())[:5]) if isinstance(given, dict) else str(given)
    return f"{tool or 'answer'}: {shown}"[:200]


# -- what tasks need of each other -----------------------------------------------------------------------------------


def _planned(entries: Sequence[Any], tools: Collection[str], question: str) -> tuple[Task, ...]:
    """Return the tasks of entries, each after those that it depends on; entries without content fall away."""
    read = [(number, entry, _task(entry, tools, question)) for number, entry in enumerate(entries[:MOST_ENTRIES])]
    kept = [(number, entry, task) for number, entry, task in read if task is not None]
    if len(kept) > MOST_TASKS:  # a model in a loop says one thing again and again
        kept = list({task: (number, entry, task) for number, entry, task in reversed(kept)}.values())[::-1]
    kept = kept[:MOST_TASKS]
    wanted = [_references(entry) for _, entry, _ in kept]
    first = 0 if any("0" in references for references in wanted[1:]) else 1
    places: dict[str, int] = {}
    for names in (
        [_names(entry) for _, entry, _ in kept],
        [[str(number + first)] for number, _, _ in kept],
        [[folded(task.description)] for _, _, task in kept],
        [[folded(task.tool or "")] for _, _, task in kept],
    ):
        for place, several in enumerate(names):
            for name in several:
                places.setdefault(name, place)
    needs = [{places[name] for name in map(_nearly(places), references) if name} - {place}
             for place, references in enumerate(wanted)]  # fmt: skip
    order: list[int] = []
    while len(order) < len(kept):
        left = [place for place in range(len(kept)) if place not in order]
        order.append(next((place for place in left if needs[place] <= set(order)), left[0]))  # a circle is cut
    return tuple(
        replace(kept[place][2], depends_on=tuple(sorted(order.index(n) + 1 for n in needs[place] if n in order[:at])))
        for at, place in enumerate(order)
    )


def _names(entry: Any) -> list[str]:
    """Return the names that an entry gives itself."""
    own = [entry.get(key) for key in ("id", "task_id", "number", "name")] if isinstance(entry, dict) else []
    return [folded(str(name)) for name in own if isinstance(name, str | int)]


def _references(entry: Any) -> list[str]:
    """Return the names and numbers of the tasks that an entry depends on."""
    keys = ("depends_on", "dependencies", "depends")
    wanted: Any = (
        next((entry[key] for key in keys if entry.get(key) is not None), []) if isinstance(entry, dict) else []
    )
    references = []
    for each in wanted[:MOST_ENTRIES] if isinstance(wanted, list) else [wanted]:
        inner = next(iter(each.values())) if isinstance(each, dict) and len(each) == 1 else each
        if isinstance(inner, float) and inner.is_integer():
            inner = int(inner)
        if isinstance(inner, str):
            several = [inner] if isinstance(wanted, list) else [inner, *re.findall(r"\d{1,3}", inner)]
            references += [folded(name[:LONGEST_DESCRIPTION]) for name in several]
        elif isinstance(inner, int) and not isinstance(inner, bool) and 0 <= inner <= MOST_ENTRIES:
            references.append(str(inner))
    return references


def _nearly(places: Mapping[str, int]) -> Callable[[str], str]:
    """Return what finds the name meant by a reference: itself, or the number in it (``task 1``)."""

    def find(reference: str) -> str:
        if reference in places:
            return reference
        number = re.fullmatch(r"[a-z]{0,10}[#(]?(\d{1,3})\)?", reference)
        return number.group(1) if number and number.group(1) in places else ""

    return find
