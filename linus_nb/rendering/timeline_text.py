"""A timeline in characters, for a terminal, a log, or a reader."""

from __future__ import annotations

from linus_nb.engine.record import RunRecord
from linus_nb.numbers import seconds
from linus_nb.rendering.palette import RUN_GLYPHS, STATUSES
from linus_nb.rendering.timeline_bars import Bars
from linus_nb.rendering.timeline_rows import Row, rows_of
from linus_nb.rendering.type_setting import printable, shortened

COLUMNS = 48
MARKS = {"inputs": "·", "waiting": "─", "ran": "█"}
KEY = "█ ran  ─ waited  · waited for inputs  * critical path"


def timeline_text(record: RunRecord) -> str:
    """Return a line of characters for each node that ran."""
    rows, note = rows_of(record)
    head = f"{printable(record.graph.name)} {RUN_GLYPHS[record.status]} {record.status} · {seconds(record.duration_s)}"
    if not rows:
        return f"{head}\n  nothing has run"
    bars = Bars(record)
    names = [f"{STATUSES[str(row.step.record.status)].glyph} {_name(row)}" for row in rows]
    wide = max(map(len, names))
    lines = [f"  {name:<{wide}}  {_line(row, bars)}" for name, row in zip(names, rows, strict=True)]
    return "\n".join([head, *lines, f"  {' ' * wide}  {KEY}", *([f"  {note}"] if note else [])])


def _name(row: Row) -> str:
    return "  " * row.step.depth + shortened(row.label)


def _line(row: Row, bars: Bars) -> str:
    share = COLUMNS / (bars.record.duration_s or 1.0)
    cells = [" "] * COLUMNS
    for bar in bars.of(row.step):
        first = min(COLUMNS - 1, int(bar.start_s * share))
        last = max(first + 1, round(bar.end_s * share))
        cells[first:last] = [MARKS[bar.kind]] * (min(last, COLUMNS) - first)
    critical = " *" if bars.is_critical(row.step) else ""
    return f"{''.join(cells[:COLUMNS])}  {seconds(row.step.record.duration_s)}{critical}"
