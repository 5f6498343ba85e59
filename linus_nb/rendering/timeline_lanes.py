"""A timeline in as few rows as there were nodes at work at once: readable also where nodes are many."""

from __future__ import annotations

from heapq import heappop, heappush
from html import escape

from linus_nb.engine.record import RunRecord, Step, walk
from linus_nb.numbers import plural
from linus_nb.rendering.palette import STATUSES, THEMES, ThemeName
from linus_nb.rendering.timeline import PAGE_WIDTH, RIGHT, alternative
from linus_nb.rendering.timeline_axis import Axis
from linus_nb.rendering.timeline_bars import Bars
from linus_nb.rendering.timeline_sheet import TOP, Drawing, Sheet
from linus_nb.rendering.type_setting import elided, printable, text_width

LEFT = 24.0
HIGHEST, LOWEST = 24.0, 1.5  # pixels: a lane
ROOM = 620.0  # pixels for all lanes: the more they are, the lower
NAMED_FROM = 13.0  # pixels: lower lanes have no names
ENOUGH = 72.0  # pixels: room for a part of a name that tells something
TEXT = 11.0


def lanes_drawn(
    record: RunRecord, *, theme: ThemeName = "light", width: float = PAGE_WIDTH, keyed: bool = False
) -> Drawing:
    """Draw all nodes that started, each in the first lane that is free.

    A name stands in its bar where it fits; a pointer tells all of them. What a node waited for before it began has no
    place here, only what it waited for between two attempts.
    """
    sheet = Sheet(THEMES[theme], Axis.over(record.duration_s, LEFT, width - RIGHT))
    bars = Bars(record)
    packed, count = in_lanes([step for step in walk(record) if not step.depth], record.duration_s)
    pitch = min(HIGHEST, max(LOWEST, ROOM / max(count, 1)))
    for step, lane in packed:
        _draw(step, TOP + pitch * lane, pitch, sheet, bars)
    note = f"{plural(len(packed), 'node')} in {plural(count, 'lane')}: so many were at work at once."
    title = f"{printable(record.graph.name)}, timeline"
    return sheet.page(width, TOP + pitch * count, title, alternative(record, bars.critical), note, keyed=keyed)


def in_lanes(steps: list[Step], now_s: float) -> tuple[list[tuple[Step, int]], int]:
    """Return each step that started with the first lane that was free then, and how many lanes there are."""
    started = [(step.record.start_s, k, step) for k, step in enumerate(steps) if step.record.start_s is not None]
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    packed: list[tuple[Step, int]] = []
    count = 0
    for start_s, _, step in sorted(started, key=lambda found: found[:2]):
        while busy and busy[0][0] <= start_s:
            heappush(free, heappop(busy)[1])
        lane = heappop(free) if free else count
        count = max(count, lane + 1)
        heappush(busy, (now_s if step.record.end_s is None else step.record.end_s, lane))
        packed.append((step, lane))
    return packed, count


def _draw(step: Step, top: float, pitch: float, sheet: Sheet, bars: Bars) -> None:
    node, look = step.record, sheet.look
    bold = bars.is_critical(step)
    start_s = node.start_s or 0.0
    found = [bar for bar in bars.of(step) if bar.start_s >= start_s]
    tip = bars.tip(step, bars.of(step))
    middle, thickness = top + pitch / 2, pitch - min(4.0, pitch / 3)
    sheet.body.append(f'<g class="bar {node.status}{" critical" * bold}"><title>{escape(tip)}</title>')
    sheet.body += [sheet.bar(bar, middle, thickness, str(node.status), bold=bold) for bar in found]
    left, right = sheet.axis.x(start_s), sheet.axis.x(bars.end_of(node))
    words, room = f"{STATUSES[str(node.status)].glyph} {printable(node.name)}", right - left - 8
    if pitch >= NAMED_FROM and room >= min(ENOUGH, text_width(words, TEXT)):
        sheet.body.append(sheet.text(left + 4, middle + 4, elided(words, room, TEXT), TEXT, _on(look.name, bold)))
    sheet.body.append("</g>")
    sheet.tips.append((left, top, max(2.0, right - left), pitch, tip))


def _on(theme: ThemeName, bold: bool) -> str:
    """Return the colour of a name on a bar: one that can be read on full colour, and on pale."""
    if theme == "dark":
        return "#15181d" if bold else THEMES["dark"].ink
    return "#ffffff" if bold else THEMES["light"].ink
