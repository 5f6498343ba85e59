"""What happens in a run: a closed union of frozen dataclasses, and the sink through which it is reported.

Every event carries the run's id, a sequence number without gaps, and ``at``, seconds since the run started
(monotonic). Events only say what happened; none of them steers a run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from linus_nb.brief import Brief
from linus_nb.reports import (
    Call,
    Messages,
    ModelCalled,
    ModelWaited,
    ModelWaits,
    PlanMade,
    Progress,
    Report,
    ServedFrom,
    TokenDelta,
    ToolCalled,
    ToolStarted,
    Wait,
    WaitReason,
)

__all__ = [
    "BudgetSpent",
    "Call",
    "CallReported",
    "CancelRequested",
    "EdgeDecided",
    "EdgeShape",
    "Event",
    "GraphShape",
    "ItemEnded",
    "ItemStarted",
    "ItemsFound",
    "KeyRead",
    "LoopStalled",
    "Messages",
    "ModelCalled",
    "ModelWaited",
    "ModelWaits",
    "NestedReported",
    "NodeCancelled",
    "NodeFailed",
    "NodeFinished",
    "NodeRetried",
    "NodeShape",
    "NodeSkipped",
    "NodeStarted",
    "NodeStatus",
    "PlanMade",
    "Progress",
    "ProgressReported",
    "Report",
    "RunFinished",
    "RunStarted",
    "ServedFrom",
    "TokenDelta",
    "ToolCalled",
    "ToolStarted",
    "Wait",
    "WaitReason",
    "WaitReported",
    "is_inside_node",
    "priority",
    "purpose",
    "report",
    "report_progress",
    "sink",
    "streaming",
]


class NodeStatus(StrEnum):
    """Where a node stands in a run.

    >>> NodeStatus.COMPLETED == "completed"
    True
    """

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True when a node that has this status will not change any more."""
        return self not in (NodeStatus.PENDING, NodeStatus.RUNNING)


# -- the shape of the graph that ran: enough to draw it without the graph ---------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class NodeShape(Brief):
    """A node as a picture needs it. ``level`` counts from 0."""

    name: str
    level: int
    description: str = ""
    kind: str = "function"  # "function", "agent", "runnable" or "dag"
    trigger: str = "any"
    over: str = ""  # the key whose items it runs for, one by one; empty for a node that runs once
    inner: GraphShape | None = None  # of a node that holds a graph
    writes: str = ""  # the key under which its result is written; empty for none


@dataclass(frozen=True, slots=True, repr=False)
class EdgeShape(Brief):
    """An edge as a picture needs it; ``label`` is its condition's name, where it has one worth reading."""

    source: str
    target: str
    conditional: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class GraphShape(Brief):
    """A graph as a picture needs it: nodes in plan order (level, then order of adding)."""

    name: str
    nodes: tuple[NodeShape, ...]
    edges: tuple[EdgeShape, ...]


# -- the events -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Event(Brief):
    """What all events share."""

    run_id: str
    seq: int
    at: float


@dataclass(frozen=True, slots=True, repr=False)
class RunStarted(Event):
    """The first event of a run. ``wall_time`` is the only wall-clock reading of the run.

    ``initial`` is the state that the run began with; of a graph inside a node it is empty, as what that was given is in
    what its node read.
    """

    schedule: str
    wall_time: datetime
    graph: GraphShape
    initial: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class KeyRead(Brief):
    """A key of the state that a node read, and whose value that was: the value itself is that node's result.

    ``name`` is what the node calls it, where that is another name. ``sources`` are the nodes that wrote the value, in
    plan order, and an empty text stands for the state that the run began with: several, where a reducer folded them.
    """

    key: str
    name: str = ""
    sources: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True, repr=False)
