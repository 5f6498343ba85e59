"""Scorers: the functions that say how good an output is, checked before anything runs."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

from linus_nb.analysis.equality import same
from linus_nb.analysis.evaluating.cases import Case, is_missing
from linus_nb.analysis.evaluating.trial import Trial, called, stopped_by_us
from linus_nb.analysis.runs.tables import error_text
from linus_nb.brief import brief
from linus_nb.errors import CaseError, GraphError, ScorerError, nearest
from linus_nb.graph.target import Target, understand

MAY_NAME = ("output", "expected", "input", "case", "result")
"""What a scorer may name among its parameters."""

DEFAULT_NAME = "score"


@dataclass(frozen=True, slots=True)
class Scorer:
    """A function that scores, by the name of its column, and which of `MAY_NAME` it is given.

    ``by_equality``: it is the one that scores where the user gave none.
    """

    name: str
    target: Target
    wanted: tuple[str, ...]
    by_equality: bool = False

    async def score(self, trial: Trial) -> None:
        """Score a trial; what goes wrong is an error of that case, and the others go on."""
        case = trial.case
        facts = {
            "output": trial.output,
            "expected": case.expected,
            "input": case.input,
            "case": dict(case.given),  # of its own: one may write into it
            "result": trial.result,
        }
        try:
            value = _number(await called(self.target, **{name: facts[name] for name in self.wanted}))
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # whatever a user's scorer raises
            if isinstance(error, asyncio.CancelledError) and stopped_by_us():
                trial.errors.append(f"{self.name}: stopped")
                raise
            trial.raised[self.name] = error_text(error)
            trial.errors.append(f"{self.name}: {error_text(error)}")
        else:
            if value is not None:
                trial.scores[self.name] = value


def read_scorers(score: Any, cases: Sequence[Case], keys: Sequence[str] | None, taken: Sequence[str]) -> list[Scorer]:
    """Return the scorers of an evaluation.

    Args:
        score: what the user gave: a function, a mapping of names to functions, or None.
        cases: those to be scored.
        keys: of a graph, the keys that it may write.
        taken: names of columns that are there already.

    Raises:
        ScorerError: something is no function, names what it cannot be given, or has the name of another column.
        CaseError: without a function: what a case expects of a graph can never come out.
    """
    if score is None:
        return _by_equality(cases, keys)
    named = score if isinstance(score, Mapping) else {DEFAULT_NAME: score}
    if not named:
        raise ScorerError("score is empty; give a function, or a mapping of names to functions, or leave it out")
    return [_scorer(name, function, taken) for name, function in named.items()]


def agrees(output: Any, expected: Any) -> bool:
    """Return whether an output is what was expected, by `linus_nb.analysis.equality.same`.

    Of a mapping (or the fields of a pydantic object) only the keys count that ``expected`` names. Of texts, the space
    around them does not count, nor whether a number or a truth value is written as one: a file of cases knows no
    difference.

    >>> agrees({"label": "spam", "reason": "it sells"}, {"label": "spam"}), agrees(" 42", 42), agrees("Yes.", "yes")
    (True, True, False)
    """
    if isinstance(output, str):
        if isinstance(expected, bool):
            return output.strip().lower() == str(expected).lower()
        if isinstance(expected, int | float):
            return _as_number(output) == expected
        if isinstance(expected, str):
            return output.strip() == expected.strip()
    if isinstance(expected, Mapping) and expected:
        fields = output.model_dump() if hasattr(output, "model_dump") else output
        if isinstance(fields, Mapping):
            return all(key in fields and same(fields[key], value) for key, value in expected.items())
    return same(output, expected)


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


async def _agreement(output: Any, expected: Any) -> bool | None:
    return None if expected is None else agrees(output, expected)


def _by_equality(cases: Sequence[Case], keys: Sequence[str] | None) -> list[Scorer]:
    expecting = [case for case in cases if case.expected is not None]
    for case in expecting:
        if callable(case.expected) or isinstance(case.expected, re.Pattern):
            raise CaseError(
                case.number,
                f"expects {brief(case.expected)}, which no output equals; give a score that uses it, like: "
                "lambda output, expected: bool(expected.search(output))",
            )
    if keys is not None:
        for case in expecting:
            _check_expected(case, keys)
    return [Scorer(DEFAULT_NAME, understand(_agreement), ("output", "expected"), True)] if expecting else []


def _check_expected(case: Case, keys: Sequence[str]) -> None:
    written = ", ".join(map(repr, keys)) or "nothing"
    if not isinstance(case.expected, Mapping):
        raise CaseError(
            case.number,
            f"expects {brief(case.expected)}, and the graph writes {written}; expect a mapping of some of these keys, "
            "or give a score like: lambda output, expected: output['key'] == expected",
        )
    for key in case.expected:
        if key not in keys:
            raise CaseError(
                case.number, f"expects {brief(key)}, which no node writes; {nearest(key, keys)}(keys: {written})"
            )


def _scorer(name: Any, function: Any, taken: Sequence[str]) -> Scorer:
    if not isinstance(name, str) or not name or name in taken:
        used = "there is such a column" if name in taken else "that is no name"
        raise ScorerError(f"a score is called {brief(name)}; {used}: give it another name")
    known = ", ".join(map(repr, MAY_NAME))
    target = _understood(function)
    if target is None or target.parameters is None:
        raise ScorerError(f"the score {name!r} is {brief(function)}; give a function that names some of {known}")
    required, optional = target.parameters.required, target.parameters.optional
    if target.parameters.by_position_only:
        raise ScorerError(
            f"the score {name!r} takes no named parameters; give a def or lambda that names some of {known}"
        )
    for parameter in required:
        if parameter not in MAY_NAME:
            hint = nearest(parameter, MAY_NAME)
            raise ScorerError(f"the score {name!r} has a parameter {parameter!r}; {hint}it may name {known}")
    wanted = MAY_NAME if target.parameters.any_keyword else (*required, *optional)
    return Scorer(name, target, tuple(parameter for parameter in wanted if parameter in MAY_NAME))


def _understood(function: Callable[..., Any]) -> Target | None:
    try:
        return understand(function)
    except GraphError:
        return None


def _number(value: Any) -> bool | float | None:
    """Return a score, None where nothing was scored.

    Raises:
        TypeError: it is neither a bool nor a number.
    """
    if is_missing(value):
        return None
    plain = value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value  # numpy's own kinds
    if isinstance(plain, bool):
        return plain
    if not isinstance(plain, Real | Decimal):
        raise TypeError(f"it returned {brief(value)}; return True, False, a number, or None for no score")
    return None if math.isnan(plain) else float(plain)
