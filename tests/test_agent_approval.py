"""A person is asked before a tool runs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from linus_nb import Agent
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


def test_an_agent_stands_in_a_langchain_chain():
    from langchain_core.prompts import ChatPromptTemplate

    model = ScriptedModel(lambda messages, schema: f"heard: {messages[-1].text}")
    chain = ChatPromptTemplate.from_messages([("user", "Tell me of {topic}.")]) | Agent(llm=model).as_runnable()
    assert chain.invoke({"topic": "tides"}) == "heard: Tell me of tides."
    assert run(chain.ainvoke({"topic": "tides"})) == "heard: Tell me of tides."
