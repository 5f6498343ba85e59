"""Seconds along a timeline: where a moment stands, and the lines that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log10
from typing import Self

from linus_nb.rendering.palette import Theme

BELOW = 30.0  # pixels: room for the labels
UNITS = ((0.01, "s", 1.0), (0.0001, "ms", 1e3), (0.0, "µs", 1e6))  # for steps from so many seconds on


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of seconds since the start of the run, from ``left`` on, with ``scale`` pixels a second."""

    left: float
    scale: float
    step: float
    ticks: int

    @classmethod
    def over(cls, duration_s: float, left: float, right: float) -> Self:
        """Return an axis that is easy to read, and covers a run, between two places on the page."""
        step, ticks = axis(duration_s)
        return cls(left, (right - left) / (step * ticks), step, ticks)

    def x(self, at_s: float) -> float:
        """Return where a moment stands."""
        return self.left + at_s * self.scale

    @property
    def right(self) -> float:
        """Where the axis ends."""
        return self.x(self.step * self.ticks)

    def drawn(self, top: float, bottom: float, look: Theme) -> Iterator[str]:
        """Yield a line and a label for each tick."""
        for tick in range(self.ticks + 1):
            x = self.x(tick * self.step)
            yield (
                f'<path d="M{x:.1f} {top:g}V{bottom:.1f}" stroke="{look.faint}" stroke-width="1" opacity="0.55"/>'
                f'<text x="{x:.1f}" y="{bottom + 18:.1f}" font-size="11" text-anchor="middle" fill="{look.muted}">'
                f"{tick_label(tick * self.step, self.step)}</text>"
            )


def axis(duration_s: float) -> tuple[float, int]:
    """Return the step of an axis that is easy to read, in seconds, and how many steps cover ``duration_s``.

    >>> axis(6.51), axis(0.3), axis(0.0)
    ((1.0, 7), (0.05, 6), (0.001, 1))
    """
    if duration_s <= 0:
        return 0.001, 1
    power: float = 10.0 ** floor(log10(duration_s))
    share = duration_s / power
    step = power * (0.2 if share <= 1.6 else 0.5 if share <= 4 else 1.0)
    ticks = max(1, -int(-duration_s * (1 - 1e-9) // step))
    return step, ticks


def tick_label(at_s: float, step_s: float) -> str:
    """Return the label of a tick, in the unit that its step is easy to read in, with no more decimals than that has.

    >>> tick_label(2.5, 0.5), tick_label(0.004, 0.002), tick_label(0.00015, 0.00005)
    ('2.5 s', '4 ms', '150 µs')
    """
    unit, factor = next((unit, factor) for finest, unit, factor in UNITS if step_s >= finest)
    decimals = max(0, -floor(log10(step_s * factor) + 1e-9))
    return f"{at_s * factor:.{decimals}f} {unit}"
