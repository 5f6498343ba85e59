"""Building a graph: order, refusals, and one report of all problems."""

from __future__ import annotations

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from linus_nb.errors import CycleError, DuplicateError, GraphError, RunFailedError, UnknownNodeError, ValidationError
from tests.virtual_time import run


def nodes(*names: str) -> AgentDAG:
    dag = AgentDAG("d")
    for name in names:
        dag.add_node(AgentNode(name, lambda: 0))
    return dag


def test_levels_hold_nodes_in_the_order_of_adding():
    dag = nodes("e", "b", "c", "a").add_edge("b", "a").add_edge("c", "a").add_edge("e", "c")
    assert dag.get_execution_order() == [["e", "b"], ["c"], ["a"]]


def test_an_unknown_node_is_named_with_the_nearest():
    with pytest.raises(
        UnknownNodeError, match=r"no node 'serach'; did you mean 'search'\? \(nodes: 'plan', 'search'\)"
    ):
        nodes("plan", "search").add_edge("plan", "serach")


def test_a_cycle_is_named_and_the_graph_is_unchanged():
    dag = nodes("a", "b", "c").add_edge("a", "b").add_edge("b", "c")
    with pytest.raises(CycleError, match="the graph has a cycle: c -> b -> c"):
        dag.add_edge("c", "b")
    with pytest.raises(CycleError) as caught:
        dag.add_edge("c", "a")
    assert caught.value.cycle == ("c", "a", "b", "c")
    with pytest.raises(CycleError, match="a -> a"):
        dag.add_edge("a", "a")
    assert len(dag.edges) == 2


def test_a_second_edge_or_node_is_refused():
    dag = nodes("a", "b").add_edge("a", "b")
    with pytest.raises(DuplicateError, match="'a' -> 'b'"):
        dag.add_edge("a", "b")
    with pytest.raises(DuplicateError, match="'a'"):
        dag.add_node(AgentNode("a", len))


@pytest.mark.parametrize("order", [1, -1])
def test_a_reversed_chain_of_ten_thousand_is_searched_a_step_an_edge(order):
    # counted, not timed: a search that walked the chain would visit 50 million nodes
    n = 10_000
    dag = nodes(*map(str, range(n)))
    for k in range(n - 1)[::order]:
        dag.add_edge(str(k + 1), str(k))
    assert len(dag.get_execution_order()) == n
    with pytest.raises(CycleError):
        dag.add_edge("0", str(n - 1))


def test_all_problems_come_in_one_report():
    dag = AgentDAG("d")
    dag.add_node(AgentNode("search", lambda: 0, output_key="hits"))
    dag.add_node(AgentNode("report", lambda htis, tone: 0))
    dag.add_node(AgentNode("aside", lambda hits, other: 0, input_mapping={"hits": "hits", "other": "nowhere"}))
    dag.add_node(AgentNode("rival", lambda: 0, output_key="hits"))
    dag.add_edge("search", "report")
    with pytest.raises(ValidationError) as caught:
        dag.validate({"tone": "dry"})
    text = str(caught.value)
    assert "'search' and 'rival' both write 'hits'" in text
    assert "'report' reads 'htis', which nothing writes; did you mean 'hits'?" in text
    assert "add an edge 'rival' -> 'aside'" in text
    assert "'aside' reads 'nowhere'" in text
    assert len(caught.value.problems) == 4
    with pytest.raises(ValueError, match="4 problems"):
        DAGExecutor(dag).execute({"tone": "dry"})


def test_an_empty_graph_says_how_to_add_a_node():
    with pytest.raises(ValidationError, match=r"it has no nodes; add one with dag\.add_node"):
        AgentDAG().validate()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_error": "skp"}, "did you mean 'skip'"),
        ({"trigger": "none"}, "choose one of 'any', 'all', 'always'"),
        ({"retry_count": -1}, "whole number from 0"),
        ({"timeout_seconds": 0}, "seconds above 0"),
        ({"output_key": ""}, "non-empty string"),
        ({"input_mapping": ["x"]}, "give a dict"),
        ({"resources": {"gpu": 0}}, "amounts above 0"),
    ],
)
def test_a_bad_value_of_a_node_is_refused_when_it_is_made(options, words):
    with pytest.raises(GraphError, match="node 'n'") as caught:
        AgentNode("n", len, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize("thing", [42, None, "text"])
def test_a_node_says_what_it_may_hold(thing):
    with pytest.raises(GraphError, match="give it an Agent"):
        AgentNode("n", thing)


def test_a_slip_at_the_door_is_told_in_words():
    with pytest.raises(GraphError, match="AgentNode"):
        AgentDAG().add_node(len)
    with pytest.raises(GraphError, match="condition"):
        nodes("a", "b").add_edge("a", "b", "yes")
    with pytest.raises(GraphError, match="initial_state"):
        DAGExecutor(nodes("a")).execute([1])
    with pytest.raises(GraphError, match="max_concurrency"):
        DAGExecutor(nodes("a"), max_concurrency=0)
    with pytest.raises(GraphError, match="reducer"):
        AgentDAG(reducers={"x": 1})


# -- parts of a graph -------------------------------------------------------------------------------------------------


def diamond() -> AgentDAG:
    """top -> left -> bottom and top -> right -> bottom, where each returns its name and what it read."""
    dag = AgentDAG("diamond", reducers={"log": max})
    dag.node(lambda x: f"top({x})", name="top")
    dag.node(lambda top: f"left({top})", name="left")
    dag.node(lambda top: f"right({top})", name="right")
    dag.node(lambda left, right: f"bottom({left}, {right})", name="bottom")
    return dag


def test_a_subgraph_holds_the_nodes_asked_for_and_the_edges_between_them():
    dag = diamond()
    part = dag.subgraph("bottom", "left")
    assert part.name == "diamond (part)"
    assert part.reducers == dag.reducers
    assert list(part.nodes) == ["left", "bottom"]
    assert part.nodes["left"] is dag.nodes["left"]
    assert [(edge.source, edge.target) for edge in part.edges] == [("left", "bottom")]


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (["left"], {"ancestors": True}, [["top"], ["left"]]),
        (["left"], {"descendants": True}, [["left"], ["bottom"]]),
        (["left"], {"ancestors": True, "descendants": True}, [["top"], ["left"], ["bottom"]]),
        (["left", "right"], {"ancestors": True}, [["top"], ["left", "right"]]),
        (["top"], {"descendants": True}, [["top"], ["left", "right"], ["bottom"]]),
        (["bottom"], {"descendants": True}, [["bottom"]]),
    ],
)
def test_a_subgraph_takes_what_is_above_or_below_where_that_is_asked(names, options, expected):
    assert diamond().subgraph(*names, **options).get_execution_order() == expected


