"""Functions and agents timed against each other, in virtual time where they wait."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pandas as pd
import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, SharedState
from linus_nb import events as ev
from linus_nb.analysis.comparing.benchmark import benchmark, benchmark_agents, benchmark_sync, last_benchmark
from linus_nb.analysis.comparing.comparison import COMPARISON_DTYPES
from linus_nb.errors import GraphError, ValidationError
from linus_nb.models.listeners import listener
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


def waiting(seconds: float, value: Any = "done") -> Any:
    async def wait() -> Any:
        await asyncio.sleep(seconds)
        return value

    return wait


def measure(target: Any, **options: Any) -> Any:
    return run(benchmark(target, progress=False, **options))


def slow_and_fast() -> AgentDAG:
    return AgentDAG("two").add_node(AgentNode("slow", waiting(3))).add_node(AgentNode("fast", waiting(1)))


def test_functions_are_compared_with_the_first() -> None:
    table = measure({"slow": waiting(3), "fast": waiting(1), "slower": waiting(6)})
    assert table.index.tolist() == ["slow", "fast", "slower"]
    assert table["median_s"].tolist() == [3, 1, 6]
    assert table["speedup"].tolist() == [1, 3, 0.5]
    assert table["speedup_low"].tolist() == [1, 3, 0.5]
    assert table["verdict"].tolist() == ["baseline", "faster", "slower"]
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == COMPARISON_DTYPES
    assert table.attrs["seconds"] == {"slow": [3] * 5, "fast": [1] * 5, "slower": [6] * 5}


def test_a_single_async_function_has_a_row_of_its_own() -> None:
    async def fetch() -> int:
        await asyncio.sleep(2)
        return 1

    table = measure(fetch, repeats=2)
    assert table.index.tolist() == ["fetch"]
    assert table.loc["fetch", "median_s"] == 2
    assert table["critical_path_s"].isna().all()
    assert table["peak_concurrency"].isna().all()


def test_a_plain_function_runs_in_a_thread_and_what_it_returns_is_awaited() -> None:
    threads: list[int] = []

    def plain() -> Any:
        threads.append(threading.get_ident())
        return waiting(0)()

    table = asyncio.run(benchmark({"plain": plain, "lambda": lambda: waiting(0)()}, repeats=1, progress=False))
    assert table["same_result"].all()
    assert threading.get_ident() not in threads


def test_a_run_that_a_function_returns_gives_the_figures_of_its_graph() -> None:
    async def by_hand() -> list[Any]:
        return [await waiting(3)(), await waiting(1)()]

    async def as_graph() -> Any:
        return await DAGExecutor(slow_and_fast()).aexecute()

    table = measure({"by hand": by_hand, "graph": as_graph, "given": slow_and_fast()})
    assert table["median_s"].tolist() == [4, 3, 3]
    assert table["critical_path_s"].isna().tolist() == [True, False, False]
    assert table.loc["graph", ["critical_path_s", "total_work_s", "efficiency", "peak_concurrency"]].tolist() == [
        3,
        4,
        1,
        2,
    ]
    assert table["same_result"].tolist() == [True, False, False]


def test_a_function_that_raises_fails_in_its_row_and_the_others_go_on() -> None:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ValueError("no such city: sk-proj-abcdefghij0123456789")

    table = measure({"well": waiting(2), "fails": fails})
    assert table["status"].tolist() == ["success", "failed"]
    assert table["runs"].tolist() == [5, 5]
    assert pd.isna(table.loc["fails", "speedup"])
    assert "'fails' failed in 5 of 5 runs: ValueError: no such city: sk-••••6789" in table.notes
    assert "abcdefghij" not in repr(table) + str(table.attrs)


def test_model_calls_of_agents_and_graphs_in_a_function_are_counted_once() -> None:
    def called(tokens: int) -> None:
        ev.report(ev.ModelCalled("m", 0.5, input_tokens=tokens, output_tokens=0, cost=0.25))

    inner = AgentDAG("inner").add_node(AgentNode("deep", lambda: called(100)))
    dag = AgentDAG("outer").add_node(AgentNode("own", lambda: called(10))).add_node(AgentNode("nested", inner))

    async def both() -> Any:
        called(1)
        await DAGExecutor(dag).aexecute()
        return await DAGExecutor(dag).aexecute()

    table = asyncio.run(benchmark({"both": both}, repeats=2, progress=False))
    assert table.loc["both", ["llm_calls", "tokens", "cost"]].tolist() == [5, 221, 1.25]
    assert "All of this took 15 model calls and 663 tokens, $3.7500." in table.notes


@pytest.mark.parametrize("error", [asyncio.CancelledError("by itself"), BaseException("a panic"), StopIteration(3)])
def test_whatever_a_function_raises_fails_its_row_alone(error: BaseException) -> None:
    async def fails() -> None:
        raise error

    def plain() -> None:
        raise error

    table = asyncio.run(benchmark({"well": waiting(0), "fails": fails, "plain": plain}, repeats=1, progress=False))
    assert table["status"].tolist() == ["success", "failed", "failed"]
    assert table["runs"].tolist() == [1, 1, 1]


def test_a_function_that_asks_a_model_by_itself_is_heard_and_nobody_is_afterwards() -> None:
    model = ScriptedModel(lambda messages, schema: "42", usage=(20, 2))
    begun: list[Any] = []

    async def ask() -> str:
        return str((await model.ainvoke("6 * 7?")).text)

    async def go() -> Any:
        table = await benchmark({"ask": ask, "in a thread": lambda: model.invoke("6 * 7?")}, repeats=2, progress=False)
        begun.append(listener.get())
        return table

    table = asyncio.run(go())
    assert table["tokens"].tolist() == [22, 22]
    assert table["llm_calls"].tolist() == [1, 1]
    assert begun == [None]


def test_agents_gathered_take_as_long_as_the_slowest() -> None:
    def agent(seconds: float) -> Agent:
        return Agent(llm=ScriptedModel(lambda messages, schema: "42", latency_s=seconds), strategy="tools")

    table = run(benchmark_agents([(agent(1), "6 * 7?"), (agent(4), "7 * 6?"), (waiting_for, "x")], progress=False))
    assert table.index.tolist() == ["one by one", "gathered"]
    assert table["median_s"].tolist() == [7, 4]
    assert table["critical_path_s"].tolist() == [4, 4]
    assert table["llm_calls"].tolist() == [2, 2]
    assert table["same_result"].all()


async def waiting_for(task: str) -> str:
    await asyncio.sleep(2)
    return task.upper()


def test_an_executors_limits_and_resources_are_kept() -> None:
    dag = AgentDAG("gpus")
    for name in "abcd":
        dag.add_node(AgentNode(name, waiting(1), resources={"gpu": 1}))
    table = measure(DAGExecutor(dag, resources={"gpu": 2}), modes=["async", "dataflow"])
    assert table["median_s"].tolist() == [4, 2]
    with pytest.raises(ValidationError, match="gpu"):
        measure(dag)


def test_the_executors_own_latest_result_stays() -> None:
    executor = DAGExecutor(slow_and_fast())
    before = run(executor.aexecute())
    measure(executor, modes=["async"])
    assert executor.last_result is not None
    assert executor.last_result.events is before.events


def test_stop_in_a_function_keeps_what_was_measured() -> None:
    async def go() -> None:
        task = asyncio.create_task(benchmark({"a": waiting(1), "b": waiting(1)}, warmup=0, progress=False))
        await asyncio.sleep(4.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(go())
    table = last_benchmark()
    assert table is not None
    assert table["runs"].tolist() == [2, 2]
    assert table.notes[0] == "Not finished: 4 of 10 runs."


def test_the_script_twin_takes_functions_too() -> None:
    assert benchmark_sync({"a": waiting(0)}, repeats=1, progress=False).loc["a", "status"] == "success"


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        ({}, {}, "nothing to time; give a dict like"),
        ({"a": 3}, {}, "'a' is 3; give an async function of no arguments, or a graph"),
        ({"a": lambda x, y=1: x}, {}, r"'a' takes x; give a function of no arguments, like lambda: f\(x\)"),
        ({1: waiting(1)}, {}, "1 names what is timed; give a text"),
        (3, {}, "'int' is 3; give an async function"),
        (waiting(1), {"modes": ["sync"]}, "only a graph runs in modes; give several functions as a dict"),
        (DAGExecutor(slow_and_fast(), state=SharedState()), {}, "the executor has a state"),
    ],
)
def test_what_cannot_be_timed_is_refused(target: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GraphError, match=sentence):
        measure(target, **options)


def test_a_coroutine_is_refused_with_what_to_give() -> None:
    coroutine = waiting(1)()
    with pytest.raises(
        GraphError, match=r"'wait' is a coroutine, which runs only once; give the function: without \(\)"
    ):
        measure(coroutine)
    coroutine.close()


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        ([], r"tasks is empty; give pairs like \[\(agent, 'What is 6 \* 7\?'\)\]"),
        ("ab", "tasks is 'ab'; give pairs"),
        ([(waiting_for, "x"), waiting_for], "task 2 is <function"),
        ([(3, "x")], "cannot hold 3"),
    ],
)
def test_tasks_that_are_no_pairs_are_refused(tasks: Any, sentence: str) -> None:
    with pytest.raises(GraphError, match=sentence):
        run(benchmark_agents(tasks, progress=False))
