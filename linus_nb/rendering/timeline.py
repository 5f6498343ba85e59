"""When each node of a run waited and ran: a static Gantt picture, made from the record alone."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import floor, log10

from linus_nb.engine.critical_path import critical_path
from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.rendering.labels import tooltip
from linus_nb.rendering.numbers import plural, seconds
from linus_nb.rendering.palette import STATUSES, THEMES, Theme, ThemeName
from linus_nb.rendering.picture import svg_page
from linus_nb.rendering.type_setting import elided, printable, text_width

ROW = 22.0
BAR = 12.0
TEXT = 12.0
PAGE_WIDTH = 1080.0
TOP, BOTTOM, RIGHT = 12.0, 30.0, 30.0
NARROWEST_NAMES, WIDEST_NAMES = 60.0, 200.0
SHORTEST_BAR = 2.0  # pixels: what ran is seen, however short


def timeline_svg(record: RunRecord, *, theme: ThemeName = "light", width: float = PAGE_WIDTH) -> str:
    """Return a Gantt picture of a run as SVG text: a row for each node that started, in plan order.

    Waiting for a limit is thin and amber; nodes on the critical path are in full colour and bold; a dotted line is
    slack, the time until the first of the nodes after it started. The axis is in seconds since the run started.
    """
    look = THEMES[theme]
    rows = [node for node in record.nodes.values() if node.start_s is not None]
    names = max((text_width(printable(n.name), TEXT, bold=True) for n in rows), default=0.0)
    left = min(WIDEST_NAMES, max(NARROWEST_NAMES, names)) + 28
    bottom = TOP + ROW * len(rows)
    step, ticks = axis(record.duration_s)
    scale = (width - left - RIGHT) / (step * ticks)
    body: list[str] = []
    for tick in range(ticks + 1):
        x = left + tick * step * scale
        body.append(
            f'<path d="M{x:.1f} {TOP}V{bottom:.1f}" stroke="{look.faint}" stroke-width="1" opacity="0.55"/>'
            f'<text x="{x:.1f}" y="{bottom + 18:.1f}" font-size="11" text-anchor="middle" fill="{look.muted}">'
            f"{tick_label(tick * step, step)}</text>"
        )
    on_path = set(critical_path(record)[1])
    until = _slack_ends(record)
    shapes = {node.name: node for node in record.graph.nodes}
    for row, node in enumerate(rows):
        middle = TOP + ROW * (row + 0.5)
        bold = node.name in on_path
        tip = tooltip(shapes[node.name], record) if node.name in shapes else printable(node.name)
        body.append(f'<g class="bar {node.status}{" critical" * bold}"><title>{escape(tip)}</title>')
        body.append(
            f'<text x="{left - 10:.1f}" y="{middle + 4:.1f}" font-size="{TEXT}" text-anchor="end" '
            f'fill="{look.ink if bold else look.muted}" font-weight="{600 if bold else 400}">'
            f"{escape(elided(printable(node.name), left - 24, TEXT, bold=True))}</text>"
        )
        body += _bars(node, record, until.get(node.name), left, middle, scale, look, bold=bold)
        body.append("</g>")
    title = f"{printable(record.graph.name)}, timeline"
    return svg_page(width, bottom + BOTTOM, title, _alternative(record, rows, on_path), look, body)


def _bars(
    node: NodeRecord,
    record: RunRecord,
    slack_end: float | None,
    left: float,
    middle: float,
    scale: float,
    look: Theme,
    *,
    bold: bool,
) -> Iterator[str]:
    start = node.start_s or 0.0
    end = node.end_s if node.end_s is not None else record.duration_s
    if node.ready_s is not None and start > node.ready_s:
        amber = STATUSES["waiting"].paint(look.name).stroke
        yield (
            f'<rect class="waiting" x="{left + node.ready_s * scale:.1f}" y="{middle - 3:.1f}" '
            f'width="{(start - node.ready_s) * scale:.1f}" height="6" rx="2" fill="{amber}" opacity="0.65"/>'
        )
    paint = STATUSES[str(node.status)].paint(look.name)
    yield (
        f'<rect x="{left + start * scale:.1f}" y="{middle - BAR / 2:.1f}" '
        f'width="{max(SHORTEST_BAR, (end - start) * scale):.1f}" height="{BAR:g}" rx="3" fill="{paint.stroke}" '
        f'opacity="{1 if bold else 0.5}"/>'
    )
    if slack_end is not None and not bold and (slack_end - end) * scale > 4:
        yield (
            f'<path class="slack" d="M{left + end * scale + 2:.1f} {middle:.1f}H{left + slack_end * scale:.1f}" '
            f'stroke="{look.muted}" stroke-width="1.2" stroke-dasharray="2 4"/>'
        )


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


def _alternative(record: RunRecord, rows: list[NodeRecord], on_path: set[str]) -> str:
    longest = sorted(rows, key=lambda node: -(node.duration_s or 0.0))[:5]
    text = f"Timeline of {printable(record.graph.name)}: {plural(len(rows), 'node')} in {seconds(record.duration_s)}."
    if longest:
        text += " Longest: " + ", ".join(f"{printable(n.name)[:60]} {seconds(n.duration_s)}" for n in longest) + "."
    path = [printable(n.name)[:60] for n in rows if n.name in on_path]
    return f"{text} Critical path: {', '.join(path)}." if path else text
