from __future__ import annotations

import datetime as dt
import json
import math
from collections import OrderedDict, namedtuple
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linus_nb.engine import saved_values
from linus_nb.engine.saved_values import (
    SavedError,
    SavedValue,
    decode_error,
    decode_value,
    encode_error,
    encode_value,
)
from linus_nb.errors import MissingInputError

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.sampled_from(["$text", "$type", "$dict", "$float", "$items", "$", "type"])
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(PLAIN, inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


def through(value: Any) -> Any:
    return decode_value(json.loads(json.dumps(encode_value(value), allow_nan=False)))


def same(a: Any, b: Any) -> bool:
    """Equal in value and in type, all the way down: 1, 1.0 and True are three."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@given(VALUES)
def test_values_that_json_has_come_back_as_they_were(value):
    assert same(through(value), value)


@given(VALUES)
def test_what_came_back_is_saved_as_before(value):
    value = [value, {"odd": {type(value)}}]
    assert encode_value(through(value)) == encode_value(value)


def test_plain_values_are_written_as_they_are():
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": "\ud800 名"}}
    assert encode_value(value) == value


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_come_back(number):
    assert repr(through({"x": [number]})) == repr({"x": [number]})


def test_marks_in_a_users_dict_are_no_marks():
    value = {"$text": "a", "$type": "b", "inner": {"$dict": {"$float": "nan"}}}
    assert through(value) == value
    assert isinstance(through({"$text": "a", "$type": "b"}), dict)


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ({7}, "set", "{7}"),
        (b"\x00", "bytes", "b'\\x00'"),
        (Point(1, 2), "Point", "Point(x=1, y=2)"),
        (dt.date(2026, 11, 1), "date", "datetime.date(2026, 11, 1)"),
        (ValueError("x"), "ValueError", "ValueError('x')"),
        ({(1, 2): 3}, "dict", "{(1, 2): 3}"),
        (len, "builtin_function_or_method", "<built-in function len>"),
    ],
)
def test_other_values_keep_their_type_and_their_repr(value, name, text):
    saved = through(value)
    assert saved == SavedValue(name, text)
    assert repr(saved) == text
    assert through(saved) == saved


def test_a_table_is_kept_as_it_prints():
    pd = pytest.importorskip("pandas")
    assert "0  1" in repr(through(pd.DataFrame({"a": [1]})))


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Odd(str):
    def __str__(self) -> str:
        return "odd"


def test_subclasses_of_plain_types_become_plain():
    value = {Colour.RED: Colour.RED, "n": Level.LOW, "o": OrderedDict(a=1), "s": Odd("as it is"), Odd("k"): 1}
    assert same(through(value), {"red": "red", "n": 1, "o": {"a": 1}, "s": "as it is", "k": 1})


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Liar:
    """Says that it is a str, and has a repr that is none."""

    @property
    def __class__(self):  # type: ignore[override]  # a lie, as mocks tell it
        return str

    def __repr__(self):  # type: ignore[override]
        return 5


class Broken(dict):
    def items(self):
        raise RuntimeError("no")

    __iter__ = keys = items


@pytest.mark.parametrize("kind", [Mute, Liar])
def test_a_value_that_cannot_show_itself_is_named(kind):
    assert repr(through([kind()])).startswith(f"[<{kind.__name__}: its repr raised ")


def test_a_dict_with_methods_of_its_own_is_read_past_them():
    assert through(Broken(a=1)) == {"a": 1}


def test_long_reprs_are_cut_and_say_so():
    saved = through({"x" * 150_000})
    assert len(saved.text) < 100_100
    assert saved.text.endswith("… (50,004 more characters were not saved)")
    assert through(saved) == saved
    assert through("x" * 150_000) == "x" * 150_000


def test_values_that_hold_themselves_end():
    ring: list[Any] = [1]
    ring.append(ring)
    mapping: dict[str, Any] = {"a": ring}
    mapping["b"] = (mapping,)
    assert repr(through(ring)) == "[1, [...]]"
    assert repr(through(mapping)) == "{'a': [1, [...]], 'b': ({...},)}"


def test_what_is_shared_is_written_out_each_time():
    part = [1]
    assert through([part, part]) == [[1], [1]]


def test_deep_values_end_and_endless_ones_are_named(monkeypatch):
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert "[...]" in repr(through(deep))
    monkeypatch.setattr(saved_values, "MOST_PARTS", 1000)
    doubled: list[Any] = []
    for _ in range(50):
        doubled = [doubled, doubled]
    assert repr(through(doubled)) == "<list: it has over 1,000 parts, too many to save>"


def test_an_int_too_long_to_be_read_from_text_is_named():
    assert "its repr raised ValueError" in repr(through(10**5000))
    assert through(10**4000) == 10**4000


@pytest.mark.parametrize(
    "saved",
    [
        {"$text": "a"},
        {"$text": 1, "$type": "a"},
        {"$float": "1e5"},
        {"$tuple": "ab"},
        {"$items": [[{"a": 1}, 2]]},
        {"$items": [[1]]},
        {"$code": "import os"},
        {"$dict": {}, "more": 1},
    ],
)
def test_marks_that_say_nothing_are_refused(saved):
    with pytest.raises(ValueError, match=r"mark|item"):
        decode_value([saved])


def raised(make):
    try:
        make()
    except Exception as error:  # noqa: BLE001  whatever it is, it is what is saved
        return error
    raise AssertionError("it raised nothing")


def through_error(error: BaseException) -> SavedError:
    return decode_error(json.loads(json.dumps(encode_error(error))))


def chained():
    try:
        int("x")
    except ValueError as error:
        raise MissingInputError("node", "key", ["kye"]) from error


def test_errors_keep_name_message_traceback_and_cause():
    error = raised(chained)
    saved = through_error(error)
    assert type(saved).__name__ == "MissingInputError"
    assert str(saved) == str(error)
    assert "in chained" in saved.traceback
    assert "int(" in saved.traceback
    assert saved.cause == "ValueError: invalid literal for int() with base 10: 'x'"
    assert saved.__notes__ == [f"Saved with the run:\n{saved.traceback}"]


def test_errors_that_say_the_same_are_equal_and_survive_again():
    saved = through_error(raised(chained))
    again = through_error(saved)
    assert again == saved
    assert hash(again) == hash(saved)
    assert saved != through_error(raised(lambda: 1 / 0))
    assert saved != ValueError(str(saved))


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_error_whose_message_raises_is_named():
    saved = through_error(raised(lambda: (_ for _ in ()).throw(Unspeakable)))
    assert (type(saved).__name__, str(saved)) == ("Unspeakable", "<its message raised RuntimeError>")


def test_a_context_counts_as_a_cause_unless_it_was_hidden():
    def plain():
        try:
            1 / 0  # noqa: B018  for its error
        except ZeroDivisionError:
            raise ValueError("during")  # noqa: B904  the context is what is tested

    def hidden():
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            raise ValueError("alone") from None

    assert through_error(raised(plain)).cause == "ZeroDivisionError: division by zero"
    assert through_error(raised(hidden)).cause == ""


@pytest.mark.parametrize(
    "saved",
    [
        None,
        "ValueError",
        {},
        {"type": 5},
        {"type": "E", "message": 5},
        {"type": "E", "more": "x"},
        {"type": "E\0"},
        {"type": "\ud800"},
    ],
)
def test_what_is_no_error_is_refused(saved):
    with pytest.raises(ValueError):
        decode_error(saved)
