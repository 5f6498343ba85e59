"""Runs with items, with graphs inside nodes, with given results and with stalls, folded from events by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from linus_nb import events as ev
from linus_nb.engine.record import RunRecord, fold
from linus_nb.errors import ItemsFailedError, RunFailedError
from linus_nb.events import EdgeShape, GraphShape, NodeShape, NodeStatus

HEAD: Any = {"run_id": "r", "seq": 0}


def run_of(
    shape: GraphShape, events: Iterable[ev.Event], status: str = "success", end_s: float | None = None
) -> RunRecord:
    """The record of a run of ``shape``; with status "running" it has not ended."""
    return fold(list(story(shape, events, status, end_s)))


def story(
    shape: GraphShape, events: Iterable[ev.Event], status: str = "success", end_s: float | None = None
) -> Iterator[ev.Event]:
    """All events of a run: the given ones between its start and its end."""
    listed = list(events)
    end = max((e.at for e in listed), default=0.0) if end_s is None else end_s
    began = datetime(2026, 11, 1, tzinfo=UTC)
    yield ev.RunStarted(**HEAD, at=0.0, schedule="dataflow", wall_time=began, graph=shape)
    yield from listed
    if status != "running":
        yield ev.RunFinished(**HEAD, at=end, status=status)


def ran(node: str, start: float, end: float, error: BaseException | None = None) -> list[ev.Event]:
    """A node that ran and completed, or failed with ``error``."""
    started = ev.NodeStarted(**HEAD, at=start, node=node, ready_at=start)
    if error is not None:
        return [started, ev.NodeFailed(**HEAD, at=end, node=node, error=error)]
    return [started, ev.NodeFinished(**HEAD, at=end, node=node, result=node)]


def items(node: str, spans: Iterable[tuple[float, float | None, BaseException | None]]) -> list[ev.Event]:
    """The items of a node: start, end (None while it runs), error."""
    listed = list(spans)
    events: list[ev.Event] = [ev.ItemsFound(**HEAD, at=listed[0][0] if listed else 0.0, node=node, count=len(listed))]
    for item, (start, end, error) in enumerate(listed):
        events.append(ev.ItemStarted(**HEAD, at=start, node=node, item=item))
        if end is not None:
            status = NodeStatus.FAILED if error else NodeStatus.COMPLETED
            events.append(ev.ItemEnded(**HEAD, at=end, node=node, item=item, status=status, error=error))
    return events


def nested(node: str, at: float, events: Iterable[ev.Event], item: int | None = None) -> list[ev.Event]:
    """The events of the run of a graph that ``node`` holds, begun at ``at``."""
    return [ev.NestedReported(**HEAD, at=at + e.at, node=node, event=e, item=item) for e in events]


def called(node: str, at: float, tokens: int, item: int | None = None) -> ev.Event:
    """A model call that ended at ``at``."""
    return ev.CallReported(**HEAD, at=at, node=node, call=ev.ModelCalled("m", 0.1, tokens, 10), item=item)


DRAFTING = GraphShape(
    "drafting",
    (NodeShape("outline", 0), NodeShape("draft", 1), NodeShape("facts", 1), NodeShape("polish", 2)),
    (EdgeShape("outline", "draft"), EdgeShape("outline", "facts"), EdgeShape("draft", "polish")),
)
TRANSLATING = GraphShape(
    "translating", (NodeShape("translate", 0), NodeShape("check", 1)), (EdgeShape("translate", "check"),)
)
PRESS = GraphShape(
    "press",
    (
        NodeShape("plan", 0),
        NodeShape("fetch", 1, "gets a page", over="urls"),
        NodeShape("notes", 1),
        NodeShape("review", 2, "writes it", kind="dag", inner=DRAFTING),
        NodeShape("languages", 3, kind="dag", over="langs", inner=TRANSLATING),
        NodeShape("report", 4),
    ),
    (
        EdgeShape("plan", "fetch"),
        EdgeShape("fetch", "review"),
        EdgeShape("notes", "review"),
        EdgeShape("review", "languages"),
        EdgeShape("languages", "report"),
    ),
)

BAD_CITY = ValueError("no city <b>called</b> {x}")


def drafted(error: BaseException | None = None, *, stalled: str = "") -> list[ev.Event]:
    """The run of `DRAFTING`, 2 s long, in which ``draft`` fails with ``error``."""
    events = [*ran("outline", 0.0, 0.4), *ran("draft", 0.4, 1.6, error), *ran("facts", 0.4, 1.0)]
    events.append(called("draft", 1.5, 100))
    if stalled:
        events.append(ev.LoopStalled(**HEAD, at=1.2, node=stalled, duration_s=0.35))
    if error is None:
        return list(story(DRAFTING, [*events, *ran("polish", 1.6, 2.0)]))
    skipped = ev.NodeSkipped(**HEAD, at=1.6, node="polish", reason="upstream 'draft' failed")
    return list(story(DRAFTING, [*events, skipped], "failed"))


def fetched(*failed: int, start: float = 0.5) -> list[ev.Event]:
    """Eight items of ``fetch``, three at a time, 0.4 s each and the last 0.7 s; some failed."""
    spans = [
        (start + 0.4 * (k // 3), start + 0.4 * (k // 3) + (0.7 if k == 7 else 0.4), BAD_CITY if k in failed else None)
        for k in range(8)
    ]
    return items("fetch", spans)


def press_run() -> RunRecord:
    """`PRESS`, in which all went well; ``notes`` was given, and ``facts`` inside ``review`` stalled the loop."""
    translations = [e for k in range(3) for e in nested("languages", 4.0 + 0.1 * k, _translated(0.5 + k), k)]
    return run_of(
        PRESS,
        [
            *ran("plan", 0.0, 0.5),
            called("plan", 0.4, 50),
            *ran("fetch", 0.5, 2.0),
            *fetched(),
            *(called("fetch", 1.0, 1000, item) for item in range(8)),
            ev.NodeFinished(**HEAD, at=0.0, node="notes", result="kept", given=True),
            *ran("review", 2.0, 4.0),
            *nested("review", 2.0, drafted(stalled="facts")),
            *ran("languages", 4.0, 7.0),
            *items("languages", [(4.0 + 0.1 * k, 4.6 + 1.1 * k, None) for k in range(3)]),
            *translations,
            *ran("report", 7.0, 7.6),
        ],
    )


def _translated(seconds: float) -> list[ev.Event]:
    return list(story(TRANSLATING, [*ran("translate", 0.0, seconds), *ran("check", seconds, seconds + 0.1)]))


def press_failed() -> RunRecord:
    """`PRESS`, in which two items of ``fetch`` failed and were left out, and then ``draft`` inside ``review``."""
    left_out = ItemsFailedError("fetch", {2: BAD_CITY, 5: BAD_CITY}, 8)
    inner = KeyError("headline")
    failure = RunFailedError(f"'drafting' failed: node 'draft' raised KeyError: {inner}")
    reason = "upstream 'review' failed"
    return run_of(
        PRESS,
        [
            *ran("plan", 0.0, 0.5),
            ev.NodeStarted(**HEAD, at=0.5, node="fetch", ready_at=0.5),
            *fetched(2, 5),
            ev.NodeFinished(**HEAD, at=2.0, node="fetch", result=[], error=left_out),
            *ran("notes", 0.0, 0.2),
            *ran("review", 2.0, 3.6, failure),
            *nested("review", 2.0, drafted(inner)),
            *(ev.NodeSkipped(**HEAD, at=3.6, node=name, reason=reason) for name in ("languages", "report")),
        ],
        "failed",
    )


def press_running() -> RunRecord:
    """`PRESS` while three of eight pages are there, one of which failed."""
    spans = [(0.5, 0.8, None), (0.5, 0.9, BAD_CITY), (0.5, 0.9, None), *[(0.9, None, None)] * 5]
    events = [
        *ran("plan", 0.0, 0.5),
        ev.NodeStarted(**HEAD, at=0.5, node="fetch", ready_at=0.5),
        *items("fetch", spans),
    ]
    return run_of(PRESS, events, "running")


def review_running() -> RunRecord:
    """`PRESS` while two of the four nodes inside ``review`` have ended."""
    inner = story(DRAFTING, [*ran("outline", 0.0, 0.4), *ran("facts", 0.4, 1.0), _started("draft", 0.4)], "running")
    events = [*ran("plan", 0.0, 0.5), *ran("fetch", 0.5, 2.0), *fetched(), _started("review", 2.0)]
    return run_of(PRESS, [*events, *nested("review", 2.0, inner), called("review", 3.5, 1)], "running")


def _started(node: str, at: float) -> ev.Event:
    return ev.NodeStarted(**HEAD, at=at, node=node, ready_at=at)


def many_items(count: int, failed: frozenset[int] = frozenset()) -> RunRecord:
    """A run with one node of ``count`` items, eight at a time."""
    spans = [(0.01 * (k // 8), 0.01 * (k // 8) + 0.009, BAD_CITY if k in failed else None) for k in range(count)]
    shape = GraphShape("many", (NodeShape("fetch", 0, over="urls"),), ())
    end = 0.01 * (count // 8 + 1)
    error = ItemsFailedError("fetch", dict.fromkeys(failed, BAD_CITY), count) if failed else None
    events = [
        _started("fetch", 0.0),
        *items("fetch", spans),
        ev.NodeFinished(**HEAD, at=end, node="fetch", error=error),
    ]
    return run_of(shape, events, "partial" if failed else "success")
