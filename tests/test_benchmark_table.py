from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, last_run
from linus_nb import events as ev
from linus_nb.analysis.comparing.benchmark import benchmark, benchmark_sync, last_benchmark
from linus_nb.errors import GraphError, ValidationError
from tests.virtual_time import run

AWAITED = ("async", "parallel", "dataflow")


def sleeper(seconds: float) -> Any:
    async def sleep() -> float:
        await asyncio.sleep(seconds)
        return seconds

    return sleep


def graph(seconds: dict[str, float], *edges: tuple[str, str]) -> AgentDAG:
    dag = AgentDAG("sleepers")
    for name, wait in seconds.items():
        dag.add_node(AgentNode(name, sleeper(wait), output_key=name))
    for source, target in edges:
        dag.add_edge(source, target)
    return dag


def measure(dag: AgentDAG, state: Any = None, **options: Any) -> Any:
    """A benchmark of the awaited modes in virtual time."""
    return run(benchmark(dag, state, **{"modes": AWAITED, "progress": False, **options}))


def test_three_independent_agents_of_two_seconds_are_three_times_as_fast_at_once() -> None:
    table = measure(graph(dict.fromkeys("abc", 2.0)))
    assert table["median_s"].tolist() == [6, 2, 2]
    assert table["speedup"].tolist() == [1, 3, 3]
    assert table["efficiency"].tolist() == [pytest.approx(1 / 3), 1, 1]
    assert table["peak_concurrency"].tolist() == [1, 3, 3]
    assert table["critical_path_s"].tolist() == [2, 2, 2]
    assert table["total_work_s"].tolist() == [6, 6, 6]
    assert table["overhead_s"].tolist() == [0, 0, 0]


def test_the_diamond_takes_six_seconds_instead_of_ten() -> None:
    edges = [("start", m) for m in "abc"] + [(m, "end") for m in "abc"]
    dag = graph(dict.fromkeys(["start", "a", "b", "c", "end"], 2.0), *edges)
    table = measure(dag)
    assert table["median_s"].tolist() == [10, 6, 6]
    assert table["speedup"].tolist() == [1, pytest.approx(10 / 6), pytest.approx(10 / 6)]


def test_unbalanced_chains_reach_their_critical_path_in_dataflow_only() -> None:
    waits = {f"{c}{k}": (1.0 if (k + c) % 2 else 10.0) for c in (0, 1) for k in range(10)}
    table = measure(graph(waits, *[(f"{c}{k}", f"{c}{k + 1}") for c in (0, 1) for k in range(9)]))
    assert table["median_s"].tolist() == [110, 100, 55]
    assert table["efficiency"].tolist() == [0.5, 0.55, 1.0]


def test_every_repeat_has_every_mode_once_in_an_order_that_the_seed_decides() -> None:
    def order(seed: int) -> list[list[str]]:
        return measure(graph({"a": 1.0}), repeats=6, seed=seed).attrs["order"]  # type: ignore[no-any-return]  # attrs hold anything

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert all(sorted(turn) == sorted(AWAITED) for turn in order(1))
    assert len({tuple(turn) for turn in order(1)}) > 1


def test_warm_up_runs_happen_and_are_not_counted() -> None:
    ran: list[int] = []
    dag = AgentDAG().add_node(AgentNode("a", lambda: ran.append(1)))
    table = measure(dag, modes=["async"], repeats=3, warmup=2)
    assert table["runs"].tolist() == [3]
    assert len(ran) == 5


def test_all_four_modes_run_and_agree_on_a_real_loop() -> None:
    async def twice(x: int) -> int:
        return 2 * x

    dag = AgentDAG("both kinds").add_node(AgentNode("twice", twice, output_key="y"))
    dag.add_node(AgentNode("thrice", lambda y: 3 * y, output_key="z")).add_edge("twice", "thrice")
    table = asyncio.run(benchmark(dag, {"x": 7}, repeats=2, progress=False))
    assert table.index.tolist() == ["sync", "async", "parallel", "dataflow"]
    assert table.index.name == "mode"
    assert set(table["status"]) == {"success"}
    assert table["same_result"].all()
    assert table.attrs["baseline"] == "sync"
    assert table.loc["sync", "speedup"] == 1.0


def test_sync_mode_leaves_the_loop_alive() -> None:
    beats: list[int] = []

    async def go() -> None:
        async def beat() -> None:
            while True:
                beats.append(1)
                await asyncio.sleep(0)

        # the node blocks its thread until the loop has turned ten times: a blocked loop would never let it go
        def block() -> bool:
            seen = len(beats)
            deadline = time.monotonic() + 10
            while len(beats) < seen + 10:
                assert time.monotonic() < deadline, "the loop stood still"
                time.sleep(0.001)
            return True

        beating = asyncio.create_task(beat())
        table = await benchmark(
            AgentDAG().add_node(AgentNode("block", block)), modes=["sync"], repeats=1, warmup=0, progress=False
        )
        beating.cancel()
        assert table["status"].tolist() == ["success"]

    asyncio.run(go())


def test_tokens_and_model_calls_are_counted_for_a_run() -> None:
    def ask() -> None:
        ev.report(ev.ModelCalled(model="m", duration_s=0.1, input_tokens=30, output_tokens=4))

    table = asyncio.run(benchmark(AgentDAG().add_node(AgentNode("ask", ask)), repeats=2, progress=False))
    assert table["llm_calls"].tolist() == [1, 1, 1, 1]
    assert table["tokens"].tolist() == [34, 34, 34, 34]


