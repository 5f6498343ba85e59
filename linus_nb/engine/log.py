"""The log of a run: a tuple per event on the hot path, the dataclass made when somebody reads or listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from linus_nb import events as ev

Observer = Callable[[ev.Event], object]
Entry = tuple[Callable[..., ev.Event], float, int, tuple[Any, ...]]  # how to make it, at, node number, facts

logger = logging.getLogger("linus_nb")


def started(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeStarted."""
    # without a time of its own, a node was ready the moment it started
    return ev.NodeStarted(**head, node=names[i], ready_at=facts[0] if facts else head["at"])


def finished(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeFinished."""
    return ev.NodeFinished(**head, node=names[i], result=facts[0], error=facts[1])


def failed(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeFailed."""
    return ev.NodeFailed(**head, node=names[i], error=facts[0])


def skipped(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeSkipped."""
    return ev.NodeSkipped(**head, node=names[i], reason=facts[0], error=facts[1])


def cancelled(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeCancelled."""
    return ev.NodeCancelled(**head, node=names[i], reason=facts[0], abandoned=facts[1])


def retried(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a NodeRetried."""
    return ev.NodeRetried(**head, node=names[i], attempt=facts[0], wait_s=facts[1], error=facts[2])


def decided(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make an EdgeDecided."""
    return ev.EdgeDecided(**head, source=names[i], target=names[facts[0]], live=facts[1], error=facts[2])


def called(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:
    """Make a CallReported."""
    return ev.CallReported(**head, node=names[i], call=facts[0])


def run_started(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:  # noqa: ARG001  one signature for all
    """Make a RunStarted; the graph's shape is drawn from the plan only now."""
    return ev.RunStarted(**head, schedule=facts[0], wall_time=facts[1], graph=facts[2].shape())


def cancel_requested(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:  # noqa: ARG001  one signature for all
    """Make a CancelRequested."""
    return ev.CancelRequested(**head, reason=facts[0])


def run_finished(head: dict[str, Any], names: list[str], i: int, facts: tuple[Any, ...]) -> ev.Event:  # noqa: ARG001  one signature for all
    """Make a RunFinished."""
    return ev.RunFinished(**head, status=facts[0])


class EventLog:
    """The events of one run, numbered without gaps, and who listens to them.

    An observer that raises is removed and logged; the run goes on.
    """

    def __init__(self, run_id: str, names: list[str], observers: Iterable[Observer]) -> None:
        self.run_id = run_id
        self.names = names
        self.entries: list[Entry] = []
        self.observers: list[Observer] = []
        self.append: Callable[[Entry], None] = self.entries.append  # nobody listens: adding an event is all there is
        for observer in observers:
            self.listen(observer)

    def listen(self, observer: Observer) -> None:
        """Tell ``observer`` of every event from now on."""
        self.observers.append(observer)
        self.append = self._append_and_tell

    def leave(self, observer: Observer) -> None:
        """Tell ``observer`` no more; nothing happens if it was not told."""
        if observer in self.observers:
            self.observers.remove(observer)
        if not self.observers:
            self.append = self.entries.append

    def _append_and_tell(self, entry: Entry) -> None:
        self.entries.append(entry)
        event = self.event(len(self.entries) - 1)
        for observer in tuple(self.observers):
            try:
                observer(event)
            except Exception:  # a listener must not end the run that it listens to
                self.leave(observer)
                logger.exception("observer %r raised and was removed; the run goes on", observer)

    def event(self, seq: int) -> ev.Event:
        """Return the event of that number."""
        make, at, i, facts = self.entries[seq]
        return make({"run_id": self.run_id, "seq": seq, "at": at}, self.names, i, facts)

    def __iter__(self) -> Iterator[ev.Event]:
        return (self.event(seq) for seq in range(len(self.entries)))
