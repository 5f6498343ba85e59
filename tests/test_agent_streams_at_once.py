"""Streams of one agent at the same time: each tells its own events, and ends on its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.agent.stream import Answered
from linus_nb.events import CallReported, ModelCalled, PlanMade, ProgressReported, TokenDelta, ToolCalled, ToolStarted
from linus_nb.testing import ScriptedModel
from tests.agent_cases import STRATEGIES, blocking, calls_of, is_its_own, planned_by_number, shared
from tests.virtual_time import run

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def facts_of(stream_events) -> Counter:
    return Counter(type(event).__name__ for event in stream_events if not isinstance(event, TokenDelta))


@every_strategy
def test_ten_streams_at_once_tell_their_own_events(strategy):
    agent, _ = shared(strategy)
    told: dict[int, list] = {}

    async def one(number: int) -> None:
        told[number] = [event async for event in agent.stream(f"run {number}")]

    async def main():
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(one(number))

    run(main())
    for number, seen in told.items():
        assert isinstance(seen[-1], Answered)
        is_its_own(seen[-1].response, number, strategy)
        assert "".join(e.text for e in seen if isinstance(e, TokenDelta)) == f"run {number} answers"
        assert {e.arguments["run"] for e in seen if isinstance(e, ToolStarted | ToolCalled)} == {f"run {number}"}
        assert [f"run {number}" in task for e in seen if isinstance(e, PlanMade) for task in e.tasks] == [True, True]
        assert facts_of(seen) == {
            "PlanMade": 1, "ToolStarted": 2, "ToolCalled": 2, "ModelCalled": calls_of(strategy), "Answered": 1,
        }  # fmt: skip


@every_strategy
def test_two_streams_read_by_turns_in_one_task_tell_their_own_events(strategy):
    agent, _ = shared(strategy)

    async def main():
        streams = [agent.stream(f"run {number}") for number in range(2)]
        told: list[list] = [[], []]
        open_ = {0, 1}
        while open_:
            for number in sorted(open_):
                try:
                    told[number].append(await anext(streams[number]))
                except StopAsyncIteration:
                    open_.discard(number)
        return told

    for number, seen in enumerate(run(main())):
        is_its_own(seen[-1].response, number, strategy)
        assert {e.arguments["run"] for e in seen if isinstance(e, ToolStarted | ToolCalled)} == {f"run {number}"}


@every_strategy
@pytest.mark.parametrize(
    "how", ["aclose", "break", "exception", "cancelled before it waits", "cancelled while it waits"]
)
def test_breaking_off_one_stream_ends_its_run_and_leaves_the_others(strategy, how):
    agent, model = shared(strategy)
    ended: list[int] = []

    async def whole(number: int):
        *_, last = [event async for event in agent.stream(f"run {number}")]
        ended.append(number)
        return last.response

    async def broken() -> None:
        if how == "break":  # and the stream is dropped
            async for event in agent.stream("run 99"):
                if isinstance(event, ToolStarted):
                    break
            return
        async with aclosing(agent.stream("run 99")) as stream:
            async for event in stream:
                if isinstance(event, ToolStarted):
                    break
            if how == "exception":
                raise KeyError("mine")
            if how == "cancelled before it waits":
                asyncio.current_task().cancel()
            elif how == "cancelled while it waits":
                asyncio.get_running_loop().call_later(0.01, asyncio.current_task().cancel)
            while how.startswith("cancelled"):
                await anext(stream)

    async def main():
        others = [asyncio.create_task(whole(number)) for number in range(3)]
        one = asyncio.create_task(broken())
        await asyncio.wait([one])
        if how == "exception":
            assert isinstance(one.exception(), KeyError)
        assert one.cancelled() == how.startswith("cancelled")
        responses = [await task for task in others]
        await asyncio.sleep(100)
        return responses, len(asyncio.all_tasks())

    responses, left = run(main())
    for number, response in enumerate(responses):
        is_its_own(response, number, strategy)
    assert left == 1
    of_the_broken = [call for call in model.calls if "run 99" in " ".join(m.text for m in call.messages)]
    assert len(of_the_broken) < calls_of(strategy)
    assert sorted(ended) == [0, 1, 2]


async def tidies_up(run: str) -> str:
    """Take a moment to end."""
    try:
        await asyncio.sleep(1000)
    finally:
        await asyncio.sleep(1)
    return run


@every_strategy
@pytest.mark.parametrize("after", [0.05, 0.1, 0.15])
def test_a_cancellation_of_the_reader_while_the_stream_is_being_closed_is_not_lost(strategy, after):
    tidies_up.__name__ = "slow"
    agent = Agent([tidies_up, blocking], llm=ScriptedModel(planned_by_number), strategy=strategy)

    async def reader() -> str:
        async with aclosing(agent.stream("run 1")) as stream:
            async for event in stream:
                if isinstance(event, ToolStarted):
                    break
        return "went on"

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await reader()
        await asyncio.sleep(100)
        return len(asyncio.all_tasks())

    assert run(main()) == 1


def test_a_stream_that_is_never_read_asks_nobody():
    agent, model = shared("reasoning")

    async def main():
        stream = agent.stream("run 1")
        await asyncio.sleep(10)
        await stream.aclose()

    run(main())
    assert model.calls == []


def test_a_stream_inside_a_graph_tells_the_reader_and_the_graph():
    agent, _ = shared("tools")
    read: list = []

    async def node(q):
        async for event in agent.stream(q):
            read.append(event)
        return read[-1].response.result

    dag = AgentDAG().add_node(AgentNode("node", node, output_key="said"))
    result = run(DAGExecutor(dag, stream=True).aexecute({"q": "run 5"}))
    assert result.final_state["said"] == "run 5 answers"
    reported = [event.call for event in result.events if isinstance(event, CallReported)]
    assert reported == [event for event in read if isinstance(event, ModelCalled | ToolCalled)]
    progress = [event.progress for event in result.events if isinstance(event, ProgressReported)]
    assert progress == [event for event in read if isinstance(event, PlanMade | ToolStarted | TokenDelta)]
