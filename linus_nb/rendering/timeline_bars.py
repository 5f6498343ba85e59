"""What a timeline knows of one step of a run: when it waited and what for, when it ran, and its slack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from linus_nb.engine.critical_path import critical_path, slack
from linus_nb.engine.record import NodeRecord, RunRecord, Step
from linus_nb.numbers import plural, seconds
from linus_nb.rendering import labels
from linus_nb.rendering.type_setting import printable
from linus_nb.rendering.waits import WORDS, attempts, waits

Kind = Literal["inputs", "waiting", "ran"]


class Bar(NamedTuple):
    """A stretch of a step's time, in seconds since the run began."""

    start_s: float
    end_s: float
    kind: Kind
    words: str = ""


def _between(waited: list[Bar], start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    """Yield the stretches of an attempt in which it did not wait; one that took no time is a stretch, too."""
    began_s = start_s
    for wait in waited:
        if start_s <= wait.start_s < end_s:
            if wait.start_s > start_s:
                yield start_s, wait.start_s
            start_s = min(wait.end_s, end_s)
    if start_s < end_s or start_s == began_s:
        yield start_s, end_s


@dataclass(frozen=True)
class Bars:
    """The bars of the steps of one run."""

    record: RunRecord

    @cached_property
    def critical(self) -> frozenset[str]:
        """The names of the nodes on the critical path."""
        return frozenset(critical_path(self.record)[1])

    @cached_property
    def _slack(self) -> dict[str, float]:
        return slack(self.record)

    @cached_property
    def _first_inputs(self) -> dict[str, float]:
        """When the first of the sources of each node ended."""
        ends: dict[str, float] = {}
        for edge in self.record.graph.edges:
            end = self.record.nodes[edge.source].end_s
            if end is not None:
                ends[edge.target] = min(end, ends.get(edge.target, end))
        return ends

    @cached_property
    def _shapes(self) -> dict[str, str]:
        return {node.name: labels.tooltip(node, self.record) for node in self.record.graph.nodes}

    def is_critical(self, step: Step) -> bool:
        """Return whether a step is a node on the critical path."""
        return not step.depth and step.record.name in self.critical

    def end_of(self, node: NodeRecord) -> float:
        """Return when a step ended, or how far the run has come."""
        return self.record.duration_s if node.end_s is None else node.end_s

    def slack_of(self, step: Step) -> float:
        """Return the seconds that a node could have taken longer; none inside other nodes."""
        return 0.0 if step.depth else self._slack.get(step.record.name, 0.0)

    def of(self, step: Step) -> list[Bar]:
        """Return the bars of a step, in order."""
        node, now_s = step.record, self.record.duration_s
        first_input_s = None if step.depth else self._first_inputs.get(node.name)
        waited = [
            Bar(start, end, "inputs" if why == "inputs" else "waiting", WORDS[why])
            for start, end, why in waits(node, first_input_s, now_s)
        ]
        tried = [
            Bar(begun, over, "ran")
            for _, start, end, _ in attempts(node, now_s)
            for begun, over in _between(waited, start, now_s if end is None else end)
        ]
        return sorted([*waited, *tried])

    def tip(self, step: Step, bars: list[Bar]) -> str:
        """Return what a pointer over a step tells."""
        return "\n".join(self._lines(step, bars))

    def _lines(self, step: Step, bars: list[Bar]) -> Iterator[str]:
        node = step.record
        if not step.depth and node.name in self._shapes:
            yield self._shapes[node.name]
        else:
            yield printable(step.path)
            yield f"{node.status} in {seconds(node.duration_s)}"
            if node.error is not None:
                yield printable(labels.error_line(node.error))
        if node.start_s is not None:
            until = "" if node.end_s is None else f" to {seconds(node.end_s)}"
            yield f"from {seconds(node.start_s)}{until}"
        yield from (f"waited {seconds(bar.end_s - bar.start_s)} {bar.words}" for bar in bars if bar.kind != "ran")
        if node.attempts > 1:
            yield plural(node.attempts, "try")
        if self.is_critical(step):
            yield "on the critical path"
        elif self.slack_of(step) > 0:
            yield f"slack {seconds(self.slack_of(step))}"
