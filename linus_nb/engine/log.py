"""The log of a run: a tuple per event on the hot path, the dataclass made when somebody reads or listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from linus_nb import events as ev
from linus_nb.engine.reads import Reads
from linus_nb.masking import logger

Observer = Callable[[ev.Event], object]
Maker = Callable[["EventLog", int, float, int, tuple[Any, ...]], ev.Event]
Entry = tuple[Maker, float, int, tuple[Any, ...]]  # how to make it, at, node number, facts


def started(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeStarted; what the node is called with is found out only now."""
    # without a time of its own, a node was ready the moment it started
    ready_at, asked_at = (*facts, None)[:2] if facts else (at, None)
    return ev.NodeStarted(log.run_id, seq, at, log.names[i], ready_at, asked_at, log.reads.bound(i))


def run_started(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:  # noqa: ARG001  one signature for all
    """Make a RunStarted; the graph's shape is drawn from the plan only now."""
    schedule, wall_time, plan, initial = facts
    return ev.RunStarted(log.run_id, seq, at, schedule, wall_time, plan.shape(), initial)


def decided(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make an EdgeDecided."""
    target, live, error = facts
    return ev.EdgeDecided(log.run_id, seq, at, log.names[i], log.names[target], live, error)


def nested(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NestedReported from an entry in the log of the run inside."""
    inner, inner_seq, item = facts
    return ev.NestedReported(log.run_id, seq, at, log.names[i], inner.event(inner_seq), item)


def item_started(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make an ItemStarted."""
    item, ready_at = facts
    return ev.ItemStarted(log.run_id, seq, at, log.names[i], item, ready_at, log.reads.item(i, item))


def _ending(event: Callable[..., ev.Event]) -> Maker:
    """Return a maker of events that end a node: with the keys that it looked up by then."""

    def make(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:
        return event(log.run_id, seq, at, log.names[i], *facts, reads=log.reads.looked_up(i))

    return make


def _of_node(event: Callable[..., ev.Event]) -> Maker:
    """Return a maker of events whose facts come after the node's name, in the order of their fields."""

    def make(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:
        return event(log.run_id, seq, at, log.names[i], *facts)

    return make


def _of_run(event: Callable[..., ev.Event]) -> Maker:
    """Return a maker of events that are about no node."""

    def make(log: EventLog, seq: int, at: float, i: int, facts: tuple[Any, ...]) -> ev.Event:  # noqa: ARG001  one signature for all
        return event(log.run_id, seq, at, *facts)

    return make


finished = _ending(ev.NodeFinished)  # result, error, given
failed = _ending(ev.NodeFailed)  # error
skipped = _ending(ev.NodeSkipped)  # reason, error
cancelled = _ending(ev.NodeCancelled)  # reason, abandoned
retried = _of_node(ev.NodeRetried)  # attempt, wait_s, error, item
items_found = _of_node(ev.ItemsFound)  # count
item_ended = _of_node(ev.ItemEnded)  # item, status, result, error
called = _of_node(ev.CallReported)  # call, item
progressed = _of_node(ev.ProgressReported)  # progress, item
waited = _of_node(ev.WaitReported)  # wait, item
stalled = _of_node(ev.LoopStalled)  # duration_s
budget_spent = _of_run(ev.BudgetSpent)  # reason
cancel_requested = _of_run(ev.CancelRequested)  # reason
run_finished = _of_run(ev.RunFinished)  # status


def reported(report: ev.Report) -> Maker:
    """Return the maker of the event for what was reported from inside a node."""
    match report:
        case ev.ModelCalled() | ev.ToolCalled():
            return called
        case ev.ModelWaits() | ev.ModelWaited():
            return waited
        case _:
            return progressed


class EventLog:
    """The events of one run, numbered without gaps, and who listens to them.

    An observer that raises is removed and logged; the run goes on.
    """

    def __init__(self, run_id: str, names: list[str], observers: Iterable[Observer], reads: Reads) -> None:
        self.run_id = run_id
        self.names = names
        self.reads = reads
        self.entries: list[Entry] = []
        self._observers: list[Observer] = []
        self._outward: Callable[[int], None] | None = None
        self.telling = False  # an observer is being told of an event
        self.append: Callable[[Entry], None] = self.entries.append  # nobody listens: adding an event is all there is
        for observer in observers:
            self.listen(observer)

    def listen(self, observer: Observer) -> None:
        """Tell ``observer`` of every event from now on."""
        self._observers.append(observer)
        self.append = self._append_and_tell

    def listen_to_entries(self, outward: Callable[[int], None]) -> None:
        """Tell ``outward`` the number of every event from now on; no event is made for it."""
        self._outward = outward
        self.append = self._append_and_tell

    def leave(self, observer: Observer) -> None:
        """Tell ``observer`` no more; nothing happens if it was not told."""
        if observer in self._observers:
            self._observers.remove(observer)
        if not self._observers and self._outward is None:
            self.append = self.entries.append

    def close(self) -> None:
        """Tell nobody any more."""
        self._observers.clear()
        self._outward = None

    def _append_and_tell(self, entry: Entry) -> None:
        self.entries.append(entry)
        seq = len(self.entries) - 1
        if self._outward is not None:
            self._outward(seq)
        if not self._observers:
            return
        make, at, i, facts = entry
        event = make(self, seq, at, i, facts)
        self.telling = True
        try:
            for observer in tuple(self._observers):
                try:
                    observer(event)
                except Exception:  # a listener must not end the run that it listens to
                    self.leave(observer)
                    logger.exception("observer %r raised and was removed; the run goes on", observer)
        finally:
            self.telling = False

    def event(self, seq: int) -> ev.Event:
        """Return the event of that number."""
        make, at, i, facts = self.entries[seq]
        return make(self, seq, at, i, facts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied or pickled, the log is what it holds: plain events."""
        return tuple, (list(self),)

    def __iter__(self) -> Iterator[ev.Event]:
        return (self.event(seq) for seq in range(len(self.entries)))
