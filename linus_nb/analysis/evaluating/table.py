"""Cases that were run, made into one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.evaluating.trial import Trial
from linus_nb.masking import masked, masked_field
from linus_nb.models.prices import total_cost

if TYPE_CHECKING:
    from linus_nb.analysis.evaluating.frame import Evaluation

EVALUATION_DTYPES = {
    "input": "object",
    "expected": "object",
    "output": "object",
    "status": "string",
    "duration_s": "float64",
    "llm_calls": "int64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost": "float64",
    "error": "string",
}
"""The columns of an evaluation's table, in order; a column for each score, "float64", stands before ``status``."""


def evaluation_table(trials: Sequence[Trial], scores: Sequence[str], levels: list[Any] | None = None) -> Evaluation:
    """Return a row for each case, in the order of the cases, indexed by ``case`` (the name).

    Columns, with the same dtypes for every outcome:

    * ``input``; ``expected``, None where nothing is; ``output``, None where there is none: the agent's answer (a text,
      or a value of its ``output_schema``), of a graph a dict of the keys that its nodes wrote;
    * a column for each score: 1.0 and 0.0 for True and False, NaN where a case was not scored;
    * ``status``: "success", "partial" (there is an output, and something went wrong on the way, or the agent did not
      complete its task), "failed", "cancelled";
    * ``duration_s``: seconds from the call to its return, without scoring; ``llm_calls``, ``input_tokens``,
      ``output_tokens``, ``cost`` (US dollars, NaN where a price is not known): of the model calls that agents made,
      also those of a case that failed; calls that raised have no tokens;
    * ``error``: what went wrong, with a scorer's errors after those of the case; else empty.

    Args:
        trials: the cases.
        scores: the names of the scores.
        levels: the names of the levels, where the cases' names are tuples out of an index with several.
    """
    import pandas as pd

    from linus_nb.analysis.evaluating.frame import Evaluation

    rows = [_row(trial) for trial in trials]
    dtypes = _dtypes(scores)
    columns = {name: pd.Series([row.get(name) for row in rows], dtype=dtype) for name, dtype in dtypes.items()}
    table = Evaluation(columns, columns=list(dtypes))
    table.index = _index([trial.case.name for trial in trials], levels)
    table.results = {trial.case.name: trial.result for trial in trials if trial.result is not None}
    return table


def _dtypes(scores: Sequence[str]) -> dict[str, str]:
    before = ("input", "expected", "output")
    return (
        {name: EVALUATION_DTYPES[name] for name in before}
        | dict.fromkeys(scores, "float64")
        | {name: dtype for name, dtype in EVALUATION_DTYPES.items() if name not in before}
    )


def _index(names: Sequence[Any], levels: list[Any] | None) -> Any:
    """Return the names as an index: those of a DataFrame's rows stay what they are, so that the two tables align."""
    import pandas as pd

    if all(isinstance(name, str) for name in names):
        return pd.Index([masked(name) for name in names], name="case", dtype="string")
    if levels and all(isinstance(name, tuple) for name in names):
        return pd.MultiIndex.from_tuples([_shown(name) for name in names], names=levels)
    return pd.Index(names, name="case", tupleize_cols=False)


def _row(trial: Trial) -> dict[str, Any]:
    calls = trial.calls
    return {
        "input": _shown(trial.case.asked),
        "expected": _shown(trial.case.expected),
        "output": _shown(trial.output),
        "status": trial.status,
        "duration_s": trial.duration_s,
        "llm_calls": len(calls),
        "input_tokens": sum(call.input_tokens for call in calls),
        "output_tokens": sum(call.output_tokens for call in calls),
        "cost": total_cost(calls),
        "error": masked("; ".join(trial.errors)),
    } | {name: float(value) for name, value in trial.scores.items()}


def _shown(value: Any, depth: int = 20) -> Any:
    """Mask texts, also in dicts, lists and tuples: a table is saved with its notebook.

    What holds no secret stays the object that it is; ``results`` keeps all of it as it was.
    """
    kind = type(value)
    if issubclass(kind, str):
        return masked(value) if masked(value) != value else value
    if depth and kind is dict:
        parts = {_shown(key): masked_field(key, part) or _shown(part, depth - 1) for key, part in value.items()}
        unchanged = parts.keys() == value.keys() and all(parts[key] is part for key, part in value.items())
        return value if unchanged else parts
    if depth and kind in (list, tuple):
        shown = [_shown(part, depth - 1) for part in value]
        return value if all(new is old for new, old in zip(shown, value, strict=True)) else kind(shown)
    return value
