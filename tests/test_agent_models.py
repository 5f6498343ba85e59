"""Models that are not quite what an agent expects, and answers that outlive their run."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
import threading

import pytest
from langchain_core.language_models import FakeListChatModel, FakeListLLM
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.agent.stream import Answered
from linus_nb.errors import ModelError, ToolError
from linus_nb.events import TokenDelta
from linus_nb.testing import ScriptedModel, ToolCalls
from tests.real_time import in_time
from tests.virtual_time import run


def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def planned():
    def reply(_, schema):
        if schema is None:
            return "It is 42."
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "double", "description": "d", "depends_on": []}]}
        return {"number": 21} if "number" in schema["properties"] else {"complete": "yes", "missing": ""}

    return ScriptedModel(reply)


@pytest.mark.parametrize("awaited", [True, False])
def test_a_model_that_answers_in_texts_will_do(awaited):
    agent = Agent(llm=FakeListLLM(responses=["Hello!"]))
    assert str(run(agent.arun("?")) if awaited else agent.run("?")) == "Hello!"


@pytest.mark.parametrize("awaited", [True, False])
def test_what_answers_with_something_else_is_named(awaited):
    agent = Agent(llm=RunnableLambda(lambda _: {"a": 1}))
    with pytest.raises(ModelError, match="answered with a dict; give a chat model"):
        run(agent.arun("?")) if awaited else agent.run("?")


def test_a_model_with_retries_calls_tools_too():
    model = ScriptedModel([ToolCalls([("double", {"number": 21})]), "It is 42."])
    response = Agent([double], llm=model.with_retry(), strategy="tools").run("?")
    assert response.execution_history[0].result == 42


def test_streamed_a_tool_call_that_was_cut_off_is_not_carried_out():
    written = []

    def write(path: str, text: str) -> str:
        """Write a file."""
        written.append((path, text))
        return "written"

    cut = '{"path": "notes.txt", "text": "first line, and the sec'

    async def streamed():
        agent = Agent([write], llm=ScriptedModel([ToolCalls([("write", cut)]), "done"]), strategy="tools")
        return [event async for event in agent.stream("?")][-1]

    last = run(streamed())
    assert isinstance(last, Answered)
    [step] = last.response.execution_history
    assert (step.status, written) == ("failed", [])
    assert "cannot be read" in step.error


def test_streamed_a_whole_tool_call_is_carried_out():
    async def streamed():
        model = ScriptedModel([ToolCalls([("double", {"number": 21}), ("double", {"number": 4})]), "done"])
        agent = Agent([double], llm=model, strategy="tools")
        return [event async for event in agent.stream("?")][-1]

    assert [step.result for step in run(streamed()).response.execution_history] == [42, 8]


def test_a_tool_whose_name_no_provider_takes_is_refused_where_the_provider_would_see_it():
    odd = StructuredTool.from_function(double, name="double it")
    assert list(Agent([odd]).tools) == ["double it"]
    with pytest.raises(ToolError, match="a tool's name is 'double it'"):
        Agent([odd], strategy="tools")


def test_a_response_is_pickled_and_copied_with_its_plan():
    response = Agent([double], llm=planned()).run("?")
    for again in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response)):
        assert str(again) == "It is 42."
        assert again.to_dict() == response.to_dict()
        assert again.plan.record == response.plan.record
        assert again.plan._repr_mimebundle_()["text/html"] == response.plan._repr_mimebundle_()["text/html"]
        assert again.plan.to_frame().equals(response.plan.to_frame())


def test_the_result_of_a_graph_is_pickled_with_its_events():
    result = DAGExecutor(AgentDAG("one").add_node(AgentNode("a", lambda: [1], output_key="a"))).execute()
    again = pickle.loads(pickle.dumps(result))
    assert again.record == result.record
    assert again.final_state == {"a": [1]}


def test_an_agent_copies_as_itself_and_says_why_it_is_not_pickled():
    agent = Agent([double], llm=planned(), name="doubler")
    assert copy.deepcopy({"agent": agent})["agent"] is agent
    with pytest.raises(TypeError, match="the agent 'doubler' cannot be pickled"):
        pickle.dumps(agent)


class Blocking(FakeListChatModel):
    """A model without a way to be awaited, as people write them."""


def test_a_model_that_only_blocks_is_asked_by_many_at_once_and_holds_nobody_up_when_it_is_given_up():
    together = threading.Barrier(20, timeout=10)
    go_on = threading.Event()

    class Together(Blocking):
        def _call(self, *args, **options):
            together.wait()  # all twenty are being asked at this moment
            return super()._call(*args, **options)

    class Stuck(Blocking):
        def _call(self, *args, **options):
            go_on.wait(60)
            return super()._call(*args, **options)

    async def many():
        agent = Agent(llm=Together(responses=["yes"]))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(agent.arun("?")) for _ in range(20)]
        return {str(task.result()) for task in tasks}

    async def given_up():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await Agent(llm=Stuck(responses=["late"])).arun("?")

    assert in_time(lambda: asyncio.run(many())) == {"yes"}
    try:
        in_time(lambda: asyncio.run(given_up()))  # a pool's thread would be waited for
    finally:
        go_on.set()


def test_a_model_that_only_blocks_streams_too():
    async def streamed():
        events_of_it = [event async for event in Agent(llm=Blocking(responses=["Hi"])).stream("?")]
        return [event.text for event in events_of_it if isinstance(event, TokenDelta)]

    assert asyncio.run(streamed()) == ["H", "i"]


def test_an_agent_is_copied():
    agent = Agent([double], llm=planned(), name="doubler")
    assert copy.copy(agent).name == "doubler"
    assert str(copy.copy(agent).run("?")) == "It is 42."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_iterations": "3"}, "max_iterations='3'"),
        ({"max_iterations": 2.5}, "max_iterations=2.5"),
        ({"max_iterations": True}, "max_iterations=True"),
        ({"instructions": 3}, "instructions=3"),
        ({"memory": "x"}, "memory='x' is no memory"),
        ({"output_schema": "Report"}, "output_schema='Report' is no type that can be checked"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(options, said):
    with pytest.raises((TypeError, ValueError), match=said):
        Agent(llm=planned(), **options)


def test_no_instructions_are_none():
    assert str(Agent([double], llm=planned(), instructions=None).run("?")) == "It is 42."


def test_a_model_that_goes_on_calling_tools_to_the_limit_leaves_what_they_gave():
    model = ScriptedModel(lambda messages, schema, tools: ToolCalls([("double", {"number": 21})]))
    response = Agent([double], llm=model, strategy="tools", max_iterations=2).run("?")
    assert str(response).startswith("42")
    assert "limit of 2 iterations" in str(response)
