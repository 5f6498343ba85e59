"""The order that is kept while a graph grows: circles are found, and no order of adding is slow."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode
from linus_nb.errors import CycleError
from linus_nb.graph.order import Order

NAMES = "abcdefgh"


class Counting(Mapping[str, list[str]]):
    """A mapping that counts how often it is asked."""

    def __init__(self, names: list[str]) -> None:
        self.lists: dict[str, list[str]] = {name: [] for name in names}
        self.asked = 0

    def __getitem__(self, name: str) -> list[str]:
        self.asked += 1
        return self.lists[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.lists)

    def __len__(self) -> int:
        return len(self.lists)


def reaches(dag: AgentDAG, start: str, end: str) -> bool:
    found = [start]
    for name in found:
        found += [e.target for e in dag.edges if e.source == name and e.target not in found]
    return end in found


def assert_upwards(dag: AgentDAG) -> None:
    rank = dag._edges.order._rank
    assert rank.keys() == dag.nodes.keys()
    assert all(rank[e.source] < rank[e.target] for e in dag.edges)


def refusal(change: Callable[..., Any], *args: Any, **options: Any) -> tuple[str, ...]:
    """Make a change and return the cycle for which it was refused, or nothing."""
    try:
        change(*args, **options)
    except CycleError as error:
        return error.cycle
    return ()


def function_of(keys: Iterable[str]) -> Callable[..., int]:
    return eval(f"lambda {', '.join(dict.fromkeys(keys))}: 0")


pairs = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))
removals = st.sampled_from(NAMES)
definitions = st.tuples(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3), st.sampled_from([*NAMES, None])
)


@settings(deadline=None)
@given(st.lists(pairs | removals | definitions, max_size=40))
def test_whatever_is_done_to_a_graph_only_circles_are_refused(steps: list[Any]):
    dag = AgentDAG()
    for name in NAMES:
        dag.add_node(AgentNode(name, lambda: 0))
    for step in steps:
        match step:
            case (source, target):
                if (source, target) in dag._edges.by_pair:
                    continue
                circle = reaches(dag, target, source)
                cycle = refusal(dag.add_edge, source, target)
                assert bool(cycle) == circle
                if cycle:
                    assert cycle[0] == cycle[-1] == source
                    assert set(pairwise(cycle[1:])) <= dag._edges.by_pair.keys()
            case (name, reads, written):
                cycle = refusal(dag.node, function_of(reads), name=name, output_key=written)
                assert not cycle or cycle[0] == cycle[-1] == name
            case name:
                dag.remove_node(name).add_node(AgentNode(name, lambda: 0))
        assert_upwards(dag)
    assert sum(map(len, dag.get_execution_order())) == len(NAMES)


@settings(deadline=None)
@given(st.lists(definitions, max_size=25))
def test_a_definition_is_refused_only_where_the_whole_graph_would_have_a_circle(steps: list[Any]):
    dag = AgentDAG()
    taken: dict[str, Any] = {}
    for name, reads, written in steps:
        tried = {**taken, name: (reads, written)}
        order = list(tried)
        above = {
            reader: {
                writer
                for writer, (_, key) in tried.items()
                if writer != reader and key in keys and (key != writes or order.index(writer) < order.index(reader))
            }
            for reader, (keys, writes) in tried.items()
        }
        refused = bool(refusal(dag.node, function_of(reads), name=name, output_key=written))
        assert refused == has_circle(above)
        taken = taken if refused else tried
        assert_upwards(dag)


def has_circle(above: dict[str, set[str]]) -> bool:
    left = dict(above)
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return bool(left)


@pytest.mark.parametrize("order", ["forward", "reversed", "shuffled", "from the middle"])
@pytest.mark.parametrize("numbering", [1, -1])
def test_a_chain_costs_a_few_steps_an_edge_in_whatever_order_it_is_added(order: str, numbering: int):
    # counted, not timed: a search that walked the chain each time would ask 50 million times
    n = 10_000
    names = [str(k) for k in range(n)]
    before, after = Counting(names), Counting(names)
    ranks = Order(before, after)
    for name in names[::numbering]:
        ranks.enter(name)
    steps = list(range(n - 1))
    if order == "reversed":
        steps.reverse()
    elif order == "shuffled":
        random.Random(3).shuffle(steps)
    elif order == "from the middle":
        steps.sort(key=lambda k: abs(k - n / 2))
    for k in steps:
        assert ranks.admit_edge(names[k], names[k + 1])
        after.lists[names[k]].append(names[k + 1])
        before.lists[names[k + 1]].append(names[k])
    assert before.asked + after.asked < 40 * n
    assert not ranks.admit_edge(names[-1], names[0])


def test_ranks_are_numbered_anew_when_a_gap_is_used_up():
    dag = AgentDAG()
    dag.node(lambda: 0, name="first")
    dag.node(lambda k0: 0, name="last")
    for k in range(500):  # each halves the gap between the first and the one before, far beyond a float's digits
        dag.node(function_of(["first", f"k{k + 1}"]), name=f"n{k}", output_key=f"k{k}")
    assert_upwards(dag)
    assert len(dag.get_execution_order()) == 502
    with pytest.raises(CycleError):
        dag.add_edge("last", "first")
