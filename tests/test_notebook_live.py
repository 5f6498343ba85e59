"""The live view in a real kernel, without a browser: what is sent, and what is left when the run has ended."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
SETUP = """
import asyncio
import linus_nb
from linus_nb import AgentDAG, AgentNode, DAGExecutor, last_run

async def slow():
    await asyncio.sleep(0.3)
    return 1

async def broken():
    raise ValueError("<b>no</b>")

dag = AgentDAG("live").add_node(AgentNode("a", slow)).add_node(AgentNode("b", slow)).add_edge("a", "b")
"""


def executed(*sources: str, allow_errors: bool = False) -> tuple[list[Any], list[Any]]:
    """Run these cells after the setup, and return their outputs, and all messages that came from the kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, *sources)])
    messages = []

    class Client(NotebookClient):
        def process_message(self, message, cell, cell_index):
            messages.append(message)
            return super().process_message(message, cell, cell_index)

    Client(notebook, timeout=60, kernel_name="python3", allow_errors=allow_errors).execute()
    return [cell.outputs for cell in notebook.cells[1:]], messages


@pytest.mark.kernel
def test_the_widget_gives_way_to_a_picture_that_needs_no_kernel():
    [[shown]], messages = executed("result = await dag.watch()")
    first = next(m["content"] for m in messages if m["msg_type"] == "display_data")
    assert WIDGET in first["data"]
    assert first["data"]["text/plain"].startswith("live: running, 0 of 2 nodes done")
    assert WIDGET not in shown.data
    assert "<img" in shown.data["text/html"]
    assert "live ✓ success" in shown.data["text/plain"]


@pytest.mark.kernel
def test_a_result_on_the_last_line_is_not_pictured_twice_but_is_in_the_next_cell():
    [[_, again], [whole]], _ = executed("result = await dag.watch()\nresult", "result")
    assert "shown above" in again.data["text/html"]
    assert "<img" not in again.data["text/html"]
    assert "live ✓ success" in again.data["text/plain"]
    assert "<img" in whole.data["text/html"]


@pytest.mark.kernel
def test_a_setting_makes_awaiting_the_graph_show_it():
    [_, outputs], messages = executed("linus_nb.settings.live = True", "result = await dag")
    assert any(WIDGET in m["content"]["data"] for m in messages if m["msg_type"] == "display_data")
    assert len(outputs) == 1
    assert "<img" in outputs[0].data["text/html"]


@pytest.mark.kernel
def test_a_run_in_the_background_is_shown_by_its_cell_also_when_it_ends_in_a_later_one():
    [[shown], _, [over]], messages = executed("run = dag.start()\nrun", "await run; None", "run")
    assert any(WIDGET in m["content"]["data"] for m in messages if m["msg_type"] == "display_data")
    assert "live ✓ success" in shown.data["text/plain"]
    assert "<img" in shown.data["text/html"]
    assert WIDGET not in over.data
    assert "live ✓ success" in over.data["text/plain"]


@pytest.mark.kernel
def test_a_failure_and_a_cancellation_leave_their_pictures_too():
    [failed, cancelled], _ = executed(
        "dag.add_node(AgentNode('c', broken)); result = await dag.watch()",
        """
executor = DAGExecutor(dag)
watching = asyncio.ensure_future(executor.watch())
await asyncio.sleep(0.1)
executor.cancel()
result = await watching
""",
    )
    assert "live ✕ failed" in failed[0].data["text/plain"]
    assert "&lt;b&gt;no&lt;/b&gt;" in failed[0].data["text/html"]
    assert "<b>no</b>" not in failed[0].data["text/html"]
    assert "live ■ cancelled" in cancelled[0].data["text/plain"]


@pytest.mark.kernel
def test_several_runs_are_shown_at_once_each_by_its_own_view():
    [outputs], _ = executed("results = await asyncio.gather(dag.watch(), dag.watch(schedule='dataflow'))")
    assert [("levels" in o.data["text/plain"], "dataflow" in o.data["text/plain"]) for o in outputs] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.kernel
def test_ten_updates_a_second_are_the_most_however_much_happens():
    _, messages = executed(
        """
async def quick():
    await asyncio.sleep(0.001)

busy = AgentDAG("busy")
for k in range(400):
    busy.add_node(AgentNode(f"n{k}", quick))
result = await DAGExecutor(busy, max_concurrency=1).watch()
print(result.execution_time_seconds)
"""
    )
    took_s = float(next(m["content"]["text"] for m in messages if m["msg_type"] == "stream"))
    sent = [m["content"] for m in messages if m["msg_type"] == "comm_msg"]
    updates = [c for c in sent if "now_s" in c.get("data", {}).get("state", {})]
    assert 1 <= len(updates) <= 10 * took_s + 3  # the picture's own, the first, and one that was on its way


def test_outside_a_notebook_it_only_runs():
    script = SETUP + "print(asyncio.run(dag.watch()).status)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "success\n"
    assert done.stderr == ""
