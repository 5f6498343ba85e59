"""Running a cell again: what it replaces, what stays, and that a refused definition changes nothing."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode
from linus_nb.errors import CycleError, DuplicateError, GraphError, LinusError, UnknownNodeError, ValidationError
from tests.builder_samples import essay, pairs, reading, snapshot


class Nameless:
    def run(self, task):
        return task


# -- the same cell again ----------------------------------------------------------------------------------------------


def test_a_second_definition_replaces_the_first_in_its_place():
    dag = AgentDAG()
    for name in ("a", "b", "c"):
        dag.node(reading("x"), name=name)
    dag.node(reading("y"), name="b", retry_count=3)
    assert list(dag.nodes) == ["a", "b", "c"]
    assert dag.nodes["b"].retry_count == 3
    assert dag.get_execution_order() == [["a", "b", "c"]]
    with pytest.raises(ValidationError, match="'y'"):
        dag.validate({"x": 0})


def test_the_edges_that_a_definition_brought_are_made_anew():
    dag = essay()
    dag.node(reading("topic"), name="review", after="outline", when=bool)
    assert pairs(dag) == {("outline", "draft"), ("outline", "review")}
    dag.node(reading("topic"), name="draft", output_key="text")
    dag.node(reading("text"), name="review")
    assert pairs(dag) == {("draft", "review")}


def test_edges_that_the_user_made_stay_in_both_directions():
    dag = essay()
    dag.node(reading("topic"), name="aside", output_key=None)
    dag.add_edge("outline", "aside", bool).add_edge("aside", "review")
    dag.node(reading("review"), name="late", after="aside")
    dag.node(reading(), name="aside")
    edges = {(edge.source, edge.target): edge.condition for edge in dag.edges}
    assert edges["outline", "aside"] is bool
    assert {("aside", "review"), ("aside", "late")} <= edges.keys()


def test_add_edge_on_an_implied_edge_makes_it_the_users_own():
    dag = essay()
    order = [(edge.source, edge.target) for edge in dag.edges]
    dag.add_edge("draft", "review", bool)
    assert [(edge.source, edge.target) for edge in dag.edges] == order
    assert dag.edges[order.index(("draft", "review"))].condition is bool
    dag.node(reading(), name="review")
    assert ("draft", "review") in pairs(dag)
    with pytest.raises(DuplicateError, match="'draft' -> 'review' already; leave this one out"):
        dag.add_edge("draft", "review")


def test_an_edge_is_asked_for_once_be_it_with_after_or_add_edge():
    dag = essay()
    dag.node(reading("topic"), name="late", after="review")
    with pytest.raises(DuplicateError, match="give its condition there as when="):
        dag.add_edge("review", "late", bool)
    dag.add_edge("outline", "late", bool)
    before = snapshot(dag)
    with pytest.raises(DuplicateError, match="made with add_edge, so when= cannot"):
        dag.node(reading(), name="late", after="outline", when=bool)
    assert snapshot(dag) == before
    dag.node(reading(), name="late", after="outline")
    assert {edge.condition for edge in dag.edges if edge.target == "late"} == {bool}


def test_add_node_does_not_replace_and_says_what_does():
    dag = essay()
    with pytest.raises(DuplicateError, match=r"replace that one with @dag\.node"):
        dag.add_node(AgentNode("draft", len))
    plain = AgentDAG().add_node(AgentNode("draft", lambda: 1, output_key="draft"))
    plain.node(reading("topic"), name="draft")
    assert plain.nodes["draft"].by_name


def test_a_node_can_be_removed_with_its_edges():
    dag = essay()
    assert dag.remove_node("draft") is dag
    assert list(dag.nodes) == ["outline", "review"]
    assert pairs(dag) == set()
    dag.node(reading("outline"), name="text", output_key="draft")
    assert pairs(dag) == {("outline", "text"), ("text", "review")}
    with pytest.raises(UnknownNodeError, match="no node 'draft'"):
        dag.remove_node("draft")


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_cycle_names_the_keys_that_made_it():
    dag = essay()
    before = snapshot(dag)
    with pytest.raises(CycleError) as caught:
        dag.node(reading("review"), name="outline")
    assert caught.value.cycle == ("outline", "draft", "review", "outline")
    assert str(caught.value) == (
        "the graph has a cycle: outline -> draft -> review -> outline; leave one of these edges out ('draft' reads "
        "'outline' from 'outline', 'review' reads 'draft' from 'draft', 'outline' reads 'review' from 'review'; "
        "rename a parameter, or give another output_key)"
    )
    with pytest.raises(CycleError, match="'review' reads 'draft' from 'draft'"):
        dag.add_edge("review", "draft")
    with pytest.raises(CycleError, match="'draft' reads 'topic' from 'ask'"):
        dag.node(reading(), name="ask", output_key="topic", after="review")
    assert snapshot(dag) == before


def test_two_nodes_that_read_each_other_are_a_cycle():
    dag = AgentDAG()
    dag.node(reading("b"), name="a")
    before = snapshot(dag)
    with pytest.raises(CycleError, match="'a' reads 'b' from 'b', 'b' reads 'a' from 'a'"):
        dag.node(reading("a"), name="b")
    assert snapshot(dag) == before


def test_a_node_cannot_come_after_itself():
    dag = AgentDAG()
    function = reading()
    for after in ("a", function):
        with pytest.raises(CycleError, match="a -> a"):
            dag.node(function, name="a", after=after)
    assert len(dag) == 0


@pytest.mark.parametrize(
    ("thing", "options", "words"),
    [
        (lambda x: x, {}, "a lambda has no name to call its node by; write dag.node"),
        (functools.partial(print, 1), {}, "has no name to call its node by"),
        (Nameless(), {}, "has no name to call its node by"),
        ("draft", {}, r"write @dag.node\(name='draft'\)"),
        (len, {}, "'obj' cannot be given by name"),
        (essay, {"retry": 2}, "no option 'retry'; did you mean 'retry_on'"),
        (essay, {"agent": 2}, "no option 'agent'"),
        (essay, {"retry_count": -1}, "whole number from 0"),
        (essay, {"name": "draft", "map_over": "papers"}, "takes no parameter"),
        (essay, {"name": ""}, "non-empty string"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused_in_words(thing: Any, options: Any, words: str):
    dag = essay()
    before = snapshot(dag)
    with pytest.raises(GraphError, match=words):
        dag.node(thing, **options)
    assert snapshot(dag) == before


def test_a_function_called_underscore_needs_a_name():
    dag = AgentDAG()
    with pytest.raises(GraphError, match="has no name"):

        @dag.node
        def _(x):
            return x

    assert len(dag) == 0


def test_a_lone_parameter_that_is_no_key_is_a_problem_and_never_gets_the_whole_state():
    dag = AgentDAG()
    dag.node(reading("serach"), name="report")
    with pytest.raises(ValidationError, match="'serach'"):
        dag.validate({"search": 1})


# -- properties -------------------------------------------------------------------------------------------------------

KEYS = [f"k{i}" for i in range(7)]
OUTSIDE = ["x", "y"]


@st.composite
def versions(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """What each of some nodes reads: keys of lower numbers, or keys that nobody writes, so that no cycle can be."""
    return {
        key: tuple(draw(st.lists(st.sampled_from(KEYS[:i] + OUTSIDE), unique=True, max_size=4)))
        for i, key in enumerate(KEYS)
    }


@settings(deadline=None)
@given(first=versions(), last=versions(), early=st.lists(st.sampled_from(KEYS)), order=st.permutations(KEYS))
def test_any_order_of_cells_with_any_of_them_run_before_gives_the_same_edges(first, last, early, order):
    once = AgentDAG()
    for key in KEYS:
        once.node(reading(*last[key]), name=key)
    often = AgentDAG()
    for key in early:
        often.node(reading(*first[key]), name=key)
    for key in order:
        often.node(reading(*last[key]), name=key)
    assert pairs(often) == pairs(once) == {(r, key) for key in KEYS for r in last[key] if r in KEYS}
    depth = {name: i for i, level in enumerate(once.get_execution_order()) for name in level}
    assert {name: i for i, level in enumerate(often.get_execution_order()) for name in level} == depth


@st.composite
def cells(draw: st.DrawFn) -> dict[str, Any]:
    """One definition that may refine, write a shared key, come after another, and may well be refused."""
    return {
        "name": draw(st.sampled_from("abcde")),
        "reads": draw(st.lists(st.sampled_from("abcdex"), unique=True, max_size=3)),
        "output_key": draw(st.sampled_from([*"abcde", None])),
        "after": draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=2)),
    }


def define(dag: AgentDAG, cell: dict[str, Any]) -> bool:
    """Run a cell and return whether it was taken; one that was not has changed nothing."""
    before = snapshot(dag)
    try:
        dag.node(reading(*cell["reads"]), name=cell["name"], output_key=cell["output_key"], after=cell["after"])
    except LinusError:
        assert snapshot(dag) == before
        return False
    return True


@settings(deadline=None)
@given(st.lists(cells(), max_size=12), st.data())
def test_a_refused_cell_changes_nothing_and_running_a_cell_again_changes_nothing(tried, data):
    dag = AgentDAG()
    taken: dict[str, dict[str, Any]] = {}
    for cell in tried:
        if define(dag, cell):
            taken[cell["name"]] = cell
    assert list(dag.nodes) == list(taken)
    for name in data.draw(st.lists(st.sampled_from(list(taken))) if taken else st.just([])):
        edges, order = dag.edges, dag.get_execution_order()
        assert define(dag, taken[name])
        assert (dag.edges, dag.get_execution_order(), list(dag.nodes)) == (edges, order, list(taken))


@settings(deadline=None)
@given(st.lists(cells(), max_size=12), st.lists(st.sampled_from("abcde"), unique=True))
def test_the_edges_are_those_that_the_rules_name(tried, removed):
    dag = AgentDAG()
    taken: dict[str, dict[str, Any]] = {}
    for cell in tried:
        if define(dag, cell):
            taken[cell["name"]] = cell
    for name in removed:
        if taken.pop(name, None):
            dag.remove_node(name)
    order = list(taken)
    expected = set()
    for reader, cell in taken.items():
        expected |= {(source, reader) for source in cell["after"] if source in taken}
        for writer, other in taken.items():
            refines = cell["output_key"] in cell["reads"] and cell["output_key"] == other["output_key"]
            reads = writer != reader and other["output_key"] in cell["reads"]
            if reads and (not refines or order.index(writer) < order.index(reader)):
                expected.add((writer, reader))
    assert pairs(dag) == expected
