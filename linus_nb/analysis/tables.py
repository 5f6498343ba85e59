"""A run as pandas tables: one of its nodes, one of the calls that they made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linus_nb.engine.critical_path import critical_path, slack
from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import Call, ModelCalled, ToolCalled

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
    "attempts": "int64",
    "llm_calls": "int64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "slack_s": "float64",
    "on_critical_path": "bool",
    "error": "string",
}
"""The columns of `node_table`, in order."""

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
    "estimated": "bool",
    "error": "string",
}
"""The columns of `call_table`, in order."""


def node_table(record: RunRecord) -> pd.DataFrame:
    """Return a row for each node, in plan order, indexed by ``node`` (the name).

    Columns, with the same dtypes for every run, also an empty or a failed one:

    * ``level`` (from 1, as in the pictures), ``status`` (lower case), ``reason`` (why it was
      skipped or cancelled, else empty);
    * ``start_s``, ``end_s``: seconds since the start of the run; ``duration_s`` between them; ``wait_s``: seconds it
      was ready but held back by a limit; NaN where it never came to that;
    * ``attempts``; ``llm_calls``, ``input_tokens``, ``output_tokens``: sums over the node's model calls;
    * ``slack_s``: seconds it could take longer without making the critical path longer, NaN where it did not run;
      ``on_critical_path``;
    * ``error``: ``"ValueError: …"``, else empty; also an error that ``on_error`` waved through.

    ``attrs`` holds ``run_id``, ``schedule``, ``status`` and ``duration_s`` of the run.
    """
    import pandas as pd

    slacks = slack(record)
    path = set(critical_path(record)[1])
    rows = [_node_row(node, slacks.get(node.name), node.name in path) for node in record.nodes.values()]
    index = pd.Index(list(record.nodes), name="node", dtype="string")
    table = pd.DataFrame(rows, columns=list(NODE_DTYPES), index=index).astype(NODE_DTYPES)
    table.attrs |= _run_facts(record)
    return table


def call_table(record: RunRecord) -> pd.DataFrame:
    """Return a row for each model and tool call of a run, in the order in which they began, indexed by ``call``.

    Columns: ``node``, ``kind`` ("model" or "tool"), ``name`` (of the model or tool), ``purpose`` (of a model call),
    ``start_s``, ``end_s`` (seconds since the start of the run), ``duration_s``, ``input_tokens``, ``output_tokens`` (0
    for tools, and where the provider names none), ``estimated`` (the tokens were counted here, not by the provider),
    ``error``. dtypes are the same for every run; ``attrs`` are those of `node_table`.
    """
    import pandas as pd

    rows = [_call_row(node.name, end_s, call) for node in record.nodes.values() for end_s, call in node.calls]
    rows.sort(key=lambda row: row["start_s"])
    index = pd.RangeIndex(len(rows), name="call")
    table = pd.DataFrame(rows, columns=list(CALL_DTYPES), index=index).astype(CALL_DTYPES)
    table.attrs |= _run_facts(record)
    return table


def model_calls(node: NodeRecord) -> list[ModelCalled]:
    """Return the model calls that a node made."""
    return [call for _, call in node.calls if isinstance(call, ModelCalled)]


def error_text(error: BaseException | None) -> str:
    """Return the type and message of an error in one line, or an empty string for none.

    >>> error_text(ValueError("no such city"))
    'ValueError: no such city'
    """
    if error is None:
        return ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _node_row(node: NodeRecord, slack_s: float | None, on_path: bool) -> dict[str, Any]:
    calls = model_calls(node)
    return {
        "level": node.level + 1,
        "status": node.status.value,
        "reason": node.reason,
        "start_s": node.start_s,
        "end_s": node.end_s,
        "duration_s": node.duration_s,
        "wait_s": node.wait_s,
        "attempts": node.attempts,
        "llm_calls": len(calls),
        "input_tokens": sum(call.input_tokens for call in calls),
        "output_tokens": sum(call.output_tokens for call in calls),
        "slack_s": slack_s,
        "on_critical_path": on_path,
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
        "estimated": False,
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
        "estimated": call.estimated,
    }


def _run_facts(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "schedule": record.schedule,
        "status": record.status,
        "duration_s": record.duration_s,
    }
