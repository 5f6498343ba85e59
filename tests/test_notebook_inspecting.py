"""`inspect()` in a real kernel, without a browser: what is sent, what is left, and what stands there as text."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb.notebook.inspecting import Inspector, giver
from tests.kernels import outcome, outcome_of, started_kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
SETUP = """
import asyncio
from linus_nb import AgentDAG, AgentNode, DAGExecutor, load_run

async def slow():
    await asyncio.sleep(0.4)
    return "word " * 20_000

async def broken(slow):
    raise ValueError("<b>no</b>")

dag = AgentDAG("looked into")
dag.node(slow)
dag.node(broken)
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    with started_kernel() as client:
        outcome(client, SETUP)
        yield client


def payload_of(html: str) -> dict[str, Any]:
    """What the page in a frame shows."""
    page = unescape(re.search(r'srcdoc="([^"]*)"', html).group(1))
    found: dict[str, Any] = json.loads(re.search(r'id="linus-payload">(.*?)</script>', page, re.DOTALL).group(1))
    return found


def statuses(payload: dict[str, Any]) -> dict[str, str]:
    return {path: step["status"] for path, step in payload["steps"].items()}


@pytest.mark.kernel
def test_a_graph_that_has_not_run_is_looked_into_as_it_stands(kernel):
    shown = outcome(kernel, "dag.inspect()").result
    payload = payload_of(shown["text/html"])
    assert payload["state"] == "before"
    assert statuses(payload) == {"slow": "pending", "broken": "pending"}
    assert "looked into: 2 nodes" in shown["text/plain"]
    assert "link" not in payload


@pytest.mark.kernel
def test_a_result_is_looked_into_and_its_cut_values_are_linked_to_the_kernel(kernel):
    shown = outcome(kernel, "result = await dag()\nresult.inspect()").result
    payload = payload_of(shown["text/html"])
    assert statuses(payload) == {"slow": "completed", "broken": "failed"}
    assert payload["steps"]["broken"]["error"]["text"]["text"] == "ValueError: <b>no</b>"
    assert payload["steps"]["slow"]["output"]["whole"] == 100_000
    assert re.fullmatch("[0-9a-f]{32}", payload["link"])
    assert "looked into ✕ failed" in shown["text/plain"]
    assert "<b>no</b>" not in shown["text/html"]


@pytest.mark.kernel
def test_a_saved_run_is_looked_into_as_the_run_itself(kernel):
    outcome(kernel, "again = load_run(result.to_jsonl())")
    pages = [payload_of(outcome(kernel, f"{name}.inspect()").result["text/html"]) for name in ("result", "again")]
    for page in pages:
        del page["link"]
    assert pages[0] == pages[1]


@pytest.mark.kernel
def test_a_run_that_goes_on_is_a_widget_which_gives_way_to_what_it_came_to(kernel):
    # the cell waits, so that all that is said belongs to it
    shown = outcome(kernel, "run = dag.start()\ndisplay(run.inspect())\n_ = await run").shown
    assert "slow" in shown[0]["text/plain"]
    assert WIDGET not in shown[0]  # the page is made while the run goes on
    assert WIDGET in shown[1]
    assert WIDGET not in shown[-1]
    payload = payload_of(shown[-1]["text/html"])
    assert payload["state"] == "over"
    assert statuses(payload) == {"slow": "completed", "broken": "failed"}


@pytest.mark.kernel
def test_a_run_that_has_ended_is_looked_into_as_its_result(kernel):
    shown = outcome(kernel, "run.inspect()").result
    assert statuses(payload_of(shown["text/html"])) == {"slow": "completed", "broken": "failed"}


@pytest.mark.kernel
def test_a_run_that_ends_before_its_page_is_there_leaves_what_it_came_to(kernel):
    shown = outcome(
        kernel,
        """
quick = AgentDAG("quick").add_node(AgentNode("one", lambda: 1))
run = quick.start()
display(run.inspect())
_ = await run
await asyncio.sleep(0.3)
""",
    ).shown
    assert statuses(payload_of(shown[-1]["text/html"])) == {"one": "completed"}
    assert not any(WIDGET in bundle for bundle in shown[2:])


@pytest.mark.kernel
def test_stop_leaves_an_inspected_run_with_what_is_done(kernel):
    outcome(
        kernel,
        """
async def endless():
    await asyncio.sleep(60)
long = AgentDAG("long").add_node(AgentNode("one", lambda: 1)).add_node(AgentNode("endless", endless))
""",
    )
    source = "run = long.start()\ndisplay(run.inspect())\n_ = await run"
    stopped = outcome(kernel, source, stop_at=lambda so_far: any(WIDGET in bundle for bundle in so_far.shown))
    assert stopped.stopped_after_s < 2
    payload = payload_of(stopped.shown[-1]["text/html"])
    assert statuses(payload) == {"one": "completed", "endless": "cancelled"}


@pytest.mark.kernel
def test_nobody_at_the_notebook_gets_no_link_and_no_widget(kernel):
    request = kernel.execute("result.inspect()", allow_stdin=False)
    assert "link" not in payload_of(outcome_of(kernel, request).result["text/html"])


# -- without a kernel ------------------------------------------------------------------------------------------------


def ran() -> Any:
    dag = AgentDAG("square").add_node(AgentNode("square", lambda x: x * x, output_key="squared"))
    return DAGExecutor(dag).execute({"x": 12})


def test_outside_a_notebook_an_inspector_is_the_text_of_what_it_shows():
    result = ran()
    assert repr(result.inspect()) == repr(result)
    assert repr(load_run(result.to_jsonl()).inspect()) == repr(result)


def test_a_page_knows_what_was_read_and_written():
    payload = payload_of(ran().inspect()._repr_mimebundle_()["text/html"])
    step = payload["steps"]["square"]
    assert step["reads"] == [{"key": "x", "value": {"text": "12", "whole": None}}]
    assert step["writes"] == [{"key": "squared", "value": {"text": "144", "whole": None}}]


def test_a_step_can_be_chosen_to_begin_with_and_one_that_is_not_there_is_none():
    def chosen(path: str) -> Any:
        return payload_of(Inspector(ran(), path)._repr_mimebundle_()["text/html"]).get("selected")

    assert chosen("square") == "square"
    assert chosen("circle") is None


def test_an_inspector_of_a_graph_follows_the_graph():
    dag = AgentDAG("growing").add_node(AgentNode("one", lambda: 1))
    inspector = dag.inspect()
    dag.add_node(AgentNode("two", lambda: 2))
    assert list(payload_of(inspector._repr_mimebundle_()["text/html"])["steps"]) == ["one", "two"]


def test_whole_values_are_given_for_as_long_as_somebody_keeps_the_run():
    result = ran()
    give = giver(result)
    assert give("square", ["output"]) == "144"
    with pytest.raises(LookupError, match="square has no value at"):
        give("square", ["name"])
    del result
    gc.collect()
    with pytest.raises(LookupError, match="nothing refers to the run"):
        give("square", ["output"])
