"""What one run of an agent cost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from linus_nb.agent.metrics import AgentMetrics
from linus_nb.models.usage import Usage


def counted(*calls):
    metrics = AgentMetrics()
    for call in calls:
        metrics.count_call(*call)
    return metrics


def test_calls_add_up():
    metrics = counted((Usage(10, 3), 0.25, "a"), (Usage(20, 4), 0.5, "b"))
    assert (metrics.llm_calls, metrics.total_input_tokens, metrics.total_output_tokens) == (2, 30, 7)
    assert (metrics.total_tokens, metrics.cost, metrics.cost_note, metrics.estimated_tokens) == (37, 0.75, "", False)
    assert metrics.avg_tokens_per_llm_call == 18.5


def test_one_unknown_price_makes_the_cost_unknown_for_good_and_the_note_names_the_model_once():
    metrics = counted((Usage(), 0.25, "a"), (Usage(), None, "x"), (Usage(), 0.25, "a"), (Usage(), None, "x"))
    assert metrics.cost is None
    assert metrics.cost_note == "no price is known for 'x'"
    metrics.count_call(Usage(), None, "y")
    assert metrics.cost_note == "no price is known for 'x', 'y'"


def test_a_model_that_runs_here_costs_nothing_which_is_not_unknown():
    metrics = counted((Usage(10, 3, estimated=True), 0.0, "local"))
    assert metrics.cost == 0.0
    assert metrics.cost_note == ""
    assert metrics.estimated_tokens


def test_a_cost_from_estimated_tokens_says_so():
    assert counted((Usage(10, 3, estimated=True), 0.5, "a")).cost_note == "from estimated tokens"


def test_replies_of_a_cache_and_of_a_script_are_counted_as_calls_and_as_what_they_are():
    metrics = counted(
        (Usage(10, 3, cached_tokens=4), 0.25, "a"), (Usage(), 0.0, "a", "cache"), (Usage(10, 3), 0.0, "b", "script")
    )
    assert (metrics.llm_calls, metrics.cached_replies, metrics.scripted_replies) == (3, 1, 1)
    assert (metrics.total_tokens, metrics.cached_input_tokens, metrics.cost) == (26, 4, 0.25)
    assert metrics.to_dict()["cached_replies"] == 1


def test_before_the_first_call_there_is_no_cost():
    assert (AgentMetrics().cost, AgentMetrics().cost_note) == (None, "")


def test_all_of_it_is_plain_data():
    told = counted((Usage(10, 3, estimated=True), None, "x")).to_dict()
    assert (told["cost"], told["estimated_tokens"]) == (None, True)
    assert (told["cost_note"], told["unpriced_models"]) == ("no price is known for 'x'", ("x",))
    assert json.loads(json.dumps(told))["total_tokens"] == 13


def test_metrics_can_be_copied_and_compared():
    metrics = counted((Usage(10, 3), 0.5, "a"))
    copy = replace(metrics)
    assert copy == metrics
    copy.count_call(Usage(1, 1), 0.5, "a")
    assert metrics.cost == 0.5


@pytest.mark.parametrize("runs", [1, 2])
def test_calls_from_many_threads_are_all_counted_each_in_its_own_run(runs):
    metrics = [AgentMetrics() for _ in range(runs)]
    with ThreadPoolExecutor(8) as pool:
        for k in range(4000):
            pool.submit(metrics[k % runs].count_call, Usage(1, 2), 0.5, "a")
    assert {(m.llm_calls, m.total_tokens, m.cost) for m in metrics} == {(4000 // runs, 12000 // runs, 2000.0 / runs)}
