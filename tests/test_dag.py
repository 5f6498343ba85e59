"""Building a graph: order, refusals, and one report of all problems."""

from __future__ import annotations

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.errors import CycleError, DuplicateError, GraphError, UnknownNodeError, ValidationError


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
