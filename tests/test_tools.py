"""The tools that ship, and how others become tools."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.errors import ToolError
from linus_nb.tools import (
    Tool,
    adapt,
    adapt_all,
    calculator,
    clock,
    days_between,
    default_tools,
    letter_count,
    word_count,
)
from tests.real_time import in_time


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("42 * 17", 714), ("0.1 + 0.2", 0.3), ("6 / 3", 2), ("7 / 2", 3.5), ("2^10", 1024), ("3 × 4 ÷ 2", 6),
        ("15% of 200", 30), ("sqrt(16) + abs(-1)", 5), ("-3 + 5", 2), ("17 + 25 =", 42), ("max(1, 9)", 9),
        ("round(2.345, 2)", 2.35), ("round(1234, -2)", 1200), ("round(2.6)", 3), ("-" * 198 + "1", 1), ("2 +\n 3", 5),
    ],
)  # fmt: skip
def test_the_calculator_computes(expression, value):
    assert calculator(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "", "what?", "1/0", "2**99999", "9**9**9", "'a' * 999", "__import__('os')", "(1).real", "[1] * 9", "1e308 * 10",
        "(" * 300, "x = 3", "1 if 2 else 3", "print(1)", "True", "max()", "2 ** 0.5 ** -9999", "9" * 199 + "**9",
        "round(5, -99999999)", "round(5, 10**9)", "1\n2", "1if 2 else 3", "'a' * 10**8", "[0] * 10**8", "(-8)**0.5 + 1",
        "'\\d'", "9**9**9**9", "exp(1e9)", "floor(1e999)", "min(1, key=2)", "lambda: 1", "pi.real", "\0",
        "~" * 150 + "1",
    ],
)  # fmt: skip
def test_the_calculator_refuses_what_is_not_bounded_arithmetic(expression):
    with pytest.raises(ToolError):
        calculator(expression)


@pytest.mark.parametrize(
    "expression",
    ["9**1290 * 9", "7**1400 - 1", "(2**4000)*90", "(2**4095)//3", "(2**4095)%(3**2000)", "floor(1e308)**3",
     "*".join(["(9**1200)"] * 3), "round(7**1400, -4096)", "9**9**9", "round(5, -99999999)"],
)  # fmt: skip
def test_no_expression_keeps_the_calculator_busy(expression):
    with suppress(ToolError):
        assert isinstance(in_time(lambda: calculator(expression)), int)


@settings(max_examples=300, deadline=2000)
@given(st.text(alphabet="0123456789.+-*/%()e, ×^isqrtmaxpound\n'[]<>=_", max_size=60))
def test_whatever_is_written_the_calculator_gives_a_number_or_a_tool_error(expression):
    try:
        value = calculator(expression)
    except ToolError:
        return
    assert math.isfinite(value)


@pytest.mark.parametrize(("text", "letter", "count"), [("Strawberry", "R", 3), ("", "a", 0), ("äÄa", "ä", 2)])
def test_letters_are_counted_in_upper_and_lower_case(text, letter, count):
    assert letter_count(text, letter) == count


@pytest.mark.parametrize("letter", ["", "ab", "  "])
def test_only_one_letter_is_counted(letter):
    with pytest.raises(ToolError, match="is not one letter"):
        letter_count("abc", letter)


def test_days_are_counted_between_dates():
    assert days_between("2023-12-31", "2024-03-01") == 61
    assert days_between("2024-03-01", "2024-02-28") == -2
    assert days_between("today", "Today ") == 0
    with pytest.raises(ToolError, match="'1 May' is no date; write year-month-day"):
        days_between("2024-01-01", "1 May")


@pytest.mark.parametrize("tool", [calculator, clock, word_count, letter_count, days_between])
def test_the_examples_of_the_tools_that_ship_can_be_carried_out(tool):
    assert len(tool.examples) >= 3
    for example in tool.examples:
        assert tool.blocking(example.arguments) is not None


def test_the_other_default_tools_work():
    assert word_count("the quick brown fox") == 4
    assert "20" in clock()
    assert [t.name for t in default_tools()] == ["calculator", "clock", "word_count"]


def test_a_function_becomes_a_tool_by_its_hints_and_docstring():
    def weather(city: str, unit: Literal["C", "F"] = "C") -> str:
        """The weather in a city."""
        return f"{city} 20 {unit}"

    made = adapt(weather)
    assert (made.name, made.description) == ("weather", "The weather in a city.")
    assert made.schema["required"] == ["city"]
    assert made.parameters["unit"]["enum"] == ["C", "F"]
    assert made.blocking({"city": "Oslo"}) == "Oslo 20 C"
    assert made("Rome", unit="F") == "Rome 20 F"


def test_wrong_arguments_are_a_tool_error_that_names_them():
    def double(number: int) -> int:
        """Double."""
        return 2 * number

    with pytest.raises(ToolError, match=r"'double' cannot take the arguments .*number"):
        adapt(double).blocking({"number": "many"})
    assert adapt(double).blocking({"number": "21"}) == 42  # a number in a string is a number


def test_an_async_function_is_awaited_only():
    async def fetch(key: str) -> str:
        """Fetch."""
        return key * 2

    made = adapt(fetch)
    assert made.blocking is None
    assert asyncio.run(made.awaiting({"key": "a"})) == "aa"


def test_langchain_tools_are_taken_as_they_are():
    from langchain_core.tools import BaseTool, StructuredTool, tool

    @tool
    def add(a: int, b: int = 3) -> int:
        """Add two numbers."""
        return a + b

    @tool
    async def later(a: int) -> int:
        """Later."""
        return a

    class Own(BaseTool):
        name: str = "own"
        description: str = "Its own class."

        def _run(self, word: str) -> str:
            return word.upper()

    both = StructuredTool.from_function(func=lambda a: a, coroutine=later.coroutine, name="both", description="Both.")
    made = adapt_all([add, later, Own(), both])
    assert made["add"].blocking({"a": 1}) == 4
    assert made["add"].awaiting is None
    assert made["later"].blocking is None
    assert made["own"].blocking({"word": "x"}) == "X"
    assert made["own"].awaiting is None
    assert made["both"].blocking is not None
    assert made["both"].awaiting is not None
    assert made["add"].schema["required"] == ["a"]


@pytest.mark.parametrize("thing", [3, "calculator", None, int, object()])
def test_what_is_no_tool_is_refused_with_what_is_accepted(thing):
    with pytest.raises(ToolError, match="is not a tool; give a function"):
        adapt(thing)


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(ToolError, match="two tools are called 'calculator'"):
        adapt_all([calculator, calculator])


def test_a_single_tool_that_is_not_in_a_list_is_refused():
    with pytest.raises(ToolError, match=r"write tools=\[\.\.\.\]"):
        adapt_all(calculator)


def test_functions_that_a_model_cannot_call_are_refused():
    def by_position(a: int, /) -> int:
        """No."""
        return a

    def odd(a: object()) -> int:  # type: ignore[valid-type]  # no type at all: that is what is refused
        """No."""
        return 1

    with pytest.raises(ToolError, match="by position only"):
        adapt(by_position)
    with pytest.raises(ToolError):
        adapt(odd)
    with pytest.raises(ToolError, match="needs a name"):
        adapt(lambda a: a)


def test_a_tool_is_called_with_its_arguments_by_name_or_place():
    made = Tool(
        "pair", "Pair.", {"type": "object", "properties": {"a": {}, "b": {}}}, blocking=lambda given: dict(given)
    )
    assert made(1, b=2) == {"a": 1, "b": 2}


def test_parameters_may_have_names_that_pydantic_keeps_for_itself():
    def odd(_a: int, model_config: str, json: int = 1, copy: str = "c", schema: str = "s") -> tuple:
        """Take odd names."""
        return _a, model_config, json, copy, schema

    tool = adapt(odd)
    assert list(tool.parameters) == ["_a", "model_config", "json", "copy", "schema"]
    assert tool.schema["required"] == ["_a", "model_config"]
    assert tool.blocking({"_a": "1", "model_config": "m", "copy": "d"}) == (1, "m", 1, "d", "s")
    with pytest.raises(ToolError, match="_a: "):
        tool.blocking({"_a": "no number", "model_config": "m"})


def test_a_default_that_json_cannot_hold_is_still_a_default():
    sentinel = object()

    def maybe(number: int = sentinel) -> bool:
        """Say whether a number was given."""
        return number is not sentinel

    assert adapt(maybe).blocking({}) is False
    assert adapt(maybe).blocking({"number": 3}) is True


def test_a_function_that_yields_and_a_tool_called_none_are_refused():
    def many(n: int):
        """Count."""
        yield n

    async def amany(n: int):
        """Count."""
        yield n

    def none() -> int:
        """Nothing."""
        return 0

    for function in (many, amany):
        with pytest.raises(ToolError, match="yields, and a model needs one result; let it return a list"):
            adapt(function)
    with pytest.raises(ToolError, match="cannot be called 'none'"):
        adapt_all([none])
