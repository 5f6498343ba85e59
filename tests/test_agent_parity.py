"""One script, every way of running it: blocking, awaited, streamed, and as a node of a graph in each of its modes."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, events, last_response
from linus_nb.agent.memory import Memory
from linus_nb.agent.stream import Answered
from linus_nb.testing import ScriptedModel
from tests.agent_parity_scripts import SCRIPTS, Script
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("no_backoff")


@dataclass
class Outcome:
    """What can be seen of a run from outside, without times."""

    answer: Any  # result, status, history, metrics; or the error
    calls: list[Any]  # of the model
    told: list[str]  # model and tool calls, as reported
    remembered: Any


def play(script: Script, ask: Callable[[Agent, Any], Any]) -> Outcome:
    """Run a script in some way on a fresh model and memory, and return what came of it."""
    told: list[Any] = []
    memory = Memory(token_budget=64, recent_turns=1) if script.memory else None
    for question, answer in script.memory:
        assert memory is not None
        memory.add(question, answer)
    model = ScriptedModel(script.replies(), **({"usage": (3, 4)} | script.model))
    agent = Agent(script.tools(), llm=model, memory=memory, **script.options)

    def within() -> Any:
        events.sink.set((lambda _, reported: told.append(reported), 0))
        try:
            return timeless(ask(agent, script.question))
        except Exception as error:  # noqa: BLE001  what an agent raises is what is compared
            assert last_response() is not None
            return type(error), str(error)

    answer = copy_context().run(within)
    remembered = None if memory is None else ([(t.question, t.answer) for t in memory.turns], memory.summary)
    seen = [([nameless(m) for m in c.messages], c.schema, c.tools, c.reply, repr(c.error)) for c in model.calls]
    return Outcome(answer, sorted(seen, key=repr), sorted(map(fact, told)), remembered)


def nameless(message: Any) -> Any:
    """Return a message without the number that LangChain gives each reply, and what differs in pieces put together."""
    if isinstance(message, ToolMessage):
        return message.tool_call_id, worded(str(message.content))
    if not isinstance(message, AIMessage):
        return message
    # arguments that cannot be read are put together by LangChain in a stream; what was called is in the history
    return message.text, sorted((c["id"], c["name"]) for c in [*message.tool_calls, *message.invalid_tool_calls])


def worded(text: str) -> str:
    """Return a text without the words of the parser that gave up, of which a stream has another."""
    return re.sub(r"(the arguments cannot be read).*", r"\1", text)


def timeless(response: Any) -> Any:
    history = [replace(step, start_s=0.0, end_s=0.0, error=worded(step.error)) for step in response.execution_history]
    metrics = replace(response.metrics, execution_time_seconds=0.0)
    assert metrics == replace(last_response().metrics, execution_time_seconds=0.0)
    plans = [(str(plan.status), {name: str(node.status) for name, node in plan.record.nodes.items()})
             for plan in response.plans]  # fmt: skip
    return response.result, response.completion_status, history, metrics, plans


def fact(reported: Any) -> str:
    if isinstance(reported, events.ModelCalled):
        return repr(replace(reported, duration_s=0.0, error=repr(reported.error)))
    if isinstance(reported, events.ToolCalled):
        return repr(replace(reported, duration_s=0.0, error=repr(reported.error)))
    return repr(reported)


# -- the ways --------------------------------------------------------------------------------------------------------


async def streamed(agent: Agent, question: Any) -> Any:
    *_, last = [event async for event in agent.stream(question)]
    assert isinstance(last, Answered)
    return last.response


AGENT_WAYS: dict[str, Callable[[Agent, Any], Any]] = {
    "blocking": lambda agent, question: agent.run(question),
    "awaited": lambda agent, question: run(agent.arun(question)),
    "on a real loop": lambda agent, question: asyncio.run(agent.arun(question)),
    "called": lambda agent, question: run(agent(question)),
}


def assert_same(one: Outcome, other: Outcome) -> None:
    assert one.answer == other.answer
    assert one.calls == other.calls
    assert one.told == other.told
    assert one.remembered == other.remembered


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_run_and_arun_do_the_same(script):
    blocked = play(script, AGENT_WAYS["blocking"])
    if script.gives is not None:
        assert script.gives in str(blocked.answer[0]) or script.gives in str(blocked.answer[1])
    for way in ("awaited", "on a real loop"):
        assert_same(blocked, play(script, AGENT_WAYS[way]))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_stream_does_what_run_does_and_tells_the_same_calls(script):
    def ask_streamed(agent: Agent, question: Any) -> Any:
        return run(streamed(agent, question))

    blocked, flowing = play(script, AGENT_WAYS["blocking"]), play(script, ask_streamed)
    assert blocked.answer == flowing.answer
    assert blocked.calls == flowing.calls
    assert blocked.remembered == flowing.remembered
    assert blocked.told == [line for line in flowing.told if line.startswith(("ModelCalled", "ToolCalled"))]


def as_node(script: Script, mode: str, taken: list[Any]) -> Callable[[Agent, Any], Any]:
    """Return a way to ask an agent that stands in a graph; ``taken`` gets the record's own account of its calls."""

    def ask(agent: Agent, question: Any) -> Any:
        dag = AgentDAG("one").add_node(AgentNode("ask", agent, input_mapping={"question": "q"}, output_key="answer"))
        executor = DAGExecutor(dag)
        if mode == "execute":
            result = executor.execute({"q": question})
        elif mode == "dataflow":
            result = run(executor.aexecute({"q": question}, schedule="dataflow"))
        else:
            result = run(executor.aexecute({"q": question}, parallel=mode == "levels"))
        taken.extend(event.call for event in result.events if isinstance(event, events.CallReported))
        if "ask" in result.errors:
            raise result.errors["ask"]
        response = last_response()
        assert response is not None
        given = result.node_results["ask"]
        assert given == response.result or repr(given) == repr(response.result)
        return response

    return ask


@pytest.mark.parametrize("mode", ["execute", "one by one", "levels", "dataflow"])
@pytest.mark.parametrize("script", [s for s in SCRIPTS if isinstance(s.question, str)], ids=lambda script: script.name)
def test_an_agent_in_a_graph_does_what_it_does_alone(script, mode):
    taken: list[Any] = []
    alone, placed = play(script, AGENT_WAYS["blocking"]), play(script, as_node(script, mode, taken))
    assert alone.answer == placed.answer
    assert alone.calls == placed.calls
    assert alone.remembered == placed.remembered
    assert alone.told == sorted(map(fact, taken))


def test_no_two_scripts_bear_one_name_and_there_are_enough_of_them():
    assert max(Counter(script.name for script in SCRIPTS).values()) == 1
    assert len(SCRIPTS) >= 80
