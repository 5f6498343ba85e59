"""What the record says a node read is what the node was called with: in random graphs, and for each way to read."""

from __future__ import annotations

import gc
import weakref
from collections import deque
from functools import reduce
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given

from linus_nb import AgentDAG, AgentNode, load_run
from linus_nb.engine.reads import Reads
from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.engine.result import ExecutionResult
from linus_nb.events import KeyRead, NodeStatus
from linus_nb.rendering.inspector.sources import ABSENT, Scope
from tests.engine_graphs import Graph, Trace, graphs, join
from tests.modes import AWAITED, EVERY, Mode, blocking, every_mode
from tests.test_engine_oracle import examples, in_every_way


def values_read(scope: Scope, node: NodeRecord) -> dict[str, Any]:
    """What a node read, by what it calls it; parts that a reducer folds are folded as the run did."""
    found = {}
    for read in node.reads:
        value = scope.value_of(read)
        found[read.name or read.key] = reduce(join, value.values()) if len(read.sources) > 1 else value
    return found


@examples(60)
@given(graphs(kinds=("work",) * 4 + ("items",) * 2, limits=False))
def test_random_graphs_are_recorded_as_they_read(specs: Graph) -> None:
    trace = Trace()
    with patch("linus_nb.backoff.backoff_s", lambda attempt: 0.001):
        for way, result, saw in in_every_way(specs, trace, EVERY):
            scope = Scope(result.record)
            for spec in specs:
                node = result.record.nodes[spec.name]
                if spec.kind == "work" and spec.name in saw:
                    read = values_read(scope, node)
                    assert repr(sorted(read.items())) == saw[spec.name][-1], way
                if spec.kind == "items" and node.items:
                    items = [scope.item_of(node, spec.over, k) for k in range(len(node.items))]
                    visited = {place for place in saw if place.startswith(f"{spec.name}[")}
                    assert visited <= {f"{spec.name}[{item}]" for item in items}, way


@examples(30)
@given(graphs(limits=False))
def test_a_saved_run_tells_the_same_of_what_was_read(specs: Graph) -> None:
    with patch("linus_nb.backoff.backoff_s", lambda attempt: 0.001):
        for _, result, _ in in_every_way(specs, Trace(), AWAITED[-1:]):
            again = load_run(result.to_jsonl())
            assert {n.name: n.reads for n in again.record.nodes.values()} == {
                n.name: n.reads for n in result.record.nodes.values()
            }
            assert again.record.initial == result.record.initial


# -- each way to read -----------------------------------------------------------------------------------------------


def read(result: ExecutionResult, name: str) -> dict[str, Any]:
    return values_read(Scope(result.record), result.record.nodes[name])


def two_writers() -> AgentDAG:
    dag = AgentDAG("reads", reducers={"notes": join})
    dag.add_node(AgentNode("one", lambda: "1", output_key="notes"))
    dag.add_node(AgentNode("two", lambda: "2", output_key="notes"))
    return dag


@every_mode
def test_parameters_and_renamed_ones(mode: Mode) -> None:
    dag = AgentDAG("reads")
    dag.node(lambda x: x + 1, name="up")
    dag.node(lambda number: number * 2, name="twice", input_mapping={"number": "up"})
    result = mode(dag, {"x": 1})
    assert result.record.nodes["up"].reads == (KeyRead("x"),)
    assert result.record.nodes["twice"].reads == (KeyRead("up", "number", ("up",)),)
    assert read(result, "twice") == {"number": 2}


@every_mode
def test_a_reducer_has_several_sources_in_plan_order(mode: Mode) -> None:
    dag = two_writers()
    dag.node(lambda notes: notes, name="reader", after=["two", "one"])
    result = mode(dag, {"notes": "0"})
    assert result.record.nodes["reader"].reads == (KeyRead("notes", "", ("", "one", "two")),)
    assert read(result, "reader") == {"notes": "0|1|2"} == {"notes": result.node_results["reader"]}


@every_mode
def test_of_the_whole_state_only_what_was_looked_up_is_noted(mode: Mode) -> None:
    def look(state: Any) -> Any:
        assert state.get("nowhere") is None
        return state["b"]

    dag = AgentDAG("reads").add_node(AgentNode("looks", look))
    result = mode(dag, {"a": 1, "b": 2})
    assert result.record.nodes["looks"].reads == (KeyRead("b"),)


