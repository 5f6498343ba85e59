"""Given results: what does not run, what still does, and who sees the value: the same in every mode."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus, SharedState
from linus_nb.engine.record import fold
from linus_nb.errors import GraphError, UnknownNodeError, ValidationError
from tests.modes import Mode, every_mode
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("straight_path")


def breaks(*_):
    raise AssertionError("this must not run")


def chain(*names: str) -> AgentDAG:
    """Nodes after each other, each of which returns its name and writes it under its name."""
    dag = AgentDAG("chain")
    for k, name in enumerate(names):
        dag.add_node(AgentNode(name, lambda name=name: name, output_key=name))
        if k:
            dag.add_edge(names[k - 1], name)
    return dag


def told(result) -> dict:
    return {name: (str(node.status), node.given, node.reason) for name, node in result.record.nodes.items()}


NOT_NEEDED = ("skipped", False, "not needed: what it leads to was given")


@every_mode
def test_a_given_node_does_not_run_and_those_that_only_it_needed_do_not_either(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("far", breaks)).add_node(AgentNode("near", breaks))
    dag.add_node(AgentNode("given", breaks, output_key="g")).add_node(AgentNode("after", lambda g: g * 2))
    dag.add_edge("far", "near").add_edge("near", "given").add_edge("given", "after")
    result = mode(dag, overrides={"given": 21})
    assert told(result) == {
        "far": NOT_NEEDED,
        "near": NOT_NEEDED,
        "given": ("completed", True, ""),
        "after": ("completed", False, ""),
    }
    assert result.status == "success"
    assert result.node_results == {"given": 21, "after": 42}
    assert result.final_state == {"g": 21}
    assert (result.record.nodes["given"].attempts, result.record.nodes["given"].start_s) == (0, None)
    assert fold(result.events) == result.record


@every_mode
@pytest.mark.parametrize("value", [None, 0, "", []], ids=repr)
def test_a_given_falsy_value_is_a_value(mode: Mode, value):
    dag = chain("a", "b").add_node(AgentNode("reads", lambda a: [a])).add_edge("a", "reads")
    result = mode(dag, overrides={"a": value})
    assert result.node_results == {"a": value, "b": "b", "reads": [value]}


@every_mode
def test_a_node_that_another_branch_needs_runs_still(mode: Mode):
    dag = chain("top", "given").add_node(AgentNode("aside", lambda top: top)).add_edge("top", "aside")
    assert mode(dag, overrides={"given": 1}).node_results == {"top": "top", "given": 1, "aside": "top"}


@every_mode
@pytest.mark.parametrize("reads", [lambda given, top: (given, top), lambda seen: (seen["given"], seen["top"])])
def test_an_ancestor_whose_key_is_read_further_down_is_needed(mode: Mode, reads):
    dag = chain("top", "given").add_node(AgentNode("bottom", reads)).add_edge("given", "bottom")
    assert mode(dag, overrides={"given": 1}).node_results["bottom"] == (1, "top")


@every_mode
@pytest.mark.parametrize("between", [1, 3])
def test_what_may_be_read_is_there_also_behind_nodes_that_nobody_needs(mode: Mode, between: int):
    async def slow():
        await asyncio.sleep(5)
        return "slow"

    dag = AgentDAG().add_node(AgentNode("top", lambda: 0)).add_node(AgentNode("slow", slow, output_key="slow"))
    dag.add_edge("top", "slow")
    for k in range(between):
        dag.add_node(AgentNode(f"idle {k}", breaks)).add_edge(f"idle {k - 1}" if k else "slow", f"idle {k}")
    dag.add_node(AgentNode("given", breaks)).add_edge(f"idle {between - 1}", "given").add_edge("top", "given")
    dag.add_node(AgentNode("reads", lambda seen: seen.get("slow"))).add_edge("given", "reads")
    result = mode(dag, overrides={"given": 1})
    assert result.node_results == {"top": 0, "slow": "slow", "given": 1, "reads": "slow"}
    assert [told(result)[f"idle {k}"] for k in range(between)] == [NOT_NEEDED] * between


@every_mode
def test_an_ancestor_whose_key_is_mapped_over_or_asked_for_by_a_condition_is_needed(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("top", lambda: [1, 2], output_key="xs"))
    dag.add_node(AgentNode("given", breaks)).add_edge("top", "given")
    dag.add_node(AgentNode("each", lambda x: x * 2, map_over="xs")).add_edge("given", "each")
    dag.add_node(AgentNode("routed", lambda: "routed")).add_edge("given", "routed", lambda seen: len(seen["xs"]) == 2)
    results = mode(dag, overrides={"given": 1}).node_results
    assert (results["each"], results["routed"]) == ([2, 4], "routed")


@every_mode
def test_conditions_that_leave_a_given_node_see_its_value(mode: Mode):
    seen = []

    async def asks(view):
        seen.append(dict(view))
        return view["given"] > 5

    dag = AgentDAG().add_node(AgentNode("given", breaks, output_key="given"))
    dag.add_node(AgentNode("after", lambda: "after")).add_edge("given", "after", asks)
    assert "after" in mode(dag, {"x": 1}, overrides={"given": 6}).node_results
    assert mode(dag, {"x": 1}, overrides={"given": 5}).record.nodes["after"].reason == "not routed"
    assert seen == [{"x": 1, "given": 6}, {"x": 1, "given": 5}]


@every_mode
@pytest.mark.parametrize("above", ["raises", "false", "fails"])
@pytest.mark.parametrize("trigger", ["any", "all", "always"])
def test_nothing_above_a_given_node_touches_it(mode: Mode, above, trigger):
    def condition(_):
        if above == "raises":
            raise ZeroDivisionError
        return False

    def top():
        if above == "fails":
            raise ValueError
        return 1

    dag = AgentDAG().add_node(AgentNode("top", top)).add_node(AgentNode("aside", lambda: 1)).add_edge("top", "aside")
    dag.add_node(AgentNode("given", breaks, trigger=trigger)).add_edge("top", "given", condition)
    dag.add_node(AgentNode("after", lambda: "after")).add_edge("given", "after")
    result = mode(dag, overrides={"given": 9})
    assert result.node_results["given"] == 9
    assert result.node_results["after"] == "after"
    assert result.record.nodes["given"].given
    assert result.status == ("failed" if above == "fails" else "success")


@every_mode
def test_a_given_root_middle_and_leaf_together(mode: Mode):
    result = mode(chain(*"abcde"), overrides={"a": 1, "c": 3, "e": 5})
    assert result.node_results == {"a": 1, "c": 3, "d": "d", "e": 5} or result.node_results == {"a": 1, "c": 3, "e": 5}
    assert told(result)["b"] == NOT_NEEDED
    assert all(node.status.final for node in result.record.nodes.values())


@every_mode
def test_every_node_may_be_given(mode: Mode):
    result = mode(chain(*"abc"), overrides={"c": 3, "a": 1, "b": 2})
    assert result.node_results == result.final_state == {"a": 1, "b": 2, "c": 3}
    assert list(result.final_state) == ["a", "b", "c"]
    assert (result.status, result.completed_nodes) == ("success", 3)


@every_mode
def test_nodes_of_every_kind_may_be_given(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("w", breaks, output_key="o"))
    dag = (
        AgentDAG()
        .add_node(AgentNode("graph", inner, output_key="g"))
        .add_node(AgentNode("mapped", lambda x: breaks(), map_over="nowhere"))
    )
    dag.add_node(AgentNode("tries", breaks, retry_count=3, timeout_seconds=1))
    given = {"graph": {"o": 1}, "mapped": [1, 2], "tries": "given"}
    assert mode(dag, overrides=given).node_results == given


@every_mode
def test_a_given_result_is_written_to_a_handed_state_and_folded_by_a_reducer(mode: Mode):
    state = SharedState()
    dag = AgentDAG(reducers={"found": list.__add__})
    for name in "ab":
        dag.add_node(AgentNode(name, lambda name=name: [name], output_key="found"))
    result = mode(dag, {"found": ["start"]}, overrides={"b": ["given"]}, state=state)
    assert result.final_state == {"found": ["start", "a", "given"]}
    assert state["found"] == ["start", "a", "given"]


@every_mode
def test_an_unknown_name_is_told_with_the_nearest_and_nothing_runs(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("search", breaks))
    with pytest.raises(UnknownNodeError, match="did you mean 'search'"):
        mode(dag, overrides={"serach": 1})
    with pytest.raises(GraphError, match="overrides is"):
        mode(dag, overrides=[("search", 1)])


@every_mode
def test_nothing_is_asked_of_nodes_that_do_not_run(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("unneeded", lambda nowhere: 0, resources={"gpu": 8}, output_key="k"))
    dag.add_node(AgentNode("given", lambda also_nowhere, second: 0, resources={"tpu": 1}))
    dag.add_node(AgentNode("holds", AgentDAG("empty"))).add_edge("unneeded", "given")
    dag.add_node(AgentNode("rival", lambda: 1, output_key="k"))
    given = {"given": 1, "holds": {}}
    assert dag.validate(overrides=given) is dag
    assert mode(dag, overrides=given).node_results == {"given": 1, "holds": {}, "rival": 1}


@every_mode
def test_a_node_that_runs_is_still_asked_for_what_it_reads(mode: Mode):
    dag = chain("a", "b").add_node(AgentNode("reads", lambda nowhere, b: 0)).add_edge("b", "reads")
    for ask in (lambda: mode(dag, overrides={"a": 1}), lambda: dag.validate(overrides={"a": 1})):
        with pytest.raises(ValidationError, match="'nowhere'"):
            ask()


@every_mode
def test_a_given_node_does_not_fail_fast_and_an_empty_mapping_changes_nothing(mode: Mode):
    assert mode(chain("a", "b"), overrides={"a": None}, fail_fast=True).status == "success"
    assert mode(chain("a", "b"), overrides={}).node_results == {"a": "a", "b": "b"}
    assert mode(chain("a", "b"), overrides=None).node_results == {"a": "a", "b": "b"}


def test_a_later_run_without_overrides_asks_and_runs_everything():
    dag = AgentDAG().add_node(AgentNode("a", lambda x, y: x + y, output_key="a"))
    executor = DAGExecutor(dag)
    assert executor.execute(overrides={"a": 5}).final_state == {"a": 5}
    with pytest.raises(ValidationError, match="'y'"):
        executor.execute()
    assert executor.execute({"x": 1, "y": 2}).final_state["a"] == 3


def test_start_takes_given_results_and_a_cancelled_run_keeps_them():
    async def slow():
        await asyncio.sleep(60)

    async def stop():
        dag = chain("a", "b").add_node(AgentNode("slow", slow))
        handle = DAGExecutor(dag).start(overrides={"a": 1})
        await asyncio.sleep(1)
        handle.cancel()
        return await handle

    result = run(stop())
    assert result.final_state == {"a": 1, "b": "b"} or result.final_state == {"a": 1}
    assert result.record.nodes["slow"].status is NodeStatus.CANCELLED
    assert result.record.nodes["a"].given
