"""What an agent had done is kept, whatever ends its run."""

from __future__ import annotations

import asyncio
import threading

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, last_response, last_run
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


def fetch(page: str) -> str:
    """Fetch a page."""
    return page.upper()


async def fetch_late(page: str) -> str:
    """Fetch a page, late."""
    await asyncio.sleep(100)
    return page.upper()


def scripted(*tools, **options):
    """Return a model that plans one task for each of these tools."""

    def reply(_, schema):
        if schema is None:
            return "both pages"
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": tool, "description": f"page {tool}", "depends_on": []} for tool in tools]}
        return {"page": "a"} if "page" in schema["properties"] else {"complete": "yes", "missing": ""}

    return ScriptedModel(reply, usage=(3, 4), **options)


def test_the_response_of_a_run_that_ended_is_the_one_that_it_gave():
    response = run(Agent([fetch], llm=scripted("fetch")).arun("Fetch"))
    assert last_response() is response


def test_after_a_cancellation_the_steps_that_had_ended_and_their_tokens_are_there():
    agent = Agent([fetch, fetch_late], llm=scripted("fetch", "fetch_late", latency_s=1.0))

    async def broken_off() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50):
                await agent("Fetch both")

    run(broken_off())
    response = last_response()
    assert [(step.tool, step.result) for step in response.execution_history] == [("fetch", "A")]
    assert response.completion_status == "stopped before there was an answer"
    assert "stopped before there was an answer" in str(response)
    assert response.metrics.total_tokens == 3 * 7  # a plan and two times arguments
    assert not response.metrics.task_completed
    assert response._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("awaited", [True, False])
def test_after_an_error_of_the_model_the_steps_are_kept_and_the_error_says_where(awaited):
    agent = Agent([fetch], llm=scripted("fetch", errors={3: ConnectionError("gone")}))
    with pytest.raises(ConnectionError, match="gone") as caught:
        run(agent.arun("Fetch")) if awaited else agent.run("Fetch")
    assert any("last_response()" in note for note in caught.value.__notes__)
    response = last_response()
    assert [step.result for step in response.execution_history] == ["A"]
    assert response.completion_status == "ConnectionError: gone"


def test_an_error_before_anything_was_done_says_nothing_of_what_is_kept():
    with pytest.raises(ConnectionError) as caught:
        Agent([fetch], llm=scripted("fetch", errors={1: ConnectionError("gone")})).run("Fetch")
    assert not hasattr(caught.value, "__notes__")


def test_a_run_that_goes_on_can_be_looked_at():
    asked, go_on = threading.Event(), threading.Event()

    def reply(_, __):
        asked.set()
        assert go_on.wait(5)
        return "done"

    thread = threading.Thread(target=Agent(llm=ScriptedModel(reply)).run, args=("Wait",))
    thread.start()
    try:
        assert asked.wait(5)
        assert last_response().completion_status == "still running"
    finally:
        go_on.set()
        thread.join()
    assert last_response().result == "done"


def test_the_plan_of_a_run_shows_the_error_that_a_tool_raised():
    def broken(page: str) -> str:
        """Fetch a page."""
        raise LookupError(f"no page {page!r}")

    response = Agent([broken], llm=scripted("broken"), max_iterations=1).run("Fetch")
    assert isinstance(response.plan.errors["1 broken"], LookupError)
    assert response.execution_history[0].error == "no page 'a'"


@pytest.mark.parametrize("awaited", [True, False])
def test_an_agent_that_a_tool_asks_does_not_take_the_place_of_the_one_that_was_asked(awaited):
    inner = Agent(llm=ScriptedModel(lambda *_: "inner"), name="inner")

    def fetch(page: str) -> str:
        """Ask another agent."""
        return str(inner.run(page))

    outer = Agent([fetch], llm=scripted("fetch"))
    response = run(outer.arun("Fetch")) if awaited else outer.run("Fetch")
    assert response.execution_history[0].result == "inner"
    assert last_response() is response


def test_a_graph_that_a_node_runs_does_not_take_the_place_of_the_one_around_it():
    inner = AgentDAG("inner").add_node(AgentNode("i", lambda: 1))
    outer = AgentDAG("outer").add_node(AgentNode("o", lambda: DAGExecutor(inner).execute().node_results["i"]))
    assert DAGExecutor(outer).execute().node_results == {"o": 1}
    assert last_run().node_results == {"o": 1}
    run(outer())
    assert last_run().node_results == {"o": 1}
