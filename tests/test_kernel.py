"""Top-level await in a real kernel, without a notebook around it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    manager, client = start_new_kernel(kernel_name="python3")
    client.manager = manager  # for the test of Stop
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run_cell(client: Any, source: str) -> dict[str, Any]:
    """Return the last result's MIME bundle; an error in the cell fails the test."""
    identity = client.execute(source)
    bundle: dict[str, Any] = {}
    while True:
        try:
            message = client.get_iopub_msg(timeout=60)
        except queue.Empty:
            pytest.fail(f"no answer from the kernel to {source!r}")
        if message["parent_header"].get("msg_id") != identity:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            pytest.fail("\n".join(content["traceback"]))
        if kind == "execute_result":
            bundle = content["data"]
        if kind == "status" and content["execution_state"] == "idle":
            return bundle


def stopped(client: Any, source: str, sign: str) -> str:
    """Run a cell, press Stop once it has printed ``sign``, and return the name of the error that it ended with."""
    identity = client.execute(source)
    raised = ""
    while True:
        message = client.get_iopub_msg(timeout=60)
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != identity:
            continue
        if kind == "stream" and sign in content["text"]:
            client.manager.interrupt_kernel()
        elif kind == "error":
            raised = content["ename"]
        elif kind == "status" and content["execution_state"] == "idle":
            return raised


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
    assert stopped(kernel, cell, "it began") == "CancelledError"
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
    assert stopped(kernel, "await agent('What is 6 * 7?')", "it waits") == "CancelledError"
    kept = run_cell(kernel, "r = last_response(); r.execution_history[0].result, r.metrics.execution_time_seconds < 20")
    assert kept["text/plain"] == "(42, True)"
