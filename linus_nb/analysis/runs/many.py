"""Many runs in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from linus_nb.analysis.runs.recorded import recorded
from linus_nb.analysis.runs.tables import (
    CALL_DTYPES,
    NODE_DTYPES,
    STEP_DTYPES,
    call_table,
    error_text,
    model_calls,
    node_table,
    step_table,
    typed_frame,
)
from linus_nb.brief import brief
from linus_nb.engine.critical_path import critical_path
from linus_nb.engine.record import RunRecord
from linus_nb.engine.result import RecordedRun
from linus_nb.engine.run import Run
from linus_nb.engine.work import total_work
from linus_nb.errors import GraphError, NotARunError, nearest
from linus_nb.events import NodeStatus
from linus_nb.models.prices import total_cost

if TYPE_CHECKING:
    import pandas as pd

RUN_DTYPES = {
    "run_id": "string",
    "name": "string",
    "schedule": "string",
    "status": "string",
    "started": "datetime64[us, UTC]",
    "duration_s": "float64",
    "nodes": "int64",
    "completed": "int64",
    "failed": "int64",
    "skipped": "int64",
    "cancelled": "int64",
    "critical_path_s": "float64",
    "total_work_s": "float64",
    "llm_calls": "int64",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost": "float64",
    "error": "string",
}
"""The columns of `runs_to_frame`, in order."""

Kind = Literal["runs", "nodes", "steps", "calls"]


class _PartTable(NamedTuple):
    """A table of one run, and what its columns and its index are, also where there is no run."""

    of: Callable[[RunRecord], pd.DataFrame]
    dtypes: Mapping[str, str]
    labels: str
    labels_dtype: str


_PARTS = {
    "nodes": _PartTable(node_table, NODE_DTYPES, "node", "string"),
    "steps": _PartTable(step_table, STEP_DTYPES, "path", "string"),
    "calls": _PartTable(call_table, CALL_DTYPES, "call", "int64"),
}


def runs_to_frame(runs: Iterable[RecordedRun | Run], kind: Kind = "runs") -> pd.DataFrame:
    """Return a row for each of several runs, indexed by ``run``: its place in ``runs``, from 0.

    Columns, with the same dtypes for whatever runs, also for none:

    * ``run_id``, ``name`` (of the graph), ``schedule``, ``status`` ("success", "partial", "failed", "cancelled" or
      "running"), ``started`` (UTC), ``duration_s`` (of a run that goes on: up to its latest event);
    * ``nodes``: how many the graph has; ``completed``, ``failed``, ``skipped``, ``cancelled``: how many of them ended
      so;
    * ``critical_path_s``, by the durations of its nodes, and ``total_work_s``, of these, their items and graphs;
    * ``llm_calls``, ``input_tokens``, ``output_tokens``, ``cost`` (US dollars; NaN where the price of a call is not
      known), over the whole run;
    * ``error``: of the node that failed first; of a run without failures, the first error that ``on_error`` waved
      through; else empty.

    Args:
        runs: results, runs that `linus_nb.load_run` read back, or handles of runs, which may still go on.
        kind: ``"nodes"``, ``"steps"`` or ``"calls"`` gives the rows of ``result.to_frame(kind)`` of all runs, under a
            MultiIndex of ``run`` and that table's own index.

    Raises:
        NotARunError: one of them is no run.
        GraphError: there is no table of that kind; or one run was given, and no list.

    >>> from linus_nb import AgentDAG, AgentNode, DAGExecutor
    >>> dag = AgentDAG("squares").add_node(AgentNode("square", lambda x: x * x))
    >>> results = [DAGExecutor(dag).execute({"x": x}) for x in (3, "three")]
    >>> runs_to_frame(results)["status"].to_dict()
    {0: 'success', 1: 'failed'}
    >>> runs_to_frame(results, "nodes").groupby("node")["attempts"].sum().to_dict()
    {'square': 2}
    """
    if kind not in get_args(Kind):
        kinds = get_args(Kind)
        raise GraphError(f"no table of {kind!r}; {nearest(kind, kinds)}choose one of {', '.join(map(repr, kinds))}")
    if isinstance(runs, RecordedRun | Run):
        raise GraphError(f"{runs.record.graph.name!r} is one run; give a list of runs, or ask it for its to_frame()")
    if isinstance(runs, str | Mapping) or not isinstance(runs, Iterable):
        raise NotARunError(brief(runs))
    records = [recorded(run).record for run in runs]
    return _run_table(records) if kind == "runs" else _part_table(records, _PARTS[kind])


def _run_table(records: list[RunRecord]) -> pd.DataFrame:
    import pandas as pd

    index = pd.RangeIndex(len(records), name="run")
    return typed_frame([_run_row(record) for record in records], RUN_DTYPES, index)


def _part_table(records: list[RunRecord], part: _PartTable) -> pd.DataFrame:
    import pandas as pd

    names = ["run", part.labels]
    if not records:
        levels = [pd.Index([], dtype="int64"), pd.Index([], dtype=part.labels_dtype)]
        return typed_frame([], part.dtypes, pd.MultiIndex.from_arrays(levels, names=names))
    return pd.concat([part.of(record) for record in records], keys=range(len(records)), names=names)


def _run_row(record: RunRecord) -> dict[str, Any]:
    calls = model_calls(record)
    ended = [node.status for node in record.nodes.values()]
    return {
        "run_id": record.run_id,
        "name": record.graph.name,
        "schedule": record.schedule,
        "status": record.status,
        "started": record.wall_time,
        "duration_s": record.duration_s,
        "nodes": len(ended),
        "completed": ended.count(NodeStatus.COMPLETED),
        "failed": ended.count(NodeStatus.FAILED),
        "skipped": ended.count(NodeStatus.SKIPPED),
        "cancelled": ended.count(NodeStatus.CANCELLED),
        "critical_path_s": critical_path(record)[0],
        "total_work_s": total_work(record),
        "llm_calls": len(calls),
        "input_tokens": sum(call.input_tokens for call in calls),
        "output_tokens": sum(call.output_tokens for call in calls),
        "cost": total_cost(calls),
        "error": _first_error(record),
    }


def _first_error(record: RunRecord) -> str:
    erred = [node for node in record.nodes.values() if node.error is not None]
    first = min(erred, key=lambda node: (node.status is not NodeStatus.FAILED, node.end_s or 0.0), default=None)
    return "" if first is None else error_text(first.error)
