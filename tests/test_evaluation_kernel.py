"""An evaluation in a real kernel: Stop ends it at once, with a sentence, and keeps the cases that had ended."""

from __future__ import annotations

import pytest

from tests.kernels import outcome, run_cell, started_kernel

pytestmark = pytest.mark.kernel

CELLS = """
import asyncio, linus_nb
from linus_nb import Agent, AgentDAG, AgentNode
from linus_nb.analysis.evaluating.evaluation import evaluate, evaluate_sync, last_evaluation
from linus_nb.testing import ScriptedModel

agent = Agent(llm=ScriptedModel(lambda *_: "yes", usage=(10, 3)))

async def work(k):
    response = await agent.arun(f"case {k}")
    if k == 2:
        while "1" not in last_evaluation().index:
            await asyncio.sleep(0.01)
        print("it waits", flush=True)
        await asyncio.sleep(45)
    return response.result

dag = AgentDAG("one").add_node(AgentNode("a", lambda x: x, output_key="y"))
"""


@pytest.fixture(scope="module")
def kernel():
    with started_kernel() as client:
        run_cell(client, CELLS)
        yield client


@pytest.mark.parametrize(
    ("cell", "raised"),
    [
        ("await evaluate(work, [1, 2, 3], max_concurrency=2)", "CancelledError"),
        ("evaluate_sync(work, [1, 2, 3], max_concurrency=2)", "KeyboardInterrupt"),
    ],
)
def test_stop_ends_an_evaluation_at_once_and_says_where_the_finished_cases_are(kernel, cell, raised):
    stopped = outcome(kernel, cell, stop_at="it waits")
    assert stopped.raised == raised
    assert stopped.said.startswith("Stopped the evaluation")
    assert stopped.said.endswith("linus_nb.last_evaluation()")
    assert "\n" not in stopped.said
    assert stopped.stopped_after_s < 1
    row = "t = last_evaluation(); t['status']['1'], int(t['llm_calls']['1']), t.attrs['finished']"
    assert run_cell(kernel, row)["text/plain"] == "('success', 1, False)"


def test_with_live_views_switched_on_cases_show_none_and_the_bar_is_on_stdout(kernel):
    cell = "linus_nb.settings.live = True; await evaluate(dag, [{'x': 1}, {'x': 2}])"
    found = outcome(kernel, cell)
    assert not found.raised
    assert found.shown == []
    assert "2/2" in found.printed
    assert "{'y': 2}" in found.result["text/plain"]
    assert "<table" in found.result["text/html"]
