"""Whatever a model writes is read, or refused with a reason; never anything else."""

# ruff: noqa: E501  the replies stand as they were written
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linus_nb.agent.replies import Task, Unusable, json_values, read_arguments, read_plan, read_verdict
from linus_nb.agent.schemas import MOST_TASKS

TOOLS = ("calculator", "web_search")
Q = "the question"
CALC = Task("add", "calculator")
FENCE = "```"

READ = {
    "plain": ('{"tasks": [{"description": "add", "tool": "calculator"}]}', [CALC]),
    "fenced": (f'{FENCE}json\n{{"tasks": [{{"description": "add", "tool": "calculator"}}]}}\n{FENCE}', [CALC]),
    "prose around it": ('Sure! {"tasks": [{"description": "add", "tool": "calculator"}]} Hope it helps.', [CALC]),
    "prose with a bracket before": ('I [think]: {"tasks": [{"description": "add", "tool": "calculator"}]}', [CALC]),
    "two objects, one a task each": (
        '{"description": "add", "tool": "calculator"}\n{"description": "say", "tool": "none"}', [CALC, Task("say")]
    ),
    "a list": ('[{"description": "add", "tool": "calculator"}]', [CALC]),
    "a list of strings": ('{"tasks": ["think", "write"]}', [Task("think"), Task("write")]),
    "one task without a list": ('{"description": "add", "tool": "calculator"}', [CALC]),
    "tasks as an object": ('{"tasks": {"description": "add", "tool": "calculator"}}', [CALC]),
    "tasks as a string": ('{"tasks": "think"}', [Task("think")]),
    "called steps": ('{"steps": [{"step": "add", "tool": "calculator"}]}', [CALC]),
    "called plan": ('{"plan": [{"task": "add", "tool": "calculator"}]}', [CALC]),
    "tool null": ('{"tasks": [{"description": "say", "tool": null}]}', [Task("say")]),
    "tool 'null'": ('{"tasks": [{"description": "say", "tool": "null"}]}', [Task("say")]),
    "tool 'None'": ('{"tasks": [{"description": "say", "tool": "None"}]}', [Task("say")]),
    "tool missing": ('{"tasks": [{"description": "say"}]}', [Task("say")]),
    "tool in other letters": ('{"tasks": [{"description": "add", "tool": "Calculator"}]}', [CALC]),
    "tool with brackets": ('{"tasks": [{"description": "find", "tool": "Web Search()"}]}', [Task("find", "web_search")]),
    "tool as an object": ('{"tasks": [{"description": "add", "tool": {"name": "calculator"}}]}', [CALC]),
    "no description": ('{"tasks": [{"tool": "calculator"}]}', [Task(Q, "calculator")]),
    "description null": ('{"tasks": [{"description": null, "tool": "calculator"}]}', [Task(Q, "calculator")]),
    "empty plan": ('{"tasks": []}', []),
    "plan null": ('{"tasks": null}', []),
    "empty tasks among others": ('{"tasks": [{}, null, 3, "", {"description": "add", "tool": "calculator"}]}', [CALC]),
    "Python's own": ("{'tasks': [{'description': 'add', 'tool': 'calculator', 'depends_on': None}]}", [CALC]),
    "trailing comma": ('{"tasks": [{"description": "add", "tool": "calculator",},]}', [CALC]),
    "cut at the end": ('{"tasks": [{"description": "add", "tool": "calculator"', [CALC]),
    "line breaks in strings": ('{"tasks": [{"description": "add\nup", "tool": "calculator"}]}', [Task("add\nup", "calculator")]),
    "more than may be": (json.dumps({"tasks": [{"description": str(n)} for n in range(30)]}), [Task(str(n)) for n in range(MOST_TASKS)]),
    "depends on what does not exist": (
        '{"tasks": [{"description": "a", "depends_on": [2, 0, 1, "x", true, null]}, {"description": "b", "depends_on": ["task 1", 7]}]}',
        [Task("a"), Task("b", None, (1,))],
    ),
    "depends on a bare number": ('{"tasks": ["a", {"description": "b", "depends_on": 1}]}', [Task("a"), Task("b", None, (1,))]),
    "numbers move when an entry falls away": (
        '{"tasks": [{}, {"description": "a"}, {"description": "b", "depends_on": [2]}]}', [Task("a"), Task("b", None, (1,))]
    ),
}  # fmt: skip
REFUSED = {
    "nothing": "", "prose": "I would use the calculator.", "unknown tool": '{"tasks": [{"description": "x", "tool": "rm"}]}',
    "another object": '{"answer": 42}', "an empty object": "{}", "a number": "42", "half a string": '{"tasks": [{"desc',
    "only brackets": "{[{[", "deep": "[" * 5000, "a heap of brackets": "{[" * 50_000, "a heap of texts": '{"a' * 30_000,
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_plan_is_read_from(name):
    text, tasks = READ[name]
    assert list(read_plan(text, TOOLS, Q)) == tasks


@pytest.mark.parametrize("name", REFUSED)
def test_no_plan_is_made_up_from(name):
    with pytest.raises(Unusable):
        read_plan(REFUSED[name], TOOLS, Q)


ONE = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
TWO = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("text", "schema", "arguments"),
    [
        ('{"expression": "1+1"}', ONE, {"expression": "1+1"}),
        ('Here: {"expression": "1+1"}.', ONE, {"expression": "1+1"}),
        ('{"arguments": {"expression": "1+1"}}', ONE, {"expression": "1+1"}),
        ('{"name": "calculator", "args": {"expression": "1+1"}}', ONE, {"expression": "1+1"}),
        ('{"expr": "1+1"}', ONE, {"expression": "1+1"}),
        ('"1+1"', ONE, {"expression": "1+1"}),
        ("42", ONE, {"expression": 42}),
        ('{"a": 1, "c": 2}', TWO, {"a": 1}),
        ('{"note": "x"} {"a": 1, "b": 2}', TWO, {"a": 1, "b": 2}),
        ("anything", {"type": "object", "properties": {}}, {}),
    ],
)
def test_arguments_are_read(text, schema, arguments):
    assert read_arguments(text, schema) == arguments


@pytest.mark.parametrize("text", ["", "1 +", '{"b": 1}', "[]", "null", '{"arguments": {}}'])
def test_missing_arguments_are_named(text):
    with pytest.raises(Unusable, match="'a' is missing"):
        read_arguments(text, TWO)


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ('{"complete": "yes", "missing": ""}', True),
        ('{"complete": true}', True),
        ('{"complete": false}', False),
        ('{"complete": "No", "missing": null}', False),
        ('{"is_complete": "YES"}', True),
        ("Yes, it is.", True),
        ("**No**", False),
    ],
)
def test_a_verdict_is_read(text, complete):
    assert read_verdict(text).complete is complete


@pytest.mark.parametrize("text", ["", "perhaps", '{"complete": "perhaps"}', "[]", "{}"])
def test_no_verdict_is_made_up(text):
    with pytest.raises(Unusable):
        read_verdict(text)


@given(st.text() | st.text("{}[]\":,tasks toolnulldescription0123'\n`"))
def test_no_text_escapes_as_another_error(text):
    json_values(text)
    for read in (
        lambda: read_plan(text, TOOLS, Q),
        lambda: read_arguments(text, TWO),
        lambda: read_arguments(text, ONE),
        lambda: read_verdict(text),
    ):
        try:
            read()
        except Unusable:
            continue


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["tasks", "tool", "description", "depends_on", "arguments", "a", "complete", "missing"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_no_json_escapes_as_another_error(value):
    test_no_text_escapes_as_another_error.hypothesis.inner_test(json.dumps(value))
