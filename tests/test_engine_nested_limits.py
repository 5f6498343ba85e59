"""Limits and cancellation across the levels of graphs in graphs."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from linus_nb.engine.record import fold, walk
from linus_nb.errors import ValidationError
from tests.modes import AWAITED, Mode, sequential
from tests.test_engine_nested import PARALLEL, around, pair, sleeper
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("straight_path")


class Meter:
    """Counts what goes on at the same moment, and the order of beginning."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self.order: list[str] = []

    def second(self, name: str):
        async def works():
            self.order.append(name)
            self.now += 1
            self.peak = max(self.peak, self.now)
            await asyncio.sleep(1)
            self.now -= 1

        return works

    def wide(self, graph: str, count: int, **options) -> AgentDAG:
        """A graph of ``count`` nodes side by side."""
        dag = AgentDAG(graph)
        for k in range(count):
            dag.add_node(AgentNode(f"{graph}{k}", self.second(f"{graph}{k}"), **options))
        return dag


@pytest.mark.parametrize("mode", PARALLEL)
@pytest.mark.parametrize("places", [1, 2, 3, 20])
def test_places_are_shared_by_all_levels_and_a_holder_takes_none(mode: Mode, places):
    meter = Meter()
    between = meter.wide("m", 3).add_node(AgentNode("deep", meter.wide("d", 3)))
    outer = meter.wide("o", 3).add_node(AgentNode("holds", between))
    result = mode(outer, max_concurrency=places)
    assert result.status == "success"
    assert meter.peak == min(places, 9)
    assert result.execution_time_seconds == -(-9 // places)


@pytest.mark.parametrize("mode", PARALLEL)
def test_resources_are_shared_by_all_levels(mode: Mode):
    meter = Meter()
    outer = meter.wide("o", 2, resources={"gpu": 1})
    outer.add_node(AgentNode("holds", meter.wide("i", 4, resources={"gpu": 1})))
    mode(outer, resources={"gpu": 2})
    assert meter.peak == 2


@pytest.mark.parametrize("mode", PARALLEL)
def test_priority_of_the_holder_goes_first_and_then_that_inside(mode: Mode):
    meter = Meter()
    urgent = AgentDAG("urgent").add_node(AgentNode("low", meter.second("urgent low")))
    urgent.add_node(AgentNode("high", meter.second("urgent high"), priority=9))
    lazy = AgentDAG("lazy").add_node(AgentNode("high", meter.second("lazy high"), priority=99))
    dag = AgentDAG("outer").add_node(AgentNode("hold", sleeper(1), priority=100))
    dag.add_node(AgentNode("lazy", lazy)).add_node(AgentNode("urgent", urgent, priority=5))
    dag.add_node(AgentNode("between", meter.second("between"), priority=1))
    mode(dag, max_concurrency=1)
    assert meter.order == ["urgent high", "urgent low", "between", "lazy high"]


@pytest.mark.parametrize("mode", PARALLEL)
def test_places_come_back_when_a_graph_is_cancelled_by_its_time_limit(mode: Mode):
    inner = AgentDAG("inner")
    for k in range(3):
        inner.add_node(AgentNode(f"n{k}", sleeper(60)))
    dag = around(inner, timeout_seconds=5, on_error="skip").add_node(AgentNode("beside", sleeper(1)))
    result = mode(dag, max_concurrency=2)
    assert result.status == "partial"
    assert result.node_results["beside"] == 1


def test_an_impossible_demand_inside_is_refused_before_anything_runs():
    inner = AgentDAG("inner").add_node(AgentNode("greedy", lambda: 0, resources={"gpu": 4}))
    for ask in (lambda: DAGExecutor(around(inner), resources={"gpu": 2}).execute(), lambda: sequential(around(inner))):
        with pytest.raises(ValidationError, match="'greedy' needs 4 'gpu'"):
            ask()


# -- cancelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAITED)
@pytest.mark.parametrize("moment", [0, 0.5, 1, 1.5, 2.5, 3])
def test_a_cancel_at_any_moment_leaves_every_node_final_on_every_level(mode: Mode, moment):
    deep = pair("deep", sleeper(1), sleeper(2))

    async def stop():
        handle = around(around(deep)).start(schedule=mode.__name__)
        await asyncio.sleep(moment)
        handle.cancel()
        result = await handle
        return result, len(asyncio.all_tasks())

    result, tasks = run(stop())
    assert tasks == 1
    assert result.status == "cancelled"
    assert all(step.record.status.final for step in walk(result.record))
    assert fold(result.events) == result.record
    if moment == 1.5:
        inside = result.record.nodes["holds"].inner.nodes["holds"].inner
        assert inside.nodes["first"].result == 1
        assert inside.nodes["second"].status is NodeStatus.CANCELLED
        assert inside.status == "cancelled"


def test_a_coroutine_deep_inside_that_will_not_end_is_abandoned_and_named_there():
    async def stubborn():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return "too late"

    async def stop():
        handle = around(around(pair("deep", stubborn, sleeper(1)))).start()
        await asyncio.sleep(1)
        handle.cancel()
        result = await handle
        before = len(list(result.events))
        await asyncio.sleep(100)
        return result, before, len(list(result.events))

    result, before, afterwards = run(stop())
    assert result.execution_time_seconds == pytest.approx(1.2)
    assert result.record.nodes["holds"].inner.nodes["holds"].inner.nodes["first"].abandoned
    assert before == afterwards
    assert "too late" not in str(result.record)
