"""Whatever a model writes in whatever phase, a run ends: in a response or a LinusError, after few calls and soon."""

# ruff: noqa: E501  the pieces of replies stand as models write them
from __future__ import annotations

import asyncio
import json
import sys
import time
import zlib
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from pydantic import TypeAdapter

from linus_nb import Agent
from linus_nb.agent.call_replies import read_calls
from linus_nb.agent.figures import loses_the_figure
from linus_nb.agent.loose_json import LONGEST, Found, find_json, json_values, without_halves
from linus_nb.agent.replies import Unusable, answered, read_arguments, read_plan, read_verdict
from linus_nb.agent.response import AgentResponse
from linus_nb.agent.schemas import MOST_TASKS
from linus_nb.agent.structured import Structure
from linus_nb.errors import LinusError
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator
from tests.agent_scripts import timeless
from tests.reply_corpus import ANSWERS, ARGUMENTS, PLANS, REPORTS, VERDICTS
from tests.test_agent_reply_corpus import Report, convert

PLAIN = settings(derandomize=True, deadline=None, max_examples=60)
TOOLS = {"calculator": calculator.schema, "convert": {"properties": {"amount": {"type": "number"}, "unit": {}}}}
ROUNDS = 2
MOST_CALLS = ROUNDS * 2 * (1 + MOST_TASKS + 1) + 2  # a plan, its tasks, a check: each twice; then the answer, twice

# -- what models may write -------------------------------------------------------------------------------------------

written = [entry[-2] for corpus in (PLANS, ARGUMENTS, VERDICTS, ANSWERS, REPORTS) for entry in corpus.values()]
short = [reply for reply in written if len(reply) < 400]
names = [
    "tasks",
    "tool",
    "description",
    "depends_on",
    "arguments",
    "name",
    "function",
    "expression",
    "complete",
    "title",
]
values = ["calculator", "convert", "none", "yes", "no", "42 * 17", "1 calculator", "", "\ud800", "{}", '{"a": 1}']
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(values) | st.text(max_size=5)
json_like = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(names), inner, max_size=5),
    max_leaves=15,
)


@st.composite
def mutated(draw: Any) -> str:
    """A reply of the corpus with pieces cut out, doubled, or replaced by signs."""
    text = draw(st.sampled_from(short))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        new = draw(
            st.sampled_from(["", text[start:end] * 2, *"{}[]:,\"'\\(", "null", "\n", "<think>", "```", "“", "\x00"])
        )
        text = text[:start] + new + text[end:]
    return text


signs = st.text("{}[]\":,'\\ \n`=()<>/#tasktol0123\ud800“”", max_size=60)
replies = st.text(max_size=40) | signs | json_like.map(json.dumps) | mutated() | st.sampled_from(written)

# -- runs ------------------------------------------------------------------------------------------------------------


def outcomes(said: list[Any], **options: Any) -> list[tuple[Any, int]]:
    """Ask by both drivers a model that says one of these replies to each question, whenever that comes."""

    def say(messages: Any, schema: Any) -> Any:
        asked = [len(messages), messages[-1].text, sorted((schema or {}).get("properties", ()))]
        return said[zlib.crc32(repr(asked).encode()) % len(said)]

    ends = []
    for ask in (lambda agent: agent.run("What is 42 * 17?"), lambda agent: asyncio.run(agent.arun("What is 42 * 17?"))):
        model = ScriptedModel(say, usage=(1, 1))
        try:
            came: Any = ask(Agent([calculator, convert], llm=model, max_iterations=ROUNDS, **options))
        except LinusError as error:
            came = error
        ends.append((came, len(model.calls)))
    return ends


def check(ends: list[tuple[Any, int]]) -> None:
    (blocked, first), (awaited, second) = ends
    assert isinstance(blocked, AgentResponse | LinusError)
    assert first == second <= MOST_CALLS
    assert facts(blocked) == facts(awaited)


def facts(came: Any) -> str:
    return repr(timeless(came)) if isinstance(came, AgentResponse) else f"{type(came).__name__}: {came}"


@PLAIN
@given(st.lists(replies, min_size=1, max_size=4))
def test_a_run_ends_in_a_response_or_an_error_of_ours_after_few_calls(said):
    check(outcomes(said))


@PLAIN
@given(st.lists(replies, min_size=1, max_size=4))
def test_so_does_one_whose_answer_has_a_type(said):
    check(outcomes(said, output_schema=Report))


@PLAIN
@given(st.lists(replies, min_size=1, max_size=3), st.booleans())
def test_a_good_plan_and_whatever_after_it(said, typed):
    plan = json.dumps({"tasks": [{"tool": "calculator", "description": "multiply", "depends_on": []}]})
    check(outcomes([plan, *said], **({"output_schema": Report} if typed else {})))


calls_of_tools = st.lists(
    st.fixed_dictionaries({
        "name": st.sampled_from(["calculator", "convert", "rm", ""]),
        "args": st.dictionaries(st.sampled_from(["expression", "amount", "unit", "x"]), json_like, max_size=3),
        "id": st.sampled_from(["a", "b", "", None]),
        "type": st.just("tool_call"),
    }),
    max_size=3,
)  # fmt: skip
broken_calls = st.lists(
    st.fixed_dictionaries({
        "name": st.sampled_from(["calculator", None]),
        "args": st.none() | signs,
        "id": st.sampled_from(["a", None]),
        "error": st.none() | st.just("no JSON"),
        "type": st.just("invalid_tool_call"),
    }),
    max_size=2,
)  # fmt: skip
turns = st.builds(
    lambda t, c, b: AIMessage(t, tool_calls=c, invalid_tool_calls=b), replies, calls_of_tools, broken_calls
)


