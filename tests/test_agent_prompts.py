"""What the model is told: which examples stand in a prompt, and in what order."""

from __future__ import annotations

import json

import pytest

from linus_nb.agent import prompts
from linus_nb.agent.likeness import likeness
from linus_nb.agent.memory import Memory
from linus_nb.agent.memory_recall import recall
from linus_nb.tools import calculator, clock, days_between, default_tools, letter_count
from linus_nb.tools.adapt import NO_TOOL, adapt_all

TOOLBOX = adapt_all((*default_tools(), letter_count, days_between))


def stock(fruit: str) -> int:
    """Say how many pieces of a fruit are in stock."""
    return len(fruit)


def shown(messages):
    """Return the examples in a prompt: what is asked and what is answered."""
    asked = [text for role, text in messages[1:-1] if role == "user"]
    return list(zip(asked, (text for role, text in messages[1:-1] if role == "assistant"), strict=True))


def tools_shown(question, tools, earlier=""):
    messages = prompts.plan_messages(question, tools, "", (), "", earlier)
    return [json.loads(plan)["tasks"][0]["tool"] for _, plan in shown(messages)]


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("What is the current date?", clock),
        ("How often does the letter z appear in 'zigzag'?", letter_count),
        ("How many days is it since 2019-06-30?", days_between),
        ("What is 8 * 7?", calculator),
    ],
)
def test_the_last_example_of_a_plan_is_of_the_tool_that_a_question_resembles(question, tool):
    assert tools_shown(question, TOOLBOX)[-1] == tool.name


def test_no_unlike_example_without_a_tool_stands_against_a_mere_description():
    assert set(tools_shown("What about the pears?", adapt_all([stock]))) == {"stock"}


def test_a_like_example_without_a_tool_stands_beside_a_mere_description():
    assert tools_shown("Write a greeting for Lisa.", adapt_all([stock]))[-1] == NO_TOOL


def test_a_plan_with_something_said_earlier_shows_that_this_can_be_the_answer():
    question = "What is the name of my horse?"
    assert NO_TOOL not in tools_shown(question, adapt_all([stock]))
    messages = prompts.plan_messages(question, adapt_all([stock]), "", (), "", "Earlier: my horse is Fury")
    asked, plan = shown(messages)[-1]
    assert asked.startswith("Earlier: ")
    assert json.loads(plan)["tasks"] == [{"tool": NO_TOOL, "description": asked.splitlines()[-1], "depends_on": []}]
    assert messages[-1] == ("user", f"Earlier: my horse is Fury\n{question}")


def test_answers_in_words_are_shown_only_examples_like_the_question():
    assert shown(prompts.respond_messages("Why do cats purr at night?", "", ())) == []
    like = shown(prompts.respond_messages('Is this positive or negative? "It rains."', "", ()))
    assert like[-1] == ('Is this positive or negative? "What a lovely day!"', "positive")


def test_what_was_said_earlier_is_not_drowned_by_examples_of_other_answers():
    with Memory() as memory:
        memory.add("my favourite colour is teal", "Noted.")
        recalled = recall(memory, "Which colour do I like?")
        messages = prompts.respond_messages("Which colour do I like?", "", (), recalled)
    assert messages[1:-1] == recalled.examples
    assert messages[-1][1].endswith("Earlier: my favourite colour is teal\nAnswer: Noted.\nWhich colour do I like?")


def test_instructions_take_the_place_of_terse_examples():
    assert shown(prompts.respond_messages("Write a greeting for Ann.", "You are a poet.", ())) == []


def test_an_answer_with_fields_is_asked_for_by_their_names_and_shown_json():
    schema = {"type": "object", "properties": {"city": {}, "nights": {}}}
    messages = prompts.fields_messages("Two nights in Rome", "Be exact.", schema)
    assert messages[0][1].startswith("Be exact.")
    assert messages[-1] == ("user", "Fields: city, nights\nText: Two nights in Rome")
    for asked, filled in shown(messages):
        assert asked.startswith(f"Fields: {', '.join(json.loads(filled))}\nText: ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('Is "a cat" big?', "Is “the whole of Asia” big?"),
        ("Is 'it's all wrong' big?", 'Is "no" big?'),
        ("What's 3 + 4?", "What's 17 + 25?"),
    ],
)
def test_what_stands_in_quotes_and_which_numbers_make_no_difference(one, other):
    assert likeness(one, other) == 1.0


def test_an_apostrophe_quotes_nothing():
    assert likeness("What's Ann's dog's name?", "What's Ann's name?") < 1.0
