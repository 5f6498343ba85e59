"""Every malformed reply of the corpus, through whole runs, by both drivers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, Field

from linus_nb import Agent
from linus_nb.agent.response import AgentResponse
from linus_nb.errors import LinusError, ReplyError
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator
from tests.agent_scripts import DONE, timeless
from tests.reply_corpus import AGAIN, ANSWERS, ARGUMENTS, COUNT, PLANS, REPORTS, TURNS, VERDICTS, WRITTEN_CALLS

QUESTION = "What is 42 * 17?"


class Report(BaseModel):
    title: str
    pages: int = Field(ge=1)


def convert(amount: float, unit: str, digits: int = 0) -> str:
    """Convert an amount."""
    return f"{amount} {unit}"


GOOD = {
    "plan": {"tasks": [{"tool": "calculator", "description": "multiply", "depends_on": []}]},
    "calculator": {"expression": "42 * 17"},
    "convert": {"amount": 3, "unit": "km"},
    "verdict": DONE,
    "answer": "It is 714.",
    "report": {"title": "Tides", "pages": 3},
}


def phase_of(schema: Any) -> str:
    """Return what a call asks for, by the schema of its reply."""
    names = set((schema or {}).get("properties", ()))
    marks = {"tasks": "plan", "expression": "calculator", "amount": "convert", "complete": "verdict", "title": "report"}
    return next((phase for mark, phase in marks.items() if mark in names), "answer")


def script(phase: str, *replies: Any, plan: Any = None) -> Any:
    """Return a script that says ``replies`` in one phase, one call after the other, and what is good elsewhere."""
    left = list(replies)

    def say(messages: Any, schema: Any) -> Any:
        asked = phase_of(schema)
        if asked == phase and left:
            return left.pop(0)
        return plan if plan is not None and asked == "plan" else GOOD[asked]

    return say


def both(make_script: Any, *, tools: Any = (calculator, convert), **options: Any) -> tuple[Any, list[Any]]:
    """Ask by both drivers; check that they agree, and return the response, or the error, and the calls."""
    outcomes = []
    for ask in (lambda agent: agent.run(QUESTION), lambda agent: asyncio.run(agent.arun(QUESTION))):
        model = ScriptedModel(make_script(), usage=(10, 3))
        agent = Agent(tools, llm=model, max_iterations=1, **options)
        try:
            came: Any = ask(agent)
        except LinusError as error:
            came = error
        outcomes.append((came, model.calls))
    (blocked, first), (awaited, second) = outcomes
    assert type(blocked) is type(awaited)
    assert facts(blocked) == facts(awaited)
    assert [(c.messages, c.schema, c.reply) for c in first] == [(c.messages, c.schema, c.reply) for c in second]
    return blocked, first


def facts(came: AgentResponse | LinusError) -> Any:
    return timeless(came) if isinstance(came, AgentResponse) else str(came)


def asked(calls: Any, phase: str) -> int:
    return sum(phase_of(call.schema) == phase for call in calls)


def shows(said: str, reply: str) -> bool:
    """Return whether a sentence shows a reply: its beginning at least, as it may be long."""
    return repr(reply[:300])[1:-1] in said


def entries(corpus: dict[str, Any], *, again: bool) -> list[str]:
    return [name for name, entry in corpus.items() if (entry[-1] is AGAIN) is again]


def test_the_corpus_is_large():
    assert COUNT >= 150


# -- plans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", entries(PLANS, again=False))
def test_a_plan_is_read_at_once_and_carried_out(name):
    reply, tools = PLANS[name]
    response, calls = both(lambda: script("plan", reply))
    assert asked(calls, "plan") == 1
    assert tuple(step.tool for step in response.execution_history) == tools
    assert response.metrics.task_completed


@pytest.mark.parametrize("name", entries(PLANS, again=True))
def test_a_plan_that_cannot_be_read_is_asked_for_once_more(name):
    response, calls = both(lambda: script("plan", PLANS[name][0]))
    assert asked(calls, "plan") == 2
    assert response.result == "It is 714."


@pytest.mark.parametrize("name", entries(PLANS, again=True))
def test_a_plan_that_cannot_be_read_twice_is_an_error_that_shows_it(name):
    reply = PLANS[name][0]
    error, calls = both(lambda: script("plan", reply, reply))
    assert isinstance(error, ReplyError)
    assert shows(str(error), reply)
    assert len(calls) == 2


@pytest.mark.parametrize("name", ["a task before what it needs", "tasks counted from 0", "tasks that depend on tools",
                                  "tasks that depend on descriptions", "YAML"])  # fmt: skip
def test_a_task_sees_the_result_of_the_one_that_it_depends_on(name):
    _, calls = both(lambda: script("plan", PLANS[name][0]))
    [converted] = [call for call in calls if phase_of(call.schema) == "convert"]
    assert "calculator(42 * 17) = 714" in converted.messages[-1].text


# -- arguments -------------------------------------------------------------------------------------------------------


def tool_script(tool: str, *replies: str) -> Any:
    return script(tool, *replies, plan={"tasks": [{"tool": tool, "description": "do it", "depends_on": []}]})


@pytest.mark.parametrize("name", entries(ARGUMENTS, again=False))
def test_arguments_are_read_at_once_and_the_tool_takes_them(name):
    tool, reply, arguments = ARGUMENTS[name]
    response, calls = both(lambda: tool_script(tool, reply))
    [step] = response.execution_history
    assert (step.status, step.arguments) == ("completed", arguments)
    assert asked(calls, tool) == 1


@pytest.mark.parametrize("name", entries(ARGUMENTS, again=True))
def test_arguments_that_cannot_be_read_are_asked_for_once_more(name):
    tool, reply, _ = ARGUMENTS[name]
    response, calls = both(lambda: tool_script(tool, reply))
    assert [step.status for step in response.execution_history] == ["completed"]
    assert asked(calls, tool) == 2


@pytest.mark.parametrize("name", entries(ARGUMENTS, again=True))
def test_arguments_that_cannot_be_read_twice_fail_their_step_which_shows_them(name):
    tool, reply, _ = ARGUMENTS[name]
    response, calls = both(lambda: tool_script(tool, reply, reply))
    [step] = response.execution_history
    assert (step.status, response.metrics.tool_executions, asked(calls, tool)) == ("failed", 0, 2)
    assert shows(step.error, reply)
    assert not response.metrics.task_completed


# -- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", entries(VERDICTS, again=False))
def test_a_verdict_is_read_at_once(name):
    reply, complete = VERDICTS[name]
    response, calls = both(lambda: script("verdict", reply))
    assert response.metrics.task_completed is complete
    assert asked(calls, "verdict") == response.metrics.completion_checks == 1


@pytest.mark.parametrize("name", entries(VERDICTS, again=True))
def test_a_verdict_that_cannot_be_read_is_asked_for_once_more_and_then_told(name):
    reply = VERDICTS[name][0]
    response, calls = both(lambda: script("verdict", reply))
    assert (response.metrics.task_completed, asked(calls, "verdict")) == (True, 2)
    response, calls = both(lambda: script("verdict", reply, reply))
    assert (response.metrics.task_completed, asked(calls, "verdict")) == (False, 2)
    assert shows(response.completion_status, reply)
    assert response.result.startswith("It is 714.")


# -- answers in words ------------------------------------------------------------------------------------------------


BY_BOTH = [(strategy, name) for strategy in ("reasoning", "tools") for name in ANSWERS
           if strategy == "reasoning" or "the result stands" not in name]  # fmt: skip


@pytest.mark.parametrize(("strategy", "name"), BY_BOTH)
def test_an_answer_is_what_was_said(strategy, name):
    reply, answer = ANSWERS[name]
    response, calls = both(lambda: script("answer", reply), strategy=strategy)
    assert response.result == answer
    assert asked(calls, "answer") == 1


# -- structured output -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", entries(REPORTS, again=False))
def test_a_structured_answer_is_read_at_once(name):
    reply, fields = REPORTS[name]
    response, calls = both(lambda: script("report", reply), output_schema=Report)
    assert response.result == Report(**fields)
    assert asked(calls, "report") == 1


@pytest.mark.parametrize("name", entries(REPORTS, again=True))
@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
def test_a_structured_answer_that_does_not_fit_is_asked_for_once_more_and_then_an_error_that_shows_it(name, strategy):
    reply = REPORTS[name][0]
    response, calls = both(lambda: script("report", reply), output_schema=Report, strategy=strategy)
    assert (response.result.pages, asked(calls, "report")) == (3, 2)
    error, calls = both(lambda: script("report", reply, reply), output_schema=Report, strategy=strategy)
    assert isinstance(error, ReplyError)
    assert asked(calls, "report") == 2
    assert shows(str(error), reply)


# -- the model's own calls of tools ----------------------------------------------------------------------------------


def turns(reply: Any) -> tuple[AgentResponse, list[Any]]:
    """Ask by both drivers a model that says ``reply`` first; check that they agree, and return one response."""
    outcomes = []
    for ask in (lambda agent: agent.run(QUESTION), lambda agent: asyncio.run(agent.arun(QUESTION))):
        model = ScriptedModel([reply, "It is 714."], usage=(10, 3))
        outcomes.append((ask(Agent((calculator, convert), llm=model, strategy="tools")), model.calls))
    (response, calls), (awaited, others) = outcomes
    assert timeless(response) == timeless(awaited)
    assert [asked_of(call) for call in calls] == [asked_of(call) for call in others]
    assert (response.result, len(calls)) == ("It is 714.", 2)
    return response, calls


def asked_of(call: Any) -> Any:
    """Return what a model was asked, without the ids that LangChain makes up."""
    return [(message.type, message.text) for message in call.messages], call.reply


@pytest.mark.parametrize("name", TURNS)
def test_what_is_wrong_with_a_call_is_told_to_the_model_which_goes_on(name):
    reply, steps = TURNS[name]
    response, calls = turns(reply)
    assert [(step.tool, step.status) for step in response.execution_history] == steps
    told = [message for message in calls[1].messages if message.type == "tool"]
    assert [message.text.startswith("Error: ") for message in told] == [status == "failed" for _, status in steps]


@pytest.mark.parametrize("name", WRITTEN_CALLS)
def test_a_call_that_is_written_into_the_text_is_carried_out_and_its_result_told(name):
    reply, steps = WRITTEN_CALLS[name]
    response, calls = turns(reply)
    assert [(step.tool, step.status) for step in response.execution_history] == steps
    said, told = calls[1].messages[-2:]
    assert (said.type, said.text, told.type) == ("ai", reply, "human")
    assert ("= 714" in told.text) is (steps[0][1] == "completed")
    assert ("is missing" in told.text) is (steps[0][1] == "failed")


def test_words_about_a_tool_are_an_answer_and_no_call():
    answer = 'Ask calculator(x) with {"expression": "42 * 17"}, and you will see.'
    response = Agent((calculator,), llm=ScriptedModel([answer]), strategy="tools").run(QUESTION)
    assert (response.result, response.execution_history) == (answer, [])
