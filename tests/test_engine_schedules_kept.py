"""What was tried on the sentence about other schedules: whatever it says, the other schedule is then run."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult
from linus_nb.engine.other_schedules import other_schedules
from linus_nb.rendering.sentences import other_schedule
from tests.test_engine_other_schedules import graph_of, ran, sleeper
from tests.virtual_time import run

GPU = {"gpu": 1.0}


def apart() -> AgentDAG:
    """Two chains; the two nodes that need the one resource meet by dataflow, and not level by level."""
    dag = AgentDAG("apart").add_node(AgentNode("a0", sleeper(1))).add_node(AgentNode("a1", sleeper(4), resources=GPU))
    dag.add_node(AgentNode("b0", sleeper(4), resources=GPU)).add_node(AgentNode("b1", sleeper(1)))
    return dag.add_edge("a0", "a1").add_edge("b0", "b1")


def nested_and_tried_again() -> AgentDAG:
    tried: list[int] = []

    async def flaky() -> None:
        await asyncio.sleep(20)  # much beside the pauses between attempts
        tried.append(1)
        if len(tried) < 3:
            raise ValueError("again")

    inner = graph_of({"a": 20, "b": 20}).add_node(AgentNode("c", flaky))
    return AgentDAG("tried again").add_node(AgentNode("i", inner, retry_count=3)).add_node(AgentNode("z", sleeper(1)))


def nested_and_cut_off() -> AgentDAG:
    inner = graph_of({"a": 2, "b": 2, "c": 4})
    dag = AgentDAG("cut off").add_node(AgentNode("i", inner, timeout_seconds=5, on_error="skip"))
    return dag.add_node(AgentNode("z", sleeper(1)))


def slow_conditions() -> AgentDAG:
    async def slowly(_: Any) -> bool:
        await asyncio.sleep(0.05)
        return True

    dag = AgentDAG("slow conditions")
    for k in range(10):
        dag.add_node(AgentNode(f"s{k}", sleeper(0.001))).add_node(AgentNode(f"n{k}", sleeper(1)))
        dag.add_edge(f"s{k}", f"n{k}", slowly)
    return dag


def items_that_hold_graphs() -> AgentDAG:
    """Level by level the graphs of the items would take 4 s, and not the 3 s that they take by dataflow."""
    inner = graph_of({"a": 1, "b": 1, "c": 2, "d": 1}, [("a", "b"), ("c", "d")])
    dag = AgentDAG("items").add_node(AgentNode("found", lambda: [1, 2], output_key="found"))
    dag.add_node(AgentNode("each", inner, map_over="found")).add_edge("found", "each")
    dag.add_node(AgentNode("y", sleeper(5))).add_edge("each", "y")
    dag.add_node(AgentNode("z", sleeper(1))).add_node(AgentNode("x", sleeper(4)))
    return dag.add_edge("z", "x")


CHAINS = ({"a0": 1, "a1": 4, "b0": 4, "b1": 1}, [("a0", "a1"), ("b0", "b1")])


@pytest.mark.parametrize("schedule", ["sequential", "levels", "dataflow"])
@pytest.mark.parametrize(
    "make",
    [
        nested_and_tried_again,
        nested_and_cut_off,
        slow_conditions,
        items_that_hold_graphs,
        lambda: graph_of(*CHAINS),
        lambda: graph_of(dict.fromkeys("abcd", 2.0)),
    ],
    ids=["tried again", "cut off", "slow conditions", "items", "chains", "at once"],
)
def test_another_schedule_takes_what_is_said_of_it_within_what_is_said(make: Any, schedule: Any) -> None:
    said = other_schedules(ran(make(), schedule).record)
    for name in () if said is None else said.schedules:
        took = ran(make(), name).execution_time_seconds
        assert "most" in said.bound or took >= said.seconds * 0.95
        assert "least" in said.bound or took <= said.seconds * 1.05


def test_chains_are_worth_a_word_and_so_the_test_above_can_fail() -> None:
    assert other_schedules(ran(graph_of(*CHAINS), "levels").record) is not None


@pytest.mark.parametrize(
    ("make", "schedule", "options"),
    [
        (apart, "levels", {"resources": GPU}),
        (lambda: graph_of(dict.fromkeys("abcd", 2.0)), "sequential", {"max_concurrency": 2}),
    ],
    ids=["a resource", "a limit"],
)
def test_what_a_limit_would_forbid_is_said_with_its_condition(make: Any, schedule: Any, options: Any) -> None:
    names, taken = other_schedule(ran(make(), schedule, **options).record)
    assert names
    assert "hold each other up" in taken


# -- random graphs with items, graphs inside, retries and timeouts --------------------------------------------------

SEEDS = range(60)


def flaky(seconds: float, errors: int) -> Any:
    tried: list[int] = []

    async def work() -> float:
        await asyncio.sleep(seconds)
        tried.append(1)
        if len(tried) <= errors:
            raise ValueError("as told")
        return seconds

    return work


def for_items(seconds: list[float]) -> Any:
    async def work(item: int) -> float:
        await asyncio.sleep(seconds[item])
        return seconds[item]

    return work


def drawn(seed: int, depth: int = 0) -> AgentDAG:
    """The same graph for the same number; seconds are many, so that pauses between attempts count for little."""
    draw = random.Random(seed)

    def seconds() -> float:
        return draw.randint(1, 20) * 5.0

    dag = AgentDAG(f"drawn {seed}")
    count = draw.randint(2, 3 if depth else 6)
    for k in range(count):
        options: dict[str, Any] = {"on_error": "skip", "retry_count": draw.choice([0, 0, 0, 1, 2])}
        kind, agent = draw.random(), flaky(seconds(), draw.choice([0, 0, 0, 1, 9]))
        if kind < 0.4 and depth < 2:
            agent = drawn(31 * seed + k + 1, depth + 1)
        if 0.2 <= kind < 0.5:
            options |= {"map_over": "items", "map_concurrency": draw.choice([1, 2, 8])}
            agent = agent if kind < 0.3 and depth < 2 else for_items([seconds() for _ in range(3)])
        if draw.random() < 0.15:
            options["timeout_seconds"] = seconds() + 1
        dag.add_node(AgentNode(f"n{k}", agent, **options))
    for target in range(count):
        for source in range(target):
            if draw.random() < 0.3:
                answer = draw.random() < 0.8
                dag.add_edge(f"n{source}", f"n{target}", lambda _, answer=answer: answer)
    return dag


def went(seed: int, schedule: Any) -> ExecutionResult:
    executor = DAGExecutor(drawn(seed))
    result: ExecutionResult = run(executor.aexecute({"items": [0, 1, 2]}, schedule=schedule))
    return result


@pytest.mark.parametrize("schedule", ["sequential", "levels", "dataflow"])
def test_what_is_said_of_random_graphs_is_true(schedule: Any) -> None:
    told = 0
    for seed in SEEDS:
        said = other_schedules(went(seed, schedule).record)
        for name in () if said is None else said.schedules:
            told += 1
            took = went(seed, name).execution_time_seconds
            assert "most" in said.bound or took >= said.seconds * 0.95, (seed, name, said, took)
            assert "least" in said.bound or took <= said.seconds * 1.05, (seed, name, said, took)
    assert told > len(SEEDS) / 10
