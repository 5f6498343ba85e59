"""When each node of a run waited and ran: a static Gantt picture, made from the record alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import floor, log10

from linus_nb.engine.critical_path import critical_path
from linus_nb.engine.record import RunRecord
from linus_nb.events import NodeStatus
from linus_nb.numbers import plural, seconds
from linus_nb.rendering.labels import error_line, tooltip
from linus_nb.rendering.palette import STATUSES, THEMES, Theme, ThemeName
from linus_nb.rendering.picture import svg_page
from linus_nb.rendering.timeline_rows import Chosen, Row, lanes, rows_of
from linus_nb.rendering.type_setting import elided, printable, text_width

ROW, ROW_INSIDE = 22.0, 16.0
BAR, BAR_INSIDE = 12.0, 8.0
TEXT, TEXT_INSIDE = 12.0, 10.5
INDENT = 14.0
NOTE_ROOM = 18.0
PAGE_WIDTH = 1080.0
TOP, BOTTOM, RIGHT = 12.0, 30.0, 30.0
NARROWEST_NAMES, WIDEST_NAMES = 60.0, 200.0
FINEST = 2.0  # pixels: what shares a row, and is nearer than that, is drawn as one
SHORTEST_BAR = 2.0  # pixels: what ran is seen, however short


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all rows of a timeline share."""

    record: RunRecord
    look: Theme
    left: float  # where the axis begins
    scale: float  # pixels a second
    nested: bool  # there are rows inside others: names stand on the left, indented

    def x(self, at_s: float) -> float:
        return self.left + at_s * self.scale


def timeline_svg(
    record: RunRecord, chosen: Chosen | None = None, *, theme: ThemeName = "light", width: float = PAGE_WIDTH
) -> str:
    """Return a Gantt picture of a run as SVG text: a row for each node that started, in plan order.

    Waiting for a limit is thin and amber; nodes on the critical path are in full colour and bold; a dotted line is
    slack, the time until the first of the nodes after it started. Items, and the nodes of nested graphs, have smaller
    rows below their node; where they are too many, they share its row. The axis is in seconds since the run started.

    Args:
        record: The run.
        chosen: The rows, where they are known already: what `rows_of` gave for the same record.
        theme: ``"light"`` or ``"dark"``.
        width: Of the page, in pixels.
    """
    look = THEMES[theme]
    rows, note = chosen or rows_of(record)
    left = min(WIDEST_NAMES, max([NARROWEST_NAMES, *map(_name_width, rows)])) + 28
    bottom = TOP + sum(map(_height, rows))
    step, ticks = axis(record.duration_s)
    nested = any(row.step.depth for row in rows)
    frame = _Frame(record, look, left, (width - left - RIGHT) / (step * ticks), nested)
    body: list[str] = []
    for tick in range(ticks + 1):
        x = frame.x(tick * step)
        body.append(
            f'<path d="M{x:.1f} {TOP}V{bottom:.1f}" stroke="{look.faint}" stroke-width="1" opacity="0.55"/>'
            f'<text x="{x:.1f}" y="{bottom + 18:.1f}" font-size="11" text-anchor="middle" fill="{look.muted}">'
            f"{tick_label(tick * step, step)}</text>"
        )
    on_path = set(critical_path(record)[1])
    until = _slack_ends(record)
    shapes = {node.name: node for node in record.graph.nodes}
    top = TOP
    for row in rows:
        node, outer = row.step.record, row.step.depth == 0
        bold = outer and node.name in on_path
        tip = tooltip(shapes[node.name], record) if outer and node.name in shapes else _inner_tooltip(row)
        middle = top + _height(row) / 2
        body.append(f'<g class="bar {node.status}{" critical" * bold}"><title>{escape(tip)}</title>')
        body.append(_name(row, frame, middle, bold=bold))
        body += _bars(row, frame, until.get(node.name) if outer else None, middle, bold=bold)
        body.append("</g>")
        top += _height(row)
    height = bottom + BOTTOM
    if note:
        height += NOTE_ROOM
        body.append(f'<text x="14" y="{height - 12:.1f}" font-size="11" fill="{look.muted}">{escape(note)}</text>')
    title = f"{printable(record.graph.name)}, timeline"
    return svg_page(width, height, title, f"{_alternative(record, rows, on_path)} {note}".rstrip(), look, body)


def _height(row: Row) -> float:
    return ROW_INSIDE if row.step.depth else ROW


def _name_width(row: Row) -> float:
    size = TEXT_INSIDE if row.step.depth else TEXT
    return text_width(row.label, size, bold=True) + INDENT * row.step.depth


