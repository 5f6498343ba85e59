"""Top-level await in a real kernel, without a notebook around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kernels import outcome, run_cell, started_kernel

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    with started_kernel() as client:
        yield client


GRAPH = """
import asyncio
from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, last_run
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator

async def double(x):
    await asyncio.sleep(0.01)
    return 2 * x

dag = AgentDAG("cell").add_node(AgentNode("double", double, output_key="doubled"))
"""


def test_a_graph_and_an_agent_are_awaited_at_the_top_of_a_cell(kernel):
    run_cell(kernel, GRAPH)
    shown = run_cell(kernel, "dag")
    assert "data:image/svg+xml;base64," in shown["text/html"]
    assert shown["text/plain"].startswith("cell: 1 node")
    assert run_cell(kernel, "(await dag({'x': 21})).final_state['doubled']")["text/plain"] == "42"
    answer = run_cell(kernel, "str(await Agent(llm=ScriptedModel(lambda messages, schema: 'Hello.'))('Say hello'))")
    assert answer["text/plain"] == "'Hello.'"


def test_sync_calls_work_in_a_cell_beside_the_running_loop(kernel):
    run_cell(kernel, GRAPH)
    assert run_cell(kernel, "DAGExecutor(dag).execute({'x': 4}).final_state['doubled']")["text/plain"] == "8"
    assert run_cell(kernel, "last_run().final_state['doubled']")["text/plain"] == "8"


def test_a_run_goes_on_in_the_background_between_cells(kernel):
    run_cell(kernel, GRAPH)
    run_cell(kernel, "run = dag.start({'x': 5})")
    assert run_cell(kernel, "(await run).node_results")["text/plain"] == "{'double': 10}"


@pytest.mark.parametrize("cell", ["await dag", "run = dag.start(); await run"], ids=["graph", "background run"])
def test_stop_ends_an_awaited_run_while_the_loop_idles_and_keeps_what_is_done(kernel, cell):
    run_cell(kernel, GRAPH)
    run_cell(
        kernel,
        """
async def slow():
    print("it began")
    await asyncio.sleep(45)

dag = AgentDAG("stopped").add_node(AgentNode("quick", lambda: 1)).add_node(AgentNode("slow", slow))
""",
    )
    assert outcome(kernel, cell, stop_at="it began").raised == "CancelledError"
    kept = run_cell(kernel, "r = last_run(); r.status, r.node_results, r.execution_time_seconds < 20")
    assert kept["text/plain"] == "('cancelled', {'quick': 1}, True)"


def test_stop_ends_an_agent_whose_model_is_waited_for_and_keeps_its_steps(kernel):
    run_cell(kernel, GRAPH)
    run_cell(
        kernel,
        """
from linus_nb import last_response

class Slow(ScriptedModel):
    async def _agenerate(self, *args, **options):
        if len(self.calls) == 3:
            print("it waits")
            await asyncio.sleep(45)
        return await super()._agenerate(*args, **options)

def reply(messages, schema):
    if "tasks" in schema["properties"]:
        return {"tasks": [{"tool": "calculator", "description": "", "depends_on": []}]}
    return {"expression": "6 * 7"} if "expression" in schema["properties"] else {"complete": "yes", "missing": ""}

agent = Agent([calculator], llm=Slow(reply))
""",
    )
    assert outcome(kernel, "await agent('What is 6 * 7?')", stop_at="it waits").raised == "CancelledError"
    kept = run_cell(kernel, "r = last_response(); r.execution_history[0].result, r.metrics.execution_time_seconds < 20")
    assert kept["text/plain"] == "(42, True)"
