"""Graphs from functions: which nodes and edges follow from what they read, and from ``after`` and ``when``."""

from __future__ import annotations

from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus
from linus_nb.errors import GraphError, UnknownNodeError, ValidationError
from tests.builder_samples import essay, pairs, reading, snapshot
from tests.modes import Mode, every_mode
from tests.virtual_time import run

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
