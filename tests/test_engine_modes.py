"""What a run comes to is the same in every mode: its state, its record, its events."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus, SharedState, last_run
from linus_nb.engine.record import fold
from linus_nb.errors import ValidationError
from tests.modes import AWAITED, Mode, blocking, every_mode
from tests.real_time import in_time
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("straight_path")


async def async_double(x):
    await asyncio.sleep(0.01)
    return 2 * x


@every_mode
def test_a_handed_state_is_read_at_the_start_and_gets_each_output(mode: Mode):
    state = SharedState({"old": 1})
    dag = AgentDAG().add_node(AgentNode("sum", lambda old, new: old + new, output_key="total"))
    mode(dag, {"new": 2}, state=state)
    assert state.to_dict() == {"old": 1, "new": 2, "total": 3}
    assert state.get_entry("total").source == "sum"


@every_mode
def test_context_variables_reach_nodes_and_do_not_leak_between_them(mode: Mode):
    tag: ContextVar[str] = ContextVar("tag", default="unset")
    tag.set("caller")

    def leaves_a_mark():
        before = tag.get()
        tag.set("mine")
        return before

    dag = AgentDAG().add_node(AgentNode("a", leaves_a_mark)).add_node(AgentNode("b", leaves_a_mark))
    assert mode(dag.add_edge("a", "b")).node_results == {"a": "caller", "b": "caller"}
    assert tag.get() == "caller"


@every_mode
def test_events_are_gapless_and_fold_to_the_record(mode: Mode):
    seen = []
    dag = AgentDAG("d").add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", async_double))
    dag.add_edge("a", "b", lambda _: True)
    result = mode(dag, {"x": 1}, observers=[seen.append])
    assert [e.seq for e in seen] == list(range(len(seen)))
    assert seen == list(result.events)
    assert {type(e).__name__ for e in seen} >= {
        "RunStarted",
        "NodeStarted",
        "NodeFinished",
        "EdgeDecided",
        "RunFinished",
    }
    assert result.record.status == "success"
    assert result.record.duration_s == result.execution_time_seconds


@every_mode
def test_an_observer_that_raises_is_removed_and_the_run_goes_on(mode: Mode, caplog):
    calls = []

    def breaks(event):
        calls.append(event)
        raise RuntimeError("observer")

    dag = AgentDAG().add_node(AgentNode("a", lambda: 1))
    assert mode(dag, observers=[breaks]).status == "success"
    assert len(calls) == 1
    assert "was removed" in caplog.text


def test_a_run_has_its_own_record_and_state_among_many_at_once():
    async def slow(x):
        await asyncio.sleep(1)
        return x * x

    dag = AgentDAG().add_node(AgentNode("square", slow, output_key="squared"))

    async def many():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(dag({"x": x})) for x in range(10)]
        return [t.result().final_state for t in tasks]

    assert run(many()) == [{"x": x, "squared": x * x} for x in range(10)]


# -- state ------------------------------------------------------------------------------------------------------------


@every_mode
def test_a_run_starts_from_the_initial_state_only(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("n", lambda seen: sorted(seen), output_key="out"))
    executor_state = {"x": 1}
    assert mode(dag, executor_state).final_state == {"x": 1, "out": ["x"]}
    assert mode(dag, executor_state).final_state == {"x": 1, "out": ["x"]}
    assert executor_state == {"x": 1}
    assert mode(dag).final_state == {"out": []}


@every_mode
def test_a_handed_state_is_read_once_and_the_initial_state_goes_before_it(mode: Mode):
    state = SharedState({"old": 1, "both": "state"})
    seen = []

    def changes():
        state["old"] = 99
        state["new"] = 100

    dag = AgentDAG().add_node(AgentNode("changes", changes))
    dag.add_node(AgentNode("looks", lambda seen: dict(seen), output_key="found")).add_edge("changes", "looks")
    dag.add_node(AgentNode("checks", lambda: seen.append(state.get("found")))).add_edge("looks", "checks")
    result = mode(dag, {"both": "initial"}, state=state)
    assert result.node_results["looks"] == {"old": 1, "both": "initial"}
    assert seen == [{"old": 1, "both": "initial"}]  # written when its node ended, not when the run did
    assert state["both"] == "initial"
    assert state.get_entry("both").source == "initial_state"
    assert state["old"] == 99


@every_mode
def test_a_handed_state_ends_like_the_final_state_with_reducers_too(mode: Mode):
    state = SharedState({"found": ["start"]})
    dag = AgentDAG(reducers={"found": list.__add__})
    for name in "ab":
        dag.add_node(AgentNode(name, lambda name=name: [name], output_key="found"))
    result = mode(dag, state=state)
    assert result.final_state == {"found": ["start", "a", "b"]}
    assert state["found"] == ["start", "a", "b"]


@every_mode
def test_the_keys_of_the_final_state_stand_in_plan_order(mode: Mode):
    async def slow():
        if mode is not blocking:
            await asyncio.sleep(3)
        return "slow"

    dag = (
        AgentDAG().add_node(AgentNode("late", lambda: 0, output_key="z")).add_node(AgentNode("b", slow, output_key="b"))
    )
    dag.add_node(AgentNode("a", lambda: 1, output_key="a")).add_edge("a", "late")
    result = mode(dag, {"i2": 0, "i1": 0})
    assert list(result.final_state) == ["i2", "i1", "b", "a", "z"]
    assert list(result.node_results) == list(result.record.nodes) == ["b", "a", "late"]


# -- results and records ----------------------------------------------------------------------------------------------


@every_mode
def test_a_graph_that_cannot_run_runs_nothing(mode: Mode):
    ran = []
    dag = AgentDAG().add_node(AgentNode("ran", lambda: ran.append(1))).add_node(AgentNode("needs", lambda a, b: 0))
    with pytest.raises(ValidationError):
        mode(dag)
    assert not ran


@every_mode
def test_a_finished_nodes_record_tells_times_attempts_and_waiting(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", lambda: 2)).add_edge("a", "b")
    nodes = mode(dag).record.nodes
    for node in nodes.values():
        assert (node.status, node.attempts, node.reason, node.error) == (NodeStatus.COMPLETED, 1, "", None)
        assert 0 <= node.ready_s <= node.start_s <= node.end_s
        assert node.duration_s == node.end_s - node.start_s
        assert node.wait_s == node.start_s - node.ready_s
    assert nodes["a"].end_s <= nodes["b"].start_s


@every_mode
def test_the_latest_run_and_the_latest_result_of_an_executor_can_be_asked_for(mode: Mode):
    result = mode(AgentDAG("asked for").add_node(AgentNode("a", lambda: 1)))
    assert last_run().name == "asked for"
    assert last_run().to_dict() == result.to_dict()
    executor = DAGExecutor(AgentDAG().add_node(AgentNode("a", lambda: 1)))
    assert executor.last_result is None
    executor.execute()
    assert executor.last_result.node_results == {"a": 1}


@every_mode
def test_every_observer_gets_every_event_once_and_one_that_raises_disturbs_no_other(mode: Mode):
    first, last = [], []

    def breaks(event):
        if type(event).__name__ == "NodeFinished":
            raise RuntimeError("observer")

    dag = AgentDAG().add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", lambda: 2)).add_edge("a", "b")
    result = mode(dag, observers=[first.append, breaks, last.append])
    assert first == last == list(result.events)
    assert fold(first) == result.record


@pytest.mark.parametrize("mode", [blocking, *AWAITED])
def test_runs_of_one_graph_in_many_threads_are_kept_apart(mode: Mode):
    async def twice(x):
        await asyncio.sleep(0)
        return 2 * x

    dag = AgentDAG().add_node(AgentNode("sync", lambda x: x + 1, output_key="s"))
    dag.add_node(AgentNode("async", twice, output_key="a")).add_edge("sync", "async")
    found: dict[int, dict] = {}
    threads = [
        threading.Thread(target=lambda x=x: found.__setitem__(x, mode(dag, {"x": x}).final_state)) for x in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {x: {"x": x, "s": x + 1, "a": 2 * x} for x in range(12)}


# -- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAITED)
def test_a_blocking_node_runs_in_a_daemon_thread_of_ours_away_from_the_loop(mode: Mode):
    def where():
        thread = threading.current_thread()
        return thread.daemon, thread.name

    assert mode(AgentDAG().add_node(AgentNode("n", where))).node_results["n"] == (True, "linus_nb worker")


def test_threads_are_used_again():
    before = threading.active_count()

    async def often():
        dag = AgentDAG()
        for k in range(30):
            dag.add_node(AgentNode(f"n{k}", lambda: threading.get_ident()))
        return (await DAGExecutor(dag).aexecute(parallel=False)).node_results

    found = run(often())
    assert len(set(found.values())) <= 2
    assert threading.active_count() <= before + 3


@pytest.mark.parametrize("how", ["timeout", "cancel", "execute"])
def test_an_abandoned_call_does_not_hold_up_the_end_of_the_interpreter(how):
    script = {
        "timeout": "asyncio.run(DAGExecutor(dag).aexecute())",
        "cancel": "asyncio.run(stop())",
        "execute": "DAGExecutor(dag).execute()",
    }[how]
    code = f"""
