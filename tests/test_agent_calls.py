"""How an agent calls tools and models, and what it reports of that."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from linus_nb import events
from linus_nb.agent import Agent
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator
from tests.agent_scripts import DONE, plan, product_script
from tests.virtual_time import run

# -- tools, threads, context ----------------------------------------------------------------------------------------

colour: ContextVar[str] = ContextVar("colour", default="none")


def test_sync_tools_run_in_a_thread_with_the_callers_context_and_async_ones_on_the_loop():
    seen = {}

    def blocking() -> str:
        """Block."""
        seen["blocking"] = (threading.current_thread(), colour.get())
        return "b"

    async def awaiting() -> str:
        """Await."""
        seen["awaiting"] = (threading.current_thread(), colour.get())
        return "a"

    async def main():
        colour.set("teal")
        model = ScriptedModel([plan(("b", "blocking"), ("a", "awaiting")), DONE, "done"])
        return await Agent([blocking, awaiting], llm=model)("do both")

    assert asyncio.run(main()).result == "done"
    assert seen["blocking"][0] is not threading.main_thread()
    assert seen["awaiting"][0] is threading.main_thread()
    assert seen["blocking"][1] == seen["awaiting"][1] == "teal"


def test_an_async_tool_works_in_a_blocking_run_inside_and_outside_a_loop():
    async def fetch(key: str) -> str:
        """Fetch."""
        await asyncio.sleep(0)
        return key * 2

    def ask():
        return Agent([fetch], llm=ScriptedModel([plan(("f", "fetch")), {"key": "ab"}, DONE, "abab"])).run("Fetch ab")

    async def inside():
        return ask()

    assert ask().execution_history[0].result == "abab"
    assert asyncio.run(inside()).execution_history[0].result == "abab"


def test_a_cancelled_run_stops_at_once():
    model = ScriptedModel(latency_s=1000.0)

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await Agent(llm=model).arun("x")
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(1.0)


def test_ten_runs_of_one_agent_at_once_are_ten_clean_results():
    def reply(messages, schema):
        asked = messages[-1].text
        if schema is None:
            return f"{asked.rpartition('= ')[2]} it is"
        properties = schema["properties"]
        if "tasks" in properties:
            return plan(("add", "calculator"))
        return {"expression": asked} if "expression" in properties else DONE

    model = ScriptedModel(reply, latency_s=0.01, usage=(10, 3))
    agent = Agent([calculator], llm=model)

    async def main():
        async with asyncio.TaskGroup() as group:
            return [group.create_task(agent.arun(f"{n} + {n}")) for n in range(10)]

    responses = [task.result() for task in asyncio.run(main())]
    assert [r.result for r in responses] == [f"{2 * n} it is" for n in range(10)]
    assert all(len(r.execution_history) == 1 and r.metrics.llm_calls == 4 for r in responses)
    assert all(r.metrics.total_tokens == 52 for r in responses)
    assert len({id(r.metrics) for r in responses}) == 10


# -- what is reported -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))])
def test_every_call_is_reported_to_the_sink(ask):
    calls = []
    token = events.sink.set((lambda _, call: calls.append(call), 0))
    try:
        ask(Agent([calculator], llm=ScriptedModel(product_script(), usage=(10, 3))))
    finally:
        events.sink.reset(token)
    assert [c.purpose if isinstance(c, events.ModelCalled) else c.tool for c in calls] == [
        "reasoning", "arguments", "calculator", "completion check", "final answer",
    ]  # fmt: skip
    assert (calls[0].model, calls[0].input_tokens, calls[0].output_tokens, calls[0].estimated) == (
        "scripted",
        10,
        3,
        False,
    )
    assert (calls[2].arguments, calls[2].result) == ({"expression": "42 * 17"}, 714)
    assert all(call.duration_s >= 0 for call in calls)


def test_tokens_are_estimated_where_the_provider_names_none():
    calls = []
    token = events.sink.set((lambda _, call: calls.append(call), 0))
    try:
        response = Agent(llm=ScriptedModel(["Good day"], usage=None), instructions="i").run("x")
    finally:
        events.sink.reset(token)
    assert calls[0].estimated
    assert response.metrics.total_output_tokens == calls[0].output_tokens == 2
    assert response.metrics.total_input_tokens > 0


def test_failed_calls_are_reported_with_their_errors():
    calls = []
    token = events.sink.set((lambda _, call: calls.append(call), 0))
    try:
        with pytest.raises(TimeoutError):
            Agent(llm=ScriptedModel(errors={1: TimeoutError()})).run("x")
    finally:
        events.sink.reset(token)
    assert isinstance(calls[0].error, TimeoutError)
