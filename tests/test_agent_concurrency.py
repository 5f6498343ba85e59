"""Many runs of one agent at the same time: each is its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.language_models import SimpleChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, events, last_response
from linus_nb.agent.memory import Memory
from linus_nb.events import ModelCalled, ToolCalled
from linus_nb.models.guard import real_models_allowed
from linus_nb.testing import ScriptedModel
from linus_nb.testing.replies import ToolCalls
from tests.agent_cases import STRATEGIES, calls_of, is_its_own, planned_by_number, shared
from tests.real_time import in_time
from tests.virtual_time import run

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
who: ContextVar[str] = ContextVar("who", default="nobody")


# -- at the same time ------------------------------------------------------------------------------------------------


@every_strategy
@pytest.mark.parametrize("many", [10, 100])
def test_runs_at_the_same_time_share_nothing(strategy, many):
    agent, model = shared(strategy)

    async def main():
        async with asyncio.TaskGroup() as group:
            return [group.create_task(agent(f"run {n}")) for n in range(many)]

    responses = [task.result() for task in run(main())]
    for number, response in enumerate(responses):
        is_its_own(response, number, strategy)
    assert len(model.calls) == many * calls_of(strategy)
    for kind in ("metrics", "execution_history", "plans"):
        assert len({id(getattr(response, kind)) for response in responses}) == many
    assert len({response.plan.record.run_id for response in responses}) == many


@every_strategy
def test_runs_in_threads_beside_runs_on_a_loop_share_nothing(strategy):
    agent, _ = shared(strategy)
    agent.llm.latency_s = 0.01
    done: dict[int, object] = {}

    def in_thread(number: int) -> None:
        ask = agent.run if number % 2 else lambda question: asyncio.run(agent.arun(question))
        done[number] = ask(f"run {number}")

    threads = [threading.Thread(target=in_thread, args=(number,)) for number in range(10)]

    async def main():
        for thread in threads:
            thread.start()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(agent(f"run {n}")) for n in range(10, 20)]
        return [task.result() for task in tasks]

    done.update(enumerate(asyncio.run(main()), start=10))
    for thread in threads:
        thread.join(30)
    assert len(done) == 20
    for number, response in done.items():
        is_its_own(response, number, strategy)


@every_strategy
def test_calls_are_reported_to_the_context_of_their_own_run(strategy):
    agent, _ = shared(strategy)
    heard: dict[int, list] = {n: [] for n in range(10)}

    async def one(number: int):
        events.sink.set((lambda place, call: heard[place].append(call), number))
        return await agent(f"run {number}")

    async def main():
        async with asyncio.TaskGroup() as group:
            for number in heard:
                group.create_task(one(number))

    run(main())
    for number, calls in heard.items():
        assert sum(isinstance(call, ModelCalled) for call in calls) == calls_of(strategy)
        assert sorted(str(call.result) for call in calls if isinstance(call, ToolCalled)) == [
            f"blocking {number}",
            f"slow {number}",
        ]


def test_tools_see_the_context_of_their_own_run_and_cannot_change_it():
    seen: list[tuple[str, str]] = []

    def look(run: str) -> str:
        """Look."""
        seen.append((run, who.get()))
        who.set("changed by a tool")
        return f"blocking {run.removeprefix('run ')}"

    async def alook(run: str) -> str:
        """Look."""
        seen.append((run, who.get()))
        who.set("changed by a tool")
        return f"slow {run.removeprefix('run ')}"

    look.__name__, alook.__name__ = "blocking", "slow"
    agent = Agent([alook, look], llm=ScriptedModel(planned_by_number, latency_s=0.1))

    async def one(number: int) -> str:
        who.set(f"run {number}")
        await agent(f"run {number}")
        return who.get()

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(10)]
        return [task.result() for task in tasks]

    assert run(main()) == [f"run {n}" for n in range(10)]
    assert len(seen) == 20
    assert all(run == context for run, context in seen)


def test_the_blocking_run_leaves_the_callers_context_alone_too():
    def look(run: str) -> str:
        """Look."""
        assert who.get() == "me"
        who.set("changed by a tool")
        return "looked"

    model = ScriptedModel([ToolCalls([("look", {"run": "1"})]), "done"])
    token = who.set("me")
    try:
        response = Agent([look], llm=model, strategy="tools").run("x")
        assert response.execution_history[0].result == "looked"
        assert who.get() == "me"
    finally:
        who.reset(token)


# -- a memory that many share ----------------------------------------------------------------------------------------


@every_strategy
def test_each_turn_of_a_shared_memory_is_kept_once_with_its_own_answer(strategy):
    memory = Memory(token_budget=64, recent_turns=1)

    def told(messages, schema, tools):
        if messages[0].text.startswith("Summarise"):
            return "a summary"
        asked = messages[-1].text.rpartition("\n")[2]  # before it stands what others asked earlier
        return f"{asked} answers"

    agent = Agent(llm=ScriptedModel(told, latency_s=0.2), memory=memory, strategy=strategy)

    async def main():
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(agent(f"run {number}"))

    run(main())
    assert sorted((t.question, t.answer) for t in memory.turns) == sorted(
        (f"run {n}", f"run {n} answers") for n in range(20)
    )
    assert [a.number < b.number for a, b in pairwise(memory.turns)] == [True] * 19


# -- in graphs -------------------------------------------------------------------------------------------------------


@every_strategy
def test_one_agent_in_ten_nodes_and_in_ten_runs_of_a_graph_is_ten_clean_results(strategy):
    agent, _ = shared(strategy)
    dag = AgentDAG("ten")
    for number in range(10):
        dag.add_node(AgentNode(f"node {number}", agent, input_mapping={"task": f"q{number}"}))

    async def main():
        async with asyncio.TaskGroup() as group:
            return [
                group.create_task(DAGExecutor(dag).aexecute({f"q{n}": f"run {outer}{n}" for n in range(10)}))
                for outer in range(1, 6)
            ]

    for outer, task in enumerate(run(main()), start=1):
        result = task.result()
        assert result.status == "success", result.errors
        assert result.node_results == {f"node {n}": f"run {outer}{n} answers" for n in range(10)}
        frame = result.to_frame()
        assert set(frame["llm_calls"]) == {calls_of(strategy)}
        assert set(frame["input_tokens"] + frame["output_tokens"]) == {7 * calls_of(strategy)}


@every_strategy
def test_one_agent_mapped_over_items_answers_each(strategy):
    agent, _ = shared(strategy)
    dag = AgentDAG().add_node(AgentNode("each", agent, map_over="questions", output_key="answers", map_concurrency=5))
    result = run(DAGExecutor(dag).aexecute({"questions": [f"run {n}" for n in range(20)]}))
    assert result.final_state["answers"] == [f"run {n} answers" for n in range(20)]


def test_the_last_response_is_that_of_the_run_that_began_last():
    agent, _ = shared("tools")

    async def main():
        first = asyncio.create_task(agent("run 1"))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(agent("run 2"))
        await asyncio.wait([first, second])
        return second.result()

    response = run(main())
    assert last_response() is response


# -- models that only block ------------------------------------------------------------------------------------------


class Blocking(SimpleChatModel):
    """A model without an awaiting way, that waits for something."""

    wait: Any

    @property
    def _llm_type(self) -> str:
        return "blocking"

    def _call(self, *_: Any, **__: Any) -> str:
        self.wait()
        return "final"

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content=self._call()))


@pytest.mark.parametrize("streamed", [False, True])
def test_runs_with_a_model_that_only_blocks_do_not_wait_for_each_other(streamed):
    together = threading.Barrier(20, timeout=10)
    agent = Agent(llm=Blocking(wait=together.wait))

    async def answered() -> str:
        if not streamed:
            return (await agent("x")).result
        *_, last = [event async for event in agent.stream("x")]
        return last.response.result

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answered()) for _ in range(20)]
        return [task.result() for task in tasks]

    with real_models_allowed():  # real in that it is of a class of its own
        assert in_time(lambda: asyncio.run(main()), 30) == ["final"] * 20


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_of_a_model_that_only_blocks_is_left_behind_by_a_timeout(streamed):
    go_on = threading.Event()
    agent = Agent(llm=Blocking(wait=lambda: go_on.wait(20)))

    async def answered() -> None:
        if streamed:
            async for _ in agent.stream("x"):
                pass
        else:
            await agent("x")

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answered(), 0.1)

    try:
        with real_models_allowed():
            in_time(lambda: asyncio.run(main()), 10)
        assert not go_on.is_set()
    finally:
        go_on.set()
