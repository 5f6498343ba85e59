"""What a busy loop cannot see itself: who keeps it busy, and what got lost. Blocks really, so each test is short."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from linus_nb.engine.record import fold
from linus_nb.events import LoopStalled
from tests.real_time import in_time

BLOCK_S = 0.3


async def blocks(seconds=BLOCK_S):
    await asyncio.sleep(0)
    time.sleep(seconds)  # noqa: ASYNC251  this is what is looked for
    return "blocked"


class Agent:
    async def arun(self, task):
        return await blocks()


def really(dag: AgentDAG, state=None, schedule="dataflow", **options):
    return asyncio.run(DAGExecutor(dag, **options).aexecute(state, schedule=schedule))


def beside(agent, **options) -> AgentDAG:
    """A node that stalls the loop, and two that do not."""
    dag = AgentDAG().add_node(AgentNode("calm", asyncio.sleep, input_mapping={"delay": "delay"}))
    dag.add_node(AgentNode("in a thread", lambda: time.sleep(BLOCK_S)))
    return dag.add_node(AgentNode("stalls", agent, **options))


@pytest.mark.parametrize("schedule", ["sequential", "dataflow"])
@pytest.mark.parametrize(
    ("agent", "options"),
    [(blocks, {}), (blocks, {"retry_count": 1}), (blocks, {"timeout_seconds": 20}), (Agent(), {})],
    ids=["function", "retried", "limited", "agent"],
)
@pytest.mark.usefixtures("straight_path")
def test_a_node_that_keeps_the_loop_busy_is_named(schedule, agent, options, caplog):
    result = really(beside(agent, **options), {"delay": 0.05, "seconds": BLOCK_S}, schedule)
    nodes = result.record.nodes
    assert result.status == "success"
    assert 0.1 <= nodes["stalls"].stalled_s <= nodes["stalls"].duration_s + 0.1
    assert nodes["calm"].stalled_s == nodes["in a thread"].stalled_s == 0
    events = [event for event in result.events if isinstance(event, LoopStalled)]
    assert {event.node for event in events} == {"stalls"}
    assert "node 'stalls' kept the event loop busy for" in caplog.text
    assert fold(result.events) == result.record


def test_a_run_with_no_such_node_has_none(caplog):
    async def polite():
        for _ in range(10):
            await asyncio.sleep(0.02)

    dag = AgentDAG().add_node(AgentNode("polite", polite)).add_node(AgentNode("thread", lambda: time.sleep(BLOCK_S)))
    result = really(dag)
    assert {node.stalled_s for node in result.record.nodes.values()} == {0}
    assert not [event for event in result.events if isinstance(event, LoopStalled)]
    assert "busy" not in caplog.text


def test_the_blocking_mode_has_no_loop_to_stall(caplog):
    result = DAGExecutor(AgentDAG().add_node(AgentNode("n", lambda: time.sleep(BLOCK_S)))).execute()
    assert result.record.nodes["n"].stalled_s == 0
    assert "busy" not in caplog.text


def test_items_and_nodes_of_a_graph_inside_are_named_too():
    async def item(x):
        return await blocks()

    inner = AgentDAG("inner").add_node(AgentNode("deep", item, map_over="xs"))
    inner.add_node(AgentNode("calm", asyncio.sleep, input_mapping={"delay": "delay"}))
    dag = AgentDAG().add_node(AgentNode("holds", inner))
    record = really(dag, {"xs": [1], "delay": 0.01}).record
    assert record.nodes["holds"].inner.nodes["deep"].stalled_s >= 0.1
    assert record.nodes["holds"].inner.nodes["calm"].stalled_s == 0


def test_a_condition_that_keeps_the_loop_busy_is_told_at_its_source():
    def slow(_):
        time.sleep(BLOCK_S)
        return True

    async def source():
        return 1

    dag = AgentDAG().add_node(AgentNode("source", source)).add_node(AgentNode("target", source))
    nodes = really(dag.add_edge("source", "target", slow)).record.nodes
    assert nodes["source"].stalled_s >= 0.1
    assert nodes["target"].stalled_s == 0


def test_somebody_elses_work_in_the_loop_is_no_nodes_fault(caplog):
    async def cell():
        handle = (
            AgentDAG().add_node(AgentNode("n", asyncio.sleep, input_mapping={"delay": "delay"})).start({"delay": 0.5})
        )
        await asyncio.sleep(0.05)
        time.sleep(BLOCK_S)  # noqa: ASYNC251  a notebook's own cell
        return await handle

    assert asyncio.run(cell()).record.nodes["n"].stalled_s == 0
    assert "busy" not in caplog.text


def test_the_longest_of_several_stalls_counts(caplog):
    async def twice():
        await blocks(0.2)
        await blocks(0.4)

    caplog.set_level(logging.WARNING, logger="linus_nb")
    result = really(AgentDAG().add_node(AgentNode("n", twice)))
    told = [event.duration_s for event in result.events if isinstance(event, LoopStalled)]
    assert result.record.nodes["n"].stalled_s == max(told) >= 0.25


# -- what got lost ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["levels", "dataflow"])
@pytest.mark.parametrize("options", [{}, {"on_error": "skip"}, {"on_error": "continue"}, {"retry_count": 2}])
def test_a_task_cancelled_from_outside_before_its_first_step_has_failed_and_nothing_hangs(schedule, options):
    async def kills():
        for task in asyncio.all_tasks():
            if task.get_name() == "victim":
                task.cancel("from outside")

    async def victim():
        await asyncio.sleep(0)

    dag = AgentDAG().add_node(AgentNode("kills", kills)).add_node(AgentNode("victim", victim, **options))
    dag.add_node(AgentNode("after", lambda: 1)).add_edge("victim", "after")
    result = in_time(lambda: really(dag, schedule=schedule))
    on_error = options.get("on_error", "fail")
    assert (
        result.record.nodes["victim"].status == {"fail": "failed", "skip": "skipped", "continue": "completed"}[on_error]
    )
    assert isinstance(result.errors["victim"], asyncio.CancelledError)
    assert ("after" in result.node_results) == (on_error != "fail")


@pytest.mark.parametrize("schedule", ["sequential", "levels", "dataflow"])
def test_a_task_cancelled_from_outside_at_work_has_failed(schedule):
    async def kill_soon():
        await asyncio.sleep(0.05)
        for task in asyncio.all_tasks():
            if task.get_name() == "victim":
                task.cancel()

    async def both():
        dag = AgentDAG().add_node(AgentNode("victim", asyncio.sleep, input_mapping={"delay": "delay"}))
        dag.add_node(AgentNode("beside", lambda: 1))
        killer = asyncio.create_task(kill_soon())
        result = await DAGExecutor(dag).aexecute({"delay": 20}, schedule=schedule)
        await killer
        return result

    result = in_time(lambda: asyncio.run(both()))
    assert result.status == "failed"
    assert result.record.nodes["victim"].status is NodeStatus.FAILED
    assert result.node_results == {"beside": 1}


@pytest.mark.parametrize("after_steps", [0, 1, 3])
def test_a_run_whose_loop_is_closed_under_it_ends_with_every_node_final(after_steps):
    async def begin(box):
        dag = AgentDAG().add_node(AgentNode("quick", asyncio.sleep, input_mapping={"delay": "zero"}, output_key="q"))
        dag.add_node(AgentNode("slow", asyncio.sleep, input_mapping={"delay": "long"}))
        dag.add_node(AgentNode("never", lambda: 1)).add_edge("slow", "never")
        box.append(dag.start({"zero": 0, "long": 100}))
        for _ in range(after_steps):
            await asyncio.sleep(0)

    box: list = []
    asyncio.run(begin(box))  # cancels what is left, and closes the loop
    handle = box[0]
    until = time.monotonic() + 5
    while not handle.ended and time.monotonic() < until:
        time.sleep(0.01)
    nodes = handle.record.nodes
    assert all(node.status.final for node in nodes.values())
    assert handle.record.status in ("cancelled", "failed")
    assert nodes["slow"].status in (NodeStatus.CANCELLED, NodeStatus.FAILED, NodeStatus.SKIPPED)
    assert nodes["never"].status is NodeStatus.SKIPPED


def test_a_loop_that_is_closed_without_a_word_leaves_a_run_that_can_be_read():
    loop = asyncio.new_event_loop()

    at_work = asyncio.Event()

    async def waits():
        at_work.set()
        await asyncio.sleep(100)

    async def begin():
        dag = AgentDAG().add_node(AgentNode("done", lambda: 1, output_key="d"))
        handle = dag.add_node(AgentNode("waits", waits)).add_edge("done", "waits").start()
        await at_work.wait()
        return handle

    handle = loop.run_until_complete(begin())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # it is left behind on purpose
    loop.close()
    until = time.monotonic() + 5
    while not handle.ended and time.monotonic() < until:
        time.sleep(0.01)
    assert handle.result().status == "cancelled"
    assert handle.result().final_state == {"d": 1}
    assert (handle.record.nodes["waits"].status, handle.record.nodes["waits"].reason) == (
        NodeStatus.CANCELLED,
        "its event loop was closed",
    )
    handle.cancel()  # too late, and harmless


def test_there_is_one_watcher_and_it_ends_when_there_is_nothing_to_watch(monkeypatch):
    monkeypatch.setattr("linus_nb.engine.watch.IDLE_ROUNDS", 2)
    for _ in range(3):
        really(AgentDAG().add_node(AgentNode("n", asyncio.sleep, input_mapping={"delay": "d"})), {"d": 0.03})
    until = time.monotonic() + 5
    while _watchers() and time.monotonic() < until:
        assert len(_watchers()) == 1
        time.sleep(0.01)
    assert not _watchers()
    really(AgentDAG().add_node(AgentNode("n", blocks)), {"seconds": BLOCK_S})
    assert len(_watchers()) <= 1


def _watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "linus_nb watch"]


def test_looking_at_a_thread_never_blocks_on_a_garbage_collection():
    """Before Python 3.11.9, one inside of `sys._current_frames` could stop the process (python/cpython#106883)."""
    code = """if True:
        import gc, threading
        from linus_nb.engine.watch import frame_of

        class Garbage:
            def __init__(self):
                self.itself = self
                self.local = threading.local()  # freeing it needs the interpreter's list of threads

        for spare in range(20):  # one of these has its turn when a frame is made, in there
            gc.set_threshold(1_000_000)
            gc.collect()
            Garbage()
            gc.set_threshold(gc.get_count()[0] + spare)
            assert frame_of(threading.get_ident()) is not None
        print(gc.isenabled())
        gc.disable()
        frame_of(threading.get_ident())
        print(gc.isenabled())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("True\nFalse\n", "")
