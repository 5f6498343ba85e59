"""What runs inside the nodes of a graph, as far as a page shows it: which graphs, and which item's of many."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.events import GraphShape, NodeShape, NodeStatus
from linus_nb.numbers import plural, seconds
from linus_nb.rendering.type_setting import printable

MOST_GRAPHS = 12
MOST_NODES = 600  # of all these graphs together
DEEPEST = 4


@dataclass(slots=True)
class Inside:
    """A graph that a node holds, and its run where there was one."""

    path: str  # "review", "review[3]", "review/draft"
    remark: str  # whose run this is, where the node ran once per item: "the slowest of 8 items"
    shape: GraphShape
    record: RunRecord | None
    depth: int = 0
    within: dict[str, Inside] = field(default_factory=dict)  # by the node that holds it

    @property
    def status(self) -> str:
        """What its run came to, or an empty string for none."""
        return self.record.status if self.record else ""

    @property
    def size(self) -> str:
        """Its size, and what became of it: ``4 nodes · 1.20 s``."""
        nodes = plural(len(self.shape.nodes), "node")
        return nodes if self.record is None else f"{nodes} · {seconds(self.record.duration_s)}"


def inside(shape: GraphShape, record: RunRecord | None) -> tuple[dict[str, Inside], int]:
    """Return the graphs that the nodes of a graph hold, by the node's name, and how many were left out.

    Outer graphs come before those within them, until there are ``MOST_GRAPHS`` of them, ``MOST_NODES`` nodes, or
    ``DEEPEST`` levels of nesting. Of a node that runs its graph once per item, there is one: of the first item that
    failed, or else of the slowest. A graph that did not run in a run that has ended is left out, and not counted.
    """
    roots: dict[str, Inside] = {}
    waiting = deque((found, roots) for found in _held(shape, record, "", 0))
    taken = nodes = left_out = 0
    while waiting:
        (name, found), home = waiting.popleft()
        nodes += len(found.shape.nodes)
        if taken == MOST_GRAPHS or nodes > MOST_NODES or found.depth == DEEPEST:
            nodes -= len(found.shape.nodes)
            left_out += 1
            continue
        taken += 1
        home[name] = found
        waiting.extend(
            (deeper, found.within) for deeper in _held(found.shape, found.record, f"{found.path}/", found.depth + 1)
        )
    return roots, left_out


def _held(shape: GraphShape, record: RunRecord | None, prefix: str, depth: int) -> Iterator[tuple[str, Inside]]:
    for node in shape.nodes:
        if node.inner is None:
            continue
        done = record.nodes.get(node.name) if record else None
        found = _before(node, prefix) if record is None or done is None else _of_a_run(node, done, record, prefix)
        if found is not None:
            found.depth = depth
            yield node.name, found


def _before(node: NodeShape, prefix: str) -> Inside | None:
    if node.inner is None:
        return None
    remark = f"for each of {printable(node.over)}" if node.over else ""
    return Inside(f"{prefix}{node.name}", remark, node.inner, None)


def _of_a_run(node: NodeShape, done: NodeRecord, record: RunRecord, prefix: str) -> Inside | None:
    part, remark = _chosen(done) if done.items else (done, "")
    if part.inner is None:
        return None if done.status.final else _before(node, prefix)
    run = part.inner
    if run.status == "running":  # its own clock stands still between its events
        run = replace(run, duration_s=max(run.duration_s, record.duration_s - part.inner_at_s))
    return Inside(f"{prefix}{part.name}", remark, run.graph, run)


def _chosen(node: NodeRecord) -> tuple[NodeRecord, str]:
    """Return the item whose run is worth a look, and why."""
    count = plural(len(node.items), "item")
    began = [item for item in node.items if item.inner is not None]
    failed = [item for item in began if item.status is NodeStatus.FAILED]
    running = [item for item in began if item.status is NodeStatus.RUNNING]
    if failed:
        return failed[0], f"{_one_of(len(failed))} that failed, of {count}"
    if running:
        return running[0], f"{_one_of(len(running))} that {'runs' if len(running) == 1 else 'run'}, of {count}"
    slowest = max(began, key=lambda item: item.duration_s or 0.0, default=node.items[0])
    return slowest, f"the slowest of {count}" if len(node.items) > 1 else ""


def _one_of(count: int) -> str:
    return "the one" if count == 1 else f"the first of {count:,}"
