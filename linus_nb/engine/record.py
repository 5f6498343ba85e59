"""What a run came to: a fold of its events, and the only thing that pictures and tables are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from linus_nb import events as ev
from linus_nb.events import Call, EdgeShape, GraphShape, NodeStatus


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What happened to one node. Times are seconds since the start of the run, None where it never came to that."""

    name: str
    level: int
    status: NodeStatus = NodeStatus.PENDING
    ready_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    attempts: int = 0
    reason: str = ""
    abandoned: bool = False
    result: Any = None
    error: BaseException | None = None
    calls: tuple[tuple[float, Call], ...] = ()  # (end of the call, the call)

    @property
    def duration_s(self) -> float | None:
        """Seconds from the first attempt's start to the end, or None if it never started or has not ended."""
        if self.start_s is None or self.end_s is None:
            return None
        return self.end_s - self.start_s

    @property
    def wait_s(self) -> float | None:
        """Seconds between being ready and starting (waiting for a limit, not for inputs)."""
        if self.start_s is None or self.ready_s is None:
            return None
        return self.start_s - self.ready_s


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run: its graph, its nodes in plan order, its status ("running" until it has ended) and its length."""

    run_id: str
    schedule: str
    wall_time: datetime
    graph: GraphShape
    status: str
    duration_s: float
    nodes: dict[str, NodeRecord]
    decisions: dict[tuple[str, str], bool | BaseException] = field(default_factory=dict)

    @property
    def edges(self) -> tuple[EdgeShape, ...]:
        """The edges of the graph that ran."""
        return self.graph.edges


def fold(events: Iterable[ev.Event]) -> RunRecord:
    """Return the record of a run from its events, the first of which is `RunStarted`.

    Folds into plain dicts and freezes at the end, so that the cost is linear in the number of events.
    """
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, ev.RunStarted):
        raise ValueError(f"a run's events begin with RunStarted, not with {type(first).__name__}")
    nodes: dict[str, dict[str, Any]] = {n.name: {"name": n.name, "level": n.level} for n in first.graph.nodes}
    calls: dict[str, list[tuple[float, Call]]] = {}
    decisions: dict[tuple[str, str], bool | BaseException] = {}
    status, last = "running", first.at
    for event in stream:
        last = event.at
        match event:
            case ev.NodeStarted():
                nodes[event.node] |= {
                    "status": NodeStatus.RUNNING, "ready_s": event.ready_at, "start_s": event.at, "attempts": 1
                }  # fmt: skip
            case ev.NodeFinished():
                nodes[event.node] |= {
                    "status": NodeStatus.COMPLETED, "end_s": event.at, "result": event.result, "error": event.error
                }  # fmt: skip
            case ev.NodeFailed():
                nodes[event.node] |= {"status": NodeStatus.FAILED, "end_s": event.at, "error": event.error}
            case ev.NodeSkipped():
                nodes[event.node] |= {
                    "status": NodeStatus.SKIPPED, "end_s": event.at, "reason": event.reason, "error": event.error
                }  # fmt: skip
            case ev.NodeCancelled():
                nodes[event.node] |= {
                    "status": NodeStatus.CANCELLED, "end_s": event.at,
                    "reason": event.reason, "abandoned": event.abandoned,
                }  # fmt: skip
            case ev.NodeRetried():
                nodes[event.node]["attempts"] = event.attempt + 1
            case ev.EdgeDecided():
                decisions[event.source, event.target] = event.live if event.error is None else event.error
            case ev.CallReported():
                calls.setdefault(event.node, []).append((event.at, event.call))
            case ev.RunFinished():
                status = event.status
    for name, made in calls.items():
        nodes[name]["calls"] = tuple(made)
    return RunRecord(
        run_id=first.run_id,
        schedule=first.schedule,
        wall_time=first.wall_time,
        graph=first.graph,
        status=status,
        duration_s=last,
        nodes={name: NodeRecord(**facts) for name, facts in nodes.items()},
        decisions=decisions,
    )