class NodeStarted(Event):
    """A node's first attempt began; it could have begun at ``ready_at`` had nothing held it back.

    Until ``asked_at`` it waited for its turn in the schedule, and from then on for a place or a resource; there is no
    such time where nothing bounds the run. ``reads`` are the keys that it is called with. What a node looks up by
    itself, as it was given the whole mapping, is in the event of its end.
    """

    node: str
    ready_at: float
    asked_at: float | None = None
    reads: tuple[KeyRead, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class NodeFinished(Event):
    """A node completed. ``error`` is set where ``on_error`` turned an error into ``None``, or left items out.

    ``given``: it did not run, as its result was handed to the run (``overrides``). ``reads`` are the keys that it
    looked up by itself, here and in the other events of an end.
    """

    node: str
    result: Any = None
    error: BaseException | None = None
    given: bool = False
    reads: tuple[KeyRead, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class NodeFailed(Event):
    """A node failed for good."""

    node: str
    error: BaseException
    reads: tuple[KeyRead, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class NodeSkipped(Event):
    """A node did not run, or (with an ``error``) its error was waved through by ``on_error="skip"``."""

    node: str
    reason: str
    error: BaseException | None = None
    reads: tuple[KeyRead, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class NodeCancelled(Event):
    """A running node was cancelled. ``abandoned``: it could not be stopped, so the run went on without it."""

    node: str
    reason: str
    abandoned: bool = False
    reads: tuple[KeyRead, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class NodeRetried(Event):
    """Attempt number ``attempt`` failed, and the next begins after ``wait_s`` seconds."""

    node: str
    attempt: int
    wait_s: float
    error: BaseException
    item: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ItemsFound(Event):
    """A node that runs once per item learned how many there are."""

    node: str
    count: int


@dataclass(frozen=True, slots=True, repr=False)
class ItemStarted(Event):
    """The first attempt at an item began; items are numbered from 0.

    It asked for a place at ``ready_at``, where something bounds the run. ``value`` is the item, where it is not simply
    that of a list or tuple that the record holds anyway, and was not made on the way (by a generator).
    """

    node: str
    item: int
    ready_at: float | None = None
    value: Any = None


@dataclass(frozen=True, slots=True, repr=False)
class ItemEnded(Event):
    """An item completed, failed or was cancelled; its ``error`` is kept whatever ``on_error`` makes of it.

    An item that never started has no event: it shares its node's fate.
    """

    node: str
    item: int
    status: NodeStatus
    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NestedReported(Event):
    """Something happened in the run of a graph that a node holds: ``event`` is one of that run's own.

    A second `RunStarted` for the same node and item is another attempt, and replaces the first.
    """

    node: str
    event: Event
    item: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class LoopStalled(Event):
    """A node kept the event loop busy for ``duration_s`` seconds, in which nothing else could run."""

    node: str
    duration_s: float


@dataclass(frozen=True, slots=True, repr=False)
class EdgeDecided(Event):
    """A condition was evaluated: ``live`` is its answer, or ``error`` what it raised."""

    source: str
    target: str
    live: bool
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, repr=False)
class CancelRequested(Event):
    """Somebody asked for the end of the run."""

    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class BudgetSpent(Event):
    """The run has spent its budget: what runs may finish, and nothing starts any more."""

    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class CallReported(Event):
    """A model or tool call that ended inside a node; ``at`` is its end."""

    node: str
    call: Call
    item: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class WaitReported(Event):
    """A model call inside a node begins to wait, or waits no more."""

    node: str
    wait: Wait
    item: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ProgressReported(Event):
    """Something began, or went on, inside a node. The record needs none of it: what came of it is reported, too."""

    node: str
    progress: Progress
    item: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class RunFinished(Event):
    """The last event of a run: ``status`` is success, partial, failed or cancelled."""

    status: str


# -- what happens below the engine is reported here -----------------------------------------------------------------

sink: ContextVar[tuple[Callable[[Any, Report], None], Any] | None] = ContextVar("linus_nb_sink", default=None)
"""Where model and tool calls are reported, and the place that makes them: a mark of the engine's own.

The engine sets it in the context of each node and item, and stamps what arrives.
"""


def is_inside_node() -> bool:
    """Return whether a node of a run is at work in this context."""
    receiver = sink.get()
    return receiver is not None and receiver[1] is not None


priority: ContextVar[float] = ContextVar("linus_nb_priority", default=0)
"""That of the node whose work goes on here: whose model calls go first where calls have to wait."""

purpose: ContextVar[str] = ContextVar("linus_nb_purpose", default="")
"""What an agent asks its model for at the moment."""

streaming: ContextVar[bool] = ContextVar("linus_nb_streaming", default=False)
"""Whether somebody wants to hear of progress: models are then asked to stream."""


def report(call: Report) -> None:
    """Report a call that has ended, a wait, or progress, to the run in whose context it happens, if there is one."""
    receiver = sink.get()
    if receiver is not None:
        receive, place = receiver
        receive(place, call)


def report_progress(progress: Progress) -> None:
    """Report progress, if somebody wants to hear of it."""
    if streaming.get():
        report(progress)
