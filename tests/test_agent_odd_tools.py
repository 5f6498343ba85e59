"""Tools, models and results that are odd: an agent takes them, or says in a sentence what is wrong."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool
from langchain_core.tools import Tool as SingleInputTool

from linus_nb import Agent, last_response
from linus_nb.errors import ModelError, ToolError
from linus_nb.testing import ScriptedModel
from linus_nb.testing.replies import ToolCalls
from tests.agent_cases import STRATEGIES, planner
from tests.virtual_time import run

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
both_ways = pytest.mark.parametrize(
    "ask", [lambda agent: agent.run("q"), lambda agent: run(agent.arun("q"))], ids=["run", "arun"]
)


def asked(ask: Callable[[Agent], Any], made: Any, strategy: str, arguments: dict[str, Any], name: str = "", **options):
    model = ScriptedModel(planner((name or getattr(made, "name", "") or made.__name__, arguments)))
    return ask(Agent([made], llm=model, strategy=strategy, max_iterations=2, **options))


# -- what a tool gives -------------------------------------------------------------------------------------------------


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("no text")


def cycle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def values() -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    return {
        "a huge number": 10**5000,
        "what cannot be shown": Unshowable(),
        "a list of that": [Unshowable()],
        "a circle": cycle(),
        "an array": np.arange(5),
        "a table": pd.DataFrame({"a": [1, 2]}),
        "a column": pd.Series([1, 2]),
        "nothing there": pd.NA,
        "half a character": "\ud800",
        "a date": datetime(2026, 1, 1),  # noqa: DTZ001  what a person's tool may give
        "bytes": b"\xff\x00",
        "a set": {1, 2},
    }


VALUES = values()


def giving(value: Any) -> Callable[[str], Any]:
    def given(x: str) -> Any:
        """Give something."""
        return value

    return given


@every_strategy
@both_ways
@pytest.mark.parametrize("kind", list(VALUES))
def test_whatever_a_tool_gives_is_a_result(kind, ask, strategy):
    response = asked(ask, giving(VALUES[kind]), strategy, {"x": "a"})
    assert response.metrics.task_completed
    assert response.execution_history[0].result is VALUES[kind]
    assert str(response) == "final"
    assert repr(response).startswith("final")


@pytest.mark.parametrize(
    "kind",
    VALUES,
)
def test_whatever_a_tool_gives_can_be_looked_at(kind, caplog):
    response = asked(lambda agent: agent.run("q"), giving(VALUES[kind]), "tools", {"x": "a"})
    assert "text/html" in response._repr_mimebundle_()
    assert caplog.records == []


@pytest.mark.parametrize("kind", list(VALUES))
def test_a_response_as_plain_data_is_json(kind):
    response = asked(lambda agent: agent.run("q"), giving(VALUES[kind]), "tools", {"x": "a"})
    json.dumps(response.to_dict(), allow_nan=False)
    assert response.to_dict()["result"] == "final"


def test_a_response_can_be_pickled_and_copied():
    response = asked(lambda agent: agent.run("q"), giving(42), "reasoning", {"x": "a"})
    for other in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response), copy.copy(response)):
        assert other.result == response.result
        assert other.to_dict() == response.to_dict()
        assert len(other.plans) == 1
        assert "text/html" in other._repr_mimebundle_()


def test_an_agent_can_be_copied_and_says_that_it_cannot_be_pickled():
    agent = Agent([giving(42)], llm=ScriptedModel(planner(("given", {"x": "a"}))))
    assert str(copy.copy(agent).run("q")) == "final"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(agent)


@both_ways
def test_at_the_limit_of_turns_the_last_result_stands_in_for_an_answer_that_never_came(ask):
    model = ScriptedModel(lambda messages, schema, tools: ToolCalls([("given", {"x": "a"})]))
    response = ask(Agent([giving(42)], llm=model, strategy="tools", max_iterations=2))
    assert "42" in str(response)
    assert "the limit of 2 iterations was reached" in str(response)


# -- what a tool raises ------------------------------------------------------------------------------------------------


class Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class Own(BaseException):
    """No Exception."""


def raising(error: BaseException, *, awaited: bool) -> Callable[[str], Any]:
    def boom(x: str) -> str:
        """Raise something."""
        raise error

    async def aboom(x: str) -> str:
        """Raise something."""
        raise error

    aboom.__name__ = "boom"
    return aboom if awaited else boom


@every_strategy
@both_ways
@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Wordless(), "Wordless"),
        (ValueError(), "ValueError"),
        (ExceptionGroup("two", [ValueError(1), KeyError("x")]), "two (2 sub-exceptions)"),
        (asyncio.CancelledError("mine"), "was cancelled from inside"),
        (StopIteration(4), "raised StopIteration"),
        (StopAsyncIteration("over"), "over"),
        (MemoryError("full"), "full"),
        (RecursionError("deep"), "deep"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_tool_raises_is_told_to_the_model(error, told, awaited, ask, strategy):
    response = asked(ask, raising(error, awaited=awaited), strategy, {"x": "a"})
    assert response.execution_history[0].status == "failed"
    assert told in response.execution_history[0].error
    assert response.metrics.failed_tool_calls >= 1


@every_strategy
@both_ways
@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), Own("own")], ids=lambda e: type(e).__name__)
def test_what_is_no_mere_error_ends_the_run_as_it_is(error, awaited, ask, strategy):
    with pytest.raises(type(error)) as caught:
        asked(ask, raising(error, awaited=awaited), strategy, {"x": "a"})
    assert caught.value is error or caught.value.args == error.args
    kept = last_response()
    assert kept is not None
    assert not kept.metrics.task_completed


# -- parameters --------------------------------------------------------------------------------------------------------


def kept_names(schema: str, json: int = 1, copy: str = "", model_config: int = 2, _hidden: int = 3) -> str:
    """Take names that pydantic's models have."""
    return f"{schema} {json} {copy} {model_config} {_hidden}"


