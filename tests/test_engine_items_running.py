"""The items of a node while they run: how many at once, cancelled at any moment, and what the record tells."""

from __future__ import annotations

import asyncio
import threading

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from linus_nb.engine.record import fold, walk
from linus_nb.events import ModelCalled, report
from tests.modes import AWAITED, Mode, blocking, every_mode, sequential
from tests.node_kinds import async_graph, graph
from tests.test_engine_items import PARALLEL, mapped, odd_ones_fail, sleeps
from tests.virtual_time import run


class Meter:
    """Counts what goes on at the same moment."""

    def __init__(self) -> None:
        self.now = self.peak = 0

    async def second(self, x):
        self.now += 1
        self.peak = max(self.peak, self.now)
        await asyncio.sleep(1)
        self.now -= 1
        return x


@pytest.mark.parametrize("mode", PARALLEL)
@pytest.mark.parametrize(
    ("width", "places", "peak"), [(1, None, 1), (3, None, 3), (8, None, 8), (100, None, 12), (5, 2, 2), (2, 5, 2)]
)
def test_no_more_items_run_at_once_than_the_node_and_the_executor_allow(mode: Mode, width, places, peak):
    meter = Meter()
    result = mode(mapped(meter.second, map_concurrency=width), {"xs": range(12)}, max_concurrency=places)
    assert meter.peak == peak
    assert result.record.nodes["each"].duration_s == -(-12 // peak)
    assert result.node_results["each"] == list(range(12))


def test_one_by_one_means_one_item_at_a_time():
    meter = Meter()
    assert sequential(mapped(meter.second), {"xs": range(5)}).execution_time_seconds == 5
    assert meter.peak == 1


@pytest.mark.parametrize("mode", PARALLEL)
def test_each_item_takes_the_nodes_resources(mode: Mode):
    meter = Meter()
    dag = mapped(meter.second, resources={"gpu": 1}, map_concurrency=8)
    mode(dag, {"xs": range(6)}, resources={"gpu": 2})
    assert meter.peak == 2


@pytest.mark.parametrize("mode", PARALLEL)
def test_items_and_nodes_share_the_executors_places_by_priority(mode: Mode):
    meter, order = Meter(), []

    async def noted(x):
        order.append(f"item {x}")
        return await meter.second(x)

    async def urgent():
        order.append("urgent")
        await meter.second(0)

    dag = mapped(noted).add_node(AgentNode("urgent", urgent, priority=5))
    mode(dag, {"xs": range(3)}, max_concurrency=1)
    assert meter.peak == 1
    assert order.index("urgent") <= 1
    assert [name for name in order if name != "urgent"] == ["item 0", "item 1", "item 2"]


# -- cancelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAITED)
@pytest.mark.parametrize("moment", [0, 0.5, 1, 1.5, 3.5])
def test_a_cancel_at_any_moment_leaves_every_item_final_and_no_task(mode: Mode, moment):
    async def stop():
        executor = DAGExecutor(mapped(sleeps, map_concurrency=2))
        handle = executor.start({"xs": [1, 2, 3, 4]}, schedule=mode.__name__)
        await asyncio.sleep(moment)
        handle.cancel()
        result = await handle
        return result, len(asyncio.all_tasks())

    result, tasks = run(stop())
    each = result.record.nodes["each"]
    assert tasks == 1
    assert result.status == "cancelled"
    assert each.status.final
    assert all(item.status.final for item in each.items)
    assert result.final_state == {"xs": [1, 2, 3, 4]}
    done = [item.name for item in each.items if item.status is NodeStatus.COMPLETED]
    if moment == 1.5:
        assert done == ["each[0]"]  # what was done can be read from the record
    assert fold(result.events) == result.record


def test_a_blocking_item_that_cannot_be_stopped_is_abandoned_and_named():
    at_work, release = threading.Event(), threading.Event()

    def blocks(x):
        at_work.set()
        assert release.wait(20)
        return x

    async def stop():
        handle = mapped(blocks, map_concurrency=1).start({"xs": [1, 2]})
        await asyncio.to_thread(at_work.wait, 20)
        handle.cancel()
        return await handle

    result = asyncio.run(stop())
    release.set()
    assert result.record.nodes["each"].abandoned
    assert result.record.nodes["each"].status is NodeStatus.CANCELLED
    assert "ys" not in result.final_state


# -- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAITED)
def test_items_have_times_of_their_own_and_calls_are_told_per_item(mode: Mode):
    async def asks(x):
        await asyncio.sleep(x)
        report(ModelCalled("m", duration_s=x, input_tokens=x, output_tokens=1))
        return x

    record = mode(mapped(asks, map_concurrency=1), {"xs": [1, 2]}).record
    items = record.nodes["each"].items
    assert [(item.start_s, item.end_s, item.duration_s) for item in items] == [(0, 1, 1), (1, 3, 2)]
    assert [[(at, call.input_tokens) for at, call in item.calls] for item in items] == [[(1, 1)], [(3, 2)]]
    assert record.nodes["each"].calls == ()
    assert [(step.path, step.depth) for step in walk(record)] == [
        ("each", 0), ("each[0]", 1), ("each[1]", 1), ("after", 0)
    ]  # fmt: skip
    assert record.graph.nodes[0].over == "xs"


@every_mode
@pytest.mark.parametrize("make", [graph, async_graph])
def test_a_graph_runs_once_per_item_with_a_record_for_each(mode: Mode, make):
    result = mode(mapped(make(odd_ones_fail), map_item="x", on_error="continue"), {"xs": [0, 1, 2]})
    items = result.record.nodes["each"].items
    assert result.node_results["each"] == [{"out": 0}, None, {"out": 2}]
    assert [item.inner.status for item in items] == ["success", "failed", "success"]
    assert [step.path for step in walk(result.record)] == [
        "each", "each[0]", "each[0]/work", "each[1]", "each[1]/work", "each[2]", "each[2]/work", "after"
    ]  # fmt: skip


@every_mode
def test_a_graph_gets_the_item_as_item_unless_said(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("w", lambda item, tone: (item, tone), output_key="o"))
    dag = AgentDAG().add_node(AgentNode("each", inner, map_over="xs"))
    assert mode(dag, {"xs": [1], "tone": "dry"}).node_results["each"] == [{"o": (1, "dry")}]


def test_blocking_runs_the_items_in_the_callers_thread_one_after_the_other():
    here = threading.current_thread()
    order = []

    def notes(x):
        order.append(x)
        return threading.current_thread() is here

    assert blocking(mapped(notes), {"xs": range(4)}).node_results["each"] == [True] * 4
    assert order == [0, 1, 2, 3]
