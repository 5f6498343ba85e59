"""What a live view shows of a run that goes on, as plain data: made from its events, whoever draws it."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import TypedDict

from linus_nb import events as ev
from linus_nb.engine.record import Folding, NodeRecord, RunRecord
from linus_nb.numbers import plural
from linus_nb.rendering import labels
from linus_nb.rendering.live_panes import Pane, Panes
from linus_nb.rendering.type_setting import printable

MOST_NAMED = 3  # running nodes in the summary


class NodeNow(TypedDict):
    """A node at this moment. While it runs, the page itself counts the seconds from ``since_s``."""

    status: str
    line: str
    since_s: float | None
    until_s: float | None  # when the next attempt begins, while it waits for that


class Head(TypedDict):
    """The first line, in parts: between ``before`` and ``after`` the page counts the seconds."""

    name: str
    before: str
    after: str
    done: int
    total: int
    left_s: float | None  # seconds that the run will take in all, if it goes as the one before


class Moment(TypedDict):
    """What to show at a moment."""

    head: Head
    nodes: dict[int, NodeNow]  # by place in plan order
    panes: list[Pane]
    summary: str


class LivePage:
    """Takes the events of a run one by one, and tells what to show at any moment.

    Args:
        expected_s: seconds that the run will take, if anybody knows: those of the one before.
    """

    def __init__(self, expected_s: float | None = None) -> None:
        self.expected_s = expected_s
        self._panes = Panes()
        self._folding = Folding()
        self._spent = _Spent()
        self._until: dict[str, float] = {}  # nodes that wait for another attempt
        self._shapes: dict[str, tuple[int, ev.NodeShape]] = {}
        self._sources: dict[str, list[str]] = {}
        self._targets: dict[str, list[str]] = {}
        self._touched: set[str] = set()  # nodes that changed since somebody looked

    def take(self, event: ev.Event) -> None:
        """Take the next event."""
        self._folding.take(event)
        if isinstance(event, ev.RunStarted):
            self._begin(event.graph)
        elif isinstance(event, ev.NodeRetried) and event.item is None:
            self._until[event.node] = event.at + event.wait_s
            self._touched.add(event.node)
        elif not isinstance(event, ev.ProgressReported) and isinstance(node := getattr(event, "node", None), str):
            self._until.pop(node, None)
            self._touched.add(node)
        for path, inner in _inmost(event):
            self._panes.take(path, inner)
            if isinstance(inner, ev.CallReported) and isinstance(inner.call, ev.ModelCalled):
                self._spent.add(inner.call)

    def _begin(self, graph: ev.GraphShape) -> None:
        self._shapes = {shape.name: (k, shape) for k, shape in enumerate(graph.nodes)}
        self._sources = labels.sources_of(graph)
        for edge in graph.edges:
            self._targets.setdefault(edge.source, []).append(edge.target)

    def record(self) -> RunRecord:
        """Return the record of the run so far."""
        return self._folding.record()

    def whole(self) -> Moment:
        """Return what to show, with every node."""
        self._touched.update(self._shapes)
        return self.changes()

    def changes(self) -> Moment:
        """Return what to show, with the nodes that look otherwise than when somebody looked last."""
        record = self.record()
        waiting = {target for name in self._touched for target in self._targets.get(name, ())}
        changed = sorted((self._shapes[name] for name in self._touched | waiting), key=itemgetter(0))
        self._touched.clear()
        done = sum(node.status.final for node in record.nodes.values())
        return Moment(
            head=self._head(record, done),
            nodes={k: self._node(shape, record) for k, shape in changed},
            panes=self._panes.open,
            summary=_summary(record, done),
        )

    def _head(self, record: RunRecord, done: int) -> Head:
        total = len(record.nodes)
        return Head(
            name=printable(record.graph.name),
            before=f"{record.schedule} · {record.status}",
            after=" · ".join(filter(None, [f"{done:,} of {plural(total, 'node')}", self._spent.text()])),
            done=done,
            total=total,
            left_s=self.expected_s,
        )

    def _node(self, shape: ev.NodeShape, record: RunRecord) -> NodeNow:
        node = record.nodes[shape.name]
        if node.status is not ev.NodeStatus.RUNNING:
            line = labels.second_line(shape, record, self._sources)
            return NodeNow(status=str(node.status), line=line, since_s=None, until_s=None)
        until_s = self._until.get(shape.name)
        facts = [*labels.progress(node), *_waiting(node), *_tokens(node)]
        return NodeNow(status="running", line=" · ".join(facts), since_s=node.start_s, until_s=until_s)


def _summary(record: RunRecord, done: int) -> str:
    """Return one line for a person who hears the page, and for a place that shows text only."""
    running = [node.name for node in record.nodes.values() if node.status is ev.NodeStatus.RUNNING]
    failed = sum(node.status is ev.NodeStatus.FAILED for node in record.nodes.values())
    named = ", ".join(printable(name)[:40] for name in running[:MOST_NAMED])
    more = f" and {len(running) - MOST_NAMED:,} more" if len(running) > MOST_NAMED else ""
    facts = [
        f"{printable(record.graph.name)}: {record.status}, {done:,} of {plural(len(record.nodes), 'node')} done",
        f"{failed:,} failed" if failed else "",
        f"now {named}{more}" if named else "",
    ]
    return ", ".join(filter(None, facts))


def _waiting(node: NodeRecord) -> list[str]:
    """Return how many model calls of a node, and of its items, wait at the moment, and for what."""
    found = [wait for part in (node, *node.items) for wait in part.waits if wait.end_s is None]
    limit = sum(wait.reason == "limit" for wait in found)
    retry = len(found) - limit
    told = [(limit, "at a limit"), (retry, "to try again")]
    return [words if count == 1 else f"{count:,} {words}" for count, words in told if count]


def _tokens(node: NodeRecord) -> list[str]:
    total = sum(call.input_tokens + call.output_tokens for _, call in node.calls if isinstance(call, ev.ModelCalled))
    return [f"{total:,} tok"] if total else []


def _inmost(event: ev.Event) -> Iterator[tuple[str, ev.Event]]:
    """Yield what an event is about, down to the graph in which it happened: ``review[3]/draft``, and that event."""
    path = ""
    while isinstance(event, ev.NestedReported):
        path += f"{event.node}{'' if event.item is None else f'[{event.item}]'}/"
        event = event.event
    node = getattr(event, "node", None)
    if isinstance(node, str):
        item = getattr(event, "item", None)
        yield f"{path}{node}{'' if item is None else f'[{item}]'}", event


class _Spent:
    """Tokens and dollars so far."""

    def __init__(self) -> None:
        self.tokens = 0
        self.dollars = 0.0
        self.estimated = False
        self.unpriced = False

    def add(self, call: ev.ModelCalled) -> None:
        if call.error is not None and call.cost is None:
            return  # what a failed call cost, nobody tells
        self.tokens += call.input_tokens + call.output_tokens
        self.estimated = self.estimated or call.estimated
        self.unpriced = self.unpriced or call.cost is None
        self.dollars += call.cost or 0.0

    def text(self) -> str:
        if not self.tokens:
            return ""
        about = "about " if self.estimated else ""
        cost = "" if self.unpriced else labels.dollars(self.dollars)
        return " · ".join(filter(None, [about + plural(self.tokens, "token"), cost]))