import asyncio, threading
from linus_nb import AgentDAG, AgentNode, DAGExecutor
dag = AgentDAG().add_node(AgentNode("n", threading.Event().wait, timeout_seconds={None if how == "cancel" else 0.05}))
async def stop():
    handle = dag.start()
    await asyncio.sleep(0.05)
    handle.cancel()
    await handle
{script}
print("over")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.stdout, ended.returncode) == ("over\n", 0), ended.stderr


# -- cancelling a blocking run ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_backoff")
def test_a_blocking_run_is_cancelled_from_another_thread_and_keeps_what_is_done():
    at_work, go_on = threading.Event(), threading.Event()

    def works():
        at_work.set()
        assert go_on.wait(20)
        return "worked"

    dag = AgentDAG().add_node(AgentNode("works", works, output_key="w"))
    dag.add_node(AgentNode("never", lambda: 0, trigger="always")).add_edge("works", "never")
    executor = DAGExecutor(dag)

    def stop():
        assert at_work.wait(20)
        executor.cancel()
        go_on.set()

    threading.Thread(target=stop, daemon=True).start()
    result = in_time(executor.execute)
    assert result.status == "cancelled"
    assert (result.record.nodes["never"].status, result.record.nodes["never"].reason) == (
        NodeStatus.SKIPPED,
        "cancelled",
    )
    assert all(node.status.final for node in result.record.nodes.values())
