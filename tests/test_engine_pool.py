"""Places and resources: by themselves, and in runs."""

from __future__ import annotations

import asyncio
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.engine.pool import Pool
from linus_nb.errors import GraphError, ValidationError
from tests.modes import Mode, blocking, dataflow, every_mode, levels, sequential
from tests.virtual_time import run


class Desk:
    """A pool, and what it let begin, in order."""

    def __init__(self, places, resources=()) -> None:
        self.pool = Pool(places, dict(resources))
        self.begun: list[str] = []

    def ask(self, name: str, rank=0, needs=None, wanted=True) -> None:
        def begin() -> bool:
            if wanted:
                self.begun.append(name)
            return wanted

        self.pool.ask(((rank, 0),), needs or {}, begin)


def test_nothing_begins_before_it_is_served():
    desk = Desk(None)
    desk.ask("a")
    assert desk.begun == []
    desk.pool.serve()
    assert desk.begun == ["a"]


def test_the_lowest_rank_goes_first_and_equals_in_the_order_of_asking():
    desk = Desk(1)
    for name, rank in [("c", 2), ("a", 0), ("b1", 1), ("b2", 1)]:
        desk.ask(name, rank)
    desk.pool.serve()
    for _ in range(3):
        desk.pool.give_back({})
    assert desk.begun == ["a", "b1", "b2", "c"]


def test_what_does_not_fit_lets_others_pass_and_goes_first_when_it_fits():
    desk = Desk(2, {"gpu": 1})
    desk.ask("one", 0, {"gpu": 1})
    desk.ask("two", 1, {"gpu": 1})
    desk.ask("free", 2)
    desk.ask("late", 3)
    desk.pool.serve()
    assert desk.begun == ["one", "free"]
    desk.pool.give_back({"gpu": 1})
    assert desk.begun == ["one", "free", "two"]


def test_what_nobody_wants_any_more_takes_no_place():
    desk = Desk(1, {"gpu": 1})
    desk.ask("gone", 0, {"gpu": 1}, wanted=False)
    desk.ask("next", 1, {"gpu": 1})
    desk.pool.serve()
    assert desk.begun == ["next"]


def test_two_resources_are_taken_together_or_not_at_all():
    desk = Desk(None, {"gpu": 1, "disk": 1})
    desk.ask("disk", 0, {"disk": 1})
    desk.ask("both", 1, {"gpu": 1, "disk": 1})
    desk.ask("gpu", 2, {"gpu": 1})
    desk.pool.serve()
    assert desk.begun == ["disk", "gpu"]
    desk.pool.give_back({"disk": 1})
    assert desk.begun == ["disk", "gpu"]
    desk.pool.give_back({"gpu": 1})
    assert desk.begun == ["disk", "gpu", "both"]


AMOUNTS = st.sampled_from([0.1, 0.2, 0.3, 0.6, 0.7, 1, 1.5, 2])


@given(st.lists(AMOUNTS, min_size=1, max_size=12), AMOUNTS, st.randoms(use_true_random=False))
def test_what_is_taken_and_given_back_adds_up_in_any_order(amounts, capacity, random):
    desk = Desk(None, {"gpu": capacity})
    fitting = [amount for amount in amounts if amount <= capacity]
    for k, amount in enumerate(fitting):
        desk.ask(str(k), k, {"gpu": amount})
    desk.pool.serve()
    returned: set[str] = set()
    while len(returned) < len(fitting):
        held = [name for name in desk.begun if name not in returned]
        assert held, "work waits for ever although nothing is taken"
        assert sum(fitting[int(name)] for name in held) <= capacity + 1e-9
        name = random.choice(held)
        returned.add(name)
        desk.pool.give_back({"gpu": fitting[int(name)]})
    desk.ask("all", 0, {"gpu": capacity})
    desk.pool.serve()
    assert desk.begun[-1] == "all"


# -- in runs ----------------------------------------------------------------------------------------------------------


class Meter:
    def __init__(self) -> None:
        self.held: dict[str, float] = {}
        self.peak: dict[str, float] = {}
        self.order: list[str] = []

    def work(self, name: str, needs: dict[str, float], seconds: float = 1, error: Exception | None = None):
        async def works():
            self.order.append(name)
            for key, amount in (needs | {"places": 1}).items():
                self.held[key] = self.held.get(key, 0) + amount
                self.peak[key] = max(self.peak.get(key, 0), self.held[key])
            await asyncio.sleep(seconds)
            for key, amount in (needs | {"places": 1}).items():
                self.held[key] -= amount
            if error is not None:
                raise error

        return works


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["gpu", "disk"]), st.sampled_from([0.1, 0.5, 1, 2]), max_size=2),
            st.integers(-2, 2),
            st.integers(0, 3),
            st.booleans(),
        ),
        min_size=1,
        max_size=10,
    ),
    st.sampled_from([1, 2, 3, None]),
    st.sampled_from([2, 2.5, 3]),
    st.sampled_from([levels, dataflow]),
)
def test_no_limit_is_exceeded_and_every_node_gets_its_turn(nodes, places, capacity, mode):
    meter = Meter()
    dag = AgentDAG()
    for k, (needs, priority, seconds, errs) in enumerate(nodes):
        work = meter.work(str(k), needs, seconds, ValueError() if errs else None)
        dag.add_node(AgentNode(str(k), work, resources=needs, priority=priority, on_error="skip"))
    result = mode(dag, max_concurrency=places, resources={"gpu": capacity, "disk": capacity})
    assert len(meter.order) == len(nodes)
    assert meter.peak["places"] <= (places or len(nodes))
    assert all(meter.peak.get(key, 0) <= capacity + 1e-9 for key in ("gpu", "disk"))
    assert all(node.status.final for node in result.record.nodes.values())


