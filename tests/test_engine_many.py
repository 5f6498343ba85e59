"""Many runs at the same time: of one graph in one loop, in several loops, and blocking in many threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult, SharedState
from linus_nb.engine.record import walk
from tests.virtual_time import run


async def square(x: int) -> int:
    await asyncio.sleep(x % 7 / 1000)
    return x * x


async def negative(squared: int) -> int:
    await asyncio.sleep(0)
    return -squared


async def add(item: int, x: int) -> int:
    await asyncio.sleep(item / 1000)
    return x + item


def graph() -> AgentDAG:
    """Return a graph with a chain, a choice, items and a graph inside, all of whose results tell ``x``."""
    inner = AgentDAG("inner").add_node(AgentNode("tripled", lambda x: 3 * x, output_key="tripled"))
    dag = AgentDAG("many")
    dag.add_node(AgentNode("square", square, output_key="squared"))
    dag.add_node(AgentNode("negative", negative, output_key="negative")).add_edge("square", "negative")
    dag.add_node(AgentNode("even", lambda x: "even", output_key="even"))
    dag.add_edge("square", "even", lambda seen: seen["x"] % 2 == 0)
    dag.add_node(AgentNode("added", add, map_over="some", output_key="added", map_concurrency=2))
    dag.add_node(AgentNode("inner", inner, output_key="inside"))
    return dag


def state(x: int) -> dict[str, Any]:
    return {"x": x, "some": [1, 2, 3]}


def is_of(x: int, result: ExecutionResult) -> None:
    """Assert that a run is that of ``x``, and of nothing else."""
    result.raise_for_failure()
    expected = {
        **state(x),
        "squared": x * x,
        "added": [x + 1, x + 2, x + 3],
        "inside": {"tripled": 3 * x},
        "negative": -x * x,
    }
    if x % 2 == 0:
        expected["even"] = "even"
    assert result.final_state == expected
    record = result.record
    assert record.nodes["even"].status == ("completed" if x % 2 == 0 else "skipped")
    assert [step.path for step in walk(record)] == [
        "square", "added", "added[0]", "added[1]", "added[2]", "inner", "inner/tripled", "negative", "even",
    ]  # fmt: skip
    assert [event.seq for event in result.events] == list(range(len(list(result.events))))
    assert {event.run_id for event in result.events} == {record.run_id}


def test_a_thousand_runs_of_one_graph_at_once_are_a_thousand_clean_results():
    dag = graph()

    async def many() -> list[ExecutionResult]:
        async with asyncio.TaskGroup() as group:
            schedules = ["levels", "dataflow", "sequential"]
            tasks = [
                group.create_task(DAGExecutor(dag).aexecute(state(x), schedule=schedules[x % 3]))  # type: ignore[arg-type]
                for x in range(1000)
            ]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return [task.result() for task in tasks]

    results = run(many())
    for x, result in enumerate(results):
        is_of(x, result)
    assert len({result.record.run_id for result in results}) == 1000


def test_a_thousand_runs_of_one_executor_keep_their_own_results():
    dag = AgentDAG("one").add_node(AgentNode("square", square, output_key="squared"))
    executor = DAGExecutor(dag, max_concurrency=1)

    async def many() -> list[dict[str, Any]]:
        runs = [executor.start({"x": x}) for x in range(1000)]
        return [(await handle).final_state for handle in runs]

    assert run(many()) == [{"x": x, "squared": x * x} for x in range(1000)]


def test_cancelling_every_other_run_leaves_the_others_alone():
    dag = AgentDAG("one").add_node(AgentNode("square", square, output_key="squared"))
    dag.add_node(AgentNode("negative", negative, output_key="negative")).add_edge("square", "negative")

    async def many() -> list[ExecutionResult]:
        runs = [dag.start({"x": 5}, "dataflow") for _ in range(200)]
        await asyncio.sleep(0.001)
        for handle in runs[::2]:
            handle.cancel()
        results = [await handle for handle in runs]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return results

    results = run(many())
    assert {r.status for r in results[::2]} == {"cancelled"}
    assert {r.status for r in results[1::2]} == {"success"}
    assert all(r.final_state == {"x": 5, "squared": 25, "negative": -25} for r in results[1::2])


def test_two_hundred_runs_each_write_to_the_shared_state_they_were_given():
    dag = graph()
    states = [SharedState({"old": x}) for x in range(200)]

    async def many() -> None:
        async with asyncio.TaskGroup() as group:
            for x, shared in enumerate(states):
                group.create_task(DAGExecutor(dag, shared).aexecute(state(x), schedule="dataflow"))

    run(many())
    for x, shared in enumerate(states):
        assert shared["old"] == x
        assert shared["squared"] == x * x
        assert shared["inside"] == {"tripled": 3 * x}
        assert shared.has("even") == (x % 2 == 0)
        entry = shared.get_entry("negative")
        assert entry is not None
        assert (entry.value, entry.source) == (-x * x, "negative")
        assert len(shared.get_history("squared")) == 1


def in_threads(count: int, work: Callable[[int], ExecutionResult]) -> list[ExecutionResult]:
    """Return what ``work`` comes to in so many threads that begin together."""
    together = threading.Barrier(count)

    def begin(x: int) -> ExecutionResult:
        together.wait(30)
        return work(x)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count), timeout=60))


def test_runs_of_one_graph_in_several_threads_each_with_its_own_loop():
    dag = graph()

    def work(x: int) -> ExecutionResult:
        async def several() -> ExecutionResult:
            runs = [DAGExecutor(dag).start(state(x), "dataflow") for _ in range(10)]
            results = [await handle for handle in runs]
            for result in results[1:]:
                is_of(x, result)
            return results[0]

        return asyncio.run(several())

    for x, result in enumerate(in_threads(8, work)):
        is_of(x, result)


def test_twenty_threads_execute_one_graph_at_once_with_async_nodes():
    dag = graph()

    def work(x: int) -> ExecutionResult:
        return DAGExecutor(dag).execute(state(x))

    for x, result in enumerate(in_threads(20, work)):
        is_of(x, result)


def test_twenty_threads_share_one_executor():
    """Each gets its own result back, though `last_result` is only one of them."""
    executor = DAGExecutor(graph())
    results = in_threads(20, lambda x: executor.execute(state(x)))
    for x, result in enumerate(results):
        is_of(x, result)
    last = executor.last_result
    assert last is not None
    assert any(last.events is result.events for result in results)


def test_a_graph_is_planned_and_bound_by_many_threads_at_once():
    for _ in range(20):
        dag = graph()  # no plan yet
        for x, result in enumerate(in_threads(8, lambda x, dag=dag: DAGExecutor(dag).execute(state(x)))):
            is_of(x, result)


def test_blocking_nodes_of_many_runs_do_not_wait_for_one_another():
    """Each run's node waits until those of all runs have begun: a pool of fixed size would hang."""
    together = threading.Barrier(40)
    dag = AgentDAG("meet").add_node(AgentNode("meet", lambda x: (together.wait(30), x)[1], output_key="met"))

    async def many() -> list[Any]:
        runs = [dag.start({"x": x}) for x in range(40)]
        return [(await handle).final_state["met"] for handle in runs]

    assert asyncio.run(many()) == list(range(40))
