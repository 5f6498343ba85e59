"""A run of an agent as it happens."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.agent.stream import Answered
from linus_nb.events import ModelCalled, PlanMade, ProgressReported, TokenDelta, ToolCalled, ToolStarted
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


def reply(messages, schema):
    if schema is None:
        return "it was said loudly"
    if "tasks" in schema["properties"]:
        return {"tasks": [{"tool": "shout", "description": "say hello", "depends_on": []}]}
    return {"text": "hello"} if "text" in schema["properties"] else {"complete": "yes", "missing": ""}


def agent(**options) -> Agent:
    return Agent([shout], llm=ScriptedModel(reply, usage=(3, 4), **options))


async def collected(stream):
    return [event async for event in stream]


def test_a_stream_tells_plan_tool_calls_results_and_tokens_and_ends_with_the_response():
    seen = run(collected(agent().stream("hello")))
    kinds = [type(event) for event in seen if not isinstance(event, ModelCalled | TokenDelta)]
    assert kinds == [PlanMade, ToolStarted, ToolCalled, Answered]
    assert "".join(event.text for event in seen if isinstance(event, TokenDelta)) == "it was said loudly"
    assert [event.purpose for event in seen if isinstance(event, ModelCalled)] == [
        "reasoning",
        "arguments",
        "completion check",
        "final answer",
    ]
    assert seen[-1].response.result == "it was said loudly"
    assert seen[-1].response.metrics.llm_calls == 4


def test_the_streamed_answer_is_that_of_arun():
    streamed = run(collected(agent().stream("hello")))[-1].response
    awaited = run(agent().arun("hello"))
    assert streamed.result == awaited.result
    assert streamed.metrics.total_tokens == awaited.metrics.total_tokens


def test_events_come_while_the_run_goes_on():
    async def timed():
        loop = asyncio.get_running_loop()
        return [(type(e).__name__, loop.time()) async for e in agent(latency_s=1.0).stream("hello")]

    at = dict(reversed(run(timed())))
    assert at["PlanMade"] == 1
    assert at["ToolStarted"] == 2
    assert at["Answered"] == pytest.approx(4)


def test_breaking_off_cancels_the_run():
    async def broken_off():
        stream = agent(latency_s=1.0).stream("hello")
        async for event in stream:
            if isinstance(event, PlanMade):
                break
        await stream.aclose()
        return len(asyncio.all_tasks())

    assert run(broken_off()) == 1


def test_an_error_of_the_model_comes_after_what_was_told():
    async def read():
        seen = []
        try:
            async for event in agent(errors={2: ConnectionError("gone")}).stream("hello"):
                seen.append(type(event))
        except ConnectionError:
            return seen
        return None

    assert run(read()) == [ModelCalled, PlanMade, ModelCalled]


def test_in_a_graph_deltas_carry_their_node_and_nobody_who_did_not_ask_gets_them():
    dag = AgentDAG("two")
    for name in ("left", "right"):
        dag.add_node(AgentNode(name, agent(), input_mapping={"task": "q"}))

    def told(**options):
        result = run(DAGExecutor(dag, **options).aexecute({"q": "hello"}))
        assert result.to_frame().loc["left", "llm_calls"] == 4
        return [event for event in result.events if isinstance(event, ProgressReported)]

    deltas = [(e.node, e.progress.text) for e in told(stream=True) if isinstance(e.progress, TokenDelta)]
    for name in ("left", "right"):
        assert "".join(text for node, text in deltas if node == name) == "it was said loudly"
    assert told() == []


def test_a_cancellation_that_comes_while_a_stream_is_closed_is_not_lost():
    async def slow(x: str) -> str:
        """Tidy up slowly."""
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(10)
        return x

    def reply(_, schema):
        plan = {"tasks": [{"tool": "slow", "description": "d", "depends_on": []}]}
        return plan if "tasks" in schema["properties"] else {"x": "a"}

    async def reader():
        async with contextlib.aclosing(Agent([slow], llm=ScriptedModel(reply)).stream("?")) as heard:
            async for event in heard:
                if isinstance(event, ToolStarted):
                    break
        return "went on"

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):  # the run waits 0.2 s for its tool
                await reader()

    run(main())