@pytest.mark.parametrize("mode", [levels, dataflow])
def test_the_one_that_needs_all_gets_it_after_fractions_were_taken(mode: Mode):
    dag = AgentDAG()
    meter = Meter()
    for k, amount in enumerate([0.2, 0.1, 0.3]):
        dag.add_node(AgentNode(f"n{k}", meter.work(f"n{k}", {}, k + 1), resources={"gpu": amount}))
    dag.add_node(AgentNode("all", meter.work("all", {}), resources={"gpu": 0.9}))
    for k in range(3):
        dag.add_edge(f"n{k}", "all")
    assert mode(dag, resources={"gpu": 0.9}).status == "success"


@pytest.mark.parametrize("mode", [levels, dataflow])
def test_equal_priorities_start_in_plan_order_and_higher_ones_before(mode: Mode):
    meter = Meter()
    dag = AgentDAG()
    for name, priority in [("a", 0), ("b", 5), ("c", -1), ("d", 5), ("e", 0)]:
        dag.add_node(AgentNode(name, meter.work(name, {}), priority=priority))
    mode(dag, max_concurrency=1)
    assert meter.order == ["b", "d", "a", "e", "c"]


@pytest.mark.parametrize("mode", [blocking, sequential])
def test_one_by_one_is_plan_order_whatever_the_priority(mode: Mode):
    meter = Meter()
    dag = AgentDAG()
    for name, priority in [("a", 0), ("b", 5), ("c", 9)]:
        dag.add_node(AgentNode(name, meter.work(name, {}, 0), priority=priority, resources={"gpu": 1}))
    mode(dag, resources={"gpu": 1})
    assert meter.order == ["a", "b", "c"]


@pytest.mark.parametrize("mode", [levels, dataflow])
def test_waiting_for_a_place_is_told_and_waiting_for_inputs_is_not(mode: Mode):
    meter = Meter()
    dag = AgentDAG().add_node(AgentNode("a", meter.work("a", {}))).add_node(AgentNode("b", meter.work("b", {})))
    dag.add_node(AgentNode("after", meter.work("after", {}))).add_edge("a", "after").add_edge("b", "after")
    nodes = mode(dag, max_concurrency=1).record.nodes
    assert [(n.ready_s, n.start_s, n.wait_s) for n in nodes.values()] == [(0, 0, 0), (0, 1, 1), (2, 2, 0)]


@pytest.mark.parametrize("mode", [levels, dataflow])
def test_a_cancel_gives_all_up_also_what_waits_for_a_place(mode: Mode):
    meter = Meter()
    dag = AgentDAG()
    for k in range(5):
        dag.add_node(AgentNode(f"n{k}", meter.work(f"n{k}", {}, 60), resources={"gpu": 1}))

    async def stop():
        handle = DAGExecutor(dag, max_concurrency=2, resources={"gpu": 9}).start(schedule=mode.__name__)
        await asyncio.sleep(1)
        handle.cancel()
        return await handle

    nodes = run(stop()).record.nodes.values()
    assert [node.status.value for node in nodes] == ["cancelled"] * 2 + ["skipped"] * 3
    assert len(meter.order) == 2


@every_mode
@pytest.mark.parametrize(
    ("resources", "words"),
    [({}, "needs 2 'gpu' and the executor has 0"), ({"gpu": 1}, "needs 2 'gpu' and the executor has 1")],
)
def test_an_impossible_demand_is_an_error_before_the_run(mode: Mode, resources, words):
    ran = []
    dag = AgentDAG().add_node(AgentNode("first", lambda: ran.append(1)))
    dag.add_node(AgentNode("greedy", lambda: 0, resources={"gpu": 2})).add_edge("first", "greedy")
    with pytest.raises(ValidationError, match=words):
        mode(dag, resources=resources)
    assert not ran


@pytest.mark.parametrize("places", [0, -1, True, 1.5, "2"])
def test_a_limit_that_makes_no_sense_is_refused(places):
    with pytest.raises(GraphError, match="max_concurrency"):
        DAGExecutor(AgentDAG(), max_concurrency=places)


@pytest.mark.parametrize("resources", [{"gpu": "2"}, {"gpu": -1}, {"gpu": nan}, {"gpu": inf}, ["gpu"]])
def test_resources_that_make_no_sense_are_refused(resources):
    with pytest.raises(GraphError, match="resources"):
        DAGExecutor(AgentDAG(), resources=resources)