@every_strategy
@both_ways
def test_parameters_may_bear_the_names_of_pydantics_own(ask, strategy):
    arguments = {"schema": "s", "json": 5, "copy": "c", "model_config": 6, "_hidden": 7}
    response = asked(ask, kept_names, strategy, arguments)
    assert response.execution_history[0].result == "s 5 c 6 7"
    [tool] = Agent([kept_names]).tools.values()
    assert list(tool.parameters) == list(arguments)


def test_a_default_that_is_no_json_is_no_matter():
    def sentinel(x: int = object()) -> str:  # type: ignore[assignment]  # as people write it
        """Take a number, or none."""
        return "none" if not isinstance(x, int) else "one"

    response = asked(lambda agent: agent.run("q"), sentinel, "tools", {})
    assert response.execution_history[0].result == "none"


def plain_generator(x: str) -> Any:
    """Yield."""
    yield x


async def async_generator(x: str) -> Any:
    """Yield."""
    yield x


def none(x: str) -> str:
    """Bear the name that means no tool."""
    return x


@pytest.mark.parametrize("made", [plain_generator, async_generator, none], ids=lambda made: made.__name__)
def test_a_tool_that_could_not_work_is_refused_at_once(made):
    with pytest.raises(ToolError, match=made.__name__):
        Agent([made])


@pytest.mark.parametrize("name", ["print", "len", "eval", "class", "task", "self"])
@every_strategy
@both_ways
def test_a_tool_may_bear_any_name_of_pythons(name, ask, strategy):
    def given(x: str) -> str:
        """Give it back."""
        return x

    given.__name__ = name
    assert asked(ask, given, strategy, {"x": "a"}).execution_history[0].result == "a"


# -- LangChain's tools and models --------------------------------------------------------------------------------------


@every_strategy
@both_ways
def test_a_tool_with_one_unnamed_input_is_described_as_such(ask, strategy):
    single = SingleInputTool(name="single", func=lambda q: f"got {q}", description="Take a text.")
    response = asked(ask, single, strategy, {"tool_input": "x"})
    assert response.execution_history[0].result == "got x"


class OnlyAwaited(BaseTool):
    """As LangChain's documentation writes tools that have no blocking way."""

    name: str = "only_awaited"
    description: str = "Await."

    def _run(self, x: str) -> str:
        raise NotImplementedError("only awaited")

    async def _arun(self, x: str) -> str:
        return x.upper()


@every_strategy
@both_ways
def test_a_tool_that_has_only_an_awaiting_way_is_awaited_in_a_blocking_run_too(ask, strategy):
    assert asked(ask, OnlyAwaited(), strategy, {"x": "a"}).execution_history[0].result == "A"


@both_ways
@pytest.mark.parametrize(
    "model",
    [
        FakeListLLM(responses=["hello"]),
        ScriptedModel(["hello"] * 2) | StrOutputParser(),
        RunnableLambda(lambda _: "hello"),
    ],
    ids=["a text model", "a chain that gives text", "a function that gives text"],
)
def test_a_model_that_gives_text_will_do(model, ask):
    assert ask(Agent(llm=model)).result == "hello"


@both_ways
def test_a_model_that_gives_something_else_is_told_in_a_sentence(ask):
    with pytest.raises(ModelError, match="dict"):
        ask(Agent(llm=RunnableLambda(lambda _: {"a": 1})))


@both_ways
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model.with_retry(),
        lambda model: model.with_fallbacks([ScriptedModel(["never"])]),
        lambda model: model.bind(stop=["x"]),
        lambda model: model.with_config(tags=["x"]),
        lambda model: model.with_retry().with_config(tags=["x"]),
    ],
    ids=["with_retry", "with_fallbacks", "bind", "with_config", "two of them"],
)
def test_a_wrapped_model_calls_tools_as_what_it_wraps(wrap, ask):
    model = ScriptedModel([ToolCalls([("given", {"x": "a"})]), "final"])
    response = ask(Agent([giving(42)], llm=wrap(model), strategy="tools"))
    assert response.result == "final"
    assert response.execution_history[0].result == 42
