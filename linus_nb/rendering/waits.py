"""What a step did when: how long it waited and what for, its attempts, and its changes of status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from linus_nb.engine.record import NodeRecord
from linus_nb.events import NodeStatus
from linus_nb.numbers import plural, seconds
from linus_nb.rendering import labels
from linus_nb.rendering.type_setting import printable

SHORTEST_S = 0.0005  # what is shorter is bookkeeping, and no wait

Wait = tuple[float, float, str]  # from, to, what for: inputs, turn, limit, retry
WORDS = {
    "inputs": "for the rest of its inputs",
    "turn": "for its turn",
    "limit": "for a limit",
    "retry": "for another attempt",
    "model limit": "for a limit on model calls",
    "model retry": "to ask a model again",
}
OF_CALLS = ("model limit", "model retry")


def waits(node: NodeRecord, first_input_s: float | None, until_s: float) -> list[Wait]:
    """Return when a node or an item waited, in order.

    It waits for ``inputs`` from the end of its first source to that of its last; then for its ``turn`` in the schedule;
    then for a ``limit``: a place, or a resource; and between attempts for a ``retry``. While it runs, its model calls
    may wait: for a ``model limit``, or between two tries for a ``model retry``.

    Args:
        node: The node.
        first_input_s: When the first of its sources ended, if it has any.
        until_s: When a wait ends that goes on.
    """
    found: list[Wait] = []
    ready, start = node.ready_s, node.start_s
    if ready is not None and start is not None:
        asked = start if node.asked_s is None else min(node.asked_s, start)
        asked = max(asked, ready)
        if first_input_s is not None:
            found.append((first_input_s, ready, "inputs"))
        found += [(ready, asked, "turn"), (asked, start, "limit")]
    end = until_s if node.end_s is None else node.end_s
    found += [(retry.end_s, min(retry.end_s + retry.wait_s, end), "retry") for retry in node.retries]
    found += _of_calls(node, end)
    return [wait for wait in found if wait[1] - wait[0] >= SHORTEST_S]


def _of_calls(node: NodeRecord, end_s: float) -> Iterator[Wait]:
    """Yield when model calls of a node waited and no other call of it was under way."""
    busy = sorted((at_s - call.duration_s, at_s) for at_s, call in node.calls)
    for wait in node.waits:
        start = wait.start_s
        until = end_s if wait.end_s is None else min(wait.end_s, end_s)
        for busy_from, busy_until in busy:
            if busy_from > start:
                yield start, min(busy_from, until), f"model {wait.reason}"
            start = max(start, busy_until)
        yield start, until, f"model {wait.reason}"


def goes_on(wait: Wait, node: NodeRecord, until_s: float) -> bool:
    """Return whether a wait of `waits` is one of a model call that had not ended by then."""
    return wait[2] in OF_CALLS and node.end_s is None and wait[1] >= until_s


def attempts(node: NodeRecord, until_s: float) -> Iterator[tuple[int, float, float | None, str]]:
    """Yield number, start, end (None while it goes on) and error of each attempt that began by ``until_s``."""
    if node.start_s is None:
        return
    start = node.start_s
    for number, retry in enumerate(node.retries, 1):
        yield number, start, retry.end_s, printable(labels.error_line(retry.error))
        start = retry.end_s + retry.wait_s
    if start <= (until_s if node.end_s is None else node.end_s):  # it may wait, or have been stopped, in between
        error = "" if node.error is None else printable(labels.error_line(node.error))
        yield len(node.retries) + 1, start, node.end_s, error


def changes(node: NodeRecord, waited: list[Wait], words: str, until_s: float) -> Iterator[tuple[float, str, str]]:
    """Yield each change of a node's status: when, what to, and the words under its name.

    Args:
        node: The node, or an item.
        waited: What `waits` gave for it.
        words: Those for what it came to.
        until_s: When it ended, where no event says so; what has begun until then, where it goes on.
    """
    found = []
    for start, end, why in waited:
        if why in OF_CALLS:
            found.append((start, 1, "running", f"waits {WORDS[why]}"))
            if not goes_on((start, end, why), node, until_s):
                found.append((end, 1, "running", ""))
        elif why != "inputs":
            found.append((start, 0, "waiting", WORDS[why]))
    found += [
        (start, 1, "running", plural(number, "try") if number > 1 else "")
        for number, start, _, _ in attempts(node, until_s)
    ]
    for at_s, _, status, said in sorted(found):
        yield at_s, status, said
    if node.status.final:
        yield until_s if node.end_s is None else node.end_s, str(node.status), words


def item_words(item: NodeRecord) -> str:
    """Return what an item came to, in the words of a node's second line."""
    tries = [plural(item.attempts, "try")] if item.attempts > 1 else []
    error = [] if item.error is None else [type(item.error).__name__]
    if item.status is NodeStatus.SKIPPED:
        return printable(item.reason or "skipped")
    took = [seconds(item.duration_s)] if not error and item.duration_s is not None else []
    return " · ".join([*(["abandoned"] if item.abandoned else took), *error, *tries])


def shifted(found: Iterator[Any] | list[Any], by_s: float) -> Iterator[tuple[Any, ...]]:
    """Yield tuples with their times moved: those of a graph inside count from its own start."""
    for one in found:
        yield tuple(later(part, by_s) if isinstance(part, float) else part for part in one)


def later(at_s: float | None, by_s: float) -> float | None:
    """Return a time moved, in microseconds, which is finer than anybody sees and shorter to write."""
    return None if at_s is None else round(at_s + by_s, 6)
