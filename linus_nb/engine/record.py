"""What a run came to: a fold of its events, and the only thing that pictures and tables are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from linus_nb import events as ev
from linus_nb.brief import Brief
from linus_nb.events import Call, EdgeShape, GraphShape, KeyRead, NodeStatus

NodeEnd = ev.NodeFinished | ev.NodeFailed | ev.NodeSkipped | ev.NodeCancelled


class Retry(NamedTuple):
    """An attempt that failed, and was followed by another."""

    end_s: float
    wait_s: float  # until the next began
    error: BaseException


class ModelWait(NamedTuple):
    """A model call that had to wait, for a limit or between two tries; ``end_s`` is None while it goes on."""

    start_s: float
    end_s: float | None
    model: str
    reason: ev.WaitReason
    error: BaseException | None = None  # of the try before


@dataclass(frozen=True, slots=True, repr=False)
class NodeRecord(Brief):
    """What happened to one node, or to one item of a node that runs once per item.

    Times are seconds since the start of the run, None where it never came to that.
    """

    name: str  # of an item: "node[3]"
    level: int
    status: NodeStatus = NodeStatus.PENDING
    ready_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    attempts: int = 0
    reason: str = ""
    abandoned: bool = False
    given: bool = False  # its result was handed to the run, it did not run itself
    stalled_s: float = 0.0  # the longest that it kept the event loop busy, where that was noticed
    result: Any = None
    error: BaseException | None = None
    calls: tuple[tuple[float, Call], ...] = ()  # (end of the call, the call)
    items: tuple[NodeRecord, ...] = ()  # of a node that runs once per item, in order
    inner: RunRecord | None = None  # of a node that holds a graph: its latest attempt
    inner_at_s: float = 0.0  # when that attempt began; the times in ``inner`` count from there
    asked_s: float | None = None  # from then on only a place, or a resource, was missing, where these are bounded
    retries: tuple[Retry, ...] = ()  # those of the attempts that were followed by another
    reads: tuple[KeyRead, ...] = ()  # of a node: what it is called with, then what it looked up by itself
    waits: tuple[ModelWait, ...] = ()  # of its model calls, in the order of their beginning
    item: Any = None  # of an item that no list or tuple holds: itself

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


@dataclass(frozen=True, slots=True, repr=False)
class RunRecord(Brief):
    """A run: its graph, its nodes in plan order, its status ("running" until it has ended) and its length."""

    run_id: str
    schedule: str
    wall_time: datetime
    graph: GraphShape
    status: str
    duration_s: float
    nodes: dict[str, NodeRecord]
    decisions: dict[tuple[str, str], bool | BaseException] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)  # the state that it began with
    reason: str = ""  # why it was ended early, or why nothing more started

    @property
    def edges(self) -> tuple[EdgeShape, ...]:
        """The edges of the graph that ran."""
        return self.graph.edges


class Step(NamedTuple):
    """A node, an item, or a node of a nested graph, as `walk` meets it. Its times count from the outermost start."""

    path: str  # "review", "review[3]", "review/draft", "review[3]/draft"
    depth: int
    record: NodeRecord


def walk(record: RunRecord) -> Iterator[Step]:
    """Yield every node of a run in plan order, each followed by its items and by the nodes of the graph it holds."""
    return _walk(record, "", 0, 0.0)


def _walk(record: RunRecord, prefix: str, depth: int, offset_s: float) -> Iterator[Step]:
    for node in record.nodes.values():
        for part in (node, *node.items):
            path = prefix + part.name
            below = depth + (part is not node)
            yield Step(path, below, _shifted(part, offset_s))
            if part.inner is not None:
                yield from _walk(part.inner, f"{path}/", below + 1, offset_s + part.inner_at_s)


def _shifted(node: NodeRecord, by_s: float) -> NodeRecord:
    if not by_s:
        return node

    def later(at_s: float | None) -> float | None:
        return None if at_s is None else at_s + by_s

    return replace(
        node,
        ready_s=later(node.ready_s),
        asked_s=later(node.asked_s),
        retries=tuple(retry._replace(end_s=retry.end_s + by_s) for retry in node.retries),
        start_s=later(node.start_s),
        end_s=later(node.end_s),
        calls=tuple((at_s + by_s, call) for at_s, call in node.calls),
        waits=tuple(wait._replace(start_s=wait.start_s + by_s, end_s=later(wait.end_s)) for wait in node.waits),
    )


def fold(events: Iterable[ev.Event]) -> RunRecord:
    """Return the record of a run from its events, the first of which is `RunStarted`."""
    folding = Folding()
    for event in events:
        folding.take(event)
    return folding.record()


class Folding:
    """A record in the making: takes the events of a run one by one, and gives the record so far at any moment.

    Events go into plain dicts, which are frozen when a record is asked for, and only those that changed since the last
    time: the cost is linear in the number of events, also for somebody who looks again and again.
    """

    def __init__(self) -> None:
        self._first: ev.RunStarted | None = None
        self._parts: dict[str, _Part] = {}
        self._decisions: dict[tuple[str, str], bool | BaseException] = {}
        self._status, self._last_s = "running", 0.0
        self._reason = ""

    def take(self, event: ev.Event) -> None:
        """Take the next event.

        Raises:
            ValueError: the first is not `RunStarted`.
        """
        self._last_s = event.at
        if self._first is None:
            if not isinstance(event, ev.RunStarted):
                raise _beginning(event)
            self._first = event
            self._parts = {n.name: _Part({"name": n.name, "level": n.level}) for n in event.graph.nodes}
            return
        match event:
            case ev.EdgeDecided():
                self._decisions[event.source, event.target] = event.live if event.error is None else event.error
            case ev.RunFinished():
                self._status = event.status
            case ev.CancelRequested() | ev.BudgetSpent():
                self._reason = event.reason
            case ev.ProgressReported():
                pass
            case _:
                part = self._parts[event.node]  # type: ignore[attr-defined]  # all others are about a node
                part.seen = None
                part.take(event)

    def record(self) -> RunRecord:
        """Return the record so far.

        Raises:
            ValueError: there was no event yet.
        """
        if self._first is None:
            raise _beginning(None)
        return RunRecord(
            run_id=self._first.run_id,
            schedule=self._first.schedule,
            wall_time=self._first.wall_time,
            graph=self._first.graph,
            status=self._status,
            duration_s=self._last_s,
            nodes={name: part.frozen() for name, part in self._parts.items()},
            initial=self._first.initial,
            reason=self._reason,
            decisions=dict(self._decisions),
        )


def _beginning(event: ev.Event | None) -> ValueError:
    return ValueError(f"a run's events begin with RunStarted, not with {type(event).__name__}")


class _Part:
    """A node or an item while its events are folded; ``seen`` is its record, as long as nothing changes."""

    __slots__ = ("calls", "facts", "items", "nested", "nested_at_s", "retries", "seen", "waits")

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.calls: list[tuple[float, Call]] = []
        self.retries: list[Retry] = []
        self.waits: dict[int, ModelWait] = {}
        self.items: list[_Part] = []
        self.nested: Folding | None = None
        self.nested_at_s = 0.0
        self.seen: NodeRecord | None = None

    def take(self, event: ev.Event) -> None:
        """Take an event that is about this node."""
        match event:
            case ev.NodeStarted():
                self.facts |= {
                    "status": NodeStatus.RUNNING, "start_s": event.at, "attempts": 1,
                    "ready_s": event.ready_at, "asked_s": event.asked_at, "reads": event.reads,
                }  # fmt: skip
            case ev.NodeFinished():
                self._end(event, status=NodeStatus.COMPLETED, result=event.result, error=event.error, given=event.given)
            case ev.NodeFailed():
                self._end(event, status=NodeStatus.FAILED, error=event.error)
            case ev.NodeSkipped():
                self._end(event, status=NodeStatus.SKIPPED, reason=event.reason, error=event.error)
            case ev.NodeCancelled():
                self._end(event, status=NodeStatus.CANCELLED, reason=event.reason, abandoned=event.abandoned)
            case ev.NodeRetried():
                tried = self._at(event.item)
                tried.facts["attempts"] = event.attempt + 1
                tried.retries.append(Retry(event.at, event.wait_s, event.error))
            case ev.ItemsFound():
                name, level = self.facts["name"], self.facts["level"]
                self.items = [_Part({"name": f"{name}[{k}]", "level": level}) for k in range(event.count)]
            case ev.ItemStarted():
                asked_s = event.ready_at
                self._at(event.item).facts |= {
                    "status": NodeStatus.RUNNING, "start_s": event.at, "attempts": 1,
                    "ready_s": event.at if asked_s is None else asked_s, "asked_s": asked_s, "item": event.value,
                }  # fmt: skip
            case ev.ItemEnded():
                self._at(event.item).facts |= {
                    "status": event.status, "end_s": event.at, "result": event.result, "error": event.error
                }  # fmt: skip
            case ev.NestedReported():
                self._at(event.item)._take_nested(event)
            case ev.LoopStalled():
                self.facts["stalled_s"] = max(event.duration_s, self.facts.get("stalled_s", 0.0))
            case ev.CallReported():
                self._at(event.item).calls.append((event.at, event.call))
            case ev.WaitReported(wait=ev.ModelWaits() as wait):
                begun = ModelWait(event.at, None, wait.model, wait.reason, wait.error)
                self._at(event.item).waits[wait.number] = begun
            case ev.WaitReported(wait=ev.ModelWaited() as wait):
                waits = self._at(event.item).waits
                if wait.number in waits:
                    waits[wait.number] = waits[wait.number]._replace(end_s=event.at)

    def _end(self, event: NodeEnd, **facts: Any) -> None:
        facts["end_s"] = event.at
        if event.reads:
            facts["reads"] = self.facts.get("reads", ()) + event.reads
        self.facts |= facts

    def _at(self, item: int | None) -> _Part:
        """Return the part that an event is about: this node itself, or one of its items."""
        if item is None:
            return self
        self.items[item].seen = None
        return self.items[item]

    def _take_nested(self, event: ev.NestedReported) -> None:
        """Take an event of the graph inside; another attempt's first event replaces what came before, but for calls."""
        if self.nested is None or isinstance(event.event, ev.RunStarted):
            if self.nested is not None:  # they were paid: from here on they are the node's own
                steps = walk(self.nested.record())
                self.calls += [(self.nested_at_s + end_s, call) for step in steps for end_s, call in step.record.calls]
            self.nested = Folding()
            self.nested_at_s = event.at - event.event.at
        self.nested.take(event.event)

    def frozen(self) -> NodeRecord:
        """Return what was gathered as a record."""
        if self.seen is None:
            facts = dict(self.facts)
            if self.calls:
                facts["calls"] = tuple(self.calls)
            if self.retries:
                facts["retries"] = tuple(self.retries)
            if self.waits:
                facts["waits"] = tuple(self.waits.values())
            if self.nested is not None:
                facts |= {"inner": self.nested.record(), "inner_at_s": self.nested_at_s}
            if self.items:
                facts["items"] = tuple(item.frozen() for item in self._settled_items())
            self.seen = NodeRecord(**facts)
        return self.seen

    def _settled_items(self) -> list[_Part]:
        if self.facts.get("status", NodeStatus.PENDING).final:
            for item in self.items:
                item.end_with(self.facts)
        return self.items

    def end_with(self, node: dict[str, Any]) -> None:
        """Make an item final whose node is: one that still ran was abandoned, one that never started is skipped."""
        status = self.facts.get("status", NodeStatus.PENDING)
        if status is NodeStatus.RUNNING:
            self.facts |= {"status": NodeStatus.CANCELLED, "end_s": node["end_s"], "abandoned": True}
        elif status is NodeStatus.PENDING:
            self.facts |= {"status": NodeStatus.SKIPPED, "reason": node.get("reason") or "its node ended"}
        else:
            return
        self.seen = None
