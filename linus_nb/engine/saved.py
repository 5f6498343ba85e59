"""A run that was saved as JSON lines, read back: the same record, and so the same pictures and tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from linus_nb.engine.jsonl import read_events
from linus_nb.engine.record import RunRecord
from linus_nb.engine.result import RecordedRun
from linus_nb.errors import SavedRunError
from linus_nb.events import Event, GraphShape, NodeStatus


@dataclass(frozen=True, eq=False, repr=False)
class SavedRun(RecordedRun):
    """A run as `load_run` returns it. It shows itself, and has the names, of the result that was saved.

    Values that JSON cannot hold are `SavedValue` now, which shows the ``repr`` they had; errors are `SavedError`, of
    classes with the names of the original ones. There is no ``final_state``: a run saves the state that it began with
    (``record.initial``) and what its nodes returned, but not the reducers that made one value of several.
    """

    events: tuple[Event, ...]

    @property
    def name(self) -> str:
        """The name of the graph."""
        return self.record.graph.name

    @property
    def status(self) -> str:
        """How the run ended; "running" if it was killed or the end of its file is missing."""
        return self.record.status

    @property
    def execution_time_seconds(self) -> float:
        """Seconds from the start of the run to its end, or to the last event that was saved."""
        return self.record.duration_s

    @property
    def node_results(self) -> dict[str, Any]:
        """Results of the nodes that completed, by name, in plan order."""
        return {n.name: n.result for n in self.record.nodes.values() if n.status is NodeStatus.COMPLETED}

    @property
    def errors(self) -> dict[str, BaseException]:
        """Errors by name, also those kept under ``on_error`` skip and continue."""
        return {n.name: n.error for n in self.record.nodes.values() if n.error is not None}

    @property
    def final_state(self) -> NoReturn:
        """Not saved: raises AttributeError, which says where the values are."""
        raise AttributeError("a saved run has no final_state; what its nodes returned is in node_results")

    @property
    def total_nodes(self) -> int:
        """How many nodes the graph has."""
        return len(self.record.nodes)

    @property
    def completed_nodes(self) -> int:
        """How many nodes completed."""
        return self._tally[NodeStatus.COMPLETED]

    @property
    def failed_nodes(self) -> int:
        """How many nodes failed."""
        return self._tally[NodeStatus.FAILED]

    @property
    def skipped_nodes(self) -> int:
        """How many nodes were skipped."""
        return self._tally[NodeStatus.SKIPPED]

    @property
    def cancelled_nodes(self) -> int:
        """How many nodes were cancelled."""
        return self._tally[NodeStatus.CANCELLED]

    @property
    def _tally(self) -> Counter[NodeStatus]:
        return Counter(n.status for n in self.record.nodes.values())


def load_run(source: str | PathLike[str]) -> SavedRun:
    """Return a run that was saved with ``result.save_jsonl(path)``, or written by the observer `JsonLines`.

    Of a run that was killed, what had happened is there, with the status "running".

    Args:
        source: the path of a file; or the text of one, which begins with ``{``.

    Raises:
        SavedRunError: it is not a saved run, is damaged, or was written by a later version; the message says which.
        OSError: the file cannot be read.

    >>> from linus_nb import AgentDAG, AgentNode, DAGExecutor
    >>> dag = AgentDAG("square").add_node(AgentNode("square", lambda x: x * x))
    >>> result = DAGExecutor(dag).execute({"x": 12})
    >>> load_run(result.to_jsonl()).node_results
    {'square': 144}
    """
    if isinstance(source, str) and (not source.strip() or source.lstrip().startswith("{")):
        return _checked(tuple(read_events(source.split("\n"), "the text")), "the text")
    name = repr(str(source))
    with Path(source).open("rb") as file:
        return _checked(tuple(read_events(file, name)), name)


def _checked(events: tuple[Event, ...], name: str) -> SavedRun:
    """Return the run, after making sure that its events can be folded and its graphs be drawn."""
    run = SavedRun(events)
    try:
        _check(run.record)
    except (LookupError, ValueError) as error:
        raise SavedRunError(f"{name}: its events contradict each other ({error}); the file is damaged") from error
    return run


def _check(record: RunRecord) -> None:
    _check_graph(record.graph)
    for node in record.nodes.values():
        for part in (node, *node.items):
            if part.inner is not None:
                _check(part.inner)


def _check_graph(graph: GraphShape) -> None:
    names = {node.name for node in graph.nodes}
    if len(names) < len(graph.nodes):
        raise ValueError(f"graph {graph.name!r} has two nodes of one name")
    for edge in graph.edges:
        if not {edge.source, edge.target} <= names:
            raise LookupError(f"an edge goes from {edge.source!r} to {edge.target!r}, and one of them is no node")
    for node in graph.nodes:
        if node.inner is not None:
            _check_graph(node.inner)
