"""A benchmark under way: its contestants take turns, and what they took is kept from the first run on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.comparing.comparison import compared, comparison_table, differences
from linus_nb.analysis.comparing.contestants import Contestant
from linus_nb.analysis.comparing.measurement import Measurement
from linus_nb.analysis.comparing.notes import notes
from linus_nb.analysis.comparing.resampling import CONFIDENCE
from linus_nb.analysis.progress import progress_bar
from linus_nb.engine.interrupts import say_instead
from linus_nb.errors import GraphError
from linus_nb.masking import masked

if TYPE_CHECKING:
    from linus_nb.analysis.comparing.comparison_frame import Comparison


@dataclass(frozen=True, slots=True)
class Terms:
    """How often and in which order contestants run: repeats that count, those before them, and the order's seed."""

    repeats: int
    warmup: int
    seed: int

    def __post_init__(self) -> None:
        _check_whole("repeats", self.repeats, 1)
        _check_whole("warmup", self.warmup, 0)


@dataclass
class Session:
    """A benchmark under way or over: what was asked, and what has been measured so far.

    Attributes:
        name: of what is measured, for the progress bar and the table's title.
        contestants: what takes turns.
        baseline: the contestant that the others are compared with.
        one_graph: whether the contestants are ways of running one graph.
        terms: how often they run, and in which order.
        remarks: sentences about what is measured.
        facts: of the machine, as plain values.
    """

    name: str
    contestants: Sequence[Contestant]
    baseline: str
    one_graph: bool
    terms: Terms
    remarks: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    measured: list[Measurement] = field(default_factory=list)
    order: list[list[str]] = field(default_factory=list)

    @property
    def modes(self) -> list[str]:
        """The names of the contestants."""
        return [contestant.name for contestant in self.contestants]

    @property
    def runs(self) -> list[Measurement]:
        """What was measured, less what only warmed up."""
        return [run for run in self.measured if run.repeat >= 0]

    async def measure(self, progress: bool) -> None:
        """Time all contestants; a cancellation ends the run under way and leaves what was measured."""
        terms, chance = self.terms, random.Random(self.terms.seed)
        total = (terms.warmup + terms.repeats) * len(self.contestants)
        with progress_bar(total, "run", progress) as bar:
            try:
                for repeat in range(-terms.warmup, terms.repeats):
                    turns = chance.sample(self.contestants, len(self.contestants))
                    if repeat >= 0:
                        self.order.append([contestant.name for contestant in turns])
                    for contestant in turns:
                        bar.set_description(masked(f"{self.name}: {contestant.name}"))
                        self.measured.append(await contestant.measure(repeat))
                        self.measured = compared(self.measured, self.baseline)
                        bar.update()
            except (asyncio.CancelledError, KeyboardInterrupt) as error:
                of_all = f"{len(self.measured)} of {total} runs"
                say_instead(error, f"Stopped after {of_all}. What was measured is kept: linus_nb.last_benchmark()")
                raise
        self.finished = True

    def differences(self) -> list[str]:
        """Return a sentence for each contestant that did not give what the baseline gave."""
        return differences(self.runs, self.modes, self.baseline)

    def table(self) -> Comparison:
        """Return what is known so far."""
        runs = self.runs
        table = comparison_table(runs, self.modes, self.baseline, one_graph=self.one_graph)
        table.attrs |= (
            self.facts
            | asdict(self.terms)
            | {
                "title": self.name,
                "baseline": self.baseline,
                "confidence": CONFIDENCE,
                "finished": self.finished,
                "order": [list(turn) for turn in self.order],
                "seconds": {mode: [run.seconds for run in runs if run.mode == mode] for mode in self.modes},
                "differences": self.differences(),
            }
        )
        table.attrs["rows"] = len(table)
        table.attrs["notes"] = notes(table, self.measured, self.remarks)
        return table


def _check_whole(name: str, number: int, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise GraphError(f"{name} is {number!r}; give a whole number from {least}")