@PLAIN
@given(st.lists(turns, min_size=1, max_size=3), st.booleans())
def test_nor_does_it_matter_which_tools_the_model_calls(said, typed):
    check(outcomes(said, strategy="tools", **({"output_schema": Report} if typed else {})))


# -- readers ---------------------------------------------------------------------------------------------------------

report, numbers = Structure(Report, "output_schema"), Structure(list[int], "output_schema")
READERS = {
    "plan": lambda text: read_plan(text, TOOLS, "the question"),
    "one argument": lambda text: read_arguments(text, calculator.schema),
    "arguments": lambda text: read_arguments(text, TOOLS["convert"]),
    "verdict": read_verdict,
    "answer": answered,
    "calls": lambda text: read_calls(text, TOOLS),
    "report": report.read,
    "numbers": numbers.read,
    "figures": lambda text: loses_the_figure(text, 714, text),
}


def read(reader: Any, text: str) -> Any:
    try:
        return reader(text)
    except Unusable as why:
        return str(why)


@settings(PLAIN, max_examples=300)
@given(replies)
def test_no_reader_raises_anything_else_and_what_it_reads_can_be_sent(text):
    for reader in READERS.values():
        json.dumps(read(reader, text), ensure_ascii=False, default=plain).encode()


def plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, Report) else asdict(value)


def test_half_characters_are_mended_wherever_they_stand():
    half = '{"tasks": [{"tool": "none", "description": "a \\ud800 b", "\\udc00": 1}]}'
    assert read_plan(half, TOOLS, "")[0].description == "a ? b"
    assert json_values(half + "x{'a': '\\ud83d\\ude00 \\ud83d'}")[1] == {"a": "😀 ?"}
    assert answered("so \ud83d") == "so ?"


@settings(PLAIN, max_examples=300)
@given(json_like.filter(lambda value: isinstance(value, dict | list)))
def test_valid_json_is_read_as_what_it_is(value):
    text = without_halves(json.dumps(value, ensure_ascii=False))
    assert repr(json_values(f"So: {text} is it.")) == repr([json.loads(text)])


whole = st.dictionaries(
    st.text("abc_", min_size=1, max_size=5), st.integers() | st.booleans() | st.none() | st.text("xyz .", max_size=8), min_size=1
)  # fmt: skip


@PLAIN
@given(whole, st.data())
def test_nothing_that_was_cut_passes_for_whole(value, data):
    text = json.dumps({"outer": [value]})
    at = data.draw(st.integers(1, len(text) - 3))  # before the last bracket that is not a mere brace
    assert not any(found.whole for found in find_json(text[:at]) if "outer" in found.value)


@PLAIN
@given(whole)
def test_what_python_or_javascript_writes_is_read_as_json_would_be(value):
    assert find_json(repr(value))[0].value == value
    assert find_json(json.dumps(value)[:-1] + ", /* the end */ }") == [Found(value, valid=False)]


# -- what hostile text costs -----------------------------------------------------------------------------------------

UNITS = [
    "{", "[", "{[", '{"', '{"a', '{"a":', '{"a":1,', '{"a":1}', "{}", "[1,", "[1]", "1,", '"', "'", "“", "\\", '\\"', "{/*", "//", "#",
    "\n", " ", "\t", ": ", "{a:b", "{a b", "calculator(", 'calculator("', "f((", ")", "<think>", "</think>", "<function=x>",
    "<parameter=x>", "a[ARGS]", "a", "a ", "- ", "1. calculator\n", "tool: calculator\n", "final answer:\n", "**", "é", "\ud800",
    "\\ud800", '{"a":"\\ud800"}', "9", "9 ", "1,1", '{"tasks":[', '{"tool":"calculator"}', '{"complete":', '{"expression":{"a":1}}',
    '{"arguments":"', "{a=", "}", "]", ",", '{"a":"b "c" d",', '{"items":[1,', "[[1],", '{"x":[],', "```", "'': ", "yes ",
]  # fmt: skip


@pytest.mark.parametrize("before", ["", '{"a": "'])
def test_a_hostile_reply_costs_few_steps_and_little_time(before):
    for unit in UNITS:
        text = (before + unit * LONGEST)[:LONGEST]
        for name, reader in READERS.items():
            assert steps(reader, text) < 25_000, (name, unit)
            assert seconds(reader, text) < 0.1, (name, unit)  # a few milliseconds where nothing else runs


def steps(reader: Any, text: str) -> int:
    """Return how many functions are called; the same on every machine."""
    count = 0

    def called(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        read(reader, text)
    finally:
        sys.setprofile(before)
    return count


def seconds(reader: Any, text: str) -> float:
    """Return the seconds of this thread that reading took, of the best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        read(reader, text)
        best = min(best, time.thread_time() - began)
        if best < 0.05:
            break
    return best


def test_so_does_a_type_that_nothing_fits():
    texts = Structure(list[str], "output_schema")
    assert "parts of it do not fit" in read(texts.read, "[" + "1," * (LONGEST // 2 - 2) + "1]")
    assert seconds(texts.read, "[" + "1," * (LONGEST // 2 - 2) + "1]") < 0.2
    assert TypeAdapter(list[int]).validate_python(read(numbers.read, "[" + "1," * 20_000 + "1]")) == [1] * 20_001
