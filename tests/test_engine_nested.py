"""A graph as a node of another: one run, one record, the same limits, in every mode."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus, last_run
from linus_nb.engine.record import fold, walk
from linus_nb.errors import NodeTimeoutError, RunFailedError
from linus_nb.events import ModelCalled, NestedReported, ToolCalled, report
from tests.modes import AWAITED, Mode, dataflow, every_mode, levels
from tests.real_time import in_time

pytestmark = pytest.mark.usefixtures("straight_path")
PARALLEL = [levels, dataflow]


def pair(name: str, first, second, **options) -> AgentDAG:
    """Two nodes after each other, "first" and "second", that write "f" and "s"."""
    dag = AgentDAG(name).add_node(AgentNode("first", first, output_key="f", **options))
    return dag.add_node(AgentNode("second", second, output_key="s")).add_edge("first", "second")


def around(inner: AgentDAG, **options) -> AgentDAG:
    """A graph that holds another in its node "holds", with a node after it."""
    dag = AgentDAG("outer").add_node(AgentNode("holds", inner, output_key="h", **options))
    return dag.add_node(AgentNode("after", lambda seen: seen.get("h", "nothing"))).add_edge("holds", "after")


def breaks():
    raise ValueError("inside")


def sleeper(seconds):
    async def sleeps():
        await asyncio.sleep(seconds)
        return seconds

    return sleeps


# -- results ----------------------------------------------------------------------------------------------------------


@every_mode
def test_the_result_is_the_final_state_without_the_input(mode: Mode):
    dag = around(pair("inner", lambda x: x + 1, lambda f, x: (f, x)))
    result = mode(dag, {"x": 1, "unused": 0})
    assert result.node_results["holds"] == result.node_results["after"] == {"f": 2, "s": (2, 1)}
    assert list(result.final_state) == ["x", "unused", "h"]
    assert result.status == "success"


@every_mode
def test_a_key_that_is_input_and_output_is_in_the_result(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("again", lambda x: x + 1, output_key="x"))
    assert mode(around(inner), {"x": 1}).node_results["holds"] == {"x": 2}


@every_mode
@pytest.mark.parametrize(
    ("mapping", "seen"), [(None, {"x": 1, "y": 2}), ({"a": "x"}, {"a": 1}), ({}, {})], ids=["all", "mapped", "none"]
)
def test_the_graph_inside_sees_what_its_node_may_see(mode: Mode, mapping, seen):
    inner = AgentDAG("inner").add_node(AgentNode("looks", lambda given: dict(given), output_key="o"))
    dag = AgentDAG().add_node(AgentNode("holds", inner, input_mapping=mapping))
    assert mode(dag, {"x": 1, "y": 2}).node_results["holds"] == {"o": seen}


@every_mode
def test_reducers_of_the_graph_inside_fold_there(mode: Mode):
    inner = AgentDAG("inner", reducers={"found": list.__add__})
    for name in "ab":
        inner.add_node(AgentNode(name, lambda name=name: [name], output_key="found"))
    assert mode(around(inner), {"found": ["start"]}).node_results["holds"] == {"found": ["start", "a", "b"]}


@every_mode
def test_conditions_and_joins_inside_route_as_they_do_outside(mode: Mode):
    async def asks(seen):
        return seen["x"] > 5

    inner = AgentDAG("inner").add_node(AgentNode("top", lambda: 0))
    inner.add_node(AgentNode("big", lambda: "big", output_key="big")).add_edge("top", "big", asks)
    inner.add_node(AgentNode("small", lambda: "small", output_key="small"))
    inner.add_edge("top", "small", lambda seen: seen["x"] <= 5)
    result = mode(around(inner), {"x": 3})
    assert result.node_results["holds"] == {"small": "small"}
    record = result.record.nodes["holds"].inner
    assert record.nodes["big"].reason == "not routed"
    assert record.decisions == {("top", "big"): False, ("top", "small"): True}
    assert result.status == "success"


@every_mode
def test_conditions_after_the_node_see_its_whole_result(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("holds", pair("inner", lambda: 1, lambda: 2), output_key="h"))
    dag.add_node(AgentNode("yes", lambda: "yes")).add_edge("holds", "yes", lambda seen: seen["h"] == {"f": 1, "s": 2})
    assert mode(dag).node_results["yes"] == "yes"


@every_mode
def test_one_graph_may_be_held_twice(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("double", lambda x: 2 * x, output_key="o"))
    dag = AgentDAG().add_node(AgentNode("one", inner)).add_node(AgentNode("two", inner, input_mapping={"x": "y"}))
    assert mode(dag, {"x": 1, "y": 5}).node_results == {"one": {"o": 2}, "two": {"o": 10}}


# -- failures ---------------------------------------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize(
    ("on_error", "status", "overall", "after"),
    [
        ("fail", "failed", "failed", None),
        ("skip", "skipped", "partial", "nothing"),
        ("continue", "completed", "partial", None),
    ],
)
def test_a_failure_inside_is_the_nodes_failure(mode: Mode, on_error, status, overall, after):
    result = mode(around(pair("inner", lambda: 1, breaks), on_error=on_error))
    holds = result.record.nodes["holds"]
    error = result.errors["holds"]
    assert result.status == overall
    assert holds.status == status
    assert type(error) is RunFailedError
    assert str(error.__cause__) == "inside"
    assert "'inner' failed: node 'second' raised ValueError: inside" in str(error)
    assert holds.inner.status == "failed"
    assert holds.inner.nodes["first"].result == 1  # what finished in there can be read
    assert result.node_results.get("after") == after


@every_mode
def test_an_error_that_is_waved_through_inside_fails_nobody(mode: Mode):
    result = mode(around(pair("inner", breaks, lambda: 2, on_error="skip")))
    assert result.node_results["holds"] == {"s": 2}
    assert result.record.nodes["holds"].inner.status == "partial"
    assert result.status == "success"


@every_mode
def test_a_failure_four_graphs_down_names_its_way_up(mode: Mode):
    dag = AgentDAG("bottom").add_node(AgentNode("breaks", breaks))
    for depth in range(3):
        dag = AgentDAG(f"level {depth}").add_node(AgentNode("holds", dag))
    result = mode(dag)
    error = result.errors["holds"]
    depth = 0
    while isinstance(error, RunFailedError):
        error, depth = error.__cause__, depth + 1
    assert (depth, str(error)) == (3, "inside")
    assert [step.path for step in walk(result.record)][-1] == "holds/holds/holds/breaks"


@every_mode
@pytest.mark.usefixtures("no_backoff")
def test_an_attempt_runs_the_whole_graph_again_and_the_record_is_that_of_the_last(mode: Mode):
    tries = []

    def flaky():
        tries.append(1)
        if len(tries) < 3:
            raise OSError
        return len(tries)

    result = mode(around(pair("inner", lambda: 1, flaky), retry_count=5))
    holds = result.record.nodes["holds"]
    assert holds.attempts == len(tries) == 3
    assert holds.result == {"f": 1, "s": 3}
    assert holds.inner.status == "success"
    assert {node.attempts for node in holds.inner.nodes.values()} == {1}
    begun = [e for e in result.events if isinstance(e, NestedReported) and type(e.event).__name__ == "RunStarted"]
    assert len(begun) == 3


@every_mode
@pytest.mark.usefixtures("no_backoff")
def test_an_attempt_of_a_node_inside_is_its_own_affair(mode: Mode):
    tries = []

    def flaky():
        tries.append(1)
        if len(tries) < 3:
            raise OSError
        return "at last"

    holds = mode(around(pair("inner", flaky, lambda: 2, retry_count=5))).record.nodes["holds"]
    assert holds.attempts == 1
    assert holds.inner.nodes["first"].attempts == 3


@pytest.mark.parametrize("mode", AWAITED)
def test_a_graph_that_takes_too_long_is_ended_inside_too(mode: Mode):
    ran = []
    inner = pair("inner", sleeper(4), sleeper(60))
    inner.add_node(AgentNode("later", lambda: ran.append(1), trigger="always")).add_edge("second", "later")
    result = mode(around(inner, timeout_seconds=5))
    holds = result.record.nodes["holds"]
    assert type(holds.error) is NodeTimeoutError
    assert result.execution_time_seconds == 5
    assert [node.status.value for node in holds.inner.nodes.values()] == ["completed", "cancelled", "skipped"]
    assert not ran


@every_mode
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_inside_ends_the_whole_run(mode: Mode, interrupt):
    async def interrupts():
        raise interrupt

    with pytest.raises(interrupt):
        in_time(lambda: mode(around(pair("inner", lambda: 1, interrupts))))
    record = last_run().record
    assert record.graph.name == "outer"
    assert record.status == "cancelled"
    assert record.nodes["holds"].status is NodeStatus.CANCELLED
    assert record.nodes["holds"].inner.nodes["first"].result == 1
    assert record.nodes["holds"].inner.nodes["second"].status is NodeStatus.CANCELLED
    assert record.nodes["after"].reason == "cancelled"


@every_mode
def test_fail_fast_holds_inside_too(mode: Mode):
    inner = (
        AgentDAG("inner").add_node(AgentNode("a", breaks)).add_node(AgentNode("always", lambda: 1, trigger="always"))
    )
    result = mode(around(inner.add_edge("a", "always")), fail_fast=True)
    assert result.status == "failed"
    assert result.record.nodes["holds"].inner.nodes["always"].status is NodeStatus.SKIPPED


# -- one run ----------------------------------------------------------------------------------------------------------


@every_mode
def test_the_last_run_is_the_outer_one_and_its_events_hold_those_inside(mode: Mode):
    seen = []
    result = mode(around(pair("inner", lambda: 1, lambda: 2)), observers=[seen.append])
    assert last_run().name == "outer"
    assert [event.seq for event in seen] == list(range(len(seen)))
    assert seen == list(result.events)
    nested = [event.event for event in seen if isinstance(event, NestedReported)]
    assert [event.seq for event in nested] == list(range(len(nested)))
    assert len({event.run_id for event in nested}) == 1
    assert fold(nested) == result.record.nodes["holds"].inner
    assert (type(nested[0]).__name__, type(nested[-1]).__name__) == ("RunStarted", "RunFinished")
    assert fold(seen) == result.record


@pytest.mark.parametrize("mode", AWAITED)
def test_the_schedule_is_that_of_the_outer_run(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("a", sleeper(1))).add_node(AgentNode("b", sleeper(5)))
    inner.add_node(AgentNode("after a", sleeper(5))).add_edge("a", "after a")
    result = mode(around(inner))
    assert result.record.nodes["holds"].inner.schedule == mode.__name__
    assert result.execution_time_seconds == {"sequential": 11, "levels": 10, "dataflow": 6}[mode.__name__]


@pytest.mark.parametrize("mode", AWAITED)
def test_times_inside_count_from_the_graphs_start_and_the_walk_shifts_them(mode: Mode):
    dag = AgentDAG("outer").add_node(AgentNode("before", sleeper(3)))
    dag.add_node(AgentNode("holds", pair("inner", sleeper(1), sleeper(2)))).add_edge("before", "holds")
    record = mode(dag).record
    holds = record.nodes["holds"]
    assert (holds.inner_at_s, holds.inner.duration_s) == (3, 3)
    assert [(n.start_s, n.end_s) for n in holds.inner.nodes.values()] == [(0, 1), (1, 3)]
    assert [(s.path, s.depth, s.record.start_s, s.record.end_s) for s in walk(record)] == [
        ("before", 0, 0, 3),
        ("holds", 0, 3, 6),
        ("holds/first", 1, 3, 4),
        ("holds/second", 1, 4, 6),
    ]


@every_mode
def test_calls_made_inside_are_told_in_the_inner_record(mode: Mode):
    async def asks():
        report(ModelCalled("m", duration_s=1, input_tokens=3, output_tokens=4))

    def uses():
        report(ToolCalled("t", duration_s=1, arguments={"a": 1}))

    result = mode(around(pair("inner", asks, uses)))
    holds = result.record.nodes["holds"]
    calls = {step.path: [type(call).__name__ for _, call in step.record.calls] for step in walk(result.record)}
    assert calls == {"holds": [], "holds/first": ["ModelCalled"], "holds/second": ["ToolCalled"], "after": []}
    assert holds.inner.nodes["first"].calls[0][1].input_tokens == 3
    assert len(result.to_frame("calls")) == 2


@every_mode
def test_a_graph_that_reports_nothing_yet_is_told_by_its_shape(mode: Mode):
    shape = mode(around(pair("inner", lambda: 1, lambda: 2))).record.graph
    assert shape.nodes[0].kind == "dag"
    assert [node.name for node in shape.nodes[0].inner.nodes] == ["first", "second"]


@every_mode
def test_calls_in_a_run_that_a_function_starts_by_itself_count_for_its_node_too(mode):
    inner = AgentDAG("inner").add_node(AgentNode("asks", lambda: report(ModelCalled("m", 0.1, 3, 4))))

    async def starts():
        await inner()

    result = mode(AgentDAG().add_node(AgentNode("starts", starts)))
    assert [call.model for _, call in result.record.nodes["starts"].calls] == ["m"]
