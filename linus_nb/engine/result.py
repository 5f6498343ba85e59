"""What a run came to, as data: nothing is raised unless asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from linus_nb.brief import message_of
from linus_nb.display import Drawn, view
from linus_nb.engine.record import RunRecord, fold
from linus_nb.errors import RunFailedError
from linus_nb.events import Event, GraphShape, NodeStatus
from linus_nb.masking import masked
from linus_nb.plain import Plain

if TYPE_CHECKING:
    import pandas as pd

    from linus_nb.engine.log import EventLog


class RecordedRun(Drawn):
    """A run that can be looked at: its events, and all that is made from them."""

    events: Iterable[Event]

    _view = "linus_nb.rendering.bundle:result_bundle"

    def overall_status(self) -> str:
        """Return the status of the run as a whole."""
        return self.record.status

    @cached_property
    def record(self) -> RunRecord:
        """The run's record, folded from its events: what pictures and tables are made from."""
        return fold(self.events)

    def _drawn(self) -> tuple[GraphShape, RunRecord]:
        return self.record.graph, self.record

    def to_frame(self, kind: str = "nodes") -> pd.DataFrame:
        """Return a pandas table: a row per node, or with ``"calls"`` a row per model or tool call.

        ``"steps"`` gives a row per node, item and node of a nested graph. Durations are in seconds, in columns that end
        in ``_s``. See `linus_nb.analysis.runs.tables` for the columns.
        """
        tables = {"nodes": "node_table", "steps": "step_table", "calls": "call_table"}
        if kind not in tables:
            raise ValueError(f"no table of {kind!r}; choose 'nodes', 'steps' or 'calls'")
        frame: pd.DataFrame = view(f"linus_nb.analysis.runs.tables:{tables[kind]}")(self.record)
        return frame

    def timeline(self, by: str | None = None) -> Any:
        """Return a picture of when each node waited and ran, which shows itself in the cell whose last line it is.

        Args:
            by: ``"nodes"`` has a row for each; ``"levels"`` puts those of one level together; ``"lanes"`` has as few
                rows as there were nodes at work at once. By default nodes, and lanes where they are many.

        Raises:
            ValueError: ``by`` is something else.
        """
        return view("linus_nb.rendering.timeline_view:timeline_of")(self.record, by)

    def to_jsonl(self) -> str:
        """Return the run's events as JSON lines; `linus_nb.load_run` reads them back.

        They hold what nodes returned, what tools got and gave, and where errors were raised.
        """
        return "".join(self._json_lines())

    def save_jsonl(self, path: str | PathLike[str]) -> None:
        """Write the run's events to a file as JSON lines; `linus_nb.load_run` reads it back.

        Raises:
            OSError: the file cannot be written.
        """
        with Path(path).open("w", encoding="ascii", newline="\n") as file:
            file.writelines(self._json_lines())

    def _json_lines(self) -> Iterator[str]:
        from linus_nb.engine.jsonl import json_line  # loaded by those who save a run, not by all

        return map(json_line, self.events)

    def raise_for_failure(self) -> Self:
        """Return this result, or raise if the run failed or was cancelled.

        Raises:
            RunFailedError: its cause is the first failure, its ``result`` this result.
        """
        if self.overall_status() not in ("failed", "cancelled"):
            return self
        record, name = self.record, self.record.graph.name
        failed = [n for n in record.nodes.values() if n.status is NodeStatus.FAILED]
        if not failed:
            raise RunFailedError(f"{name!r} was cancelled; what finished is in its node_results", self)
        first = min(failed, key=lambda n: n.end_s or 0.0)
        message = "" if first.error is None else masked(message_of(first.error))  # a traceback is saved with its cell
        error_line = f"{type(first.error).__name__}: {message}"
        others = f", and {len(failed) - 1} more failed" if len(failed) > 1 else ""
        raise RunFailedError(
            f"{name!r} failed: node {first.name!r} raised {error_line}{others}; what finished is in its node_results",
            self,
        ) from first.error

    def __repr__(self) -> str:
        text: str = view("linus_nb.rendering.text:graph_text")(self.record.graph, self.record)
        return text


@dataclass(frozen=True, eq=False, repr=False)
class ExecutionResult(RecordedRun, Plain):
    """The result of a run.

    Attributes:
        status: "success" (nothing erred), "partial" (errors only under ``on_error`` skip or continue), "failed",
            "cancelled", or "running".
        execution_time_seconds: from the start of the run to its end.
        node_results: results of the nodes that completed, by name, in plan order.
        errors: exceptions by name, also those kept under ``on_error`` skip and continue.
        final_state: initial keys first, then the keys that were written, in plan order.
    """

    status: str
    total_nodes: int
    completed_nodes: int
    failed_nodes: int
    skipped_nodes: int
    cancelled_nodes: int
    node_results: dict[str, Any]
    errors: dict[str, BaseException]
    final_state: dict[str, Any]
    execution_time_seconds: float
    name: str
    events: EventLog = field(repr=False)

    def overall_status(self) -> str:
        """Return the status of the run as a whole, with no need to fold its events."""
        return self.status

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a dict; errors as ``"Type: message"``."""
        return {
            "name": self.name,
            "status": self.status,
            "total_nodes": self.total_nodes,
            "completed_nodes": self.completed_nodes,
            "failed_nodes": self.failed_nodes,
            "skipped_nodes": self.skipped_nodes,
            "cancelled_nodes": self.cancelled_nodes,
            "node_results": dict(self.node_results),
            "errors": {name: f"{type(e).__name__}: {e}" for name, e in self.errors.items()},
            "final_state": dict(self.final_state),
            "execution_time_seconds": self.execution_time_seconds,
        }