@every_mode
def test_a_condition_reads_for_itself_and_not_for_its_node(mode: Mode) -> None:
    dag = AgentDAG("reads").add_node(AgentNode("first", lambda: 1, output_key="k"))
    dag.add_node(AgentNode("second", lambda: 2)).add_edge("first", "second", lambda seen: seen["k"] == 1)
    result = mode(dag)
    assert result.record.nodes["first"].reads == ()
    assert result.record.nodes["second"].status is NodeStatus.COMPLETED


@every_mode
def test_a_source_that_failed_is_not_read(mode: Mode) -> None:
    def broken() -> None:
        raise ValueError("no")

    dag = AgentDAG("reads")
    dag.node(broken, name="left", output_key="k", on_error="skip")
    dag.node(lambda state: state.get("k"), name="reader", after="left", trigger="always", by_name=False)
    result = mode(dag, {"k": "from the start"})
    assert result.node_results["reader"] == "from the start"
    assert read(result, "reader") == {"k": "from the start"}


@every_mode
def test_given_results_are_read_like_others_and_given_nodes_read_nothing(mode: Mode) -> None:
    dag = AgentDAG("reads")
    dag.node(lambda x: x, name="given")
    dag.node(lambda given: given, name="reader")
    result = mode(dag, {"x": 1}, overrides={"given": 7})
    assert result.record.nodes["given"].reads == ()
    assert read(result, "reader") == {"given": 7}


@pytest.mark.parametrize(
    "values",
    [[1, 2], (1, 2), {1, 2}, frozenset([1, 2]), deque([1, 2]), range(1, 3), {1: "a", 2: "b"}.keys()],
    ids=lambda values: type(values).__name__,
)
@every_mode
def test_items_are_known_whatever_they_were_in(mode: Mode, values: Any) -> None:
    dag = AgentDAG("reads").add_node(AgentNode("each", lambda item: item, map_over="xs", map_item="item"))
    result = mode(dag, {"xs": values})
    node = result.record.nodes["each"]
    assert node.reads[0] == KeyRead("xs")
    assert [Scope(result.record).item_of(node, "xs", k) for k in range(2)] == list(values)


def test_items_that_a_generator_made_are_let_go() -> None:
    class Large:
        pass

    alive: weakref.WeakSet[Large] = weakref.WeakSet()

    def make() -> Any:
        for _ in range(3):
            made = Large()
            alive.add(made)
            yield made

    dag = AgentDAG("reads").add_node(AgentNode("each", lambda item: 1, map_over="xs", map_item="item"))
    result = blocking(dag, {"xs": make()})
    gc.collect()
    assert len(alive) == 0
    record: RunRecord = result.record
    assert Scope(record).item_of(record.nodes["each"], "xs", 0) is ABSENT


@every_mode
def test_a_graph_inside_reads_what_its_node_read_and_what_it_wrote_itself(mode: Mode) -> None:
    inner = AgentDAG("inner")
    inner.node(lambda paper: f"draft of {paper}", name="draft")
    inner.node(lambda draft, paper: f"{draft}, {paper}", name="check")
    outer = AgentDAG("outer")
    outer.node(inner, name="one", input_mapping={"paper": "favourite"})
    outer.node(inner, name="each", map_over="papers", map_item="paper", after="one")
    record = mode(outer, {"favourite": "A", "papers": ["B", "C"]}).record
    scope = Scope(record)
    one = record.nodes["one"]
    assert one.inner is not None
    within = Scope(one.inner, scope, one)
    assert values_read(within, one.inner.nodes["check"]) == {"draft": "draft of A", "paper": "A"}
    each = record.nodes["each"]
    for k, paper in enumerate("BC"):
        run = each.items[k].inner
        assert run is not None
        within = Scope(run, scope, each, scope.item_of(each, "papers", k))
        assert values_read(within, run.nodes["check"]) == {"draft": f"draft of {paper}", "paper": paper}


def test_nothing_is_worked_out_while_nobody_looks() -> None:
    with patch.object(Reads, "bound", side_effect=AssertionError("somebody asked")):
        dag = AgentDAG("reads")
        dag.node(lambda x: x, name="a")
        result = blocking(dag, {"x": 1})
    assert result.status == "success"
