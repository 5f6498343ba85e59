"""Graphs from functions: which edges follow from what they read, and what running a cell again changes."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode, NodeStatus
from linus_nb.errors import CycleError, DuplicateError, GraphError, LinusError, UnknownNodeError, ValidationError
from tests.modes import Mode, every_mode
from tests.virtual_time import run


def reading(*keys: str, optional: tuple[str, ...] = ()) -> Any:
    """A function with these parameters that returns the list of what it was given."""
    parameters = ", ".join([*keys, *(f"{key}=None" for key in optional)])
    return eval(f"lambda {parameters}: [{', '.join([*keys, *optional])}]")


def pairs(dag: AgentDAG) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in dag.edges}


def snapshot(dag: AgentDAG) -> tuple[Any, ...]:
    return list(dag.nodes.items()), list(dag.edges), dag.get_execution_order()


def essay() -> AgentDAG:
    """outline -> draft -> review, in which outline and draft read the topic."""
    dag = AgentDAG("essay")
    dag.node(reading("topic"), name="outline")
    dag.node(reading("topic", "outline"), name="draft")
    dag.node(reading("draft"), name="review")
    return dag


# -- what a definition makes ------------------------------------------------------------------------------------------


def test_a_decorated_function_is_returned_unchanged_and_held_by_a_node_of_its_name():
    dag = AgentDAG()

    @dag.node
    async def search(topic):
        """Find papers.

        More of it.
        """
        return [topic]

    @dag.node(retry_count=2, output_key=None, description="Says it", name="say")
    def speak(search):
        return search

    assert run(search("tea")) == ["tea"]
    assert speak(1) == 1
    node, said = dag.nodes["search"], dag.nodes["say"]
    assert node.agent is search
    assert (node.output_key, node.by_name, node.description) == ("search", True, "Find papers.")
    assert (said.output_key, said.retry_count, said.description) == (None, 2, "Says it")
    assert pairs(dag) == {("search", "say")}


def test_the_key_follows_the_name_that_is_given():
    dag = AgentDAG()
    dag.node(reading("topic"), name="hits")
    dag.node(reading("hits"), name="report")
    assert pairs(dag) == {("hits", "report")}


@every_mode
def test_the_order_of_the_cells_does_not_matter(mode: Mode):
    dag = AgentDAG()

    @dag.node
    def report(topic, hits, tone="dry"):
        return f"{tone} {topic}: {hits}"

    @dag.node
    async def hits(topic):
        return len(topic)

    assert dag.get_execution_order() == [["hits"], ["report"]]
    assert mode(dag, {"topic": "tea"}).final_state["report"] == "dry tea: 3"


def test_optional_parameters_are_keys_too():
    dag = AgentDAG()
    dag.node(reading(optional=("tone",)), name="write")
    dag.node(reading(), name="tone")
    assert pairs(dag) == {("tone", "write")}


def test_an_edge_comes_from_every_node_that_writes_the_key():
    dag = AgentDAG()
    dag.add_node(AgentNode("early", lambda: 1, output_key="hits"))
    dag.node(reading("hits"), name="report")
    dag.add_node(AgentNode("late", lambda: 2, output_key="hits"))
    dag.node(reading(), name="declared", output_key="hits")
    assert pairs(dag) == {("early", "report"), ("late", "report"), ("declared", "report")}


def test_a_key_that_nobody_writes_belongs_to_the_initial_state():
    dag = AgentDAG()
    dag.node(reading("topic"), name="outline")
    assert pairs(dag) == set()
    with pytest.raises(ValidationError, match="'topic'"):
        dag.validate()
    assert dag.validate({"topic": "tea"}) is dag


def test_nodes_that_were_added_with_add_node_read_nothing_by_themselves():
    dag = AgentDAG()
    dag.node(reading(), name="hits")
    dag.add_node(AgentNode("report", lambda hits: hits))
    assert pairs(dag) == set()


def test_the_keys_of_an_input_mapping_are_what_is_read():
    dag = AgentDAG()
    dag.node(reading(), name="hits")
    dag.node(reading(), name="found")
    dag.node(reading("found"), name="report", input_mapping={"found": "hits"})
    assert pairs(dag) == {("hits", "report")}


def test_a_node_that_refines_a_key_comes_after_those_who_wrote_it_before():
    dag = AgentDAG()
    dag.node(reading("text"), name="spell", output_key="text")
    dag.node(reading("topic"), name="write", output_key="text")
    dag.node(reading("text"), name="shorten", output_key="text")
    dag.node(reading("text"), name="publish")
    assert pairs(dag) == {
        ("spell", "shorten"),
        ("write", "shorten"),
        ("spell", "publish"),
        ("write", "publish"),
        ("shorten", "publish"),
    }


@every_mode
def test_refiners_run_in_the_order_of_their_definition(mode: Mode):
    dag = AgentDAG()
    dag.node(lambda: "a", name="write", output_key="text")
    dag.node(lambda text: text + "b", name="first", output_key="text")
    dag.node(lambda text: text + "c", name="second", output_key="text")
    dag.node(lambda text: text + "!", name="publish")
    for _ in range(2):
        assert mode(dag).final_state["publish"] == "abc!"
        dag.node(lambda text: text + "b", name="first", output_key="text")  # that cell again: its place is kept


def test_a_refiner_in_a_new_place_after_a_removal_stands_last():
    dag = AgentDAG()
    for name in ("write", "first", "second"):
        dag.node(reading("text") if name != "write" else reading(), name=name, output_key="text")
    dag.remove_node("write")
    dag.node(reading("text"), name="third", output_key="text")
    assert pairs(dag) == {("first", "second"), ("first", "third"), ("second", "third")}


# -- agents, graphs, mapped nodes -------------------------------------------------------------------------------------


class Reviewer:
    def run(self, task):
        return f"reviewed {task['draft']}"


def test_an_agent_is_ordered_by_after_and_by_its_mapping():
    dag = AgentDAG()
    dag.node(reading("topic"), name="draft")
    dag.node(reading("topic"), name="tone")
    reviewer = Reviewer()
    assert dag.node(reviewer, name="review", after="draft") is reviewer
    dag.node(Reviewer(), name="second", input_mapping={"draft": "draft", "tone": "tone"})
    dag.node(reading("review"), name="publish")
    assert pairs(dag) == {("draft", "review"), ("draft", "second"), ("tone", "second"), ("review", "publish")}
    assert dag.nodes["review"].description == ""


def test_a_graph_is_a_node_whose_result_others_read():
    inner = AgentDAG("inner")
    inner.node(lambda topic: topic.upper(), name="loud")
    dag = AgentDAG("outer")
    dag.node(inner, name="inner")
    dag.node(lambda inner: inner["loud"], name="report")
    assert dag.run({"topic": "tea"})["report"] == "TEA"


@every_mode
def test_a_mapped_function_reads_its_list_and_not_its_item(mode: Mode):
    dag = AgentDAG()

    @dag.node
    def papers(topic):
        return [topic, topic * 2]

    @dag.node
    def paper():
        return "not an item"

    @dag.node
    def tone():
        return "dry"

    @dag.map("papers", max_concurrency=2, on_error="skip")
    def reviews(paper, tone):
        return f"{tone} {paper}"

    node = dag.nodes["reviews"]
    assert (node.map_over, node.map_item, node.map_concurrency, node.on_error) == ("papers", "paper", 2, "skip")
    assert pairs(dag) == {("papers", "reviews"), ("tone", "reviews")}
    assert mode(dag, {"topic": "ab"}).final_state["reviews"] == ["dry ab", "dry abab"]


def test_the_item_may_be_another_parameter():
    dag = AgentDAG()

    @dag.map("papers", item="paper", name="all_reviews")
    def review(tone, paper):
        return f"{tone} {paper}"

    assert dag.nodes["all_reviews"].map_item == "paper"
    assert dag.run({"papers": ["x"], "tone": "dry"}) == {"all_reviews": ["dry x"]}
    with pytest.raises(GraphError, match=r"@dag\.map\('key'\)"):
        dag.map(review)


def test_agents_and_builtins_run_once_per_item_too():
    dag = AgentDAG()
    dag.node(reading(), name="words")
    dag.node(Reviewer(), name="reviews", map_over="words")
    dag.map("words", name="sizes")(len)
    assert pairs(dag) == {("words", "reviews"), ("words", "sizes")}


# -- after and when ---------------------------------------------------------------------------------------------------


def test_after_takes_names_and_functions_and_adds_to_what_is_read():
    dag = AgentDAG()

    @dag.node
    def warm_up():
        return None

    @dag.node(name="hits")
    def search():
        return 1

    reviewer = dag.node(Reviewer(), name="review", input_mapping={})

    @dag.node(after=[warm_up, search, "review", "hits"])
    def report(hits):
        return hits

    dag.node(reading(), name="archive", after=reviewer)
    assert pairs(dag) == {("warm_up", "report"), ("hits", "report"), ("review", "report"), ("review", "archive")}


def test_a_function_that_several_nodes_hold_is_named_by_its_node():
    dag = AgentDAG()
    function = reading()
    dag.node(function, name="a")
    dag.node(function, name="b")
    with pytest.raises(GraphError, match="give the name of one of them: 'a', 'b'"):
        dag.node(reading(), name="c", after=function)


def test_an_unknown_after_is_named_with_the_nearest():
    dag = essay()
    before = snapshot(dag)
    with pytest.raises(UnknownNodeError, match="no node 'outlin'; did you mean 'outline'"):
        dag.node(reading(), name="late", after="outlin")
    with pytest.raises(UnknownNodeError, match="no node 'len'"):
        dag.node(reading(), name="late", after=["draft", len])
    assert snapshot(dag) == before


@pytest.mark.parametrize(("length", "status"), [(3, NodeStatus.SKIPPED), (30, NodeStatus.COMPLETED)])
@every_mode
def test_when_decides_although_the_node_reads_from_elsewhere(mode: Mode, length: int, status: NodeStatus):
    dag = AgentDAG()

    @dag.node
    def topic():
        return "t" * length

    @dag.node
    def tone():
        return "dry"

    @dag.node(after=topic, when=lambda state: len(state["topic"]) > 10)
    def shorten(topic, tone):
        return topic[:10]

    assert dag.nodes["shorten"].trigger == "all"
    assert mode(dag).record.nodes["shorten"].status is status


def test_a_trigger_that_is_given_stays():
    dag = essay()
    dag.node(reading(), name="late", after="draft", when=bool, trigger="any")
    assert dag.nodes["late"].trigger == "any"
    dag.node(reading(), name="later", after="draft")
    assert dag.nodes["later"].trigger == "any"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"when": bool}, "say after which node it is asked: after='name'"),
        ({"when": "yes", "after": "draft"}, "give a function of the state"),
    ],
)
def test_a_when_that_makes_no_sense_is_refused(options: Any, words: str):
    dag = essay()
    before = snapshot(dag)
    with pytest.raises(GraphError, match=words):
        dag.node(reading(), name="review", **options)
    assert snapshot(dag) == before


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
        (Reviewer(), {}, "has no name to call its node by"),
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
