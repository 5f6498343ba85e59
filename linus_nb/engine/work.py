"""How much work a run did, and how much of it at once: counted in nodes, in their items, and in graphs inside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from linus_nb.engine.record import NodeRecord, RunRecord


def total_work(record: RunRecord) -> float:
    """Return the seconds of all that ran: what running it one by one would take."""
    return sum(end - start for start, end in work_spans(record))


def peak_concurrency(record: RunRecord) -> int:
    """Return the largest number of things that ran at the same moment; 0 when nothing ran."""
    # to the nanosecond: sums in another order must not overlap
    return peak_of((round(start, 9), round(end, 9)) for start, end in work_spans(record))


def work_spans(record: RunRecord) -> Iterator[tuple[float, float]]:
    """Yield when work went on, in seconds since the start of the run; so far, for what still runs.

    A node that runs once per item does so in its items, and one that holds a graph in the nodes of that graph: they
    wait for these, and do nothing themselves.
    """
    for node in record.nodes.values():
        for part in node.items or (node,):
            if part.start_s is not None:
                yield from _inside(part, record.duration_s)


def _inside(part: NodeRecord, now_s: float) -> Iterator[tuple[float, float]]:
    inner = part.inner
    if inner is not None and inner.nodes:
        yield from ((start + part.inner_at_s, end + part.inner_at_s) for start, end in work_spans(inner))
    elif part.start_s is not None:
        yield part.start_s, now_s if part.end_s is None else part.end_s


def peak_of(spans: Iterable[tuple[float, float]]) -> int:
    """Return how many spans, each from its start to its end, overlap at most.

    >>> peak_of([(0, 2), (1, 3), (3, 4)])
    2
    """
    changes = [change for start, end in spans for change in ((start, 1), (end, -1))]
    running = peak = 0
    for _, change in sorted(changes):  # at the same moment, ends come first
        running += change
        peak = max(peak, running)
    return max(peak, 1) if changes else 0
