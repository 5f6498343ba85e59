"""The cases of an evaluation: what is asked, and what is expected, read from a list or from a DataFrame."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linus_nb.brief import brief
from linus_nb.errors import CaseError, LinusError, nearest

OF_THE_CASE = ("expected", "name")  # in a mapping that is the initial state of a graph, these two are not part of it
_HOW = "give a list of mappings like {'input': …, 'expected': …}, of pairs (input, expected), or a DataFrame"


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        number: its place, from 1.
        name: its row in the table.
        input: what is asked; of a graph, the initial state.
        expected: what should come out, None where nothing is said.
        given: the whole case as it was given.
        asked: the input as it was before anything ran: a target may write into it.
    """

    number: int
    name: Hashable
    input: Any
    expected: Any
    given: Mapping[str, Any]
    asked: Any


def read_cases(cases: Any, *, of_graph: bool = False) -> list[Case]:
    """Return the cases in a list or a DataFrame; `evaluate` says what they look like.

    Args:
        cases: what the user gave.
        of_graph: whether an input is the initial state of a graph, which is a mapping.

    Raises:
        CaseError: a case cannot be run, or two bear one name.
        LinusError: these are no cases at all.

    >>> [(case.name, case.input, case.expected) for case in read_cases(["6 * 7", ("2 + 2", "4")])]
    [('1', '6 * 7', None), ('2', '2 + 2', '4')]
    """
    rows, names = _rows(cases)
    found = [
        _case(number, _given(number, row, of_graph), name, of_graph)
        for number, (row, name) in enumerate(zip(rows, names, strict=True), start=1)
    ]
    _refuse_twins(found)
    return found


def is_missing(value: Any) -> bool:
    """Return whether a cell holds nothing: None, or one of pandas' markers for a missing value."""
    import pandas as pd

    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def index_names(cases: Any) -> list[Any]:
    """Return the names of the levels of a DataFrame's index, where it has several; else an empty list."""
    index: Any = getattr(cases, "index", None)
    return list(index.names) if getattr(index, "nlevels", 1) > 1 else []


def _rows(cases: Any) -> tuple[Sequence[Any], Sequence[Hashable]]:
    """Return what was given case by case, and the names that go by their place."""
    import pandas as pd

    if isinstance(cases, pd.DataFrame):
        if not cases.columns.is_unique:
            raise _NoCasesError("two columns of cases bear one name; rename one of them")
        return cases.to_dict("records"), cases.index.tolist()
    if isinstance(cases, str | bytes | Mapping | pd.Series) or not isinstance(cases, Iterable):
        raise _NoCasesError(f"cases is {brief(cases)}; {_HOW}")
    listed = list(cases)
    return listed, [str(number) for number in range(1, len(listed) + 1)]


def _given(number: int, row: Any, of_graph: bool) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    if isinstance(row, tuple) and len(row) == 2 and (isinstance(row[0], Mapping) or not of_graph):
        return {"input": row[0], "expected": row[1]}
    if isinstance(row, tuple | list) or of_graph:  # a list of two would be a pair to one reader, an input to another
        state = "; a graph is given a mapping, its initial state" if of_graph else ""
        raise CaseError(number, f"is {brief(row)}{state}; {_HOW}")
    return {"input": row}


def _case(number: int, given: Mapping[str, Any], name: Hashable, of_graph: bool) -> Case:
    own = given.get("name")
    expected = given.get("expected")
    asked = _state(number, given) if of_graph else _input(number, given)
    return Case(
        number=number,
        name=name if is_missing(own) else _name(own),
        input=asked,
        expected=None if is_missing(expected) else expected,
        given=given,
        asked=_copied(asked),
    )


def _name(own: Any) -> str:
    whole = isinstance(own, float) and own.is_integer()  # a gap makes fractions of all numbers of a column
    return str(int(own) if whole else own)


def _copied(value: Any, depth: int = 20) -> Any:
    """Return a value with dicts and lists of its own; what else it holds stays the object that it is."""
    if depth and type(value) is dict:
        return {key: _copied(part, depth - 1) for key, part in value.items()}
    if depth and type(value) is list:
        return [_copied(part, depth - 1) for part in value]
    return value


def _input(number: int, given: Mapping[str, Any]) -> Any:
    if "input" not in given:
        keys = [str(key) for key in given]
        hint = next(filter(None, (nearest(key, ["input"]) for key in keys)), "")
        rename = f"; of a DataFrame: cases.rename(columns={{{keys[0]!r}: 'input'}})" if keys else ""
        raise CaseError(number, f"has no 'input'; {hint}(its keys: {', '.join(map(repr, keys)) or 'none'}){rename}")
    if is_missing(given["input"]):
        raise CaseError(number, "has an 'input' that holds nothing; fill it in, or leave the case out")
    return given["input"]


def _state(number: int, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the initial state: what stands under "input", or all keys but those that are about the case."""
    if isinstance(given.get("input"), Mapping):
        state: Mapping[str, Any] = given["input"]
        return state
    if set(given) <= {"input", "expected"} and "input" in given and is_missing(given["input"]):
        raise CaseError(number, "has an 'input' that holds nothing; give a mapping, the initial state")
    return {key: value for key, value in given.items() if key not in OF_THE_CASE}


def _refuse_twins(cases: Iterable[Case]) -> None:
    first: dict[Hashable, Case] = {}
    for case in cases:
        twin = first.setdefault(None if is_missing(case.name) else case.name, case)  # a NaN equals no other
        if twin is not case:
            raise CaseError(
                case.number,
                f"has the name {brief(case.name)}, as case {twin.number} has; give each its own (of a DataFrame, "
                "reset_index() numbers the rows)",
            )


class _NoCasesError(LinusError, TypeError):
    pass
