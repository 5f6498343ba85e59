"""Costs in the tables of a run, and in what a person reads of it."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from linus_nb import events as ev
from linus_nb.analysis.runs.tables import CALL_DTYPES, NODE_DTYPES, STEP_DTYPES, call_table, node_table, step_table
from linus_nb.engine.encoding import decode_event, encode_event
from linus_nb.rendering.labels import tokens
from linus_nb.rendering.response import response_bundle
from tests.analysis_records import record_of
from tests.nested_samples import HEAD, press_run


def called(node, cost, error=None, **facts):
    call = ev.ModelCalled("m", 0.1, 1000, 100, cost=cost, error=error, **facts)
    return ev.CallReported(**HEAD, at=0.5, node=node, call=call)


def record(*calls):
    spans = {"a": (0, 2), "b": (2, 3), "c": (3, 4), "d": (4, 5)}
    return record_of(spans, extra=[*calls, ev.CallReported(**HEAD, at=1.0, node="a", call=ev.ToolCalled("t", 0.1))])


MIXED = record(called("a", 0.5), called("a", 0.25), called("b", 0.5), called("b", None), called("c", 0.0))


def test_cost_comes_after_the_tokens_in_every_table():
    for dtypes in (NODE_DTYPES, STEP_DTYPES, CALL_DTYPES):
        assert dtypes["cost"] == "float64"
        assert list(dtypes).index("cost") == list(dtypes).index("output_tokens") + 1


@pytest.mark.parametrize("table", [node_table, step_table])
def test_a_nodes_cost_is_the_sum_of_its_calls_and_unknown_where_one_is(table):
    costs = table(MIXED)["cost"]
    assert costs["a"] == 0.75
    assert math.isnan(costs["b"])
    assert costs[["c", "d"]].tolist() == [0.0, 0.0]


def test_calls_have_their_own_cost_and_tools_have_none():
    table = call_table(MIXED)
    assert sorted(table["cost"].dropna()) == [0.0, 0.0, 0.25, 0.5, 0.5]
    assert table.loc[table["kind"] == "tool", "cost"].tolist() == [0.0]
    assert table["cost"].isna().sum() == 1


def test_a_call_that_raised_is_not_counted_in_its_nodes_cost():
    failed = record(called("a", 0.5), called("a", None, error=TimeoutError()))
    assert node_table(failed)["cost"]["a"] == 0.5


def test_costs_inside_items_and_graphs_that_nobody_named_are_unknown():
    assert node_table(press_run())["cost"].isna().tolist() == [True, True, False, True, False, False]


def test_a_run_says_what_it_cost_where_that_is_known_and_something():
    assert tokens(record(called("a", 0.0012))) == "1,100 tokens, $0.0012"
    assert tokens(record(called("a", 0.0012, estimated=True))) == "about 1,100 tokens, $0.0012"
    assert tokens(record(called("a", 0.0))) == tokens(record(called("a", None))) == "1,100 tokens"


def answer(**facts):
    metrics = SimpleNamespace(task_completed=True, total_tokens=1100, execution_time_seconds=1.0, **facts)
    return response_bundle(SimpleNamespace(result="42", metrics=metrics, execution_history=[]))["text/html"]


def test_an_answer_says_what_it_cost_and_when_that_is_an_estimate():
    assert "$0.0012" in answer(cost=0.0012)
    assert "about 1,100 tokens" in answer(cost=0.0012, estimated_tokens=True)
    assert "about $0.0012" in answer(cost=0.0012, estimated_tokens=True)
    assert "$" not in answer(cost=0.0) + answer(cost=None) + answer()


@pytest.mark.parametrize("cost", [None, 0.0, 0.0012])
def test_a_cost_comes_back_from_a_saved_run(cost):
    event = called("a", cost)
    assert decode_event(encode_event(event)) == event
