"""What a memory says to a question, and how it makes room: the parts of the loop that recall and remember."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.agent.drivers import adrive, drive
from linus_nb.agent.memory import Memory, Summarising
from linus_nb.agent.memory_recall import Recalled, recall
from linus_nb.agent.memory_remember import asked, remember, summary_messages
from linus_nb.agent.memory_text import Budget
from linus_nb.agent.requests import CallModel, Reply
from linus_nb.errors import ModelError
from linus_nb.models.usage import Usage, estimated_tokens
from linus_nb.testing import ScriptedModel
from tests.memory_steps import talk, told, turn


@pytest.fixture
def memory():
    with Memory() as made:
        yield made


def conversation(memory, question):
    """Answer a question as a loop would: recall, one call, remember."""
    recalled = recall(memory, question)
    messages = (("system", "Answer briefly."), *recalled.examples, ("user", recalled.before(question)))
    reply = yield CallModel(messages, "response")
    yield from remember(memory, question, reply.text)
    return reply.text


def knows_teal(messages, schema):
    """A model that knows what its prompt says, and nothing else."""
    last = messages[-1].text
    return "You like teal." if "which colour" in last and "teal" in last else "Noted."


# -- what a later question sees --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["blocking", "awaited"])
def test_what_was_told_in_one_run_answers_a_question_in_a_later_one(memory, way):
    model = ScriptedModel(knows_teal)

    def run(question):
        steps = conversation(memory, question)
        return drive(steps, model) if way == "blocking" else asyncio.run(adrive(steps, model))

    assert run("my favourite colour is teal") == "Noted."
    for city in ("Rome", "Oslo", "Lima"):
        run(f"What is the weather in {city}?")
    assert run("which colour do I like?") == "You like teal."
    assert model.calls[-1].messages[-1].text == (
        "Earlier: What is the weather in Rome?\n"
        "Answer: Noted.\n"
        "Earlier: What is the weather in Oslo?\n"
        "Answer: Noted.\n"
        "Earlier: What is the weather in Lima?\n"
        "Answer: Noted.\n"
        "Earlier: my favourite colour is teal\n"  # what has words of the question stands right before it
        "Answer: Noted.\n"
        "which colour do I like?"
    )


def test_what_was_summarised_long_ago_is_found_word_for_word(memory):
    told(memory, "my favourite colour is teal")
    assert talk(memory, 60)
    recalled = recall(memory, "Which colours do I like?")
    assert "teal" not in recalled.summary
    assert [turn.question for turn in recalled.relevant] == ["my favourite colour is teal"]
    assert recalled.relevant[0].summarised
    assert recalled.text.startswith("Earlier, in short: They talked.\nEarlier: Question ")
    assert recalled.text.endswith("\nEarlier: my favourite colour is teal\nAnswer: Noted.")


def test_where_nothing_has_its_words_the_latest_turns_are_told(memory):
    told(memory, "I am Ann", "Hello Ann.")
    told(memory, "It rains", "I see.")
    recalled = recall(memory, "who?")
    assert recalled.relevant == ()
    assert recalled.text == "Earlier: I am Ann\nAnswer: Hello Ann.\nEarlier: It rains\nAnswer: I see."


def test_an_empty_memory_says_nothing(memory):
    recalled = recall(memory, "which colour?")
    assert recalled == Recalled()
    assert not recalled
    assert recalled.tokens == 0
    assert recalled.examples == ()
    assert recalled.before("which colour?") == "which colour?"


def test_examples_show_how_such_a_prompt_is_answered(memory):
    told(memory, "I am Ann")
    examples = recall(memory, "who am I?").examples
    assert [role for role, _ in examples] == ["user", "assistant"] * (len(examples) // 2)
    assert all(text.startswith("Earlier: ") for role, text in examples if role == "user")


def test_a_turn_stands_in_a_prompt_once(memory):
    for n in range(6):
        told(memory, f"the apple number {n} is red")
    text = recall(memory, "which apple is red?").text
    assert all(text.count(f"the apple number {n} is red") == 1 for n in range(6))


def test_long_turns_are_cut_so_that_all_the_latest_are_seen():
    with Memory(100, recent_turns=2) as memory:
        memory.add("first long question", "alpha " * 1000)
        memory.add("second", "beta")
        recalled = recall(memory, "")
        assert recalled.text.startswith("Earlier: first long question\nAnswer: alpha alpha")
        assert recalled.text.endswith("alpha…\nEarlier: second\nAnswer: beta")
        assert 80 < recalled.tokens <= 100


texts = st.one_of(
    st.text(max_size=40),
    st.text(min_size=200, max_size=400),
    st.sampled_from(["", "teal", "🙂" * 300, "\ud800", "ß" * 5]),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(texts, texts), max_size=12),
    texts,
    st.integers(64, 400),
    st.one_of(st.integers(1, 6), st.just(10_000)),
    texts,
)
def test_what_is_recalled_never_passes_the_budget(turns, question, budget, recent, summary):
    with Memory(budget, recent) as memory:
        for said, answered in turns:
            assert len(told(memory, said, answered, reply=summary or "s")) <= 1
        recalled = recall(memory, question)
        assert recalled.tokens <= budget
        assert bool(recalled.text) == bool(turns)
        shown = [turn.number for turn in (*recalled.recent, *recalled.relevant)]
        assert len(shown) == len(set(shown))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_asked_and_answered_it_is_remembered(question, answer):
    with Memory() as memory:
        assert told(memory, question, answer) == []
        assert len(memory) == 1
        recall(memory, question)


# -- making room -----------------------------------------------------------------------------------------------------


def test_turns_that_fit_are_never_summarised(memory):
    assert talk(memory, 8) == {}
    assert memory.summary == ""


@pytest.mark.parametrize(
    ("budget", "recent", "words"), [(1000, 4, 30), (1000, 4, 2000), (64, 4, 30), (64, 1, 500), (200, 1, 10)]
)
def test_every_turn_is_summarised_once_and_not_at_every_turn(budget, recent, words):
    with Memory(budget, recent) as memory:
        calls = talk(memory, 60, words=words)
        assert all(len(made) == 1 for made in calls.values())
        assert [call.purpose for [call] in calls.values()] == ["memory summary"] * len(calls)
        at = sorted(calls)
        assert all(later - earlier >= 2 for earlier, later in pairwise(at))
        asked_for = "".join(call.messages[-1][1] for [call] in calls.values())
        for turn in memory.turns:
            number = turn.question.split()[1]
            assert asked_for.count(f"Earlier: Question {number} ") == turn.summarised
        assert not any(turn.summarised for turn in memory.turns[-memory.budget.latest :])


def test_a_summary_is_made_of_the_one_before_and_the_oldest_turns(memory):
    numbers = iter(range(100))
    calls = {}
    for n in range(1, 40):
        made = told(memory, f"Question {n} " + "word " * 30, f"Answer {n}", reply=f"summary {next(numbers)}")
        for call in made:
            calls[n] = call
    first, second, *_ = calls.values()
    assert "Summary so far" not in first.messages[-1][1]
    assert first.messages[-1][1].startswith("Earlier: Question 1 word")
    assert first.messages[-1][1].endswith("\nNew summary:")
    made_at = list(calls)
    assert second.messages[-1][1].startswith(f"Summary so far: summary {made_at[0] - 1}\nEarlier: Question ")
    assert memory.summary == f"summary {made_at[-1] - 1}"


def test_a_summary_that_is_too_long_is_cut_to_its_quarter(memory):
    talk(memory, 9)
    while not memory.summary:
        told(memory, "Question " + "word " * 30, reply="blah " * 5000)
    assert memory.summary.endswith("blah…")
    assert estimated_tokens(memory.summary) <= 250


def test_the_prompt_for_a_summary_has_a_bound_too():
    budget = Budget.of(200, 4)
    turns = [turn("q " * 5000, "a " * 5000) for _ in range(6)]
    *_, (role, asked_for) = summary_messages("They talked.", turns, budget)
    assert role == "user"
    assert asked_for.count("Earlier: ") == 6
    assert estimated_tokens(asked_for) <= 200 + 10


def test_a_memory_that_was_filled_at_once_is_summarised_batch_by_batch(memory):
    for n in range(300):
        memory.add(f"Question {n} " + "word " * 30, "ok")
    calls = talk(memory, 60, first=1000)
    assert len(calls) > 2
    *_, last = memory.turns
    assert not last.summarised
    assert sum(not turn.summarised for turn in memory.turns) < 12
    assert all(estimated_tokens(call.messages[-1][1]) < 1020 for [call] in calls.values())


# -- a summary that fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [ModelError("no connection"), "", " \n"])
def test_where_a_summary_fails_nothing_is_lost_and_it_is_tried_again_later(memory, reply, caplog):
    talk(memory, 8)
    tried = []
    with caplog.at_level(logging.ERROR, "linus_nb"):
        for n in range(8):
            tried.append(len(told(memory, f"Question {n} " + "word " * 30, reply=reply)))
    assert sum(tried) >= 2
    assert not any(one and two for one, two in pairwise(tried))
    assert memory.summary == ""
    assert not any(turn.summarised for turn in memory.turns)
    assert len(memory) == 16
    message = caplog.records[0].message
    assert message.endswith(str(reply).strip() or "the reply was empty")
    assert "earlier turns were not summarised, and stay as they are" in message
    assert recall(memory, "word").tokens <= 1000
    assert talk(memory, 5, first=50)  # and then it works


def test_a_summary_that_is_dropped_in_its_midst_loses_nothing(memory):
    talk(memory, 8)
    request = None
    while request is None:
        steps = remember(memory, "Question " + "word " * 30, "ok")
        request = next(steps, None)
    steps.close()  # as when the run is cancelled
    count = len(memory)
    assert memory.summary == ""
    assert len(told(memory, "and on " + "word " * 30)) == 1
    assert len(memory) == count + 1


def test_a_run_that_was_dropped_and_not_closed_does_not_stop_summaries_for_ever(memory, monkeypatch):
    talk(memory, 8)
    request, held = None, []
    while request is None:
        steps = remember(memory, "Question " + "word " * 30, "ok")
        held.append(steps)
        request = next(steps, None)
    assert told(memory, "Question " + "word " * 30) == []
    monkeypatch.setattr(Summarising, "LONGEST_S", 0.0)
    assert len(told(memory, "Question " + "word " * 30)) == 1
    assert next(iter(memory.turns)).summarised
    # and what the first one got at last fits no more
    with pytest.raises(StopIteration):
        steps.send(Reply("late", Usage()))
    assert memory.summary == "They talked."


def test_an_answer_is_not_lost_for_a_memory_that_cannot_keep_it(memory, caplog):
    memory.close()
    with caplog.at_level(logging.ERROR, "linus_nb"):
        assert told(memory, "q") == []
    assert caplog.records[0].message == "a turn could not be kept in the memory"


# -- many runs at once -----------------------------------------------------------------------------------------------


def test_the_loop_can_count_the_call(memory):
    counted = []

    def ask(call):
        reply = yield from asked(call)
        counted.append(reply.usage.total_tokens)
        return reply

    model = ScriptedModel(["They talked."] * 3, usage=(10, 3))
    for n in range(16):
        drive(remember(memory, f"Question {n} " + "word " * 30, "ok", ask), model)
    assert counted == [13] * len(model.calls) != []


def test_runs_at_once_summarise_no_turn_twice(memory):
    model = ScriptedModel(lambda *_: "They talked.", latency_s=0.001)

    async def run(n):
        for k in range(6):
            await adrive(remember(memory, f"Question {n}-{k} " + "word " * 30, f"Answer {n}-{k}"), model)

    async def ten():
        async with asyncio.TaskGroup() as group:
            for n in range(10):
                group.create_task(run(n))

    asyncio.run(ten())
    told_again = "".join(call.messages[-1].text for call in model.calls)
    assert len(memory) == 60
    assert memory.summary == "They talked."
    for kept in memory.turns:
        number = kept.question.split()[1]
        assert kept.answer == f"Answer {number}"
        assert told_again.count(f"Earlier: Question {number} ") == kept.summarised


def test_turns_stand_in_the_order_in_which_runs_ended(memory):
    model = ScriptedModel(lambda messages, _: messages[-1].text[-1])

    async def run(n):
        await asyncio.sleep((10 - n) * 0.003)
        return await adrive(conversation(memory, f"question {n}"), model)

    async def ten():
        async with asyncio.TaskGroup() as group:
            for n in range(10):
                group.create_task(run(n))

    asyncio.run(ten())
    assert [(turn.question, turn.answer) for turn in memory.turns] == [
        (f"question {n}", str(n)) for n in range(9, -1, -1)
    ]


def test_what_another_process_summarised_meanwhile_stands(tmp_path):
    path = tmp_path / "talk.db"
    with Memory(path=path) as memory, Memory(path=path) as other:
        talk(memory, 8)
        request = None
        while request is None:
            steps = remember(memory, "Question " + "word " * 30, "ok")
            request = next(steps, None)
        [call] = told(other, "Question " + "word " * 30, reply="the other's")
        assert call.purpose == "memory summary"
        with pytest.raises(StopIteration):
            steps.send(Reply("mine", Usage()))
        assert memory.summary == "the other's"


def test_what_was_cleared_meanwhile_stays_cleared(memory):
    talk(memory, 8)
    request = None
    while request is None:
        steps = remember(memory, "Question " + "word " * 30, "ok")
        request = next(steps, None)
    memory.clear()
    memory.add("new", "turn")
    with pytest.raises(StopIteration):
        steps.send(Reply("of what is gone", Usage()))
    assert memory.summary == ""
    assert [turn.summarised for turn in memory.turns] == [False]


# -- a loop that does not wait ---------------------------------------------------------------------------------------


def test_a_loop_does_not_wait_for_a_process_that_holds_the_file(tmp_path):
    with Memory(path=tmp_path / "talk.db") as memory:
        other = sqlite3.connect(memory.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        async def run():
            await adrive(remember(memory, "my favourite colour is teal", "Noted."), ScriptedModel([]))
            assert recall(memory, "colour").text == ""
            other.execute("COMMIT")  # it would wait here for ever, had the loop waited
            other.close()
            async with asyncio.timeout(20):
                while not memory.turns:  # noqa: ASYNC110  a thread writes it, and tells nobody
                    await asyncio.sleep(0.001)

        asyncio.run(run())
        assert [turn.question for turn in memory.turns] == ["my favourite colour is teal"]


def test_a_search_that_takes_too_long_ranks_the_latest_that_match(memory, monkeypatch):
    for n in range(300):
        memory.add(f"apple number {n}", "a fruit")
    memory.add("the apple of gold", "a fruit")
    for n in range(20):
        memory.add(f"apple number {n} again", "a fruit")
    monkeypatch.setattr("linus_nb.agent.memory_recall.SEARCH_WITHIN_S", -1.0)
    monkeypatch.setattr("linus_nb.agent.memory_store.STEPS_BETWEEN_LOOKS", 1)
    assert recall(memory, "which apple is of gold?").relevant[-1].question == "the apple of gold"
    began = time.perf_counter()
    assert memory.search("gold")
    assert time.perf_counter() > began
