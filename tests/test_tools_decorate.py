"""``@tool``: limits, retries and examples of a tool's own."""

from __future__ import annotations

import asyncio
import importlib
import math

import pytest

from linus_nb.errors import LinusError, ToolConnectionError, ToolError, ToolTimeoutError
from linus_nb.tools import Example, Tool, calculator, tool


def weather(city: str, unit: str = "C") -> str:
    """The weather in a city."""
    return f"{city}: 20 {unit}"


def test_a_bare_decorator_makes_a_tool_without_limits():
    made = tool(weather)
    assert isinstance(made, Tool)
    assert (made.name, made.description) == ("weather", "The weather in a city.")
    assert (made.timeout_seconds, made.retry_count, made.retry_on, made.examples) == (None, 0, (Exception,), ())
    assert made("Oslo") == made.blocking({"city": "Oslo"}) == "Oslo: 20 C"


def test_a_decorator_with_settings_sets_them():
    @tool(
        name="forecast", description="Tomorrow.", timeout_seconds=5, retry_count=2, retry_on=OSError,
        examples=[("Oslo tomorrow?", {"city": "Oslo"}), Example("Rain?", {"city": "Rome"}), "Will it snow?"],
    )  # fmt: skip
    async def later(city: str) -> str:
        """Later."""
        return city

    assert (later.name, later.description, later.timeout_seconds, later.retry_count) == ("forecast", "Tomorrow.", 5, 2)
    assert later.retry_on == (OSError,)
    assert later.examples == (
        Example("Oslo tomorrow?", {"city": "Oslo"}),
        Example("Rain?", {"city": "Rome"}),
        Example("Will it snow?"),
    )
    assert asyncio.run(later("Oslo")) == "Oslo"


def test_a_langchain_tool_and_one_of_ours_are_given_limits_and_keep_the_rest():
    from langchain_core.tools import tool as langchain_tool

    @langchain_tool
    def add(a: int) -> int:
        """Add one."""
        return a + 1

    made = tool(add, timeout_seconds=3, examples=[("One more than 2", {"a": 2})])
    assert (made.name, made.timeout_seconds, made.examples[0].arguments) == ("add", 3, {"a": 2})
    assert made.blocking({"a": 1}) == 2
    limited = tool(calculator, timeout_seconds=1, name="sums")
    assert (limited.name, limited.examples, limited.timeout_seconds) == ("sums", calculator.examples, 1)
    assert calculator.timeout_seconds is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds is 0; give seconds above 0"),
        ({"timeout_seconds": -1}, "timeout_seconds is -1"),
        ({"timeout_seconds": math.nan}, "timeout_seconds is nan"),
        ({"timeout_seconds": math.inf}, "timeout_seconds is inf"),
        ({"timeout_seconds": "5"}, "timeout_seconds is '5'"),
        ({"timeout_seconds": True}, "timeout_seconds is True"),
        ({"retry_count": -1}, "retry_count is -1; give a whole number from 0"),
        ({"retry_count": 1.5}, "retry_count is 1.5"),
        ({"retry_count": True}, "retry_count is True"),
        ({"retry_on": KeyboardInterrupt}, "retry_on is .*; give exception types"),
        ({"retry_on": "OSError"}, "retry_on is 'OSError'"),
        ({"retry_on": [OSError, 3]}, "retry_on is "),
        ({"name": "two words"}, "a tool's name is 'two words'; write up to 64 letters"),
        ({"name": ""}, "a tool's name is ''"),
        ({"examples": [3]}, "an example of 'weather' is 3; write"),
        ({"examples": [("Oslo?", {"town": "Oslo"})]}, "has the argument 'town'; its arguments: 'city', 'unit'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_when_the_tool_is_made(settings, told):
    with pytest.raises(ToolError, match=told):
        tool(weather, **settings)


def test_a_name_by_position_is_refused_with_the_way_to_give_it():
    with pytest.raises(ToolError, match=r"'search' is no function; a name is given as @tool\(name='search'\)"):
        tool("search")


def test_a_refusal_is_final_and_a_time_out_is_not_unless_the_tool_says_otherwise():
    made = tool(weather)
    assert made.retries(ValueError())
    assert made.retries(ToolTimeoutError("weather", 1.0))
    assert made.retries(ToolConnectionError())
    assert not made.retries(ToolError())
    assert not made.retries(asyncio.CancelledError())
    assert tool(weather, retry_on=(ToolError,)).retries(ToolError())
    assert not tool(weather, retry_on=ValueError).retries(ToolTimeoutError("weather", 1.0))


def test_a_time_out_names_the_tool_and_the_seconds():
    error = ToolTimeoutError("weather", 2.5)
    assert (error.tool, error.timeout_s) == ("weather", 2.5)
    assert str(error).startswith("'weather' gave no answer in 2.5 s; ")
    assert isinstance(error, TimeoutError)
    assert isinstance(error, LinusError)


def test_the_decorator_is_not_hidden_by_the_module_of_its_name():
    importlib.import_module("linus_nb.tools.tool")
    assert importlib.import_module("linus_nb.tools").tool is tool
