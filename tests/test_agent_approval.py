"""A person is asked before a tool runs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from linus_nb import Agent
from linus_nb.agent.approval import Answer
from linus_nb.errors import NobodyToAskError, NotApprovedError
from linus_nb.notebook import asking
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run

ASKED: list[tuple[str, dict]] = []


def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


def reply(messages, schema):
    if schema is None:
        return "done"
    if "tasks" in schema["properties"]:
        return {"tasks": [{"tool": "shout", "description": "say hello", "depends_on": []}]}
    return {"text": "hello"} if "text" in schema["properties"] else {"complete": "yes", "missing": ""}


def asked(approve, way):
    agent = Agent([shout], llm=ScriptedModel(reply), approve=approve, max_iterations=1)
    response = agent.run("hello") if way == "run" else run(agent.arun("hello"))
    return response.execution_history[0]


def plain(answer):
    def approve(tool, arguments):
        ASKED.append((tool, dict(arguments)))
        return answer

    return approve


def awaited(answer):
    async def approve(tool, arguments):
        await asyncio.sleep(0.01)
        return plain(answer)(tool, arguments)

    return approve


ways = pytest.mark.parametrize("way", ["run", "arun"])
kinds = pytest.mark.parametrize("kind", [plain, awaited])


@ways
@kinds
def test_a_yes_lets_the_tool_run(way, kind):
    ASKED.clear()
    step = asked(kind(True), way)
    assert (step.result, step.status) == ("HELLO", "completed")
    assert ASKED == [("shout", {"text": "hello"})]


@ways
@kinds
@pytest.mark.parametrize("answer", [False, None])
def test_a_no_is_told_to_the_model_and_the_tool_does_not_run(way, kind, answer):
    step = asked(kind(answer), way)
    assert step.status == "failed"
    assert "'shout' was not allowed" in step.error


@ways
@kinds
def test_other_arguments_are_used_and_recorded(way, kind):
    step = asked(kind({"text": "good night"}), way)
    assert (step.result, step.arguments) == ("GOOD NIGHT", {"text": "good night"})


@ways
def test_an_answer_that_is_none_of_these_is_named(way):
    assert "approve answered 'maybe'" in asked(plain("maybe"), way).error


def test_a_plain_question_does_not_block_the_loop():
    threads = []
    step = asked(lambda *_: threads.append(threading.current_thread()) or True, "arun")
    assert step.result == "HELLO"
    assert threads[0] is not threading.main_thread()


@ways
def test_a_function_may_refuse_with_a_reason(way):
    def approve(tool, arguments):
        raise NotApprovedError(tool, "too loud")

    assert "'shout' was not allowed (too loud)" in asked(approve, way).error


def test_a_refusal_carries_its_reason():
    assert (NotApprovedError("shout", "too loud").reason, NotApprovedError("shout").reason) == ("too loud", "")


def persons(monkeypatch, *answers):
    """Let a person give these answers, and return the list of what they are asked."""
    questions, coming = [], iter(answers)

    def ask(question):
        questions.append(question)
        return next(coming)

    async def aask(question):
        return ask(question)

    monkeypatch.setattr(asking, "ask", ask)
    monkeypatch.setattr(asking, "aask", aask)
    return questions


@ways
def test_ask_asks_the_person_with_all_that_is_known_of_the_call(way, monkeypatch):
    questions = persons(monkeypatch, Answer({"text": "good night"}))
    step = asked("ask", way)
    assert (step.result, step.arguments) == ("GOOD NIGHT", {"text": "good night"})
    (question,) = questions
    assert (question.agent, question.tool.name, question.tool.description) == ("agent", "shout", "Say it loudly.")
    assert question.arguments == {"text": "hello"}


@ways
def test_a_person_who_refuses_is_heard_with_the_reason(way, monkeypatch):
    persons(monkeypatch, Answer(None, "it is late"))
    assert "'shout' was not allowed (it is late)" in asked("ask", way).error


@ways
@kinds
def test_a_function_may_leave_it_to_the_person(way, kind, monkeypatch):
    questions = persons(monkeypatch, Answer({"text": "hello"}))
    assert asked(kind("ask"), way).result == "HELLO"
    assert len(questions) == 1


@ways
def test_always_holds_for_one_run_and_one_tool(way, monkeypatch):
    def whisper(text: str) -> str:
        """Say it softly."""
        return text.lower()

    def script(messages, schema):
        if schema is not None and "tasks" in schema["properties"]:
            tools = ["shout", "whisper", "shout"]  # one after the other
            return {"tasks": [{"tool": t, "description": t, "depends_on": [k] * (k > 0)} for k, t in enumerate(tools)]}
        return reply(messages, schema)

    questions = persons(monkeypatch, *[Answer({"text": "Hello"}, always=True)] * 4)
    agent = Agent([shout, whisper], llm=ScriptedModel(script), approve="ask", max_iterations=1)
    for _ in range(2):
        response = agent.run("?") if way == "run" else run(agent.arun("?"))
        assert [step.status for step in response.execution_history] == ["completed"] * 3
    assert [question.tool.name for question in questions] == ["shout", "whisper"] * 2


@ways
def test_where_nobody_can_be_asked_the_run_ends_and_says_what_to_do(way):
    with pytest.raises(
        NobodyToAskError, match=r"neither a notebook nor a terminal; give Agent\(approve=...\) a function"
    ):
        asked("ask", way)


@pytest.mark.parametrize("nobody", [True, "yes", ["shout"]])
def test_what_cannot_be_asked_is_refused_at_once(nobody):
    with pytest.raises(TypeError, match="is nobody who could be asked; give 'ask' or a function"):
        Agent([shout], llm=ScriptedModel(reply), approve=nobody)


def test_an_agent_stands_in_a_langchain_chain():
    from langchain_core.prompts import ChatPromptTemplate

    model = ScriptedModel(lambda messages, schema: f"heard: {messages[-1].text}")
    chain = ChatPromptTemplate.from_messages([("user", "Tell me of {topic}.")]) | Agent(llm=model).as_runnable()
    assert chain.invoke({"topic": "tides"}) == "heard: Tell me of tides."
    assert run(chain.ainvoke({"topic": "tides"})) == "heard: Tell me of tides."
