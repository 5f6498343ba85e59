from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from linus_nb.analysis.equality import same


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@dataclass
class Data:
    value: Any


def loop_of(value: Any) -> list[Any]:
    itself: list[Any] = [value]
    itself.append(itself)
    return itself


def frame_of(value: Any) -> Any:
    import pandas as pd

    return pd.DataFrame({"k": [value, float("nan")]})


MAKERS: list[Any] = [
    lambda v: v,
    lambda v: [v],
    lambda v: {"k": (v,)},
    lambda v: {"k": float("nan"), "v": v},
    lambda v: np.array([v, float("nan")]),
    lambda v: [np.float64(v)],
    frame_of,
    lambda v: ValueError(v),
    Plain,
    Slotted,
    Data,
    lambda v: Plain([Slotted({v})]),
    loop_of,
]


@pytest.mark.parametrize("make", MAKERS)
def test_values_made_alike_are_the_same_and_others_are_not(make: Any) -> None:
    assert same(make(1), make(1))
    assert not same(make(1), make(2))


def test_types_matter_except_among_numbers() -> None:
    assert same(1, 1.0)
    assert not same([1], (1,))
    assert not same("1", 1)
    assert not same(None, 0)


def test_arrays_of_another_shape_are_not_the_same() -> None:
    assert not same(np.zeros(2), np.zeros(3))
    assert not same(np.zeros((1, 2)), np.zeros(2))


def test_things_with_nothing_to_compare_are_the_same_only_as_themselves() -> None:
    thing = object()
    assert same(thing, thing)
    assert not same(thing, object())


def test_things_that_refuse_to_be_compared_are_not_the_same() -> None:
    class Refusing:
        def __eq__(self, other: object) -> bool:
            raise TypeError("not me")

        __hash__ = None  # type: ignore[assignment]  # as Python does itself for a class with __eq__

    assert not same(Refusing(), Refusing())
