"""What a reader of an evaluation has to know before believing it, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from statistics import fmean

from linus_nb.analysis.comparing.notes import reply_notes
from linus_nb.analysis.equality import same
from linus_nb.analysis.evaluating.trial import Trial
from linus_nb.brief import brief
from linus_nb.events import ModelCalled
from linus_nb.masking import masked
from linus_nb.models.prices import total_cost
from linus_nb.numbers import plural, three_figures

MOST_NAMES = 5


def notes(
    trials: Sequence[Trial],
    scores: Sequence[str],
    remarks: Iterable[str],
    *,
    cases: int,
    finished: bool,
    max_concurrency: int,
) -> list[str]:
    """Return the sentences below an evaluation's table.

    Args:
        trials: the cases that have a row.
        scores: the names of the scores.
        remarks: what the target says of itself.
        cases: how many there are, also those that never began.
        finished: whether all of them were run.
        max_concurrency: how many ran at once.
    """
    said = [] if finished else [_unfinished(trials, cases)]
    said += [_score(trials, name) for name in scores if trials]
    calls = list(chain.from_iterable(trial.calls for trial in trials))
    judging = list(chain.from_iterable(trial.judging for trial in trials))
    if calls:
        said.append(f"The cases took {_spent(calls)}.")
    if judging:
        said.append(f"Scoring took {_spent(judging)}, which are in no row.")
    said += [_raised(trials, name) for name in scores if any(name in trial.raised for trial in trials)]
    said += _failures(trials)
    said += remarks
    said += reply_notes([*calls, *judging])
    if max_concurrency > 1 and len(trials) > 1:
        at_once = min(max_concurrency, len(trials))
        said.append(f"Up to {at_once} cases ran at once: duration_s is that of a case among others.")
    return [masked(sentence) for sentence in said]


def near_misses(trials: Sequence[Trial], name: str) -> list[str]:
    """Return sentences about outputs that do not equal what is expected, and are likely to be right all the same.

    Args:
        trials: the cases that have a row.
        name: the score, by equality.
    """
    wrong = [(trial.output, trial.case.expected) for trial in trials if trial.scores.get(name) is False]
    texts = [(out, expected) for out, expected in wrong if isinstance(out, str) and isinstance(expected, str)]
    inside = sum(bool(expected.strip()) and expected in out for out, expected in texts)
    among = sum(
        isinstance(expected, list | tuple | set | frozenset) and any(same(output, part) for part in expected)
        for output, expected in wrong
    )
    said = []
    if inside:
        said.append(f"In {inside} of the wrong outputs what is expected occurs; {_RIGHT_WITH} expected in output.")
    if among:
        verb = "is" if among == 1 else "are"
        said.append(
            f"{among} of the wrong outputs {verb} among the values that are expected; {_RIGHT_WITH} output in expected."
        )
    return said


_RIGHT_WITH = "such are right with score=lambda output, expected:"


def _unfinished(trials: Sequence[Trial], cases: int) -> str:
    cut = sum(trial.status == "cancelled" for trial in trials)
    more = f", {cut} cut off" if cut else ""
    left = cases - len(trials)
    if not cut and not left:
        return f"Not finished: {cases} of {plural(cases, 'case')} ended, not all of them were scored."
    without_row = f"; {left} without a row" if left else ""
    return f"Not finished: {len(trials) - cut} of {plural(cases, 'case')} ended{more}{without_row}."


def _score(trials: Sequence[Trial], name: str) -> str:
    """Return what a score came to; cases without one are named, so that none is quietly left out."""
    scored = [trial.scores[name] for trial in trials if name in trial.scores]
    if not scored:
        return f"{name}: no case was scored; {_why_not(trials)}."
    if all(isinstance(value, bool) for value in scored):
        came_to = f"{sum(scored)} of {plural(len(scored), 'case')} right"
    else:
        came_to = f"{three_figures(fmean(scored))} on average over {plural(len(scored), 'case')}"
    return f"{name}: {came_to}{_missing(trials, name)}."


def _raised(trials: Sequence[Trial], name: str) -> str:
    errors = [trial.raised[name] for trial in trials if name in trial.raised]
    return f"The score {name!r} raised in {plural(len(errors), 'case')}: {errors[0]}"


def _missing(trials: Sequence[Trial], name: str) -> str:
    without = [trial for trial in trials if name not in trial.scores]
    if not without:
        return ""
    verb = "counts" if len(without) == 1 else "count"
    return f", of {len(trials)} in all; {_why_not(without)}, and {verb} neither way"


def _why_not(unscored: Sequence[Trial]) -> str:
    counts = Counter(_WHY.get(trial.status, "got no score") for trial in unscored)
    return " and ".join(f"{count} {reason}" for reason, count in counts.items())


_WHY = {"failed": "failed", "cancelled": "cut off"}


def _spent(calls: Sequence[ModelCalled]) -> str:
    given, written = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
    spent = f"{plural(len(calls), 'model call')}: {given:,} tokens in, {written:,} out"
    cost = total_cost(calls)
    if cost is None:
        unpriced = sum(call.cost is None and call.error is None for call in calls)
        return f"{spent}, and for {unpriced} of them no price is known"
    if not cost:
        return f"{spent}, at no cost"
    return f"{spent}, ${cost:,.4f}" if cost >= 0.0001 else f"{spent}, less than $0.0001"


def _failures(trials: Sequence[Trial]) -> list[str]:
    failed = [trial for trial in trials if trial.status == "failed"]
    if not failed:
        return []
    more = f" and {len(failed) - MOST_NAMES} more" if len(failed) > MOST_NAMES else ""
    names = ", ".join(brief(trial.case.name, 40) for trial in failed[:MOST_NAMES]) + more
    first = next((trial for trial in failed if trial.result is not None), None)
    where = "" if first is None else f" (see .results[{brief(first.case.name, 40)}])"
    return [f"Failed: {names}{where}."]