def _name(row: Row, frame: _Frame, middle: float, *, bold: bool) -> str:
    size = TEXT_INSIDE if row.step.depth else TEXT
    indent = INDENT * row.step.depth
    x, anchor = (14 + indent, "start") if frame.nested else (frame.left - 10, "end")
    return (
        f'<text x="{x:.1f}" y="{middle + 4:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{frame.look.ink if bold else frame.look.muted}" font-weight="{600 if bold else 400}">'
        f"{escape(elided(row.label, frame.left - 24 - indent, size, bold=True))}</text>"
    )


def _bars(row: Row, frame: _Frame, slack_end: float | None, middle: float, *, bold: bool) -> Iterator[str]:
    node, look = row.step.record, frame.look
    start = node.start_s or 0.0
    end = node.end_s if node.end_s is not None else frame.record.duration_s
    if node.ready_s is not None and start > node.ready_s:
        amber = STATUSES["waiting"].paint(look.name).stroke
        yield (
            f'<rect class="waiting" x="{frame.x(node.ready_s):.1f}" y="{middle - 3:.1f}" '
            f'width="{(start - node.ready_s) * frame.scale:.1f}" height="6" rx="2" fill="{amber}" opacity="0.65"/>'
        )
    paint = STATUSES[str(node.status)].paint(look.name)
    shared = bool(row.sharing)
    thickness = BAR_INSIDE if row.step.depth else ROW - 4 if shared else BAR
    yield (
        f'<rect x="{frame.x(start):.1f}" y="{middle - thickness / 2:.1f}" '
        f'width="{max(SHORTEST_BAR, (end - start) * frame.scale):.1f}" height="{thickness:g}" rx="3" '
        f'fill="{paint.stroke}" opacity="{0.16 if shared else 1 if bold else 0.5}"/>'
    )
    if shared:
        yield from _sharing(row, frame, middle, thickness)
    if slack_end is not None and not bold and (slack_end - end) * frame.scale > 4:
        yield (
            f'<path class="slack" d="M{frame.x(end) + 2:.1f} {middle:.1f}H{frame.x(slack_end):.1f}" '
            f'stroke="{look.muted}" stroke-width="1.2" stroke-dasharray="2 4"/>'
        )


def _sharing(row: Row, frame: _Frame, middle: float, height: float) -> Iterator[str]:
    """Yield a path for each status of what shares a row: thin lines, those that ran at the same time side by side."""
    count, segments = lanes(row.sharing, frame.record.duration_s, FINEST / frame.scale)
    top, pitch = middle - height / 2 + 1, (height - 2) / max(count, 1)
    for status, drawn in sorted(segments.items(), key=lambda pair: pair[0] == NodeStatus.FAILED):  # those lie on top
        failed = status == NodeStatus.FAILED  # and are seen, however short and however many others there are
        shortest, thickness, opacity = (3.0, max(7.0, pitch), 1.0) if failed else (1.0, min(6.0, pitch * 0.7), 0.6)
        lines = "".join(
            f"M{frame.x(start):.1f} {top + pitch * (lane + 0.5):.1f}"
            f"h{max(shortest, (end - start) * frame.scale - 0.8):.1f}"
            for lane, start, end in drawn
        )
        stroke = STATUSES[status].paint(frame.look.name).stroke
        yield (
            f'<path class="shared {status}" d="{lines}" fill="none" stroke="{stroke}" '
            f'stroke-width="{thickness:.1f}" opacity="{opacity:g}"/>'
        )


def _inner_tooltip(row: Row) -> str:
    node = row.step.record
    lines = [printable(row.step.path), f"{node.status} in {seconds(node.duration_s)}"]
    return "\n".join(lines if node.error is None else [*lines, error_line(node.error)])


def _slack_ends(record: RunRecord) -> dict[str, float]:
    """Return, for each node, when the first of the nodes after it started."""
    ends: dict[str, float] = {}
    for edge in record.edges:
        started = record.nodes[edge.target].start_s
        if started is not None:
            ends[edge.source] = min(ends.get(edge.source, started), started)
    return ends


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
    """Return the label of a tick, in seconds, with no more decimals than the step has."""
    decimals = max(0, -floor(log10(step_s)))
    return f"{at_s:.{decimals}f} s"


def _alternative(record: RunRecord, rows: list[Row], on_path: set[str]) -> str:
    nodes = [row.step.record for row in rows if not row.step.depth]
    longest = sorted(nodes, key=lambda node: -(node.duration_s or 0.0))[:5]
    text = f"Timeline of {printable(record.graph.name)}: {plural(len(nodes), 'node')} in {seconds(record.duration_s)}."
    if longest:
        text += " Longest: " + ", ".join(f"{printable(n.name)[:60]} {seconds(n.duration_s)}" for n in longest) + "."
    path = [printable(n.name)[:60] for n in nodes if n.name in on_path]
    return f"{text} Critical path: {', '.join(path)}." if path else text
