"""What a picture says in words about a node, an edge and a whole graph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from linus_nb.brief import message_of
from linus_nb.engine.record import NodeRecord, RunRecord, walk
from linus_nb.events import EdgeShape, GraphShape, ModelCalled, NodeShape, NodeStatus
from linus_nb.models.prices import total_cost
from linus_nb.numbers import plural, seconds
from linus_nb.rendering.type_setting import printable, printable_start

LONGEST_TIP = 1000  # characters of a name, or of a description
MOST_NAMES = 6  # of the nodes of a graph inside, in a tooltip


def status_of(name: str, record: RunRecord | None) -> str:
    """Return the status of a node as a key of `palette.STATUSES`; pending where there is no run."""
    node = record.nodes.get(name) if record else None
    return str(node.status) if node else "pending"


def second_line(node: NodeShape, record: RunRecord | None, sources: Mapping[str, list[str]]) -> str:
    """Return the line under a node's name: duration and tries, type of its error, reason of a skip.

    Of a node that runs once per item, or that holds a graph, also how many items or nodes there are and were done.

    Args:
        node: The node.
        record: The run, if there was one.
        sources: Names of the nodes that each node has edges from.
    """
    done = record.nodes.get(node.name) if record else None
    parts = _what_happened(node, done, record, sources.get(node.name, [])) if record and done else [kind_line(node)]
    if node.trigger == "always" or (node.trigger == "all" and len(sources.get(node.name, ())) > 1):
        parts.append(node.trigger)
    return printable(" · ".join(parts))


def kind_line(node: NodeShape) -> str:
    """Return what a node is, before it runs: ``function``, ``for each of urls``, ``graph of 4 nodes``."""
    size = plural(len(node.inner.nodes), "node") if node.inner is not None else ""
    if node.over:
        return f"for each of {printable(node.over)}" + (f" · {size}" if size else "")
    return f"graph of {size}" if size else node.kind


def parts_of(node: NodeRecord) -> tuple[list[NodeRecord], str]:
    """Return what ran inside a node, and what to call one of them: its items, or the nodes of the graph it holds."""
    if node.items or node.inner is None:
        return list(node.items), "item"
    return list(node.inner.nodes.values()), "node"


def _what_happened(shape: NodeShape, node: NodeRecord, record: RunRecord, sources: list[str]) -> list[str]:
    if node.given:
        return ["given"]
    parts, noun = parts_of(node)
    whole = [plural(len(parts), noun)] if parts else ["no items"] if shape.over else []
    failures = sum(part.status is NodeStatus.FAILED for part in parts)
    failed = [f"{failures:,} failed"] if failures else []
    stopped = node.status is NodeStatus.CANCELLED
    done = sum(
        part.status in (NodeStatus.COMPLETED, NodeStatus.FAILED) if stopped else part.status.final for part in parts
    )
    so_far = [f"{done:,} of {whole[0]}"] if parts else []
    tries = _tries(node)
    error = failed or ([type(node.error).__name__] if node.error is not None else [])
    match node.status:
        case NodeStatus.COMPLETED:
            return [*whole, *(failed or [seconds(node.duration_s), *tries, *error])]
        case NodeStatus.FAILED:
            return [*(whole if failed else []), *error, *tries]
        case NodeStatus.SKIPPED:
            # The name of the culprit is in the tooltip and in the card; here it would not fit.
            return error or [re.sub(r" '.*'", "", node.reason) or "skipped"]
        case NodeStatus.CANCELLED:
            return ["abandoned"] if node.abandoned else so_far or [f"after {seconds(node.duration_s)}"]
        case NodeStatus.RUNNING:
            return progress(node) if parts else [seconds(record.duration_s - (node.start_s or 0.0)), *tries]
    left = [s for s in sources if s in record.nodes and not record.nodes[s].status.final]
    return [f"after {left[0]}" if len(left) == 1 else f"after {len(left)}" if left else "ready"]


def progress(node: NodeRecord) -> list[str]:
    """Return how far a node has come that is running: items done, or tries; nothing of its time."""
    parts, noun = parts_of(node)
    if not parts:
        return _tries(node)
    failures = sum(part.status is NodeStatus.FAILED for part in parts)
    done = sum(part.status.final for part in parts)
    return [f"{done:,} of {plural(len(parts), noun)}", *([f"{failures:,} failed"] if failures else [])]


def _tries(node: NodeRecord) -> list[str]:
    return [plural(node.attempts, "try")] if node.attempts > 1 else []


def sources_of(shape: GraphShape) -> dict[str, list[str]]:
    """Return, for each node that has any, the names of the nodes it has edges from."""
    found: dict[str, list[str]] = {}
    for edge in shape.edges:
        found.setdefault(edge.target, []).append(edge.source)
    return found


def tooltip(node: NodeShape, record: RunRecord | None) -> str:
    """Return what a pointer over the node tells: its whole name, description, what is inside, and how it ended."""
    lines = [printable_start(node.name, LONGEST_TIP)]
    if node.description:
        lines.append(printable_start(node.description, LONGEST_TIP))
    if node.over:
        lines.append(f"runs once for each of {printable(node.over)!r}")
    if node.inner is not None:
        names = ", ".join(printable(n.name)[:60] for n in node.inner.nodes[:MOST_NAMES])
        more = ", …" if len(node.inner.nodes) > MOST_NAMES else ""
        lines.append(f"graph of {plural(len(node.inner.nodes), 'node')}: {names}{more}")
    done = record.nodes.get(node.name) if record else None
    return "\n".join(lines if done is None else [*lines, *_ending(done)])


def _ending(node: NodeRecord) -> Iterable[str]:
    """Yield lines about how a node ended, and how what is inside it did."""
    if node.given:
        yield "given: its result was handed to the run, it did not run itself"
        return
    yield " ".join([f"{node.status}", *([f"in {seconds(node.duration_s)}"] if node.duration_s is not None else [])])
    parts, noun = parts_of(node)
    if parts:
        yield f"{plural(len(parts), noun)}: {_tally(parts)}"
        slowest = max(parts, key=lambda part: part.duration_s or 0.0)
        if slowest.duration_s:
            yield f"the slowest, {printable(slowest.name)[-60:]}, took {seconds(slowest.duration_s)}"
        again = sum(part.attempts > 1 for part in parts)
        if again:
            yield f"{plural(again, noun)} needed more than one try"
    if node.stalled_s:
        yield f"kept the event loop busy for {seconds(node.stalled_s)}"
    if node.reason:
        yield printable(node.reason)
    if node.error is not None:
        yield printable(error_line(node.error))


def error_line(error: BaseException, limit: int = 240) -> str:
    """Return type and message of an error in one line of at most ``limit`` characters."""
    message = message_of(error)
    shown = printable_start(message, limit) if message.strip() else ""
    line = f"{type(error).__name__}: {shown}" if shown else type(error).__name__
    return line if len(line) <= limit else line[: limit - 1] + "…"


def edge_tooltip(edge: EdgeShape, record: RunRecord | None) -> str:
    """Return what a pointer over the edge tells: its ends, its condition, and what that gave."""
    text = f"{printable(edge.source)} → {printable(edge.target)}"
    if edge.conditional:
        text += f"\nif {printable(edge.label)}" if edge.label else "\nconditional"
    decision = record.decisions.get((edge.source, edge.target)) if record else None
    if isinstance(decision, BaseException):
        return f"{text}\nraised {error_line(decision)}"
    return text if decision is None else f"{text}\ngave {decision}"


def edge_idle(edge: EdgeShape, record: RunRecord | None) -> bool:
    """Return True when a run has shown that nothing went along this edge."""
    if record is None or edge.target not in record.nodes:
        return False
    if record.decisions.get((edge.source, edge.target), True) is not True:
        return True
    target = record.nodes[edge.target]
    source = record.nodes[edge.source]
    never_ran = source.status is NodeStatus.SKIPPED and source.error is None
    return (
        never_ran
        or source.status in (NodeStatus.FAILED, NodeStatus.CANCELLED)
        or (target.start_s is None and target.status.final and target.error is None)
    )


def counts(record: RunRecord) -> str:
    """Return how many nodes ended how: ``8 completed, 1 failed, 1 skipped``."""
    return _tally(record.nodes.values()) or "no nodes"


def _tally(nodes: Iterable[NodeRecord]) -> str:
    tally = Counter(node.status for node in nodes)
    return ", ".join(f"{tally[status]:,} {status}" for status in _ORDER if tally[status])


_ORDER = (
    NodeStatus.COMPLETED,
    NodeStatus.RUNNING,
    NodeStatus.FAILED,
    NodeStatus.SKIPPED,
    NodeStatus.CANCELLED,
    NodeStatus.PENDING,
)


def tokens(record: RunRecord) -> str:
    """Return the tokens of all model calls, also inside items and nested graphs; an empty string for none.

    With what they cost, where that is known and more than nothing: ``9,120 tokens, $0.012``.
    """
    return ", ".join(filter(None, tokens_and_cost(record)))


def tokens_and_cost(record: RunRecord) -> tuple[str, str]:
    """Return the same as two texts, each of which may be empty."""
    calls = [call for step in walk(record) for _, call in step.record.calls if isinstance(call, ModelCalled)]
    total = sum(call.input_tokens + call.output_tokens for call in calls)
    if not total:
        return "", ""
    about = "about " if any(call.estimated for call in calls) else ""
    return about + plural(total, "token"), dollars(total_cost(calls))


def dollars(cost: float | None) -> str:
    """Return US dollars as text, to the cent or to two figures; an empty string where nothing was paid, or is known.

    >>> [dollars(cost) for cost in (None, 0.0, 0.000012, 0.001234, 0.0996, 2.5, 1234.5)]
    ['', '', '<$0.0001', '$0.0012', '$0.10', '$2.50', '$1,234.50']
    """
    if not cost:
        return ""
    if cost < 0.0001:
        return "<$0.0001"
    cost = float(f"{cost:.1e}") if cost < 0.1 else cost  # rounded first: 0.0996 has the digits of 0.10
    decimals = 2 if cost >= 0.1 else 3 if cost >= 0.01 else 4
    return f"${cost:,.{decimals}f}"


def size_line(shape: GraphShape) -> str:
    """Return the size of a graph: ``10 nodes, 11 edges, 5 levels``."""
    levels = len({node.level for node in shape.nodes})
    return f"{plural(len(shape.nodes), 'node')}, {plural(len(shape.edges), 'edge')}, {plural(levels, 'level')}"


def alternative(shape: GraphShape, record: RunRecord | None = None, *, limit: int = 12) -> str:
    """Return the text alternative of a picture: what a person who cannot see it should be told."""
    text = f"{printable(shape.name)}: {size_line(shape)}."
    if record is not None:
        text += f" {record.status.capitalize()} after {seconds(record.duration_s)}: {counts(record)}."
    names = ", ".join(
        printable(n.name)[:60] + (f" ({status_of(n.name, record)})" if record else "") for n in shape.nodes[:limit]
    )
    more = f" and {len(shape.nodes) - limit:,} more" if len(shape.nodes) > limit else ""
    return f"{text} Nodes: {names}{more}." if names else text