def test_a_subgraph_keeps_conditions_and_a_change_to_one_graph_does_not_touch_the_other():
    dag = nodes("a", "b", "c").add_edge("a", "b", bool).add_edge("b", "c")
    part = dag.subgraph("b", ancestors=True)
    assert part.edges[0].condition is bool
    part.remove_node("a").add_node(AgentNode("d", len)).add_edge("b", "d")
    assert dag.get_execution_order() == [["a"], ["b"], ["c"]]
    dag.remove_node("b")
    assert part.get_execution_order() == [["b"], ["d"]]


def test_cells_can_be_run_again_on_a_subgraph():
    part = diamond().subgraph("left", "bottom")
    part.node(lambda left, top: 0, name="bottom")
    part.node(lambda: 0, name="top")
    assert part.get_execution_order() == [["top"], ["left"], ["bottom"]]


def test_a_subgraph_of_unknown_nodes_or_of_none_is_refused():
    with pytest.raises(UnknownNodeError, match="did you mean 'left'"):
        diamond().subgraph("top", "lef")
    with pytest.raises(GraphError, match="name at least one"):
        diamond().subgraph()


def test_a_long_chain_is_cut_without_recursion():
    dag = nodes(*map(str, range(5000)))
    for k in range(4999):
        dag.add_edge(str(k), str(k + 1))
    assert len(dag.subgraph("4000", ancestors=True)) == 4001
    assert len(dag.subgraph("4000", descendants=True)) == 1000


# -- running a part, and with given results ---------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["levels", "dataflow", "sequential"])
def test_run_until_runs_a_node_and_what_comes_before_it(schedule):
    result = run(diamond().run_until("left", {"x": 1}, schedule=schedule))
    assert result.node_results == {"top": "top(1)", "left": "left(top(1))"}
    assert result.total_nodes == 2


def test_run_until_takes_several_nodes_and_functions():
    dag = diamond()
    left = dag.nodes["left"].agent
    assert set(run(dag.run_until(["right", left], {"x": 1})).node_results) == {"top", "left", "right"}
    assert set(run(dag.run_until(left, {"x": 1})).node_results) == {"top", "left"}
    with pytest.raises(UnknownNodeError):
        run(dag.run_until("lef"))


def test_run_until_asks_only_for_what_that_part_reads():
    dag = diamond()
    dag.node(lambda nowhere: 0, name="late", after="bottom")
    with pytest.raises(ValidationError, match="'nowhere'"):
        dag.validate({"x": 1})
    assert run(dag.run_until("bottom", {"x": 1})).status == "success"


def test_a_given_result_stands_for_a_node_and_for_all_that_only_it_needed():
    dag = diamond()
    result = run(dag(overrides={"left": "L", "right": "R"}))
    assert result.node_results["bottom"] == "bottom(L, R)"
    assert result.record.nodes["left"].given
    assert result.record.nodes["top"].status is NodeStatus.SKIPPED
    assert dag.validate(overrides={"left": 0, "right": 0}) is dag
    with pytest.raises(ValidationError, match="'x'"):
        dag.validate(overrides={"left": 0})


def test_a_given_result_reaches_every_way_of_running():
    dag = diamond()

    async def started():
        return await dag.start({"x": 1}, overrides={"top": "T"})

    assert run(started()).final_state["left"] == "left(T)"
    assert run(dag.run_until("left", overrides={"top": "T"})).final_state["left"] == "left(T)"
    assert run(dag.run_until("left", overrides={"left": "L", "bottom": "not in this part"})).final_state["left"] == "L"


@pytest.mark.parametrize("name", ["tpo", "bottm"])
def test_a_given_result_of_no_node_is_refused(name):
    dag = diamond()
    for ask in (
        lambda: run(dag({"x": 1}, overrides={name: 0})),
        lambda: run(dag.run_until("left", {"x": 1}, overrides={name: 0})),
        lambda: dag.validate({"x": 1}, overrides={name: 0}),
    ):
        with pytest.raises(UnknownNodeError, match=name):
            ask()


def test_run_and_arun_return_what_was_written_or_raise():
    dag = diamond()
    assert list(dag.run({"x": 1})) == ["top", "left", "right", "bottom"]
    assert run(dag.arun({"x": 1})) == dag.run({"x": 1})
    dag.node(lambda top: 1 / 0, name="left")
    with pytest.raises(RunFailedError, match="'left'"):
        dag.run({"x": 1})
