"""What differs between two values, line by line, in bounded time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from linus_nb.analysis.runs.text_diff import MOST_COMPARED, MOST_KEPT, MOST_LINES, WIDTH, diff_text, lines_of, one_sided

SENTENCE = "The quick brown fox jumps over the lazy dog, number {}. "


def changed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] in "+-"]


def prose(count: int, *changed: int) -> str:
    return "".join(SENTENCE.format(f"{k}x" if k in changed else k) for k in range(count))


def test_one_word_in_a_long_paragraph_is_one_sentence_of_the_diff() -> None:
    assert changed(diff_text(prose(1000), prose(1000, 700))) == [
        "- The quick brown fox jumps over the lazy dog, number 700.",
        "+ The quick brown fox jumps over the lazy dog, number 700x.",
    ]
    assert diff_text(prose(1000), prose(1000, 700)).splitlines()[0] == "… 698 lines alike"


def test_a_long_sentence_is_cut_into_lines_between_words() -> None:
    lines = lines_of("word " * 100)
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines).split() == ["word"] * 100


@pytest.mark.parametrize(
    ("a", "b", "lines"),
    [
        ({"a": 1, "b": ["x", "y"]}, {"a": 1, "b": ["x", "z"]}, ["-         'y',", "+         'z',"]),
        ([{"a": 1}], [{"a": 1}, {"b": 2}], ["+     {", "+         'b': 2,", "+     },"]),
        ((1, 2), [1, 2], ["- (1, 2)", "+ [1, 2]"]),
        ({1, 2, 3}, {1, 2, 4}, ["-     3,", "+     4,"]),
        (1, "one", ["- 1", "+ one"]),
        ([], [1], ["- []", "+ [1]"]),
        ("", "x", ["- ", "+ x"]),
    ],
    ids=repr,
)
def test_values_differ_item_by_item(a: Any, b: Any, lines: list[str]) -> None:
    assert changed(diff_text(a, b)) == lines


@dataclass
class Point:
    x: int
    api_key: str = "hunter22"


class Model(BaseModel):
    x: int


class Plain:
    def __init__(self, x: int) -> None:
        self.x = x


@pytest.mark.parametrize("kind", [Point, Model, Plain])
def test_objects_differ_field_by_field(kind: Any) -> None:
    text = diff_text([kind(x=1)], [kind(x=2)])
    assert changed(text) == ["-         x=1,", "+         x=2,"]
    assert f"{kind.__name__}(" in text
    assert "hunter" not in text


def test_tables_and_arrays_differ_row_by_row() -> None:
    a, b = (pd.DataFrame({"city": ["Paris", name], "km": [1, 2]}) for name in ("Lyon", "Saint-Étienne"))
    assert changed(diff_text(a, b)) == ["- 1,Lyon,2", "+ 1,Saint-Étienne,2"]
    assert changed(diff_text(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]]))) == ["- [3, 4]", "+ [3, 5]"]


def test_values_that_read_the_same_are_said_to() -> None:
    for a, b in (("1", 1), ({"password": "hunter22"}, {"password": "hunter33"})):
        assert diff_text(a, b).startswith("(both read the same")
    assert diff_text("x\na  \n", "x\na\n") == "- 'a  \\n'\n+ 'a\\n'"


def test_a_value_that_holds_itself_or_cannot_show_itself_is_still_shown() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError("no")

    itself: list[Any] = ["x"]
    itself.append(itself)
    assert "+     'y'," in diff_text(itself, ["y"])
    assert changed(diff_text(Broken(), "x"))[0] == "- <Broken: its repr raised ValueError>"


def test_controls_and_lone_surrogates_become_visible() -> None:
    text = diff_text("a\x1b[31m\ud800\u202e", "b")
    assert changed(text) == ["- a␛[31m��", "+ b"]
    assert text.encode()


@pytest.mark.parametrize(
    ("a", "b"),
    [("a\xa0b", "a b"), ("a\u200bb", "ab"), ("\ufeffa", "a"), ("1\u202f000", "1 000"), ("a\xad", "a")],
    ids=ascii,
)
def test_signs_that_nobody_sees_are_shown_where_texts_differ(a: str, b: str) -> None:
    old, new = changed(diff_text(a, b))
    assert new == f"+ {b}"
    assert old[2:] not in (a, b)
    assert "\u200d" in diff_text("\U0001f468\u200d\U0001f469", "b")  # joins the signs of one emoji


def test_letters_composed_in_another_way_are_said_to_be() -> None:
    assert diff_text("caf\xe9", "cafe\u0301").splitlines()[-1] == (
        "(they look the same: letters with accents are one character here, and several there)"
    )


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x


def test_objects_with_slots_alone_differ_field_by_field() -> None:
    assert changed(diff_text(Slotted(1), Slotted(2))) == ["-     x=1,", "+     x=2,"]


def test_objects_show_no_addresses() -> None:
    assert " at 0x" not in diff_text([print.__call__, object], [lambda: 0])
    assert " at 0x" not in diff_text(np.array([object(), 1], dtype=object), np.array([object(), 2], dtype=object))


def test_what_one_side_has_alone_is_marked_line_by_line_and_cut() -> None:
    assert one_sided({"a": 1}, "+") == "+ {\n+     'a': 1,\n+ }"
    lines = one_sided([str(k) for k in range(10_000)], "-").splitlines()
    assert (len(lines), lines[-1]) == (MOST_KEPT + 1, f"… {10_002 - MOST_KEPT:,} more lines")


def test_what_is_left_out_is_said() -> None:
    a, b = [f"a{k}" for k in range(5000)], [f"b{k}" for k in range(5000)]
    assert diff_text(a, b).splitlines()[-1].endswith("more lines of the diff")
    few = diff_text([f"{k}" for k in range(100)], [f"{'x' if k in (10, 90) else ''}{k}" for k in range(100)])
    assert [line for line in few.splitlines() if line.startswith("…")] == [
        "… 9 lines alike", "… 75 lines alike", "… 8 lines alike",
    ]  # fmt: skip
    apart = [str(k) for k in range(MOST_COMPARED + 500)]
    ends = diff_text(["x", *apart, "x"], ["y", *apart, "y"])
    assert ends.splitlines()[-1] == "… 504 more lines were not compared"
    assert changed(ends) == ["-     'x',", "+     'y',"]
    records = [{"number": k, "text": str(k)} for k in range(20_000)]
    assert "+         'text': 'x'," in diff_text(records, [*records[:15_000], records[15_000] | {"text": "x"}])
    huge = ["x"] * MOST_LINES
    assert diff_text(huge, [*huge, "y"]).startswith("(no difference in their first 250,000 lines")


BIG = 1_000_000
BIG_PAIRS = {
    "one word": (prose(BIG // 55), prose(BIG // 55, 9000)),
    "all different": (prose(BIG // 55), prose(BIG // 55).replace("o", "u")),
    "no space": ("x" * BIG, "y" * BIG),
    "few kinds of lines": ("\n".join("abcd" * (BIG // 8)), "\n".join("bdca" * (BIG // 8))),
    "a long list": (list(range(BIG // 4)), list(range(BIG // 4))[::-1]),
}


@pytest.mark.parametrize("name", BIG_PAIRS)
def test_a_megabyte_is_compared_in_bounded_time(name: str) -> None:
    start = time.process_time()
    assert changed(diff_text(*BIG_PAIRS[name]))
    assert time.process_time() - start < 5  # 0.1 to 0.8 s on the machine where this was written


lines = st.lists(st.sampled_from(["a", "b", "c", "d", "e e"]), max_size=12)


@given(lines, lines)
def test_a_diff_turns_one_text_into_the_other(a: list[str], b: list[str]) -> None:
    text = diff_text("\n".join([*a, "end"]), "\n".join([*b, "end"]))
    if a == b:
        assert text.startswith("(both read the same")
        return
    kept = [line for line in text.splitlines() if not line.startswith("…")]
    old = [line[2:] for line in kept if line[0] in " -"]
    new = [line[2:] for line in kept if line[0] in " +"]
    assert is_within(old, [*a, "end"])
    assert is_within(new, [*b, "end"])
    left_out = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("…"))
    assert len(old) + left_out == len(a) + 1
    assert len(new) + left_out == len(b) + 1


def is_within(part: list[str], whole: list[str]) -> bool:
    left = iter(whole)
    return all(line in left for line in part)
