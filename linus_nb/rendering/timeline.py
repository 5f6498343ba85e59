"""When each node of a run waited and ran: a static Gantt picture, made from the record alone."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from linus_nb.engine.record import RunRecord
from linus_nb.events import NodeStatus
from linus_nb.numbers import plural, seconds
from linus_nb.rendering.palette import STATUSES, THEMES, ThemeName
from linus_nb.rendering.timeline_axis import Axis
from linus_nb.rendering.timeline_bars import Bars
from linus_nb.rendering.timeline_rows import Chosen, Heading, Row, by_level, lanes, rows_of
from linus_nb.rendering.timeline_sheet import TOP, Drawing, Sheet
from linus_nb.rendering.type_setting import elided, printable, text_width

ROW, ROW_INSIDE = 22.0, 16.0
BAR, BAR_INSIDE = 12.0, 8.0
TEXT, TEXT_INSIDE = 12.0, 10.5
GLYPH_ROOM = 16.0
INDENT = 14.0
PAGE_WIDTH = 1080.0
RIGHT = 30.0
NARROWEST_NAMES, WIDEST_NAMES = 60.0, 200.0
FINEST = 2.0  # pixels: what shares a row, and is nearer than that, is drawn as one
BAND = 0.07  # opacity of the span of a level, behind its rows


def timeline_svg(
    record: RunRecord, chosen: Chosen | None = None, *, theme: ThemeName = "light", width: float = PAGE_WIDTH
) -> str:
    """Return a Gantt picture of a run as SVG text: see `rows_drawn`."""
    return rows_drawn(record, chosen, theme=theme, width=width).svg


def rows_drawn(
    record: RunRecord,
    chosen: Chosen | None = None,
    *,
    theme: ThemeName = "light",
    width: float = PAGE_WIDTH,
    levels: bool = False,
    keyed: bool = False,
) -> Drawing:
    """Draw a row for each node that started, in plan order.

    Waiting is thin: grey for inputs, and amber for a turn, a limit, or another attempt; nodes on the critical path are
    in full colour and bold; a dotted line is slack. Items, and the nodes of nested graphs, have smaller rows below
    their node; where they are too many, they share its row. The axis is in seconds since the run started.

    Args:
        record: The run.
        chosen: The rows, where they are known already: what `rows_of` gave for the same record.
        theme: ``"light"`` or ``"dark"``.
        width: Of the page, in pixels.
        levels: Put the nodes of one level together, under a heading, and show when the first began and the last ended.
        keyed: Say what the marks mean.
    """
    rows, note = chosen or rows_of(record)
    lines: list[Row | Heading] = by_level(rows, record) if levels else list(rows)
    names = min(WIDEST_NAMES, max([NARROWEST_NAMES, *(_name_width(line) for line in lines)]))
    sheet = Sheet(THEMES[theme], Axis.over(record.duration_s, names + 28 + GLYPH_ROOM, width - RIGHT))
    drawn = _Rows(sheet, Bars(record), nested=levels or any(row.step.depth for row in rows))
    bottom = TOP
    for line in lines:
        high = _height(line)
        if isinstance(line, Heading):
            drawn.heading(line, bottom, high)
        else:
            drawn.row(line, bottom + high / 2)
            sheet.tips.append((0.0, bottom, width, high, drawn.tip))
        bottom += high
    title, on_path = f"{printable(record.graph.name)}, timeline", drawn.bars.critical
    return sheet.page(width, bottom, title, alternative(record, on_path), note, keyed=keyed)


def _height(line: Row | Heading) -> float:
    if isinstance(line, Heading):
        return ROW
    return ROW_INSIDE if line.step.depth else ROW


def _name_width(line: Row | Heading) -> float:
    if isinstance(line, Heading):
        return text_width(line.text, TEXT_INSIDE)
    size = TEXT_INSIDE if line.step.depth else TEXT
    return text_width(line.label, size, bold=True) + INDENT * line.step.depth


class _Rows:
    """Draws rows on a sheet."""

    def __init__(self, sheet: Sheet, bars: Bars, *, nested: bool) -> None:
        self.sheet = sheet
        self.bars = bars
        self.nested = nested  # there are rows below others: names stand on the left, indented
        self.tip = ""  # of the latest row

    def heading(self, heading: Heading, top: float, height: float) -> None:
        """Draw the name of a level, and its span behind the rows that follow."""
        sheet, axis = self.sheet, self.sheet.axis
        if heading.end_s > heading.start_s:
            rows = sum(map(_height, heading.rows))
            sheet.body.append(
                f'<rect class="level" x="{axis.x(heading.start_s):.1f}" y="{top + height - 2:.1f}" '
                f'width="{(heading.end_s - heading.start_s) * axis.scale:.1f}" height="{rows + 2:.1f}" rx="3" '
                f'fill="{sheet.look.ink}" opacity="{BAND}"/>'
            )
        sheet.body.append(sheet.text(14, top + height - 6, heading.text, TEXT_INSIDE, sheet.look.muted))

    def row(self, row: Row, middle: float) -> None:
        """Draw a step: its name, the glyph of its status, and its bars."""
        node, look = row.step.record, self.sheet.look
        bold = self.bars.is_critical(row.step)
        bars = self.bars.of(row.step)
        self.tip = self.bars.tip(row.step, bars)
        body = self.sheet.body
        body.append(f'<g class="bar {node.status}{" critical" * bold}"><title>{escape(self.tip)}</title>')
        body.append(self._name(row, middle, bold=bold))
        status = STATUSES[str(node.status)]
        glyph = ' text-anchor="middle"'
        left = self.sheet.axis.left - GLYPH_ROOM / 2 - 2
        body.append(self.sheet.text(left, middle + 4, status.glyph, TEXT_INSIDE, status.paint(look.name).stroke, glyph))
        body += self._bars(row, middle, bold=bold)
        body.append("</g>")

    def _name(self, row: Row, middle: float, *, bold: bool) -> str:
        look, size = self.sheet.look, TEXT_INSIDE if row.step.depth else TEXT
        indent = INDENT * row.step.depth
        room = self.sheet.axis.left - GLYPH_ROOM - 4
        x, anchor = (14 + indent, "start") if self.nested else (room - 4, "end")
        words = elided(row.label, room - 14 - indent, size, bold=True)
        more = f' text-anchor="{anchor}" font-weight="{600 if bold else 400}"'
        return self.sheet.text(x, middle + 4, words, size, look.ink if bold else look.muted, more)

    def _bars(self, row: Row, middle: float, *, bold: bool) -> Iterator[str]:
        node = row.step.record
        end_s, status = self.bars.end_of(node), str(node.status)
        if row.sharing:
            yield from self._sharing(row, middle, ROW - 4)
        else:
            for bar in self.bars.of(row.step):
                yield self.sheet.bar(bar, middle, BAR_INSIDE if row.step.depth else BAR, status, bold=bold)
        if not bold:
            yield self.sheet.slack(end_s, end_s + self.bars.slack_of(row.step), middle)

    def _sharing(self, row: Row, middle: float, height: float) -> Iterator[str]:
        """Yield the node's bar, and on it a path for each status of what shares its row.

        Thin lines, those that ran at the same time side by side.
        """
        node, axis, theme = row.step.record, self.sheet.axis, self.sheet.look.name
        left, right = axis.x(node.start_s or 0.0), axis.x(self.bars.end_of(node))
        yield (
            f'<rect x="{left:.1f}" y="{middle - height / 2:.1f}" width="{right - left:.1f}" height="{height:g}" '
            f'rx="3" fill="{STATUSES[str(node.status)].paint(theme).stroke}" opacity="0.16"/>'
        )
        count, segments = lanes(row.sharing, self.bars.record.duration_s, FINEST / axis.scale)
        top, pitch = middle - height / 2 + 1, (height - 2) / max(count, 1)
        for status, drawn in sorted(segments.items(), key=lambda pair: pair[0] == NodeStatus.FAILED):  # those on top
            failed = status == NodeStatus.FAILED  # and are seen, however short and however many others there are
            shortest, thickness, opacity = (3.0, max(7.0, pitch), 1.0) if failed else (1.0, min(6.0, pitch * 0.7), 0.6)
            path = "".join(
                f"M{axis.x(start):.1f} {top + pitch * (lane + 0.5):.1f}"
                f"h{max(shortest, (end - start) * axis.scale - 0.8):.1f}"
                for lane, start, end in drawn
            )
            yield (
                f'<path class="shared {status}" d="{path}" fill="none" stroke="{STATUSES[status].paint(theme).stroke}" '
                f'stroke-width="{thickness:.1f}" opacity="{opacity:g}"/>'
            )


def alternative(record: RunRecord, on_path: frozenset[str]) -> str:
    """Return a timeline in words."""
    nodes = [node for node in record.nodes.values() if node.start_s is not None]
    longest = sorted(nodes, key=lambda node: -(node.duration_s or 0.0))[:5]
    text = f"Timeline of {printable(record.graph.name)}: {plural(len(nodes), 'node')} in {seconds(record.duration_s)}."
    if longest:
        text += " Longest: " + ", ".join(f"{printable(n.name)[:60]} {seconds(n.duration_s)}" for n in longest) + "."
    path = [printable(n.name)[:60] for n in nodes if n.name in on_path]
    return f"{text} Critical path: {', '.join(path)}." if path else text
