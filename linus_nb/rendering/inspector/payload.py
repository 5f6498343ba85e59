"""A graph, or a run, as the plain data that the inspector's page shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

from linus_nb.engine.record import RunRecord
from linus_nb.events import GraphShape
from linus_nb.numbers import plural
from linus_nb.rendering import labels
from linus_nb.rendering.inspector.graph import outermost_graph
from linus_nb.rendering.inspector.steps import MOST_STEPS, Steps, add_steps, not_run, values_in
from linus_nb.rendering.inspector.values import Held, settle
from linus_nb.rendering.sentences import other_schedule, what_became
from linus_nb.rendering.type_setting import printable

VERSION = 1
Payload = dict[str, Any]


def inspection(shape: GraphShape, record: RunRecord | None = None, now_s: float | None = None) -> Payload:
    """Return what an inspector shows of a graph and of its run, as data that JSON can hold.

    Args:
        shape: The graph.
        record: Its run, as far as it has come; None where it has not run.
        now_s: Seconds since the start of a run that goes on; else those of its last event.
    """
    payload = _held(shape, record, now_s)
    settle(values_in(payload["steps"]))
    return payload


def whole_value(record: RunRecord, path: str, where: Sequence[str | int]) -> str:
    """Return the whole text of a value that may be cut in the payload of a run.

    Args:
        record: The run.
        path: Of the step.
        where: The way from the step to the value, like ``["calls", 2, "reply"]``.

    Raises:
        LookupError: There is no such value.
    """
    found: Any = _held(record.graph, record, None)["steps"][path]
    for key in where:
        known = isinstance(found, dict) or (isinstance(found, list) and isinstance(key, int))
        if not known:
            break
        found = found[key]
    if not isinstance(found, Held):
        raise LookupError(f"{path} has no value at {list(where)!r}")
    return found.whole_text()


def _held(shape: GraphShape, record: RunRecord | None, now_s: float | None) -> Payload:
    """Return the payload while its values are still held by reference."""
    duration_s = 0.0 if record is None else record.duration_s if now_s is None else now_s
    made = Steps(duration_s)
    run = not_run(shape) if record is None else record
    names = None if len(shape.nodes) <= MOST_STEPS else worth_a_look(run)
    paths = add_steps(made, run, names)
    if names is not None:
        paths = {name: path for name, path in paths.items() if name in names}
    return head(shape, record, duration_s) | {
        "graph": outermost_graph(shape, record, paths, _left_out(len(shape.nodes), len(paths))),
        "steps": made.steps,
        "changes": ordered(made.changes),
    }


def head(shape: GraphShape, record: RunRecord | None, duration_s: float) -> Payload:
    """Return what a payload says of the run as a whole."""
    common = {"version": VERSION, "title": printable(shape.name), "duration_s": round(duration_s, 6)}
    if record is None:
        return common | {
            "status": "pending", "schedule": "", "started": None, "state": "before",
            "facts": [labels.size_line(shape)], "sentence": "", "schedule_note": "",
        }  # fmt: skip
    schedules, taken = other_schedule(record)
    return common | {
        "status": record.status,
        "schedule": record.schedule,
        "started": record.wall_time.isoformat(),
        "state": "running" if record.status == "running" else "over",
        "facts": [fact for fact in (labels.counts(record), *labels.tokens_and_cost(record)) if fact],
        "sentence": plain_text(what_became(record)),
        "schedule_note": f"{' or '.join(schedules)}: {taken}" if schedules else "",
    }


def plain_text(html: str) -> str:
    """Return the words of a sentence that has no other marks than those of our own.

    >>> plain_text("<b>a &lt;b&gt;</b> failed")
    'a <b> failed'
    """
    return unescape(re.sub(r"</?(?:b|code)>", "", html))


def ordered(changes: list[tuple[float, str, str, str]]) -> list[list[Any]]:
    """Return changes of status in the order of their times; those of one step at the same time stay as they are."""
    return [list(change) for change in sorted(changes, key=lambda change: change[0])]


def worth_a_look(record: RunRecord) -> set[str]:
    """Return which nodes of too many can be looked into: those that erred, and then those that took longest."""
    nodes = sorted(record.nodes.values(), key=lambda node: (node.error is None, -(node.duration_s or 0.0)))
    return {node.name for node in nodes[:MOST_STEPS]}


def _left_out(count: int, kept: int) -> str:
    if kept == count:
        return ""
    return f"{plural(kept, 'node')} can be looked into: those that erred, and those that took longest."
