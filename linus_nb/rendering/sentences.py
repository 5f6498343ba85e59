"""What became of a run, in one or two sentences of HTML: what went wrong, where, and what the time went to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape

from linus_nb.engine.critical_path import critical_path
from linus_nb.engine.other_schedules import other_schedules
from linus_nb.engine.record import NodeRecord, RunRecord, Step, walk
from linus_nb.events import ModelCalled, NodeStatus
from linus_nb.numbers import plural, seconds
from linus_nb.rendering import labels
from linus_nb.rendering.type_setting import printable, shortened
from linus_nb.rendering.waits import SHORTEST_S

MOST_NAMED = 2  # of a kind of mishap; of the others there is a count


def what_happened(record: RunRecord) -> str:
    """Return one or two sentences of HTML that say what went wrong, or what the time went to."""
    schedule, taken = other_schedule(record)
    names = " or ".join(f"<code>{name}</code>" for name in schedule)
    return " ".join(filter(None, [what_became(record), f"{names}: {taken}." if schedule else ""]))


def what_became(record: RunRecord) -> str:
    """Return the same without a word about other schedules."""
    steps = list(walk(record))
    erred = list(_outermost_errors(steps))
    failed = [step for step in erred if step.record.status is NodeStatus.FAILED]
    kept = [step for step in erred if step.record.status is not NodeStatus.FAILED]
    said = _some(failed, "failed", "failed")
    said += _some(kept, "erred, and the run went on", "erred")
    if record.status == "cancelled":
        done = sum(node.status is NodeStatus.COMPLETED for node in record.nodes.values())
        why = f" ({escape(record.reason)})" if record.reason.startswith("budget: ") else ""
        said.append(f"Stopped after {seconds(record.duration_s)}{why}; the results of {plural(done, 'node')} are kept.")
    elif record.reason:
        left = sum(node.reason == f"budget: {record.reason}" for node in record.nodes.values())
        held = f", and {plural(left, 'node')} did not start" if left else ""
        said.append(f"The budget was spent: {escape(record.reason)}{held}; what was done is kept.")
    abandoned = [step for step in steps if step.record.abandoned]
    said += [f"{_bold(step.path)} could not be stopped and was abandoned." for step in abandoned[:MOST_NAMED]]
    if len(abandoned) > MOST_NAMED:
        said.append(f"So were {len(abandoned) - MOST_NAMED:,} more.")
    if any(step.depth == 0 for step in failed):
        said += _skipped(record)
    said += _stalled(steps)
    said += _given(record)
    said += _governed(steps)
    if record.status in ("success", "partial"):
        path = critical_path(record)[1]
        length = sum(record.nodes[name].duration_s or 0.0 for name in path)
        if len(path) > 1:
            said.append(f"The critical path (bold) took {seconds(length)} of {seconds(record.duration_s)}.")
    return " ".join(said)


def _governed(steps: list[Step]) -> Iterator[str]:
    """Yield what held model calls up, and which models stood in for others."""
    calls = [call for step in steps for _, call in step.record.calls if isinstance(call, ModelCalled)]
    waited = sum(call.waited_s for call in calls)
    if waited >= SHORTEST_S:
        held = sum(call.waited_s > 0 for call in calls)
        yield f"{plural(held, 'model call')} waited {seconds(waited)} in all for limits and pauses."
    again = sum(call.attempt > 1 for call in calls)
    if again:
        yield f"{plural(again, 'model call')} had to be tried again."
    stood_in = Counter((call.model, call.instead_of) for call in calls if call.instead_of and call.error is None)
    for (model, first), count in stood_in.most_common(MOST_NAMED):
        yield f"{_bold(model)} answered {plural(count, 'call')} instead of {_bold(first)}."


def other_schedule(record: RunRecord) -> tuple[tuple[str, ...], str]:
    """Return which schedules would have taken another time than the run's, and what; no schedule where none is told."""
    other = other_schedules(record)
    if other is None:
        return (), ""
    instead = f"{other.bound}{seconds(other.seconds)} instead of {seconds(record.duration_s)}"
    return other.schedules, f"{instead}, by this run's durations, unless nodes at once hold each other up"


