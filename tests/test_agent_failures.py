"""What goes wrong in an agent's loop, by both drivers."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb.agent import Agent
from linus_nb.errors import ReplyError
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator, default_tools
from tests.agent_scripts import DONE, both, plan, product_script


def test_a_tools_error_goes_to_the_model_which_may_try_otherwise():
    replies = [
        plan(("divide", "calculator")), {"expression": "1 / 0"},
        plan(("divide by 2", "calculator")), {"expression": "1 / 2"}, DONE, "Half.",
    ]  # fmt: skip
    response, calls = both(replies, "Divide 1 by 0, or else by 2.")
    assert "calculator(1 / 0) failed: '1 / 0' divides by zero" in calls[2].messages[-1].text
    assert [step.status for step in response.execution_history] == ["failed", "completed"]
    assert response.metrics.success_rate == 0.5
    assert response.metrics.iterations_to_completion == 2


def test_the_limit_is_a_status_and_says_what_is_missing():
    def search(word: str) -> str:
        """Search."""
        raise ConnectionError("no connection")

    replies = [plan(("look", "search")), {"word": "Ann"}] * 3
    response, _ = both(replies, "Find Ann.", tools=[search], max_iterations=3)
    assert not response.metrics.task_completed
    assert response.completion_status == "the limit of 3 iterations was reached; missing: no connection"
    assert "no connection" in response.result
    assert response.metrics.total_iterations == response.metrics.failed_tool_calls == 3
    assert response.metrics.iterations_to_completion is None


def test_a_round_that_brings_nothing_new_ends_the_run_with_what_is_there():
    again = [plan(("add", "calculator")), {"expression": "1 + 1"}, {"complete": "no", "missing": "the time"}]
    response, _ = both([*again, *again, "It is 2."], "Add 1 and 1.")
    assert response.completion_status == "round 2 brought nothing new; missing: the time"
    assert response.result == "It is 2.\n\n(Not completed: round 2 brought nothing new; missing: the time)"


def test_an_unusable_reply_is_asked_for_again_once():
    replies = ["I would use the calculator.", *product_script()]
    response, calls = both(replies)
    assert response.result == "42 * 17 = 714"
    assert response.metrics.llm_calls == 5
    assert response.metrics.reasoning_calls == 1
    assert calls[1].messages[-2].text == "I would use the calculator."
    assert "cannot be used: it holds no JSON object" in calls[1].messages[-1].text


@pytest.mark.parametrize("ask", [lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))])
def test_a_first_plan_that_stays_unusable_is_an_error_that_shows_the_reply(ask):
    with pytest.raises(ReplyError, match=r"a plan .*wrote 'still prose'"):
        ask(Agent([calculator], llm=ScriptedModel(["prose", "still prose"])))


def test_a_check_that_stays_unusable_leaves_the_results():
    response, _ = both([*product_script()[:2], "perhaps", "who knows", "It is 714."])
    assert not response.metrics.task_completed
    assert response.result.startswith("It is 714.")
    assert "who knows" in response.completion_status


def test_arguments_that_stay_unusable_are_a_failed_step():
    replies = [plan(("multiply", "calculator")), "prose", "prose", *product_script()]
    response, _ = both(replies)
    assert [step.status for step in response.execution_history] == ["failed", "completed"]
    assert response.metrics.tool_executions == 1
    assert response.result == "42 * 17 = 714"


def test_a_figure_that_the_phrasing_garbled_gives_way_to_the_tools_own():
    response, _ = both([plan(("add", "calculator")), {"expression": "17 + 25"}, DONE, "17 + 25 = 32"], "17 + 25?")
    assert response.result == "42"


@pytest.mark.parametrize(
    "said", ["Yes, it is enough.", "17 + 25 is 42.", "42.00", "That makes 42, of which 17 are old."]
)
def test_an_answer_that_keeps_the_figure_stands(said):
    response, _ = both([plan(("add", "calculator")), {"expression": "17 + 25"}, DONE, said], "17 + 25?")
    assert response.result == said


@pytest.mark.parametrize("ask", [lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))])
def test_a_providers_error_is_raised_as_it_is(ask):
    with pytest.raises(TimeoutError, match="slow"):
        ask(Agent(llm=ScriptedModel(errors={1: TimeoutError("slow")})))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "```json\n```", '{"tasks": [{"tool": "calculator"}]}', "\x00", "[" * 2000]
)
def test_a_model_that_always_writes_the_same_never_breaks_the_loop(text):
    def outcome(ask):
        try:
            return ask(Agent([calculator], llm=ScriptedModel(lambda *_: text), max_iterations=2)).completion_status
        except ReplyError as error:
            return error.reply

    for ask in (lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))):
        assert outcome(ask) in (text, "completed") or "missing" in outcome(ask)


def test_a_model_that_writes_the_smallest_that_fits_comes_to_an_end():
    response = Agent(default_tools(), llm=ScriptedModel()).run("x")
    assert response.metrics.total_iterations <= 5
    assert response.completion_status
