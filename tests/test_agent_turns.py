"""Agents whose model calls tools by its own means."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb import Agent
from linus_nb.errors import ModelError
from linus_nb.testing import ScriptedModel
from linus_nb.testing.replies import ToolCalls
from tests.virtual_time import run


async def look_up(text: str) -> str:
    """Look something up."""
    await asyncio.sleep(5)
    if text == "bad":
        raise ValueError("no such page")
    return text.upper()


def agent(*replies, **options) -> tuple[Agent, ScriptedModel]:
    model = ScriptedModel(list(replies), usage=(3, 4))
    return Agent([look_up], llm=model, strategy="tools", **options), model


def calls(*texts: str) -> ToolCalls:
    return ToolCalls([("look_up", {"text": text}) for text in texts])


def test_the_calls_of_one_turn_run_at_the_same_time_and_their_results_go_back_to_the_model():
    asked, model = agent(calls("a", "b"), "A and B")
    response = run(asked.arun("look up a and b"))
    assert response.result == "A and B"
    assert response.metrics.task_completed
    metrics = response.metrics
    assert (metrics.llm_calls, metrics.tool_executions, metrics.total_iterations) == (2, 2, 2)
    assert [node.start_s for node in response.plan.record.nodes.values()] == [0, 0]
    assert response.plan.record.duration_s == 5
    told = model.calls[1].messages[-2:]
    assert [(m.type, m.content) for m in told] == [("tool", "A"), ("tool", "B")]
    assert [m.tool_call_id for m in told] == [c["id"] for c in model.calls[1].messages[-3].tool_calls]
    assert [(s.tool, s.arguments, s.result) for s in response.execution_history] == [
        ("look_up", {"text": "a"}, "A"),
        ("look_up", {"text": "b"}, "B"),
    ]


def test_a_tool_that_fails_an_unknown_one_and_broken_arguments_are_told_to_the_model():
    wrong = ToolCalls([("look_up", {"text": "bad"}), ("lookup", {"text": "a"}), ("look_up", "{broken")])
    asked, model = agent(wrong, "sorry")
    response = run(asked.arun("try"))
    told = [m.content for m in model.calls[1].messages if m.type == "tool"]
    assert told[0] == "Error: no such page"
    assert "no tool 'lookup'; did you mean 'look_up'?" in told[1]
    assert "cannot be read" in told[2]
    assert [step.status for step in response.execution_history] == ["failed"] * 3
    assert response.metrics.task_completed
    assert response.metrics.failed_tool_calls == 1  # the others were never called


def test_an_answer_without_a_tool_is_one_call():
    response = run(agent("hello")[0].arun("say hello"))
    assert (response.result, response.metrics.llm_calls, response.plan) == ("hello", 1, None)


def test_the_limit_of_turns_gives_what_is_known_and_says_so():
    asked, _ = agent(calls("a"), calls("a"), "so far: A", max_iterations=2)
    response = run(asked.arun("go on"))
    assert response.result.startswith("so far: A")
    assert response.completion_status == "the limit of 2 iterations was reached"
    assert not response.metrics.task_completed


def test_run_and_arun_agree():
    def facts(response):
        metrics = {**response.metrics.to_dict(), "execution_time_seconds": 0}
        return response.result, metrics, [(s.task, s.result, s.status) for s in response.execution_history]

    def upper(text: str) -> str:
        """Shout."""
        return text.upper()

    def asked():
        script = [ToolCalls([("upper", {"text": "a"}), ("upper", {"text": "b"})]), "A, B"]
        return Agent([upper], llm=ScriptedModel(script, usage=(1, 2)), strategy="tools")

    assert facts(asked().run("shout")) == facts(run(asked().arun("shout")))


def test_a_model_that_calls_no_tools_is_told_by_name():
    from langchain_core.language_models import GenericFakeChatModel

    model = GenericFakeChatModel(messages=iter([]))
    with pytest.raises(ModelError, match="strategy='reasoning'"):
        run(Agent([look_up], llm=model, strategy="tools").arun("x"))


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="choose 'reasoning' or 'tools'"):
        Agent(strategy="magic")
