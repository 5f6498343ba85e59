"""The tools that ship, and how others become tools."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from linus_nb.errors import ToolError
from linus_nb.tools import Tool, adapt, adapt_all, calculator, clock, default_tools, word_count


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("42 * 17", 714), ("0.1 + 0.2", 0.3), ("6 / 3", 2), ("7 / 2", 3.5), ("2^10", 1024), ("3 × 4 ÷ 2", 6),
        ("15% of 200", 30), ("sqrt(16) + abs(-1)", 5), ("-3 + 5", 2), ("17 + 25 =", 42), ("max(1, 9)", 9),
    ],
)  # fmt: skip
def test_the_calculator_computes(expression, value):
    assert calculator(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "", "what?", "1/0", "2**99999", "9**9**9", "'a' * 999", "__import__('os')", "(1).real", "[1] * 9", "1e308 * 10",
        "(" * 300, "x = 3", "1 if 2 else 3", "print(1)", "True", "max()", "2 ** 0.5 ** -9999", "9" * 199 + "**9",
    ],
)  # fmt: skip
def test_the_calculator_refuses_what_is_not_bounded_arithmetic(expression):
    with pytest.raises(ToolError):
        calculator(expression)


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
