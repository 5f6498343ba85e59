"""The outcomes as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from benchmarks.small_tasks.asking import Outcome

HEADER = f"{'half':<9}{'kind':<11}{'task':<47}{'answer':<41}{'right':>5}{'iter.':>6}{'calls':>6}{'tokens':>7}{'s':>6}"


def line(outcome: Outcome) -> str:
    """One task."""
    o = outcome
    counts = f"{o.iterations:>6}{o.calls:>6}{o.tokens:>7}{o.seconds:>6.1f}"
    verdict = "yes" if o.right else "no"
    asked, answer = _short(o.task.question, 46), _short(o.answer or o.error, 40)
    return f"{o.half:<9}{o.task.kind:<11}{asked:<47}{answer:<41}{verdict:>5}{counts}"


def rates(outcomes: Sequence[Outcome]) -> str:
    """How many were right: by kind, and together."""
    halves = list(dict.fromkeys(o.half for o in outcomes))
    lines = [f"{'right':<20}" + "".join(f"{title:>12}" for title in [*halves, "together"])]
    for kind in [*dict.fromkeys(o.task.kind for o in outcomes), "all"]:
        of_kind = [o for o in outcomes if kind in (o.task.kind, "all")]
        columns = [*([o for o in of_kind if o.half == half] for half in halves), of_kind]
        lines.append(f"{kind:<20}" + "".join(f"{_rate(column):>12}" for column in columns))
    return "\n".join(lines)


def _rate(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(o.right for o in outcomes)} of {len(outcomes)}"


def _short(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder="…")
