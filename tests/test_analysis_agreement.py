"""What was tried on the tables of runs, and of what changed between two."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linus_nb import (
    Agent,
    AgentDAG,
    AgentNode,
    DAGExecutor,
    ExecutionResult,
    benchmark,
    diff,
    load_run,
    runs_to_frame,
)
from linus_nb.testing import ScriptedModel
from tests.evaluations import of
from tests.virtual_time import run


def yes() -> Agent:
    return Agent(llm=ScriptedModel(lambda *_: "yes", usage=(10, 3)))


def asked_in_every_way() -> AgentDAG:
    """Six calls: two attempts of a function that asks an agent, an agent, two items, and an agent in a graph inside."""
    tried: list[str] = []
    agent = yes()

    async def asks(q: str) -> Any:
        tried.append(q)
        answer = (await agent.arun(q)).result
        if len(tried) == 1:
            raise ValueError("again")
        return answer

    inner = AgentDAG("inner").add_node(AgentNode("x", yes(), input_mapping={"q": "q"}))
    dag = AgentDAG("every way").add_node(AgentNode("asks", asks, retry_count=1))
    dag.add_node(AgentNode("agent", yes(), input_mapping={"q": "q"}))
    return dag.add_node(AgentNode("each", yes(), map_over="qs")).add_node(AgentNode("held", inner))


def held_and_tried_again() -> AgentDAG:
    """A graph in a node that comes to its end at the third attempt; each of them asks an agent."""
    tried: list[int] = []

    def flaky() -> None:
        tried.append(1)
        if len(tried) < 3:
            raise ValueError("again")

    inner = AgentDAG("inner").add_node(AgentNode("x", yes(), input_mapping={"q": "q"}))
    inner.add_node(AgentNode("y", flaky)).add_edge("x", "y")
    return AgentDAG("tried again").add_node(AgentNode("held", inner, retry_count=3))


STATE = {"q": "hello", "qs": ["1", "2"]}


def sums(table: pd.DataFrame) -> tuple[float, ...]:
    return tuple(table[column].sum() for column in ("llm_calls", "input_tokens", "output_tokens"))


def saved(result: ExecutionResult, path: Path) -> Any:
    result.save_jsonl(path)
    return load_run(path)


def came_to(value: Any) -> ExecutionResult:
    result: ExecutionResult = run(DAGExecutor(AgentDAG("g").add_node(AgentNode("n", lambda: value))).aexecute({}))
    return result


# -- calls, tokens and cost are the same everywhere -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "calls"),
    [
        (asked_in_every_way, 6),
        pytest.param(held_and_tried_again, 3),
    ],
)
def test_calls_and_tokens_agree_between_all_tables(make: Any, calls: int) -> None:
    expected = (calls, 10 * calls, 3 * calls)
    assert sums(of(make(), [STATE])) == expected
    result = run(DAGExecutor(make()).aexecute(STATE))
    assert sums(result.to_frame()) == expected
    assert sums(runs_to_frame([result])) == expected
    steps, listed = result.to_frame("steps"), result.to_frame("calls")
    assert sums(steps[steps["depth"] == 0]) == expected
    assert (len(listed), listed["input_tokens"].sum(), listed["output_tokens"].sum()) == expected
    measured = run(benchmark(make(), STATE, modes=["dataflow"], repeats=1, warmup=0, progress=False))
    assert (measured["llm_calls"].iloc[0], measured["tokens"].iloc[0]) == (calls, 13 * calls)


def test_an_agents_metrics_agree_with_its_row() -> None:
    agent = yes()
    metrics = run(agent.arun("hello")).metrics
    row = of(agent, ["hello"]).iloc[0]
    assert (row["llm_calls"], row["input_tokens"], row["output_tokens"], row["cost"]) == (
        metrics.llm_calls,
        metrics.total_input_tokens,
        metrics.total_output_tokens,
        metrics.cost,
    )


@pytest.mark.parametrize("make", [asked_in_every_way, held_and_tried_again])
def test_a_loaded_run_has_the_tables_and_attrs_of_the_live_one(make: Any, tmp_path: Path) -> None:
    live = run(DAGExecutor(make()).aexecute(STATE))
    loaded = saved(live, tmp_path / "run.jsonl")
    for kind in ("nodes", "steps", "calls"):
        pd.testing.assert_frame_equal(live.to_frame(kind), loaded.to_frame(kind))
        assert live.to_frame(kind).attrs == loaded.to_frame(kind).attrs
    pd.testing.assert_frame_equal(runs_to_frame([live]), runs_to_frame([loaded]))


# -- diff -----------------------------------------------------------------------------------------------------------

LONG = np.arange(2000)
OTHER = np.where(np.arange(2000) == 1000, 7, LONG)  # as long, and different in the middle


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (LONG, OTHER),
        (pd.DataFrame({"n": LONG}), pd.DataFrame({"n": OTHER})),
        (pd.DataFrame({"t": ["x" * 100 + "a"]}), pd.DataFrame({"t": ["x" * 100 + "b"]})),
        (np.array([0.1 + 0.2]), np.array([0.3])),
    ],
    ids=["array", "table", "long cell", "last digit"],
)
def test_runs_that_differ_are_told_apart_while_they_are_in_memory(a: Any, b: Any) -> None:
    assert diff(came_to(a), came_to(b))["change"].tolist() == ["changed"]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (LONG, OTHER),
        (pd.DataFrame({"n": LONG}), pd.DataFrame({"n": OTHER})),
        (pd.DataFrame({"t": ["x" * 100 + "a"]}), pd.DataFrame({"t": ["x" * 100 + "b"]})),
        (np.array([0.1 + 0.2]), np.array([0.3])),
    ],
    ids=["array", "table", "long cell", "last digit"],
)
def test_saved_runs_that_differed_are_not_said_to_be_the_same(a: Any, b: Any, tmp_path: Path) -> None:
    table = diff(saved(came_to(a), tmp_path / "a"), saved(came_to(b), tmp_path / "b"))
    assert table["change"].tolist() == ["changed"] or "Each node of both has the same" not in " ".join(table.notes)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("42", 42, r"str\b.*\bint"),
        ("None", None, r"str\b.*\bNone"),
        ("a\r\nb", "a\nb", r"\\r"),
        ("a ", "a", r"'a '|a·|a␠"),
    ],
)
def test_values_that_read_the_same_say_how_they_differ(a: Any, b: Any, told: str) -> None:
    assert re.search(told, diff(came_to(a), came_to(b)).loc["n", "output_diff"])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({3, 1, 2}, {1, 2, 3}),
        (float("nan"), float("nan")),
        (pd.DataFrame({"a": [np.array([1, 2])]}), pd.DataFrame({"a": [np.array([1, 2])]})),
        (np.int64(1), np.int64(1)),
        (ValueError("a"), ValueError("a")),
        (pd.NaT, pd.NaT),
    ],
    ids=repr,
)
def test_what_a_reader_would_call_equal_is_no_change_live_nor_saved(a: Any, b: Any, tmp_path: Path) -> None:
    live = came_to(a), came_to(b)
    loaded = saved(live[0], tmp_path / "a"), saved(live[1], tmp_path / "b")
    for pair in (live, loaded, (live[0], loaded[1])):
        assert diff(*pair)["change"].tolist() == ["same"]


# -- what two runs have in common -----------------------------------------------------------------------------------


def ended(dag: AgentDAG, **state: Any) -> ExecutionResult:
    result: ExecutionResult = run(DAGExecutor(dag).aexecute(state))
    return result


def one_then_two(first: str, second: str) -> AgentDAG:
    dag = AgentDAG("two").add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", lambda: 2))
    return dag.add_edge(first, second)


def test_nodes_that_changed_places_are_told_by_their_edges() -> None:
    table = diff(ended(one_then_two("a", "b")), ended(one_then_two("b", "a")))
    assert table["change"].tolist() == ["same", "same"]
    said = " ".join(table.notes)
    assert "Edges only in a: 'a' → 'b'." in said
    assert "Edges only in b: 'b' → 'a'." in said
    assert "are the same" not in said


def test_a_run_is_the_same_as_itself() -> None:
    result = ended(one_then_two("a", "b"))
    assert diff(result, result).notes[0].startswith("a and b are the same")


def test_runs_are_not_said_to_be_the_same_where_something_inside_is_not() -> None:
    def outer(value: int) -> AgentDAG:
        inner = AgentDAG("in").add_node(AgentNode("p", lambda: value))
        inner.add_node(AgentNode("q", lambda: 5, output_key="k"))
        return AgentDAG("o").add_node(AgentNode("i", inner, output_key="z"))

    table = diff(ended(outer(1)), ended(outer(2)))
    assert table["inside_changed"].tolist() == ["i/p"]
    assert "a and b are the same" not in " ".join(table.notes)


def test_an_address_in_an_error_is_no_change() -> None:
    class Thing:
        pass

    def fails() -> None:
        raise ValueError(f"no handler for {Thing()!r}, nor for {[object()]}")

    kept: list[Any] = [object() for _ in range(3)]  # so that the next thing has another address
    runs = [ended(AgentDAG("g").add_node(AgentNode("a", fails)))]
    kept += [Thing() for _ in range(50)]
    runs.append(ended(AgentDAG("g").add_node(AgentNode("a", fails))))
    assert len(kept) == 53
    assert diff(*runs)["change"].tolist() == ["same"]
