"""The handle of a run in the background: awaited, cancelled, looked at while it goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from tests.test_engine_timing import diamond, layers, sleeper
from tests.virtual_time import run


def test_an_observer_that_cancels_the_run_ends_it():
    async def watched():
        run_of = []

        def stops(event):
            if type(event).__name__ == "NodeFinished" and event.node == "a1":
                run_of[0].cancel()

        handle = DAGExecutor(layers(), observers=[stops]).start(schedule="dataflow")
        run_of.append(handle)
        return await handle

    result = run(watched())
    assert result.status == "cancelled"
    assert result.node_results == {"a1": 1}
    assert result.execution_time_seconds == 1
    assert all(node.status.final for node in result.record.nodes.values())


def test_a_run_that_is_cancelled_twice_or_after_its_end_stays_as_it_is():
    async def twice():
        handle = diamond().start()
        await asyncio.sleep(1)
        handle.cancel("first")
        handle.cancel("second")
        result = await handle
        handle.cancel("third")
        ended = diamond().start()
        await ended
        ended.cancel()
        return result, await ended

    cancelled, done = run(twice())
    assert cancelled.record.nodes["node1"].reason == "first"
    assert (cancelled.status, done.status) == ("cancelled", "success")


def test_a_run_is_cancelled_from_another_thread():
    async def other():
        handle = AgentDAG().add_node(AgentNode("n", sleeper(30))).start()
        await asyncio.sleep(0)
        threading.Thread(target=handle.cancel).start()
        return await handle

    assert asyncio.run(other()).status == "cancelled"


def test_many_awaits_of_one_run_get_the_same_result():
    async def many():
        handle = diamond().start()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(handle)) for _ in range(5)]
        return [task.result() for task in tasks], await handle

    results, last = run(many())
    assert all(result.to_dict() == last.to_dict() for result in results)


async def _awaited(handle):
    return await handle


def test_the_record_of_a_run_can_be_read_at_any_moment():
    async def looks():
        handle = diamond().start()
        seen = []
        await asyncio.sleep(0.5)
        for _ in range(4):
            record = handle.record
            seen.append((record.status, sum(node.status.final for node in record.nodes.values())))
            await asyncio.sleep(2)
        return seen

    assert run(looks()) == [("running", 0), ("running", 1), ("running", 4), ("success", 5)]


def test_a_handles_repr_says_where_it_stands():
    async def looks():
        handle = diamond().start()
        await asyncio.sleep(3)
        during = repr(handle)
        await handle
        return during, repr(handle)

    during, after = run(looks())
    assert during == "<Run of 'diamond': running, 1 of 5 nodes ended, 3.00 s>"
    assert after.startswith("<Run of 'diamond': success, 5 of 5 nodes ended, 6.")


def raises_interrupt(number, frame):
    raise KeyboardInterrupt


@pytest.mark.parametrize("handler", [signal.default_int_handler, raises_interrupt])
def test_stop_during_the_await_of_a_run_in_the_background_cancels_the_run(handler):
    """Beside a handler that is not Python's own, asyncio.run sets none: Ctrl-C cancels all tasks, in no order."""
    handles = []

    async def stopped_while_it_sleeps():  # it begins when the cell awaits
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)

    async def slow():
        await asyncio.sleep(30)

    async def cell():
        dag = AgentDAG().add_node(AgentNode("slow", stopped_while_it_sleeps))
        for name in "abcdefgh":
            dag.add_node(AgentNode(name, slow))
        handles.append(dag.start())
        await handles[0]

    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(cell())
    finally:
        signal.signal(signal.SIGINT, before)
    result = handles[0].result()
    assert result.status == "cancelled"
    assert {node.status for node in result.record.nodes.values()} == {NodeStatus.CANCELLED}


def test_a_wait_that_is_forgotten_and_closed_in_another_thread_leaves_interrupts_working():
    async def cell():
        waiting = AgentDAG().add_node(AgentNode("one", lambda: 1)).start().__await__()
        next(waiting)  # as of a task whose loop was closed: the collector closes it later, wherever it runs
        with ThreadPoolExecutor(1) as pool:
            pool.submit(waiting.close).result()

    before = signal.getsignal(signal.SIGINT)
    try:
        asyncio.run(cell())
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
