"""A plan is a small graph of tasks: what does not depend on each other runs at the same time."""

from __future__ import annotations

import asyncio

from linus_nb import Agent, AgentDAG, AgentNode, last_run
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


async def look_up(text: str) -> str:
    """Look something up."""
    await asyncio.sleep(5)
    if text == "bad":
        raise ValueError("no such page")
    return text.upper()


def scripted(*tasks):
    """Return a model that plans these (tool, description, depends_on), a second for each call."""

    def reply(messages, schema):
        asked = messages[-1].text
        if schema is None:
            return f"said: {asked.splitlines()[0]}"
        if "tasks" in schema["properties"]:
            return {"tasks": [dict(zip(("tool", "description", "depends_on"), t, strict=True)) for t in tasks]}
        if "text" in schema["properties"]:
            return {"text": asked.splitlines()[0].removeprefix("Text: ")}
        return {"complete": "yes", "missing": ""}

    return ScriptedModel(reply, latency_s=1.0, usage=(3, 4))


TWO_AND_ONE = (("look_up", "a", []), ("look_up", "b", []), ("none", "sum up", [1, 2]))


def test_independent_tasks_run_at_the_same_time_and_one_after_them_waits():
    response = run(Agent([look_up], llm=scripted(*TWO_AND_ONE)).arun("both"))
    record = response.plan.record
    assert record.duration_s == 7  # arguments 1 s, the tool 5 s, both at once; then a second for the sum
    assert [node.start_s for node in record.nodes.values()] == [0, 0, 6]
    assert [(e.source, e.target) for e in record.edges] == [("1 look_up", "3 answer"), ("2 look_up", "3 answer")]
    assert response.plan._repr_mimebundle_()["text/html"]


def test_run_and_arun_come_to_the_same_history_and_metrics():
    def bare(response):
        steps = [{**step.to_dict(), "start_s": 0, "end_s": 0, "duration_s": 0} for step in response.execution_history]
        return steps, {**response.metrics.to_dict(), "execution_time_seconds": 0}, response.result

    def quick(*tasks):
        model = scripted(*tasks)
        model.latency_s = 0.0
        return model

    async def at_once(text: str) -> str:
        """Look something up."""
        return text.upper()

    tasks = (("at_once", "a", []), ("at_once", "b", [1]), ("none", "sum up", [1, 2]))
    blocking = Agent([at_once], llm=quick(*tasks)).run("both")
    awaited = run(Agent([at_once], llm=quick(*tasks)).arun("both"))
    assert bare(blocking) == bare(awaited)


def test_a_task_that_fails_skips_what_depends_on_it_and_nothing_else():
    tasks = (("look_up", "bad", []), ("look_up", "b", []), ("none", "sum up", [1]))
    response = run(Agent([look_up], llm=scripted(*tasks), max_iterations=1).arun("both"))
    assert [(step.task, step.status) for step in response.execution_history] == [
        ("bad", "failed"),
        ("b", "completed"),
        ("sum up", "skipped"),
    ]
    assert response.execution_history[0].error == "no such page"
    assert {name: str(n.status) for name, n in response.plan.record.nodes.items()} == {
        "1 look_up": "failed",
        "2 look_up": "completed",
        "3 answer": "skipped",
    }
    assert not response.metrics.task_completed


def test_the_calls_of_a_plan_count_for_the_node_that_holds_the_agent_and_the_last_run_is_the_graphs():
    agent = Agent([look_up], llm=scripted(*TWO_AND_ONE))
    result = run(AgentDAG("outer").add_node(AgentNode("agent", agent, input_mapping={"task": "q"}))({"q": "both"}))
    row = result.to_frame().loc["agent"]
    assert (row["llm_calls"], row["input_tokens"]) == (6, 18)  # plan, 2 × arguments, an answer, check, final answer
    assert len(result.to_frame("calls")) == 8
    assert last_run().name == "outer"


def test_a_cancelled_agent_leaves_no_task_of_its_plan():
    async def stopped():
        agent = Agent([look_up], llm=scripted(*TWO_AND_ONE))
        try:
            async with asyncio.timeout(3):
                await agent("both")
        except TimeoutError:
            return len(asyncio.all_tasks())
        return None

    assert run(stopped()) == 1
