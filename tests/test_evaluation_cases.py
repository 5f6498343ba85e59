"""What cases may look like, and how those that cannot be run are refused before anything runs."""

from __future__ import annotations

import pandas as pd
import pytest

from linus_nb import AgentDAG, AgentNode
from linus_nb.analysis.evaluating.cases import read_cases
from linus_nb.analysis.evaluating.evaluation import evaluate
from linus_nb.errors import CaseError, LinusError
from tests.virtual_time import run

NAN = float("nan")


def facts(cases, **options):
    return [(case.name, case.input, case.expected) for case in read_cases(cases, **options)]


@pytest.mark.parametrize(
    ("cases", "read"),
    [
        ([], []),
        (["a", "b"], [("1", "a", None), ("2", "b", None)]),
        ([("a", "A")], [("1", "a", "A")]),
        ([{"input": "a", "name": "first"}, "b"], [("first", "a", None), ("2", "b", None)]),
        ([{"input": "a", "expected": NAN, "name": None}], [("1", "a", None)]),
        ([{"input": "a", "expected": pd.NA, "name": 7}], [("7", "a", None)]),
        ([{"input": ["a", "b"], "expected": 0}], [("1", ["a", "b"], 0)]),
        ((word for word in "ab"), [("1", "a", None), ("2", "b", None)]),
        (pd.DataFrame({"input": ["a", "b"], "expected": [1, NAN]}), [(0, "a", 1.0), (1, "b", None)]),
        (pd.DataFrame({"input": ["a"], "name": ["x"]}, index=[9]), [("x", "a", None)]),
        (pd.DataFrame({"input": []}), []),
    ],
)
def test_cases_are_read_from_texts_pairs_mappings_and_tables(cases, read):
    assert facts(cases) == read


@pytest.mark.parametrize(
    ("cases", "read"),
    [
        ([{"topic": "x"}], [("1", {"topic": "x"}, None)]),
        ([{"topic": "x", "expected": {"y": 1}, "name": "n"}], [("n", {"topic": "x"}, {"y": 1})]),
        (
            [{"input": {"topic": "x", "name": "in the state"}, "more": 1}],
            [("1", {"topic": "x", "name": "in the state"}, None)],
        ),
        ([({"topic": "x"}, {"y": 1})], [("1", {"topic": "x"}, {"y": 1})]),
        ([{"input": "a key like any other", "b": 2}], [("1", {"input": "a key like any other", "b": 2}, None)]),
        ([{}], [("1", {}, None)]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), [(0, {"a": 1, "b": "x"}, None), (1, {"a": 2, "b": "y"}, None)]),
    ],
)
def test_the_case_of_a_graph_is_its_initial_state(cases, read):
    assert facts(cases, of_graph=True) == read


def test_the_numbers_of_a_table_become_those_of_python():
    ((_, state, _),) = facts(pd.DataFrame({"n": [1], "x": [0.5]}), of_graph=True)
    assert {type(value) for value in state.values()} == {int, float}


@pytest.mark.parametrize(
    ("cases", "number", "said"),
    [
        (["a", None], 2, "has an 'input' that holds nothing"),
        (["a", {"inptu": "b"}], 2, "has no 'input'; did you mean 'input'? (its keys: 'inptu')"),
        ([{}], 1, "has no 'input'; (its keys: none)"),
        (["a", ["b", "c"]], 2, "is ['b', 'c']; give a list of mappings"),
        ([("a", "b", "c")], 1, "is ('a', 'b', 'c'); give a list of mappings"),
        ([{"input": "a", "name": "x"}, "b", {"input": "c", "name": "x"}], 3, "has the name 'x', as case 1 has"),
        ([{"input": "a", "name": "2"}, "b"], 2, "has the name '2', as case 1 has"),
        (pd.DataFrame({"input": ["a", NAN]}), 2, "has an 'input' that holds nothing"),
        (pd.DataFrame({"input": ["a", "b"]}, index=[5, 5]), 2, "has the name 5, as case 1 has"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_by_its_number(cases, number, said):
    with pytest.raises(CaseError) as caught:
        read_cases(cases)
    assert caught.value.number == number
    assert str(caught.value).startswith(f"case {number} {said}")


@pytest.mark.parametrize("case", ["a", ("a", {"x": 1}), {"input": None}, {"input": NAN, "expected": {"y": 1}}, 3])
def test_the_case_of_a_graph_without_a_state_is_refused(case):
    with pytest.raises(CaseError, match=r"its initial state|mapping, the initial state"):
        read_cases([case], of_graph=True)


@pytest.mark.parametrize("cases", ["abc", b"abc", {"input": "a"}, 3, None, pd.Series(["a"])])
def test_what_is_no_list_of_cases_is_refused(cases):
    with pytest.raises(TypeError, match=r"cases is .*; give a list of mappings like"):
        read_cases(cases)


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(LinusError, match="two columns of cases bear one name"):
        read_cases(pd.DataFrame([["a", "b"]], columns=["input", "input"]))


def test_nothing_runs_where_one_case_is_bad():
    asked: list[str] = []
    dag = AgentDAG("d").add_node(AgentNode("n", lambda topic: asked.append(topic), by_name=True))
    for cases in ([{"topic": "x"}, {"tpoic": "y"}], [{"topic": "x"}, "y"]):
        with pytest.raises(CaseError, match=r"^case 2 "):
            run(evaluate(dag, cases, progress=False))
    with pytest.raises(CaseError, match=r"^case 2 "):
        run(evaluate(asked.append, ["x", None], progress=False))
    assert asked == []


def test_the_rows_of_a_table_keep_its_index_so_that_the_scores_can_be_added_to_it():
    cases = pd.DataFrame({"input": ["a", "b"], "expected": ["A", "C"]}, index=[7, 3])
    table = run(evaluate(str.upper, cases, progress=False))
    cases["score"] = table["score"]
    assert list(cases["score"]) == [1.0, 0.0]
    assert table.results[7] == "A"
    days = pd.DataFrame({"input": ["a"]}, index=pd.MultiIndex.from_tuples([("x", 1)]))
    assert list(run(evaluate(str.upper, days, progress=False)).results) == [("x", 1)]