def _outermost_errors(steps: list[Step]) -> Iterator[Step]:
    """Yield the steps that erred, but not those inside a step that did: what is said of it names them."""
    within: int | None = None  # the depth of the step that erred, while inside it
    for step in steps:
        if within is not None and step.depth > within:
            continue
        within = None
        if step.record.error is not None or step.record.status is NodeStatus.FAILED:
            within = step.depth
            yield step


def _some(steps: list[Step], verb: str, short: str) -> list[str]:
    said = [_erred(step, verb) for step in steps[:MOST_NAMED]]
    return [*said, f"{len(steps) - MOST_NAMED:,} more {short}."] if len(steps) > MOST_NAMED else said


def _erred(step: Step, verb: str) -> str:
    node = step.record
    tries = f" (in {plural(node.attempts, 'try')})" if node.attempts > 1 else ""
    return f"{_bold(step.path)} {verb}{tries}: {(_inner_cause(node) or _error(node)).rstrip('.')}."


def _inner_cause(node: NodeRecord) -> str:
    """Return which item or which node of the graph inside was to blame, as HTML; empty where none was."""
    failed = [item for item in node.items if item.status is NodeStatus.FAILED]
    if failed:
        return f"{len(failed):,} of {plural(len(node.items), 'item')}; {_blame(failed[0])}"
    culprit = _culprit(node)
    return f"in its graph, {_blame(culprit)}" if culprit is not None else ""


def _culprit(node: NodeRecord) -> NodeRecord | None:
    inner = node.inner.nodes.values() if node.inner is not None else ()
    return min((n for n in inner if n.status is NodeStatus.FAILED), key=lambda n: n.end_s or 0.0, default=None)


def _blame(node: NodeRecord) -> str:
    """Return why a node or item inside another failed, down to the innermost."""
    path = node.name
    while not node.items and (deeper := _culprit(node)) is not None:
        node, path = deeper, f"{path}/{deeper.name}"
    inner = _inner_cause(node)
    return f"{_bold(path)} failed: {inner}" if inner else f"{_bold(path)} raised {_error(node)}"


def _error(node: NodeRecord) -> str:
    return escape(labels.error_line(node.error)) if node.error is not None else "no error kept"


def _skipped(record: RunRecord) -> list[str]:
    skipped = [n for n in record.nodes.values() if n.status is NodeStatus.SKIPPED and n.error is None]
    if not skipped:
        return []
    first = f"{_bold(skipped[0].name)} was skipped: {escape(printable(skipped[0].reason or 'no reason given'))}"
    others = len(skipped) - 1
    return [first + (f", and so {'was' if others == 1 else 'were'} {others:,} more." if others else ".")]


def _stalled(steps: list[Step]) -> Iterator[str]:
    """Yield who kept the event loop busy: the innermost, the longest first."""
    stalled = [step for i, step in enumerate(steps) if step.record.stalled_s and not _stalled_inside(steps, i)]
    stalled.sort(key=lambda step: -step.record.stalled_s)
    for step in stalled[:MOST_NAMED]:
        yield (
            f"{_bold(step.path)} kept the event loop busy for {seconds(step.record.stalled_s)}: "
            "nothing else could run; make it a plain <code>def</code>, which runs in a thread, "
            "or <code>await</code> inside it."
        )
    if len(stalled) > MOST_NAMED:
        yield f"{len(stalled) - MOST_NAMED:,} more did the same."


def _stalled_inside(steps: list[Step], at: int) -> bool:
    for i in range(at + 1, len(steps)):
        if steps[i].depth <= steps[at].depth:
            return False
        if steps[i].record.stalled_s:
            return True
    return False


def _given(record: RunRecord) -> list[str]:
    given = [node for node in record.nodes.values() if node.given]
    if not given:
        return []
    named = ", ".join(_bold(node.name) for node in given[:MOST_NAMED])
    more = f" and {len(given) - MOST_NAMED:,} more" if len(given) > MOST_NAMED else ""
    return [f"Given to the run, and not run: {named}{more}."]


def _bold(path: str) -> str:
    return f"<b>{escape(shortened(printable(path)))}</b>"
