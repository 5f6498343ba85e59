"""Whether a phrased answer kept the figure that it was to phrase."""

from __future__ import annotations

import math
import re
from itertools import islice

MOST_FIGURES = 500  # of a text that are looked at
_NUMBER = re.compile(r"\d[\d,_\u202f' ]*\d(?:\.\d+)?|\d+(?:\.\d+)?")


def loses_the_figure(answer: str, result: object, known: str) -> bool:
    """Return whether an answer left the figure of a result out and names one that came from nowhere.

    A small model reads ``17 + 25 = 42`` and writes ``17 + 25 = 32``. An answer without a figure ("yes", "enough") is
    fine, and so is one that gives the figure among others.

    Args:
        answer: What the model wrote.
        result: What the tool gave; only a number is looked for.
        known: The question and the results: figures that may be repeated.

    >>> loses_the_figure("17 + 25 = 32", 42, "What is 17 + 25? calculator(17 + 25) = 42")
    True
    >>> loses_the_figure("It is 42.0.", 42, "What is 17 + 25?")
    False
    """
    if isinstance(result, bool) or not isinstance(result, int | float):
        return False
    said = _figures(answer)
    return _figure(result) not in said and not said <= _figures(known)


def _figures(text: str) -> set[float]:
    found = islice(_NUMBER.finditer(text), MOST_FIGURES)
    return {float(re.sub(r"[^\d.]", "", figure.group())) for figure in found}


def _figure(result: float) -> float:
    try:
        return float(abs(result))
    except OverflowError:  # as in a text, where a number of so many digits is read as infinite
        return math.inf
