"""What a memory holds: turns, search, export."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linus_nb
from linus_nb.agent import memory_file
from linus_nb.agent.memory import Memory
from linus_nb.errors import (
    MemoryInUseError,
    NotAMemoryError,
)
from tests.memory_steps import COLOUR, questions, talk


@pytest.fixture(params=["memory", "file"])
def memory(request, tmp_path):
    with Memory(path=tmp_path / "talk.db" if request.param == "file" else None) as made:
        yield made


@pytest.fixture
def without_fts5(monkeypatch):
    monkeypatch.setattr(memory_file, "has_fts5", lambda _: False)


# -- turns -----------------------------------------------------------------------------------------------------------


def test_it_is_a_public_name():
    assert linus_nb.Memory is Memory


def test_turns_come_back_in_their_order(memory):
    for n in range(5):
        memory.add(f"q{n}", f"a{n}")
    assert [(turn.question, turn.answer) for turn in memory.turns] == [(f"q{n}", f"a{n}") for n in range(5)]
    assert len(memory) == 5
    assert [turn.number for turn in memory.turns] == sorted({turn.number for turn in memory.turns})


def test_an_empty_memory_is_true_and_empty(memory):
    assert memory
    assert len(memory) == 0
    assert memory.turns == ()
    assert memory.summary == ""
    assert memory.search("anything") == []


def test_clearing_forgets_turns_summary_and_what_was_found(memory):
    talk(memory, 60)
    assert memory.summary
    memory.clear()
    assert (len(memory), memory.summary, memory.search("word")) == (0, "", [])
    memory.add(*COLOUR)
    assert questions(memory.search("colour")) == [COLOUR[0]]
    assert not memory.turns[0].summarised


def test_texts_that_no_file_can_hold_are_made_so_that_one_can(memory):
    memory.add("half \ud83d and nul \0 end", "ok")
    assert memory.turns[0].question == "half ? and nul � end"
    assert questions(memory.search("end")) == ["half ? and nul � end"]


def test_a_question_and_an_answer_of_100_000_characters_are_kept_whole(memory):
    memory.add("q" * 100_000, "a " * 50_000)
    assert (len(memory.turns[0].question), len(memory.turns[0].answer)) == (100_000, 100_000)


# -- search ----------------------------------------------------------------------------------------------------------

FORMS = [
    ("my favourite colour is teal", "Which colours do I like?"),
    ("my favourite color is teal", "What is my favourite colour?"),
    ("my favourite colour is teal", "my favorite colors?"),
    ("We organised the meeting", "who organizes meetings?"),
    ("The theatre opens at eight", "theater opening"),
    ("I travelled to Rome", "traveled where?"),
    ("My favourite food is rice", "any fav dishes?"),
    ("J'aime le café à Genève", "cafe geneve"),
    ("Я живу в Москве", "где Москве"),
    ("Ich wohne in der Straße 5", "STRASSE strasse Straße"),
]


@pytest.mark.parametrize(("said", "asked"), FORMS)
def test_words_are_found_in_other_forms_and_spellings(memory, said, asked):
    memory.add("The weather is fine", "Yes.")
    memory.add(said, "Noted.")
    memory.add("What is 2 + 2?", "4")
    assert questions(memory.search(asked))[:1] == [said]


@pytest.mark.parametrize(("said", "asked"), [pair for pair in FORMS if pair[1] != "cafe geneve"])
def test_words_are_found_without_fts5_too(without_fts5, said, asked):
    with Memory() as memory:
        memory.add("The weather is fine", "Yes.")
        memory.add(said, "Noted.")
        memory.add("What is 2 + 2?", "4")
        assert questions(memory.search(asked))[:1] == [said]


def test_what_was_answered_is_found_as_well(memory):
    memory.add("What is the capital of France?", "Paris")
    memory.add("And of Spain?", "Madrid")
    assert questions(memory.search("paris")) == ["What is the capital of France?"]


def test_of_two_turns_that_fit_alike_the_later_comes_first(memory):
    memory.add("my favourite colour is red", "Noted.")
    memory.add("the train leaves at nine", "Noted.")
    memory.add("my favourite colour is teal", "Noted.")
    assert questions(memory.search("favourite colour")) == ["my favourite colour is teal", "my favourite colour is red"]


def test_more_of_the_words_count_more_than_a_later_turn(memory):
    memory.add("the password of the cellar is 4711", "Noted.")
    for n in range(20):
        memory.add(f"the password of box {n} is lost", "Noted.")
    assert questions(memory.search("cellar password", limit=1)) == ["the password of the cellar is 4711"]


def test_words_that_say_nothing_find_nothing(memory):
    memory.add("what is it that we do", "this")
    assert memory.search("what is the of and") == []


def test_no_more_are_found_than_asked_for(memory):
    for n in range(80):
        memory.add(f"apple {n}", "ok")
    assert len(memory.search("apple", limit=3)) == 3
    assert len(memory.search("apple", limit=70)) == 70


HOSTILE = [
    '"',
    "'",
    '""" OR """',
    "NEAR(a b)",
    "a NEAR b",
    "NOT",
    "AND OR NOT",
    "col:umn",
    "question:teal",
    "{question answer}: teal",
    "*",
    "te*",
    "^teal",
    "-teal",
    "+",
    "(",
    ")",
    "a) OR (b",
    "; DROP TABLE turns; --",
    "%_%",
    "\0",
    "\ud800",
    "🙂",
    "🙂 teal",
    "\u202eteal",
    "ﬀ ﬁ",
    "İstanbul",
    "²³ ½ Ⅷ",
    "_" * 50,
    "",
    " \n\t",
    "teal " * 20_000,
    "x" * 100_000,
    " ".join(f"word{n}" for n in range(10_000)),
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_a_query_language(memory, query):
    memory.add("teal is a colour", "yes")
    memory.add(query, query)
    assert all(turn in memory.turns for turn in memory.search(query))
    assert len(memory) == 2


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=80), max_size=5), st.text(max_size=200))
def test_a_search_never_raises(said, query):
    with Memory() as memory:
        for text in said:
            memory.add(text, text[::-1])
        found = memory.search(query)
        assert len({turn.number for turn in found}) == len(found) <= len(said)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.from_regex(r"[a-z]{4,12}", fullmatch=True), min_size=1, max_size=6))
def test_a_word_that_was_said_is_found_however_others_look(words):
    from linus_nb.agent.memory_words import words_of

    with Memory() as memory:
        memory.add(" ".join(words), "")
        assert len(memory.search(words[0])) == bool(words_of(words[0]))


def test_without_fts5_it_says_so_once_and_works(without_fts5, caplog, tmp_path):
    path = tmp_path / "talk.db"
    with caplog.at_level(logging.WARNING, "linus_nb"), Memory(path=path) as memory:
        memory.add(*COLOUR)
        assert questions(memory.search("which colour?")) == [COLOUR[0]]
        memory.clear()
        assert memory.search("colour") == []
    assert [record.message for record in caplog.records] == [
        "this Python's SQLite has no FTS5: a memory looks for words in its latest 2000 turns only"
    ]


def test_what_was_written_without_fts5_is_found_with_it(tmp_path, monkeypatch):
    path = tmp_path / "talk.db"
    with monkeypatch.context() as patched, Memory(path=path) as before:
        before.add("an indexed apple", "ok")
        patched.setattr(memory_file, "has_fts5", lambda _: False)
        with Memory(path=path) as memory:
            memory.add(*COLOUR)
    with Memory(path=path) as memory:
        assert questions(memory.search("colour")) == [COLOUR[0]]
        assert questions(memory.search("apple")) == ["an indexed apple"]


# -- export and import -----------------------------------------------------------------------------------------------


def test_an_export_gives_the_same_memory(memory, tmp_path):
    talk(memory, 60)
    with Memory.from_export(memory.export(), path=tmp_path / "other.db") as other:
        assert other.summary == memory.summary != ""
        assert other.export() == memory.export()
        assert [t.summarised for t in other.turns] == [t.summarised for t in memory.turns]
        assert len(other.search("question 7")) == 5
    assert json.loads(memory.export())["turns"][0]["summarised"] is True


def test_an_import_goes_into_an_empty_memory_only(memory):
    text = memory.export()
    memory.add(*COLOUR)
    with pytest.raises(MemoryInUseError, match=r"holds turns already \(1\).*clear\(\) it first"):
        memory.import_(text)
    memory.clear()
    memory.import_(text)
    assert len(memory) == 0


def a_turn(**changed):
    turn = {"question": "q", "answer": "a", "at": "2026-05-01T12:00:00+00:00", "summarised": False}
    return json.dumps({"linus_nb_memory": 1, "summary": "", "turns": [turn, {**turn, **changed}]})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (None, "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "has no 'linus_nb_memory'"),
        ('{"turns": []}', "has no 'linus_nb_memory'"),
        ('{"linus_nb_memory": 2, "turns": []}', "version 2"),
        ('{"linus_nb_memory": 1}', "no list of turns"),
        ('{"linus_nb_memory": 1, "turns": [], "summary": 3}', "no list of turns, or a summary"),
        ('{"linus_nb_memory": 1, "turns": [3]}', "turn 0 has no question"),
        (a_turn(answer=None), "turn 1 has no question and answer"),
        (a_turn(at="yesterday"), "turn 1 has no time .'yesterday'."),
        (a_turn(at=7), "turn 1 has no time"),
        (a_turn(at="0001-01-01T00:00:00+23:00"), "turn 1 has no time"),
        (a_turn(summarised=True), "stands before one that is"),
    ],
    ids=range(15),
)
def test_a_text_that_is_no_export_says_why(text, reason, tmp_path):
    path = tmp_path / "new.db"
    with pytest.raises(NotAMemoryError, match=reason):
        Memory.from_export(text, path=path)
    assert not path.exists()


def test_a_time_without_a_zone_is_taken_as_utc():
    with Memory.from_export(a_turn(at="2026-05-01T12:00:00")) as memory:
        assert [turn.at.isoformat() for turn in memory.turns] == ["2026-05-01T12:00:00+00:00"] * 2
