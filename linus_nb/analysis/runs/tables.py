"""A run as pandas tables: of its nodes, of all that ran inside them, and of the calls that were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from linus_nb.brief import message_of
from linus_nb.engine.critical_path import critical_path, slack
from linus_nb.engine.record import NodeRecord, RunRecord, Step, walk
from linus_nb.events import Call, ModelCalled, ToolCalled
from linus_nb.masking import masked
from linus_nb.models.prices import total_cost

if TYPE_CHECKING:
    import pandas as pd

NODE_DTYPES = {
    "level": "int64",
    "status": "string",
    "reason": "string",
    "start_s": "float64",
    "end_s": "float64",
    "duration_s": "float64",
    "wait_s": "float64",
    "model_wait_s": "float64",
    "attempts": "int64",
    "items": "int64",
    "llm_calls": "int64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost": "float64",
    "slack_s": "float64",
    "on_critical_path": "bool",
    "error": "string",
}
"""The columns of `node_table`, in order."""

STEP_DTYPES = {"depth": "int64"} | {
    name: dtype for name, dtype in NODE_DTYPES.items() if name not in ("slack_s", "on_critical_path")
}
"""The columns of `step_table`, in order."""

CALL_DTYPES = {
    "node": "string",
    "kind": "string",
    "name": "string",
    "purpose": "string",
    "start_s": "float64",
    "end_s": "float64",
    "duration_s": "float64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost": "float64",
    "estimated": "bool",
    "served_from": "string",
    "attempt": "int64",
    "waited_s": "float64",
    "instead_of": "string",
    "cached_input_tokens": "int64",
    "error": "string",
}
"""The columns of `call_table`, in order."""


def node_table(record: RunRecord) -> pd.DataFrame:
    """Return a row for each node, in plan order, indexed by ``node`` (the name).

    Columns, with the same dtypes for every run, also an empty or a failed one:

    * ``level`` (from 1, as in the pictures), ``status`` (lower case), ``reason`` (why it was
      skipped or cancelled, else empty);
    * ``start_s``, ``end_s``: seconds since the start of the run; ``duration_s`` between them; ``wait_s``: seconds
      between the end of its sources and its start, in which its level, its turn or a limit held it back; NaN where it
      never came to that; ``model_wait_s``: seconds that its model calls waited for limits and pauses, calls that waited
      at the same time each for itself;
    * ``attempts`` (of a node that runs once per item: the most that one item took); ``items``: how many items it ran
      for, 0 for a node that runs once; ``llm_calls``, ``input_tokens``, ``output_tokens``, ``cost``: sums over the
      model calls of the node, of its items and of the graph it holds; ``cost`` is in US dollars, NaN where the price of
      one of them is not known;
    * ``slack_s``: seconds it could take longer without making the critical path longer, NaN where it did not run;
      ``on_critical_path``;
    * ``error``: ``"ValueError: …"``, else empty; also an error that ``on_error`` waved through.

    ``attrs`` holds ``run_id``, ``schedule``, ``status`` and ``duration_s`` of the run.
    """
    slacks = slack(record)
    path = set(critical_path(record)[1])
    rows = [
        _step_row(step.record, calls)
        | {"slack_s": slacks.get(step.record.name), "on_critical_path": step.record.name in path}
        for step, calls in _calls_inside(record)
        if step.depth == 0
    ]
    return _table(rows, NODE_DTYPES, "node", list(record.nodes), record)


def step_table(record: RunRecord) -> pd.DataFrame:
    """Return a row for each node, item and node of a nested graph, in plan order, indexed by ``path``.

    A path reads ``"review"``, ``"review[3]"`` (an item, counted from 0), ``"review/draft"`` (a node of the graph that
    the node holds) or ``"review[3]/draft"``. Each row is followed by those of what ran inside it, and ``depth`` says
    how deep that is: 0 for the nodes of the graph itself. The other columns are those of `node_table`, but for the two
    about the critical path; all times count from the start of the run, and ``level`` is that of a node in its own
    graph. ``llm_calls``, tokens and ``cost`` include what was called further inside, so that the rows of depth 0 hold
    the sums.
    """
    found = _calls_inside(record)
    rows = [_step_row(step.record, calls) | {"depth": step.depth} for step, calls in found]
    return _table(rows, STEP_DTYPES, "path", [step.path for step, _ in found], record)


def call_table(record: RunRecord) -> pd.DataFrame:
    """Return a row for each model and tool call of a run, in the order in which they began, indexed by ``call``.

    Columns: ``node`` (the path of the node or item that called, as in `step_table`), ``kind`` ("model" or "tool"),
    ``name`` (of the model or tool), ``purpose`` (of a model call), ``start_s``, ``end_s`` (seconds since the start of
    the run), ``duration_s``, ``input_tokens``, ``output_tokens`` (0 for tools, and for model calls that raised),
    ``cost`` (US dollars; 0 for tools and for models that run here, NaN where no price is known and for model calls that
    raised), ``estimated`` (the tokens were counted here, not by the provider), ``served_from`` ("model", "cache" or
    "script": see `linus_nb.events.ModelCalled`; empty for tools), ``attempt`` (of a governed model, which try this
    was), ``waited_s`` (seconds before it, for a limit or a pause), ``instead_of`` (the model that it stood in for),
    ``cached_input_tokens`` (those of the input that the provider had kept), ``error``. dtypes are the same for every
    run; ``attrs`` are those of `node_table`.
    """
    rows = [_call_row(step.path, end_s, call) for step in walk(record) for end_s, call in step.record.calls]
    rows.sort(key=lambda row: row["start_s"])
    return _table(rows, CALL_DTYPES, "call", range(len(rows)), record)


def model_calls(record: RunRecord) -> list[ModelCalled]:
    """Return the model calls of a run, those inside items and nested graphs included."""
    return [call for step in walk(record) for call in _model_calls(step.record)]


def error_text(error: BaseException | None) -> str:
    """Return the type and message of an error in one line, or an empty string for none.

    >>> error_text(ValueError("no such city"))
    'ValueError: no such city'
    """
    if error is None:
        return ""
    message = " ".join(message_of(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _model_calls(node: NodeRecord) -> list[ModelCalled]:
    return [call for _, call in node.calls if isinstance(call, ModelCalled)]


def _calls_inside(record: RunRecord) -> list[tuple[Step, list[ModelCalled]]]:
    """Return each step of a run, with the model calls that were made in it and inside it."""
    found: list[tuple[Step, list[ModelCalled]]] = []
    around: list[list[ModelCalled]] = []  # the calls of the steps that the current one is inside of, outermost first
    for step in walk(record):
        del around[step.depth :]
        own = _model_calls(step.record)
        for calls in around:
            calls += own
        around.append(own)
        found.append((step, own))
    return found


def _table(
    rows: list[dict[str, Any]], dtypes: Mapping[str, str], index: str, labels: list[str] | range, record: RunRecord
) -> pd.DataFrame:
    import pandas as pd

    kept = (
        pd.RangeIndex(labels, name=index)
        if isinstance(labels, range)
        else pd.Index([masked(label) for label in labels], name=index, dtype="string")
    )
    table = typed_frame(rows, dtypes, kept)
    table.attrs |= _run_facts(record)
    return table


def typed_frame(rows: list[dict[str, Any]], dtypes: Mapping[str, str], index: pd.Index[Any]) -> pd.DataFrame:
    """Return rows as a table with these columns and dtypes, however many rows there are; texts in it are masked."""
    import pandas as pd

    for row in rows:  # a table is shown, and saved with its notebook; the record keeps what was said
        row |= {name: masked(row[name]) for name, dtype in dtypes.items() if dtype == "string"}
    return pd.DataFrame(rows, columns=list(dtypes), index=index).astype(dict(dtypes))


def _step_row(node: NodeRecord, calls: Sequence[ModelCalled]) -> dict[str, Any]:
    return {
        "level": node.level + 1,
        "status": node.status.value,
        "reason": node.reason,
        "start_s": node.start_s,
        "end_s": node.end_s,
        "duration_s": node.duration_s,
        "wait_s": node.wait_s,
        "model_wait_s": sum(call.waited_s for call in calls),
        "attempts": max((item.attempts for item in node.items), default=node.attempts),
        "items": len(node.items),
        "llm_calls": len(calls),
        "input_tokens": sum(call.input_tokens for call in calls),
        "output_tokens": sum(call.output_tokens for call in calls),
        "cost": total_cost(calls),
        "error": error_text(node.error),
    }


def _call_row(node: str, end_s: float, call: Call) -> dict[str, Any]:
    row: dict[str, Any] = {
        "node": node,
        "kind": "tool",
        "purpose": "",
        "start_s": end_s - call.duration_s,
        "end_s": end_s,
        "duration_s": call.duration_s,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost": 0.0,
        "estimated": False,
        "served_from": "",
        "attempt": 1,
        "waited_s": 0.0,
        "instead_of": "",
        "cached_input_tokens": 0,
        "error": error_text(call.error),
    }
    if isinstance(call, ToolCalled):
        return row | {"name": call.tool}
    return row | {
        "kind": "model",
        "name": call.model,
        "purpose": call.purpose,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cost": call.cost,
        "estimated": call.estimated,
        "served_from": call.served_from,
        "attempt": call.attempt,
        "waited_s": call.waited_s,
        "instead_of": call.instead_of,
        "cached_input_tokens": call.cached_input_tokens,
    }


def _run_facts(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "schedule": record.schedule,
        "status": record.status,
        "duration_s": record.duration_s,
    }
