"""Scorers: what they are given, what they may return, what becomes of their errors and of the models that they ask."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from linus_nb import Agent, AgentDAG, AgentNode, AgentResponse
from linus_nb.analysis.evaluating.evaluation import evaluate, last_evaluation
from linus_nb.analysis.evaluating.scores import agrees
from linus_nb.errors import CaseError, ScorerError
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


def scored(score, *cases, target=str.upper):
    return run(evaluate(target, list(cases) or ["a"], score=score, progress=False))


def says(text, **options):
    return Agent(llm=ScriptedModel(lambda *_: text, usage=(10, 3)), **options)


def test_a_scorer_gets_what_it_names():
    seen = []

    def score(output, expected, input, case, result, weight=2):  # noqa: A002
        seen.append((output, expected, input, case, type(result)))
        return weight

    case = {"input": "a", "expected": "b", "kind": "easy"}
    table = scored(score, case, target=says("yes"))
    assert seen == [("yes", "b", "a", case, AgentResponse)]
    assert list(table["score"]) == [2.0]


@pytest.mark.parametrize(
    "score",
    [
        lambda: 1,
        lambda **everything: sorted(everything) == ["case", "expected", "input", "output", "result"],
        lambda *, output: output == "A",
        partial(lambda output, wanted: output == wanted, wanted="A"),
        lambda output: asyncio.sleep(1, output == "A"),
    ],
    ids=["nothing", "all", "by name only", "partial", "a coroutine"],
)
def test_scorers_of_many_kinds(score):
    table = scored(score)
    assert list(table["score"]) == [1.0]
    assert list(table["error"]) == [""]


@pytest.mark.parametrize(
    ("said", "column"),
    [
        (True, 1.0),
        (False, 0.0),
        (3, 3.0),
        (0.25, 0.25),
        (np.True_, 1.0),
        (np.float32(0.5), 0.5),
        (np.array(2), 2.0),
        (None, None),
        (float("nan"), None),
        (np.array(float("nan")), None),
        (pd.NA, None),
    ],
)
def test_a_score_is_a_bool_a_number_or_nothing(said, column):
    table = scored(lambda: said)
    assert str(table["score"].dtype) == "float64"
    assert list(table["error"]) == [""]
    assert pd.isna(table["score"]["1"]) if column is None else table["score"]["1"] == column


@pytest.mark.parametrize("said", ["good", [1], {"a": 1}, np.array([1, 2]), 1j, pd.Series([1, 2])], ids=repr)
def test_any_other_score_is_an_error_of_the_case(said):
    table = scored(lambda: said)
    assert table["error"]["1"].startswith("score: TypeError: it returned ")
    assert list(table["status"]) == ["success"]
    assert table["score"].isna().all()


def test_a_scorer_that_raises_costs_neither_the_other_scores_nor_the_other_cases():
    def first(output):
        if output == "B":
            raise ValueError("no B")
        return 1

    table = scored({"first": first, "second": lambda output: 2}, "a", "b", "c")
    assert list(table["first"].fillna(-1)) == [1, -1, 1]
    assert list(table["second"]) == [2, 2, 2]
    assert list(table["error"]) == ["", "first: ValueError: no B", ""]
    assert set(table["status"]) == {"success"}


def test_a_cancellation_out_of_a_scorer_is_its_error():
    async def score():
        raise asyncio.CancelledError("gone")

    assert list(scored(score, "a", "b")["error"]) == ["score: CancelledError: gone"] * 2


def test_a_case_that_failed_is_not_scored():
    called = []
    table = scored(lambda output: called.append(output), "a", target=lambda _: 1 / 0)
    assert called == []
    assert table["score"].isna().all()


@pytest.mark.parametrize("blocking", [True, False])
def test_what_a_judge_spends_is_not_the_cases(blocking):
    judge = says("yes")

    async def asked(output):
        return (await judge.arun(f"Is it right? {output}")).result == "yes"

    def asked_blocking(output):
        return judge.run(f"Is it right? {output}").result == "yes"

    plain = scored(None, "a", "b", target=says("PARIS"))
    table = scored(asked_blocking if blocking else asked, "a", "b", target=says("PARIS"))
    assert list(table["score"]) == [1.0, 1.0]
    for column in ("llm_calls", "input_tokens", "output_tokens", "cost"):
        assert list(table[column]) == list(plain[column])
    assert any(note.startswith("Scoring took ") and "which are in no row" in note for note in table.notes)


def test_scoring_is_not_part_of_the_time_of_a_case():
    async def slow(output):
        await asyncio.sleep(5)
        return True

    async def work(_):
        await asyncio.sleep(1)

    assert list(scored(slow, "a", target=work)["duration_s"]) == [1.0]


def test_a_plain_scorer_runs_in_a_thread_so_that_the_loop_stays_alive():
    threads = []
    scored(lambda output: threads.append(threading.current_thread().name))
    assert threads == ["linus_nb worker"]


def test_stopped_while_it_is_scored_a_case_keeps_what_it_came_to():
    async def judging(output):
        await asyncio.sleep(100)

    async def stopped():
        await asyncio.wait_for(evaluate(str.upper, ["a"], score=judging, progress=False), 5)

    with pytest.raises(TimeoutError):
        run(stopped())
    table = last_evaluation()
    assert (table["output"]["1"], table["status"]["1"], table["error"]["1"]) == ("A", "success", "score: stopped")


# -- without a scorer -----------------------------------------------------------------------------------------------


def test_without_a_scorer_there_is_a_score_where_something_is_expected():
    assert "score" not in scored(None, "a", "b")
    assert list(scored(None, ("a", "A"), "b", ("c", "c"))["score"].fillna(-1)) == [1, -1, 0]
    assert "score" not in run(evaluate(str.upper, pd.DataFrame({"input": ["a"], "expected": [None]}), progress=False))


class City(BaseModel):
    name: str
    people: int


@pytest.mark.parametrize(
    ("output", "expected", "agree"),
    [
        ("a", "a", True),
        ("a ", "a", True),
        ("17", 17, True),
        ("17.0 ", 17, True),
        ("18", 17, False),
        ("seventeen", 17, False),
        ("1", True, False),
        (17, 17.0, True),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, False),
        ({"a": 1}, {}, False),
        (City(name="Oslo", people=7), {"name": "Oslo"}, True),
        (City(name="Oslo", people=7), City(name="Oslo", people=7), True),
        (City(name="Oslo", people=7), City(name="Oslo", people=8), False),
        ("Oslo", {"name": "Oslo"}, False),
    ],
)
def test_an_output_agrees_where_all_that_is_expected_is_there(output, expected, agree):
    assert agrees(output, expected) is agree


def test_the_answer_of_an_agent_with_a_schema_is_compared_by_its_fields():
    agent = Agent(llm=ScriptedModel([{"name": "Oslo", "people": 7}]), output_schema=City)
    table = scored(None, {"input": "Which city?", "expected": {"name": "Oslo"}}, target=agent)
    assert table["output"]["1"] == City(name="Oslo", people=7)
    assert list(table["score"]) == [1.0]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("spam", "expects 'spam', and the graph writes 'label'; expect a mapping"),
        ({"lable": "spam"}, "expects 'lable', which no node writes; did you mean 'label'?"),
    ],
)
def test_what_a_graph_can_never_write_cannot_be_expected_of_it(expected, said):
    dag = AgentDAG("d").add_node(AgentNode("n", lambda text: "spam", output_key="label"))
    with pytest.raises(CaseError) as caught:
        scored(None, {"text": "x"}, {"text": "x", "expected": expected}, target=dag)
    assert str(caught.value).startswith(f"case 2 {said}")

    def own(output):
        return output["label"] == "spam"

    assert list(scored(own, {"text": "x", "expected": expected}, target=dag)["score"]) == [1.0]


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (lambda outptu: 1, "has a parameter 'outptu'; did you mean 'output'? it may name 'output', 'expected'"),
        (len, "takes no named parameters"),
        (3, "the score 'score' is 3; give a function"),
        ("exact", "the score 'score' is 'exact'; give a function"),
        ({"x": None}, "the score 'x' is None; give a function"),
        ({}, "score is empty"),
        ({"cost": lambda: 1}, "a score is called 'cost'; there is such a column"),
        ({"case": lambda: 1}, "a score is called 'case'; there is such a column"),
        ({"": lambda: 1}, "a score is called ''; that is no name"),
        ({3: lambda: 1}, "a score is called 3; that is no name"),
        (says("yes"), "the score 'score' is Agent('agent', tools=[]); give a function"),
    ],
)
def test_a_scorer_that_cannot_be_called_is_refused_before_anything_runs(score, said):
    asked = []
    with pytest.raises(ScorerError) as caught:
        scored(score, "a", target=asked.append)
    assert said in str(caught.value)
    assert asked == []
