"""When nodes run: exact figures in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from linus_nb.errors import GraphError, NodeTimeoutError, ValidationError
from tests.virtual_time import run


def sleeper(seconds):
    async def sleep():
        await asyncio.sleep(seconds)
        return seconds

    return sleep


def diamond() -> AgentDAG:
    dag = AgentDAG("diamond")
    for k in range(1, 6):
        dag.add_node(AgentNode(f"node{k}", sleeper(2)))
    for k in (2, 3, 4):
        dag.add_edge("node1", f"node{k}").add_edge(f"node{k}", "node5")
    return dag


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"parallel": False}, 10),
        ({"parallel": True}, 6),
        ({"schedule": "dataflow"}, 6),
        ({"schedule": "sequential"}, 10),
    ],
)
def test_the_seeds_diamond_takes_ten_seconds_or_six(options, seconds):
    result = run(DAGExecutor(diamond()).aexecute(**options))
    assert result.execution_time_seconds == seconds


def test_levels_wait_for_the_slowest_and_dataflow_does_not():
    dag = AgentDAG().add_node(AgentNode("fast", sleeper(0.1))).add_node(AgentNode("slow", sleeper(0.4)))
    dag.add_node(AgentNode("after", sleeper(0.3))).add_node(AgentNode("join", sleeper(0)))
    dag.add_edge("fast", "after").add_edge("after", "join").add_edge("slow", "join")
    assert run(DAGExecutor(dag).aexecute()).execution_time_seconds == pytest.approx(0.7)
    assert run(DAGExecutor(dag).aexecute(schedule="dataflow")).execution_time_seconds == pytest.approx(0.4)


def test_max_concurrency_is_never_exceeded_and_priority_goes_first():
    running, peak, order = 0, 0, []

    def tracked(name):
        async def work():
            nonlocal running, peak
            order.append(name)
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(1)
            running -= 1

        return work

    dag = AgentDAG()
    for k in range(6):
        dag.add_node(AgentNode(f"n{k}", tracked(k), priority=k))
    result = run(DAGExecutor(dag, max_concurrency=2).aexecute(schedule="dataflow"))
    assert peak == 2
    assert order == [5, 4, 3, 2, 1, 0]
    assert result.execution_time_seconds == 3
    assert result.record.nodes["n0"].wait_s == 2


def test_resources_bound_what_runs_at_once_and_an_impossible_demand_is_refused():
    dag = AgentDAG()
    for k in range(4):
        dag.add_node(AgentNode(f"n{k}", sleeper(1), resources={"gpu": 1}))
    assert run(DAGExecutor(dag, resources={"gpu": 2}).aexecute()).execution_time_seconds == 2
    with pytest.raises(ValidationError, match="needs 1 'gpu' and the executor has 0"):
        run(DAGExecutor(dag).aexecute())


def test_a_timeout_ends_an_attempt_by_name():
    dag = AgentDAG().add_node(AgentNode("slow", sleeper(60), timeout_seconds=2))
    result = run(DAGExecutor(dag).aexecute())
    assert isinstance(result.errors["slow"], NodeTimeoutError)
    assert str(result.errors["slow"]).startswith("'slow' gave no answer in 2 s")
    assert result.execution_time_seconds == 2


def test_a_timeout_of_the_nodes_own_is_not_ours():
    async def own():
        raise TimeoutError("the node's own")

    result = run(DAGExecutor(AgentDAG().add_node(AgentNode("own", own, timeout_seconds=5))).aexecute())
    assert str(result.errors["own"]) == "the node's own"


def test_cancelling_the_await_keeps_what_finished_and_leaves_no_task():
    dag = AgentDAG().add_node(AgentNode("quick", sleeper(1), output_key="q"))
    dag.add_node(AgentNode("slow", sleeper(30))).add_node(AgentNode("never", sleeper(1)))
    dag.add_edge("slow", "never")
    executor = DAGExecutor(dag)

    async def stopped():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await executor.aexecute()
        return len(asyncio.all_tasks())

    assert run(stopped()) == 1
    result = executor.last_result
    assert result.status == "cancelled"
    assert result.final_state == {"q": 1}
    statuses = {n.name: (n.status, n.reason) for n in result.record.nodes.values()}
    assert statuses == {
        "quick": (NodeStatus.COMPLETED, ""),
        "slow": (NodeStatus.CANCELLED, "cancelled"),
        "never": (NodeStatus.SKIPPED, "cancelled"),
    }


def test_a_coroutine_that_will_not_end_is_abandoned_and_writes_nothing():
    async def stubborn():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return "too late"

    dag = AgentDAG().add_node(AgentNode("stubborn", stubborn, output_key="out"))

    async def stop_and_wait():
        handle = dag.start()
        await asyncio.sleep(1)
        handle.cancel()
        result = await handle
        await asyncio.sleep(100)
        return result, handle

    result, handle = run(stop_and_wait())
    assert result.execution_time_seconds == pytest.approx(1.2)
    assert result.record.nodes["stubborn"].abandoned
    assert handle.result().final_state == {}
    assert handle.result().status == "cancelled"


@pytest.mark.parametrize("moment", [0, 0.5, 1, 1.5, 2, 3.99, 4, 5])
def test_a_cancel_at_any_moment_leaves_every_node_final(moment):
    async def stop():
        handle = diamond().start()
        await asyncio.sleep(moment)
        handle.cancel()
        result = await handle
        events = [event async for event in handle]
        return result, events

    result, events = run(stop())
    assert all(n.status.final for n in result.record.nodes.values())
    assert result.status == "cancelled"
    assert [e.seq for e in events] == list(range(len(events)))
    assert type(events[-1]).__name__ == "RunFinished"


def test_a_waiters_own_timeout_does_not_end_a_background_run():
    async def impatient():
        handle = diamond().start()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await handle
        return await handle

    assert run(impatient()).status == "success"


def test_several_readers_replay_a_run_from_its_first_event():
    async def read():
        handle = diamond().start(schedule="dataflow")

        async def collect():
            return [type(e).__name__ async for e in handle]

        async with asyncio.TaskGroup() as group:
            first = group.create_task(collect())
            await asyncio.sleep(3)
            second = group.create_task(collect())
        return first.result(), second.result()

    first, second = run(read())
    assert first == second
    assert first[0] == "RunStarted"
    assert first.count("NodeFinished") == 5


def test_blocking_nodes_run_at_the_same_time_in_threads_of_our_own():
    import threading

    gate = threading.Barrier(12, timeout=20)  # passes only when twelve threads wait at once
    dag = AgentDAG()
    for k in range(12):
        dag.add_node(AgentNode(f"n{k}", lambda: gate.wait() >= 0))
    assert asyncio.run(DAGExecutor(dag).aexecute()).completed_nodes == 12


def test_a_blocking_call_that_cannot_be_stopped_is_abandoned_and_named():
    import threading

    release = threading.Event()
    dag = AgentDAG().add_node(AgentNode("blocks", lambda: release.wait(20), output_key="out"))
    executor = DAGExecutor(dag)

    async def stop():
        async with asyncio.timeout(0.05):
            await executor.aexecute()

    with pytest.raises(TimeoutError):
        asyncio.run(stop())
    release.set()
    assert executor.last_result.record.nodes["blocks"].abandoned
    assert executor.last_result.final_state == {}


def test_execute_works_beside_a_running_loop():
    async def cell():
        dag = AgentDAG().add_node(AgentNode("a", sleeper(0.01)))
        return DAGExecutor(dag).execute().status

    assert asyncio.run(cell()) == "success"


def test_a_wrong_schedule_is_refused_with_the_nearest():
    with pytest.raises(GraphError, match="did you mean 'dataflow'"):
        run(DAGExecutor(diamond()).aexecute(schedule="dataflw"))


# -- the three schedules, to the second -------------------------------------------------------------------------------


def layers() -> AgentDAG:
    """Two chains of unlike steps that meet: a1(1) a2(5) a3(1) and b1(5) b2(1) b3(5), then a join(2)."""
    dag = AgentDAG("layers")
    for name, times in {"a": (1, 5, 1), "b": (5, 1, 5)}.items():
        for k, seconds in enumerate(times, start=1):
            dag.add_node(AgentNode(f"{name}{k}", sleeper(seconds)))
            if k > 1:
                dag.add_edge(f"{name}{k - 1}", f"{name}{k}")
    dag.add_node(AgentNode("join", sleeper(2)))
    return dag.add_edge("a3", "join").add_edge("b3", "join")


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ({"parallel": False}, {"a1": 0, "b1": 1, "a2": 6, "b2": 11, "a3": 12, "b3": 13, "join": 18}),
        ({"schedule": "levels"}, {"a1": 0, "b1": 0, "a2": 5, "b2": 5, "a3": 10, "b3": 10, "join": 15}),
        ({"schedule": "dataflow"}, {"a1": 0, "b1": 0, "a2": 1, "b2": 5, "a3": 6, "b3": 6, "join": 11}),
        (
            {"parallel": False, "schedule": "dataflow"},
            {"a1": 0, "b1": 1, "a2": 6, "b2": 11, "a3": 12, "b3": 13, "join": 18},
        ),
    ],
    ids=["one by one", "levels", "dataflow", "parallel wins"],
)
def test_every_node_starts_when_its_schedule_says(options, starts):
    nodes = run(DAGExecutor(layers()).aexecute(**options)).record.nodes
    assert {name: node.start_s for name, node in nodes.items()} == starts
    assert all(node.status is NodeStatus.COMPLETED for node in nodes.values())


def test_awaiting_a_graph_runs_it_level_by_level_with_or_without_a_state():
    async def cell():
        return await layers(), await layers()({"x": 1}), await layers().start({"x": 1})

    for result in run(cell()):
        assert (result.record.schedule, result.execution_time_seconds) == ("levels", 17)


def test_a_condition_takes_its_time_before_the_next_starts():
    async def thinks(_):
        await asyncio.sleep(3)
        return True

    dag = AgentDAG().add_node(AgentNode("a", sleeper(1))).add_node(AgentNode("b", sleeper(1)))
    dag.add_node(AgentNode("c", sleeper(1))).add_edge("a", "b", thinks).add_edge("b", "c")
    nodes = run(DAGExecutor(dag).aexecute(schedule="dataflow")).record.nodes
    assert (nodes["a"].end_s, nodes["b"].start_s, nodes["c"].start_s) == (1, 4, 5)


@pytest.mark.parametrize("schedule", ["levels", "dataflow"])
def test_a_level_opens_also_when_all_before_it_was_skipped(schedule):
    async def breaks():
        raise ValueError

    dag = AgentDAG().add_node(AgentNode("breaks", breaks))
    for k in range(3):
        dag.add_node(AgentNode(f"skipped{k}", sleeper(1)))
    dag.add_edge("breaks", "skipped0").add_edge("skipped0", "skipped1").add_edge("skipped1", "skipped2")
    dag.add_node(AgentNode("always", sleeper(1), trigger="always")).add_edge("skipped2", "always")
    result = run(DAGExecutor(dag).aexecute(schedule=schedule))
    assert result.execution_time_seconds == 1
    assert result.record.nodes["always"].status is NodeStatus.COMPLETED
