"""What another schedule would have taken, told by one run and measured by another, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult
from linus_nb import events as ev
from linus_nb.engine.critical_path import critical_path, makespan
from linus_nb.engine.gates import SCHEDULES, Schedule
from linus_nb.engine.other_schedules import Instead, other_schedules
from linus_nb.rendering.sentences import what_happened
from tests.analysis_records import record_of
from tests.nested_samples import HEAD
from tests.virtual_time import run


def sleeper(seconds: float, error: bool = False) -> Any:
    async def sleep() -> float:
        await asyncio.sleep(seconds)
        if error:
            raise ValueError("as told")
        return seconds

    return sleep


def graph_of(seconds: Mapping[str, float], edges: Any = (), **options: Any) -> AgentDAG:
    dag = AgentDAG("waits")
    for name, duration in seconds.items():
        dag.add_node(AgentNode(name, sleeper(duration), **options))
    for source, target in edges:
        dag.add_edge(source, target)
    return dag


def ran(dag: AgentDAG, schedule: Schedule, **options: Any) -> ExecutionResult:
    overrides = options.pop("overrides", None)
    result: ExecutionResult = run(DAGExecutor(dag, **options).aexecute(schedule=schedule, overrides=overrides))
    return result


def diamond(b: float = 2.0) -> AgentDAG:
    seconds = {"start": 2.0, "a": 2.0, "b": b, "c": 2.0, "end": 2.0}
    return graph_of(seconds, [("start", m) for m in "abc"] + [(m, "end") for m in "abc"])


def unbalanced() -> AgentDAG:
    """Two chains of ten, alternating 0.125 and 1 s in anti-phase."""
    seconds = {f"{c}{k}": 1.0 if (k + c) % 2 else 0.125 for c in (0, 1) for k in range(10)}
    return graph_of(seconds, [pair for c in (0, 1) for pair in pairwise(f"{c}{k}" for k in range(10))])


GRAPHS = {
    "three at once": graph_of(dict.fromkeys("abc", 2.0)),
    "diamond": diamond(),
    "diamond with a slow branch": diamond(5.0),
    "unbalanced chains": unbalanced(),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_what_each_schedule_is_said_to_take_is_what_it_takes(name: str) -> None:
    results = {schedule: ran(GRAPHS[name], schedule) for schedule in SCHEDULES}  # type: ignore[arg-type]  # they are
    took = {schedule: result.execution_time_seconds for schedule, result in results.items()}
    for result in results.values():
        assert {schedule: makespan(result.record, schedule) for schedule in SCHEDULES} == took  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("name", "schedule", "said"),
    [
        ("three at once", "sequential", Instead(("levels", "dataflow"), 2.0, "")),
        ("three at once", "levels", None),
        ("diamond", "sequential", Instead(("levels", "dataflow"), 6.0, "")),
        ("diamond", "levels", None),
        ("unbalanced chains", "sequential", Instead(("dataflow",), 5.625, "")),
        ("unbalanced chains", "levels", Instead(("dataflow",), 5.625, "")),
        ("unbalanced chains", "dataflow", Instead(("levels",), 10.0, "")),
    ],
)
def test_a_faster_schedule_is_named_with_what_it_would_have_taken(name: str, schedule: Any, said: Any) -> None:
    assert other_schedules(ran(GRAPHS[name], schedule).record) == said


# -- over random graphs ---------------------------------------------------------------------------------------------


class Spec(NamedTuple):
    """A random graph: the seconds of each node, its edges with their conditions, and who errs or was given."""

    seconds: list[float]
    edges: list[tuple[int, int, bool | None]]
    errs: list[bool]
    holds: list[Any]  # a Spec of a graph inside, or None
    given: list[int]


@st.composite
def specs(draw: st.DrawFn, most: int = 7, inside: bool = True) -> Spec:
    count = draw(st.integers(1, most))
    pairs = [(i, j) for j in range(count) for i in range(j)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    held = st.one_of(st.none(), st.none(), specs(most=3, inside=False)) if inside else st.none()
    return Spec(
        seconds=[float(s) for s in draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))],
        edges=[(i, j, draw(st.sampled_from([None, None, None, True, False]))) for i, j in edges],
        errs=draw(st.lists(st.sampled_from([False, False, False, True]), min_size=count, max_size=count)),
        holds=draw(st.lists(held, min_size=count, max_size=count)),
        given=draw(st.lists(st.integers(0, count - 1), max_size=2, unique=True)) if inside else [],
    )


def built(spec: Spec) -> AgentDAG:
    dag = AgentDAG("random")
    for k, seconds in enumerate(spec.seconds):
        held = spec.holds[k]
        agent = sleeper(seconds, spec.errs[k]) if held is None else built(held)
        dag.add_node(AgentNode(f"n{k}", agent, on_error="skip"))
    for source, target, answer in spec.edges:
        dag.add_edge(f"n{source}", f"n{target}", None if answer is None else lambda _, answer=answer: answer)
    return dag


@settings(max_examples=150, deadline=None)
@given(specs())
def test_every_schedule_takes_what_the_run_of_any_other_predicts(spec: Spec) -> None:
    dag = built(spec)
    overrides = {f"n{k}": "given" for k in spec.given}
    results = {schedule: ran(dag, schedule, overrides=overrides) for schedule in SCHEDULES}  # type: ignore[arg-type]  # they are
    took = {schedule: result.execution_time_seconds for schedule, result in results.items()}
    for result in results.values():
        assert {schedule: makespan(result.record, schedule) for schedule in SCHEDULES} == took  # type: ignore[arg-type]  # as above
        said = other_schedules(result.record)
        if said is not None:
            assert all(took[schedule] == said.seconds for schedule in said.schedules)
            saved = result.execution_time_seconds - said.seconds
            assert (-saved if result is results["dataflow"] else saved) >= 0.05 * result.execution_time_seconds
    assert critical_path(results["dataflow"].record)[0] == took["dataflow"]


def test_what_comes_after_a_node_that_nobody_needs_waits_for_what_is_before_it() -> None:
    dag = graph_of({"slow": 5.0, "idle": 1.0, "given": 1.0, "after": 3.0, "beside": 1.0})
    dag.add_edge("slow", "idle").add_edge("idle", "given").add_edge("given", "after").add_edge("slow", "beside")
    result = ran(dag, "dataflow", overrides={"given": 1})
    assert result.record.nodes["idle"].start_s is None
    assert critical_path(result.record) == (8.0, ["slow", "after"])
    assert result.execution_time_seconds == 8


# -- where nothing is said --------------------------------------------------------------------------------------------

CHAINS = {"a0": 1.0, "a1": 4.0, "b0": 4.0, "b1": 1.0}
TWO_CHAINS = [("a0", "a1"), ("b0", "b1")]


def test_the_two_chains_of_the_next_tests_are_worth_a_word() -> None:
    assert other_schedules(ran(graph_of(CHAINS, TWO_CHAINS), "levels").record) == Instead(("dataflow",), 5.0, "")


def test_a_run_whose_nodes_waited_for_a_limit_says_nothing() -> None:
    limited = ran(graph_of(CHAINS, TWO_CHAINS), "levels", max_concurrency=1)
    assert limited.execution_time_seconds == 10
    assert other_schedules(limited.record) is None


def test_a_node_that_waited_for_a_limit_beside_the_slowest_of_its_level_says_nothing_either() -> None:
    dag = graph_of({"a0": 1.0, "b0": 4.0, "c0": 1.0, "a1": 4.0, "b1": 1.0}, TWO_CHAINS)
    assert other_schedules(ran(dag, "levels").record) is not None
    limited = ran(dag, "levels", max_concurrency=2)
    assert limited.execution_time_seconds == 8  # as long as without the limit
    assert other_schedules(limited.record) is None


def test_a_run_whose_conditions_took_long_says_nothing() -> None:
    async def later(_: Any) -> bool:
        await asyncio.sleep(1)
        return True

    dag = graph_of(CHAINS).add_edge("a0", "a1").add_edge("b0", "b1", later)
    result = ran(dag, "levels")
    assert result.execution_time_seconds == 9
    assert other_schedules(result.record) is None
    one_by_one = ran(dag, "sequential")
    assert one_by_one.execution_time_seconds == 11
    assert other_schedules(one_by_one.record) is None


def test_a_run_that_failed_or_was_cancelled_or_still_goes_on_says_nothing() -> None:
    record = ran(graph_of(CHAINS, TWO_CHAINS), "levels").record
    assert other_schedules(replace(record, status="partial")) is not None
    for status in ("failed", "cancelled", "running"):
        assert other_schedules(replace(record, status=status)) is None


def test_a_run_in_which_a_node_kept_the_loop_busy_says_nothing() -> None:
    spans: Any = {"a": (0, 3), "b": (3, 6)}
    stall = ev.LoopStalled(**HEAD, at=2.0, node="a", duration_s=0.5)
    assert other_schedules(record_of(spans, schedule="sequential")) is not None
    assert other_schedules(record_of(spans, schedule="sequential", extra=[stall])) is None


@pytest.mark.parametrize(("a", "b", "worth"), [(0.009, 0.009, False), (0.02, 0.0125, True), (0.3, 0.0125, False)])
def test_what_is_saved_must_be_worth_a_word(a: float, b: float, worth: bool) -> None:
    one_by_one = record_of({"a": (0, a), "b": (a, a + b)}, schedule="sequential")
    assert (other_schedules(one_by_one) is not None) is worth


# -- what is inside nodes ---------------------------------------------------------------------------------------------


def test_a_graph_inside_a_node_runs_by_the_other_schedule_too() -> None:
    dag = AgentDAG("outer").add_node(AgentNode("inside", graph_of(dict.fromkeys("abc", 2.0))))
    dag.add_node(AgentNode("after", sleeper(1.0))).add_edge("inside", "after")
    assert other_schedules(ran(dag, "sequential").record) == Instead(("levels", "dataflow"), 3.0, "")
    assert ran(dag, "levels").execution_time_seconds == 3


def test_of_items_that_ran_one_by_one_only_the_most_they_would_take_is_known() -> None:
    async def wait(item: float) -> None:
        await asyncio.sleep(item)

    dag = AgentDAG("items").add_node(AgentNode("texts", lambda: [1.0, 1.0], output_key="texts"))
    dag.add_node(AgentNode("each", wait, map_over="texts")).add_edge("texts", "each")
    dag.add_node(AgentNode("beside", sleeper(2.0))).add_edge("texts", "beside")
    said = other_schedules(ran(dag, "sequential").record)
    assert said is not None
    assert (said.seconds, said.bound) == (2.0, "at most ")
    assert ran(dag, "dataflow").execution_time_seconds <= said.seconds


def test_the_reprs_say_it_with_its_condition() -> None:
    dataflow = ran(unbalanced(), "dataflow")
    told = "10.0 s instead of 5.62 s, by this run's durations, unless nodes at once hold each other up"
    assert f"  levels: {told}" in repr(dataflow)
    assert f"<code>levels</code>: {told}." in what_happened(dataflow.record)


def test_a_dataflow_run_that_a_limit_held_back_says_nothing() -> None:
    assert other_schedules(ran(unbalanced(), "dataflow", max_concurrency=1).record) is None


def test_of_a_graph_that_took_more_than_one_attempt_only_the_most_is_known() -> None:
    def dag() -> AgentDAG:
        tries: list[int] = []

        async def flaky() -> None:
            await asyncio.sleep(2)
            tries.append(1)
            if len(tries) % 3:
                raise ValueError("again")

        inner = graph_of({"a": 2.0, "b": 2.0}).add_node(AgentNode("c", flaky))
        outer = AgentDAG("outer").add_node(AgentNode("inside", inner, retry_count=3))
        return outer.add_node(AgentNode("after", sleeper(1.0))).add_edge("inside", "after")

    said = other_schedules(ran(dag(), "sequential").record)
    assert said is not None
    assert said.bound == "at most "
    assert ran(dag(), "dataflow").execution_time_seconds <= said.seconds


def test_of_a_graph_that_was_cut_off_or_failed_nothing_is_said() -> None:
    inner = graph_of({"a": 2.0, "b": 2.0, "c": 4.0})
    dag = AgentDAG("outer").add_node(AgentNode("inside", inner, timeout_seconds=5, on_error="skip"))
    dag.add_node(AgentNode("beside", sleeper(1.0)))
    result = ran(dag, "sequential")
    assert result.status == "partial"
    assert other_schedules(result.record) is None


def test_conditions_that_took_long_beside_what_is_promised_are_enough_to_say_nothing() -> None:
    async def slow(_: Any) -> bool:
        await asyncio.sleep(0.05)
        return True

    dag = AgentDAG("conditions")
    for k in range(10):
        dag.add_node(AgentNode(f"s{k}", sleeper(0.001))).add_node(AgentNode(f"n{k}", sleeper(1.0)))
        dag.add_edge(f"s{k}", f"n{k}", slow)
    assert other_schedules(ran(dag, "sequential").record) is None
