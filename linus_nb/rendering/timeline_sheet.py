"""The sheet that a timeline is drawn on: its marks, its tooltips, and a legend of the marks that it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from linus_nb.rendering.card import Spot
from linus_nb.rendering.palette import STATUSES, Theme
from linus_nb.rendering.picture import svg_page
from linus_nb.rendering.timeline_axis import BELOW, Axis
from linus_nb.rendering.timeline_bars import Bar
from linus_nb.rendering.type_setting import text_width

TOP = 12.0
NOTE_ROOM = 18.0
THIN = 6.0  # pixels: a wait
SHORTEST_BAR = 2.0  # pixels: what ran is seen, however short
SHORTEST_SLACK = 4.0  # pixels: less is no line
PALE = 0.5  # what is not on the critical path
KEYS = {
    "ran": "ran", "critical": "critical path", "waiting": "waited", "inputs": "waited for inputs", "slack": "slack"
}  # fmt: skip


class Drawing(NamedTuple):
    """A timeline as it was drawn; the spots tell where a pointer finds what."""

    svg: str
    width: float
    spots: list[Spot]


@dataclass
class Sheet:
    """A timeline while it is being drawn."""

    look: Theme
    axis: Axis
    body: list[str] = field(default_factory=list)
    tips: list[tuple[float, float, float, float, str]] = field(default_factory=list)  # left, top, width, height
    kinds: set[str] = field(default_factory=set)

    def bar(self, bar: Bar, middle: float, thickness: float, status: str, *, bold: bool) -> str:
        """Return a bar around ``middle``."""
        width = (bar.end_s - bar.start_s) * self.axis.scale
        if bar.kind == "ran":
            self.kinds.add("critical" if bold else "ran")
            fill, opacity = STATUSES[status].paint(self.look.name).stroke, 1 if bold else PALE
            return self._rect("", bar.start_s, max(SHORTEST_BAR, width), middle, thickness, fill, opacity, 3)
        self.kinds.add(bar.kind)
        return self._rect(bar.kind, bar.start_s, width, middle, *self._thin(bar.kind, thickness))

    def slack(self, start_s: float, end_s: float, middle: float) -> str:
        """Return a dotted line, where there is room for one."""
        left, right = self.axis.x(start_s) + 2, min(self.axis.x(end_s), self.axis.right)
        if right - left < SHORTEST_SLACK:
            return ""
        self.kinds.add("slack")
        return f'<path class="slack" d="M{left:.1f} {middle:.1f}H{right:.1f}" {self._dotted()}/>'

    def text(self, x: float, y: float, words: str, size: float, fill: str, more: str = "") -> str:
        """Return words that begin at a place, or end there with ``text-anchor="end"``."""
        return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}"{more}>{escape(words)}</text>'

    def page(self, width: float, bottom: float, title: str, alternative: str, note: str, *, keyed: bool) -> Drawing:
        """Return the sheet as a picture: with its axis, a legend if ``keyed``, and a note."""
        height = bottom + BELOW
        foot = []
        if keyed:
            height += NOTE_ROOM
            foot.append(self._legend(height - 10))
        if note:
            height += NOTE_ROOM
            foot.append(self.text(14, height - 12, note, 11, self.look.muted))
        body = [*self.axis.drawn(TOP, bottom, self.look), *self.body, *foot]
        spots = [
            Spot(left / width * 100, top / height * 100, wide / width * 100, high / height * 100, tip)
            for left, top, wide, high, tip in self.tips
        ]
        described = f"{alternative} {note}".rstrip()
        return Drawing(svg_page(width, height, title, described, self.look, body), width, spots)

    def _legend(self, y: float) -> str:
        x, parts = self.axis.left, []
        green = STATUSES["completed"].paint(self.look.name).stroke
        for kind, words in KEYS.items():
            if kind not in self.kinds:
                continue
            if kind == "slack":
                parts.append(f'<path d="M{x:.1f} {y - 4:.1f}h22" {self._dotted()}/>')
            else:
                ran = {"ran": (10.0, green, PALE, 3.0), "critical": (10.0, green, 1.0, 3.0)}
                thickness, fill, opacity, radius = ran.get(kind) or self._thin(kind, 10.0)
                parts.append(
                    f'<rect x="{x:.1f}" y="{y - 4 - thickness / 2:.1f}" width="22" height="{thickness:g}" '
                    f'rx="{radius:g}" fill="{fill}" opacity="{opacity:g}"/>'
                )
            parts.append(self.text(x + 28, y, words, 11, self.look.muted))
            x += 28 + text_width(words, 11) + 20
        return f'<g class="legend">{"".join(parts)}</g>'

    def _thin(self, kind: str, thickness: float) -> tuple[float, str, float, float]:
        """Return thickness, colour, opacity and roundness of a wait."""
        if kind == "inputs":
            return min(2.5, thickness), self.look.faint, 1.0, 1.0
        return min(THIN, thickness), STATUSES["waiting"].paint(self.look.name).stroke, 0.75, 2.0

    def _dotted(self) -> str:
        return f'stroke="{self.look.muted}" stroke-width="1.2" stroke-dasharray="2 4"'

    def _rect(
        self, kind: str, start_s: float, width: float, middle: float, thickness: float, fill: str, opacity: float,
        radius: float,
    ) -> str:  # fmt: skip
        named = f'class="{kind}" ' if kind else ""
        return (
            f'<rect {named}x="{self.axis.x(start_s):.1f}" y="{middle - thickness / 2:.1f}" width="{width:.1f}" '
            f'height="{thickness:g}" rx="{radius:g}" fill="{fill}" opacity="{opacity:g}"/>'
        )
