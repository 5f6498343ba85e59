"""What is said below the table of an evaluation: scores, costs, memory."""

from __future__ import annotations

import pandas as pd
import pytest

from linus_nb import Agent, AgentDAG, AgentNode, Memory
from linus_nb.testing import ScriptedModel
from tests.evaluations import of, shouting


def test_notes_give_means_over_scored_cases_and_do_not_hide_those_without_a_score():
    def right(output):
        return output != 2

    def size(output):
        if output == 3:
            raise ValueError("too large")
        return None if output == 4 else output

    def work(k):
        if k == 9:
            raise ValueError("no")
        return k

    notes = of(work, [1, 2, 3, 4, 9], score={"right": right, "size": size}).notes
    assert notes[0] == "right: 3 of 4 cases right, of 5 in all; 1 failed, and counts neither way."
    assert (
        notes[1]
        == "size: 1.50 on average over 2 cases, of 5 in all; 2 got no score and 1 failed, and count neither way."
    )


def test_notes_say_what_the_cases_cost_and_that_no_model_was_asked():
    table = of(shouting(), ["paris", "rome"])
    calls = int(table["llm_calls"].sum())
    assert f"The cases took {calls} model calls: {10 * calls} tokens in, {3 * calls} out, at no cost." in table.notes
    assert any("came from a script" in note for note in table.notes)


@pytest.mark.parametrize(("tokens", "said"), [((10, 3), ", less than $0.0001."), ((1000, 100), ", $0.0")])
def test_notes_give_the_price_of_all_cases(tokens, said):
    agent = Agent(llm=ScriptedModel(lambda *_: "yes", usage=tokens, model="gpt-4o", provider="openai", runs_here=False))
    table = of(agent, ["paris"])
    assert 0 < table["cost"]["1"] < 0.1
    assert said in table.notes[0]


def test_a_price_that_is_not_known_is_no_price_of_nothing():
    agent = Agent(llm=ScriptedModel(lambda *_: "yes", usage=(10, 3), model="new", provider="openai", runs_here=False))
    table = of(agent, ["paris"])
    assert pd.isna(table["cost"]["1"])
    assert "no price is known" in table.notes[0]


@pytest.mark.parametrize("inside", [False, True])
def test_a_memory_is_named_since_it_makes_cases_depend_on_each_other(inside):
    agent = shouting(memory=Memory())
    inner = AgentDAG("inner").add_node(AgentNode("ask", agent, output_key="said"))
    target = AgentDAG("outer").add_node(AgentNode("inner", inner)) if inside else agent
    table = of(target, [{"input": {"q": "paris"}} if inside else "paris"])
    assert any("With memory" in note for note in table.notes)
    assert not any("With memory" in note for note in of(shouting(), ["paris"]).notes)


def test_where_no_case_was_scored_one_sentence_says_why():
    assert of(str, ["a", "b"], score=lambda output: None).notes[0] == "score: no case was scored; 2 got no score."
    assert of(str, ["a"], score=lambda output: 1 / 0).notes[0] == "score: no case was scored; 1 got no score."
    assert of(lambda x: 1 / 0, [("a", "b")]).notes[0] == "score: no case was scored; 1 failed."


def test_notes_tell_of_wrong_outputs_that_hold_what_is_expected_or_are_among_it():
    right = "such are right with score=lambda output, expected:"
    cases = [("q", "Paris"), ("q", "Rome"), ("q", ""), ("q", ["Paris.", "It is Paris."]), ("q", "It is Paris.")]
    assert of(lambda _: "It is Paris.", cases).notes[1:3] == [
        f"In 1 of the wrong outputs what is expected occurs; {right} expected in output.",
        f"1 of the wrong outputs is among the values that are expected; {right} output in expected.",
    ]
    own = of(lambda _: "It is Paris.", cases[:1], score=lambda output, expected: output == expected)
    assert not any("such are right" in note for note in own.notes)
