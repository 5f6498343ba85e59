"""What was told long ago is found again by a question in other words."""

from __future__ import annotations

import pytest

from linus_nb.agent import memory_file
from linus_nb.agent.memory import Memory
from linus_nb.agent.memory_recall import recall
from tests.memory_pairs import PAIRS, other_talk

# measured, of (20, 6, 5, 5, 4); a search for words cannot find what shares none with the question
FOUND = {"English": 18, "German": 6, "French": 5, "others": 5, "no word in common": 0}
FOUND_WITHOUT_FTS5 = {"English": 14, "German": 6, "French": 5, "others": 5, "no word in common": 0}


def is_recalled(said, asked):
    """Return whether a turn is recalled, with twenty other ones before it and forty after it."""
    with Memory(400) as memory:
        for other in other_talk(20):
            memory.add(*other)
        memory.add(said, "Noted.")
        for other in other_talk(40):
            memory.add(*other)
        recalled = recall(memory, asked)
        assert said not in [turn.question for turn in recalled.recent]  # it has to be searched for
        return said in [turn.question for turn in recalled.relevant] and f"Earlier: {said}\n" in recalled.text


@pytest.mark.parametrize("group", PAIRS)
def test_no_fewer_are_found_than_were_when_it_was_measured(group):
    found = [said for said, asked in PAIRS[group] if is_recalled(said, asked)]
    assert len(found) >= FOUND[group], {said for said, _ in PAIRS[group]} - set(found)


@pytest.mark.parametrize("group", PAIRS)
def test_nearly_as_many_are_found_without_fts5(group, monkeypatch):
    monkeypatch.setattr(memory_file, "has_fts5", lambda _: False)
    assert sum(is_recalled(said, asked) for said, asked in PAIRS[group]) >= FOUND_WITHOUT_FTS5[group]


def test_the_table_is_long_enough_to_mean_something():
    assert sum(map(len, PAIRS.values())) >= 25
    assert sum(FOUND.values()) / sum(map(len, PAIRS.values())) >= 0.85
