"""The agent's loop, by both drivers, and what goes in and comes out."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace

import pytest

from linus_nb.agent import Agent, AgentMetrics, AgentResponse
from linus_nb.agent.agent import as_text
from linus_nb.errors import LinusError, NoModelError, ToolError
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator, default_tools
from tests.agent_scripts import DONE, both, plan, product_script

# -- the path -------------------------------------------------------------------------------------------------------


def test_a_tool_task_goes_through_every_phase():
    response, calls = both(product_script())
    assert str(response) == response.result == "42 * 17 = 714"
    assert response.completion_status == "completed"
    [step] = response.execution_history
    assert (step.iteration, step.tool, step.arguments, step.result) == (1, "calculator", {"expression": "42 * 17"}, 714)
    assert response.metrics == replace(
        AgentMetrics(
            total_iterations=1, total_input_tokens=40, total_output_tokens=12, total_tokens=52, reasoning_calls=1,
            tool_executions=1, completion_checks=1, llm_calls=4, successful_tool_calls=1, task_completed=True,
            iterations_to_completion=1, cost=0.0, scripted_replies=4,
        ), execution_time_seconds=response.metrics.execution_time_seconds,
    )  # fmt: skip
    assert [call.schema is not None for call in calls] == [True, True, True, False]
    assert calls[0].schema["properties"]["tasks"]["items"]["properties"]["tool"]["enum"] == ["calculator", "none"]
    assert "calculator(42 * 17) = 714" in calls[-1].messages[-1].text


def test_an_answer_in_words_needs_no_more_than_the_answer():
    response, calls = both([plan(("greet", "none")), "Hello Maria!"], "Say hello to Maria.")
    assert response.result == "Hello Maria!"
    assert [step.tool for step in response.execution_history] == [None]
    assert calls[1].messages[-1].text == "Say hello to Maria."


def test_without_tools_there_is_no_plan_to_ask_for():
    response, calls = both(["Hello!"], "Say hello", tools=())
    assert response.result == "Hello!"
    assert len(calls) == 1
    assert response.metrics.task_completed


def test_a_task_is_told_the_results_that_it_depends_on():
    replies = [
        plan(("add 1 and 2", "calculator"), ("double it", "calculator", [1])),
        {"expression": "1 + 2"}, {"expression": "3 * 2"}, DONE, "It is 6.",
    ]  # fmt: skip
    response, calls = both(replies, "Add 1 and 2, and double it.")
    assert [step.result for step in response.execution_history] == [3, 6]
    assert calls[2].messages[-1].text == "double it\nKnown:\ncalculator(1 + 2) = 3"
    assert response.result == "It is 6."


def test_a_task_is_skipped_where_one_that_it_depends_on_failed():
    replies = [
        plan(("divide", "calculator"), ("double it", "calculator", [1]), ("greet", "none")),
        {"expression": "1 / 0"}, "Hello!", plan(("say so", "none")), "It cannot be divided.", DONE, "Hello! No.",
    ]  # fmt: skip
    response, _ = both(replies, "Divide 1 by 0, double it, and greet.")
    assert [step.status for step in response.execution_history] == ["completed" if s else t for s, t in
            [(0, "failed"), (0, "skipped"), (1, ""), (1, "")]]  # fmt: skip
    assert response.metrics.failed_tool_calls == 1
    assert response.metrics.iterations_to_completion == 2


def test_a_tool_without_parameters_is_called_without_asking_for_any():
    _, _, word_count = default_tools()

    def now() -> str:
        """The time."""
        return "10:30"

    response, calls = both([plan(("look", "now")), DONE, "It is 10:30."], "What time is it?", tools=[now, word_count])
    assert response.execution_history[0].result == "10:30"
    assert len(calls) == 3


def test_instructions_reach_the_model():
    _, calls = both(["Bonjour"], "Say hello", tools=(), instructions="Answer in French.")
    assert calls[0].messages[0].text.startswith("Answer in French.")


# -- models ---------------------------------------------------------------------------------------------------------


def test_a_model_without_response_format_finds_the_schema_in_its_prompt():
    _, calls = both(product_script(), model={"takes_response_format": False})
    assert all(call.schema is None for call in calls)
    assert '"enum": ["calculator", "none"]' in calls[0].messages[0].text


def test_any_langchain_model_will_do():
    from langchain_core.language_models import FakeListChatModel

    model = FakeListChatModel(responses=[json.dumps(r) if isinstance(r, dict) else r for r in product_script()])
    assert Agent([calculator], llm=model).run("Calculate 42 * 17").result == "42 * 17 = 714"


def test_the_default_model_is_asked_for_once_and_only_when_needed(monkeypatch):
    made = []

    def default_model():
        made.append(threading.current_thread())
        return ScriptedModel()

    monkeypatch.setattr("linus_nb.models.default_model", default_model)
    agent = Agent()
    assert made == []

    async def main():
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(agent("x"))

    asyncio.run(main())
    assert len(made) == 1
    assert made[0] is not threading.main_thread()  # it may take seconds, and the loop must not wait


def test_without_any_model_the_error_says_so():
    with pytest.raises(NoModelError):
        Agent().run("x")


# -- what goes in and comes out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [("a", "a"), ({"k": 1}, "1"), ({"a": 1, "b": "x"}, "a: 1\nb: x"), ({}, ""), (None, "None"), (3, "3")],
)
def test_whatever_is_asked_becomes_text(given, text):
    assert as_text(given) == text


def test_the_bare_result_is_given_without_metrics():
    assert Agent(llm=ScriptedModel(["hi"])).run("x", return_metrics=False) == "hi"
    assert asyncio.run(Agent(llm=ScriptedModel(["hi"])).arun("x", return_metrics=False)) == "hi"
    assert isinstance(asyncio.run(Agent(llm=ScriptedModel(["hi"]))("x")), AgentResponse)


def test_a_response_reads_well_and_becomes_plain_data():
    response, _ = both(product_script())
    assert repr(response).startswith("42 * 17 = 714\n\n(completed, 1 iteration, 4 model calls, 1 tool call, ")
    plain = json.loads(json.dumps(response.to_dict()))
    assert plain["execution_history"][0]["tool"] == "calculator"
    assert plain["metrics"]["success_rate"] == 1.0
    assert plain["metrics"]["avg_tokens_per_llm_call"] == 13.0
    assert "714" in response._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Agent(llm="gpt"), "llm='gpt' is not a chat model"),
        (lambda: Agent(max_iterations=0), "max_iterations=0 leaves no room"),
        (lambda: Agent([3]), "3 is not a tool"),
        (lambda: Agent([calculator, calculator]), "two tools are called 'calculator'"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(LinusError, match=sentence):
        make()


def test_an_agent_is_shown_with_its_tools():
    agent = Agent(default_tools(), llm=ScriptedModel(), name="maths")
    assert repr(agent) == "Agent('maths', tools=[calculator, clock, word_count])"
    assert "word_count" in agent._repr_mimebundle_()["text/html"]


def test_a_tool_error_is_a_linus_error():
    assert issubclass(ToolError, LinusError)