def test_modes_whose_results_differ_are_reported() -> None:
    finished: list[str] = []

    def node(name: str, seconds: float) -> AgentNode:
        async def work() -> list[str]:
            if name == "first":
                finished.clear()
            await asyncio.sleep(seconds)
            finished.append(name)
            return list(finished)

        return AgentNode(name, work, output_key=name)

    dag = AgentDAG("race").add_node(node("first", 2.0)).add_node(node("second", 1.0))
    with pytest.warns(UserWarning, match="'dataflow' gave another result than 'async' in node 'first', node 'second'"):
        table = measure(dag, modes=["async", "dataflow"])
    assert table["same_result"].tolist() == [True, False]
    assert len(table.attrs["differences"]) == 1


def test_what_nodes_returned_is_compared_and_let_go() -> None:
    class Large:
        """A result that is large, and equal to any other."""

        def __init__(self) -> None:
            alive.add(self)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Large)

        __hash__ = object.__hash__

    alive: weakref.WeakSet[Large] = weakref.WeakSet()
    dag = AgentDAG("large").add_node(AgentNode("make", Large))
    table = measure(dag, repeats=30)
    assert table["same_result"].all()
    deadline = time.monotonic() + 10
    while len(alive) > 1 + 20:  # the one that the others were compared with; and `last_run` keeps twenty runs
        assert time.monotonic() < deadline, f"{len(alive)} are alive"
        time.sleep(0.01)  # the thread that watches runs lets go of them at its next look
        gc.collect()


def test_failed_runs_are_named_and_claim_no_speedup() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    table = measure(AgentDAG().add_node(AgentNode("fail", fail)))
    assert set(table["status"]) == {"failed"}
    assert table["speedup"].isna().all()
    assert table["median_s"].tolist() == [1, 1, 1]


def test_stop_in_the_middle_keeps_what_was_measured() -> None:
    async def go() -> None:
        task = asyncio.create_task(benchmark(graph({"a": 1.0}), modes=AWAITED, repeats=5, warmup=0, progress=False))
        await asyncio.sleep(7.5)  # two repeats of three modes, and one run of the third; the next is under way
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(go())
    table = last_benchmark()
    assert table is not None
    assert sorted(table["runs"]) == [2, 2, 3]
    assert table["median_s"].tolist() == [1, 1, 1]
    assert table.attrs["finished"] is False
    assert set(table["status"]) == {"success"}


def test_stop_during_a_sync_run_lets_no_further_node_start() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        begun.set()
        go_on.wait(10)
        ended.set()

    dag = AgentDAG().add_node(AgentNode("first", first)).add_node(AgentNode("second", lambda: ran.append("second")))
    dag.add_edge("first", "second")

    async def go() -> None:
        task = asyncio.create_task(benchmark(dag, modes=["sync"], repeats=1, warmup=0, progress=False))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    go_on.set()
    assert ended.wait(10)
    deadline = time.monotonic() + 10
    while (result := last_run()) is None or result.status == "running":
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert result.status == "cancelled"
    assert ran == []


def test_the_machine_is_noted_as_plain_values() -> None:
    facts = measure(graph({"a": 1.0}), repeats=2, seed=9).attrs
    assert json.loads(json.dumps(facts)) == facts
    assert facts["loop"] == "tests.virtual_time.VirtualLoop"
    assert (facts["repeats"], facts["warmup"], facts["seed"], facts["finished"]) == (2, 1, 9, True)
    assert {"python", "platform", "cpu_count", "versions", "wall_time", "loop_debug", "asyncio_patched"} <= facts.keys()


def test_a_patched_asyncio_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio, "_nest_patched", raising=False)
    assert measure(graph({"a": 1.0}), repeats=1).attrs["asyncio_patched"] is False
    monkeypatch.setattr(asyncio, "_nest_patched", True, raising=False)
    assert measure(graph({"a": 1.0}), repeats=1).attrs["asyncio_patched"] is True


def test_the_progress_bar_goes_to_stderr_only_when_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    measure(graph({"a": 1.0}), progress=False)
    assert capsys.readouterr().err == ""
    measure(graph({"a": 1.0}), progress=True)
    shown = capsys.readouterr()
    assert "sleepers: " in shown.err
    assert shown.out == ""


def test_scripts_and_code_beside_a_running_loop_can_block() -> None:
    dag = AgentDAG().add_node(AgentNode("a", lambda: 1))
    assert len(benchmark_sync(dag, repeats=1, progress=False)) == 4

    async def in_a_cell() -> int:
        return len(benchmark_sync(dag, repeats=1, progress=False))

    assert asyncio.run(in_a_cell()) == 4


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"modes": ["paralel"]}, "no mode 'paralel'; did you mean 'parallel'"),
        ({"modes": []}, "modes is empty; give some of 'sync'"),
        ({"modes": "sync"}, r"modes is 'sync'; give a list like \['sync'\]"),
        ({"repeats": 0}, "repeats is 0; give a whole number from 1"),
        ({"repeats": True}, "repeats is True"),
        ({"repeats": 2.5}, "repeats is 2.5"),
        ({"warmup": -1}, "warmup is -1; give a whole number from 0"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GraphError, match=sentence):
        measure(graph({"a": 1.0}), **options)


def test_a_graph_that_cannot_run_is_refused_before_anything_runs() -> None:
    ran: list[int] = []
    dag = AgentDAG().add_node(AgentNode("a", lambda: ran.append(1))).add_node(AgentNode("b", lambda x, missing: x))
    with pytest.raises(ValidationError, match="missing"):
        measure(dag)
    assert ran == []
