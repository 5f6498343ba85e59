"""How a memory makes room: old turns are summarised, once, and nothing is lost where that fails."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from linus_nb.agent.drivers import drive
from linus_nb.agent.memory import Memory, Summarising
from linus_nb.agent.memory_recall import recall
from linus_nb.agent.memory_remember import asked, remember, summary_messages
from linus_nb.agent.memory_text import Budget
from linus_nb.agent.requests import Reply
from linus_nb.errors import ModelError
from linus_nb.models.usage import Usage, estimated_tokens
from linus_nb.testing import ScriptedModel
from tests.memory_steps import advance, talk, told, turn, until_it_summarises


@pytest.fixture
def memory():
    with Memory() as made:
        yield made


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


def test_a_summary_from_a_larger_budget_keeps_no_turn_out_of_the_next_one():
    with Memory(4000) as memory:
        memory.store.fill("They spoke of tides. " * 500, [])
        with Memory.from_export(memory.export(), token_budget=64) as small:
            calls = talk(small, 12, words=3)
            [first], *_ = calls.values()
            summarised = [turn.question.split()[1] for turn in small.turns if turn.summarised]
            asked_for = "".join(call.messages[-1][1] for [call] in calls.values())
            assert first.messages[-1][1].startswith("Summary so far: They spoke of tides.")
            assert estimated_tokens(first.messages[-1][1]) < 64 * 2
            assert all(asked_for.count(f"Earlier: Question {number} ") == 1 for number in summarised)
            assert small.summary == "They talked."


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
    steps, _ = until_it_summarises(memory)
    steps.close()  # as when the run is cancelled
    count = len(memory)
    assert memory.summary == ""
    assert len(told(memory, "and on " + "word " * 30)) == 1
    assert len(memory) == count + 1


def test_a_run_that_was_dropped_and_not_closed_does_not_stop_summaries_for_ever(memory, monkeypatch):
    talk(memory, 8)
    steps, _ = until_it_summarises(memory)
    assert told(memory, "Question " + "word " * 30) == []
    monkeypatch.setattr(Summarising, "LONGEST_S", 0.0)
    assert len(told(memory, "Question " + "word " * 30)) == 1
    assert next(iter(memory.turns)).summarised
    # and what the first one got at last fits no more
    assert advance(steps, Reply("late", Usage())) is None
    assert memory.summary == "They talked."


def test_an_answer_is_not_lost_for_a_memory_that_cannot_keep_it(memory, caplog):
    memory.close()
    with caplog.at_level(logging.ERROR, "linus_nb"):
        assert told(memory, "q") == []
    assert caplog.records[0].message == "a turn could not be kept in the memory"


# -- a summary that is not wanted any more ---------------------------------------------------------------------------


def test_what_another_process_summarised_meanwhile_stands(tmp_path):
    path = tmp_path / "talk.db"
    with Memory(path=path) as memory, Memory(path=path) as other:
        talk(memory, 8)
        steps, _ = until_it_summarises(memory)
        [call] = told(other, "Question " + "word " * 30, reply="the other's")
        assert call.purpose == "memory summary"
        assert advance(steps, Reply("mine", Usage())) is None
        assert memory.summary == "the other's"


def test_what_was_cleared_meanwhile_stays_cleared(memory):
    talk(memory, 8)
    steps, _ = until_it_summarises(memory)
    memory.clear()
    memory.add("new", "turn")
    assert advance(steps, Reply("of what is gone", Usage())) is None
    assert memory.summary == ""
    assert [turn.summarised for turn in memory.turns] == [False]
