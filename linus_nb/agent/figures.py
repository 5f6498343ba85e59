"""Whether a phrased answer kept the figure that it was to phrase."""

from __future__ import annotations

import re

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
    return float(abs(result)) not in said and not said <= _figures(known)


def _figures(text: str) -> set[float]:
    return {float(re.sub(r"[^\d.]", "", found)) for found in _NUMBER.findall(text)}
