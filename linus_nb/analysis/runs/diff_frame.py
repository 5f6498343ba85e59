"""The table that `diff` returns: figures of two runs, sentences, and below them what differs in outputs."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

from linus_nb.analysis.noted import NotedFrame
from linus_nb.display import VERBATIM

DIFF = "output_diff"
MOST_NODES_SHOWN = 12
MOST_LINES_SHOWN = 40  # of a node; the column has more

# see-through colours, which do on light and dark pages; a sign stands before each line, too
_LINE = {"-": "rgba(248,81,73,0.16)", "+": "rgba(46,160,67,0.18)"}
_OTHER = {"-": "+", "+": "-"}
_WORDS = {"-": "rgba(248,81,73,0.38)", "+": "rgba(46,160,67,0.42)"}


class RunDiff(NotedFrame):
    """A row for each node of two runs: `linus_nb.analysis.runs.diff.diff` names the columns.

    It is a DataFrame. A text of many lines cannot be read in a cell, so ``output_diff`` is shown below the figures.
    """

    def __repr__(self) -> str:
        if DIFF not in self.columns:
            return super().__repr__()
        parts = [repr(self.drop(columns=DIFF))]
        for heading, lines, more in _shown(self):
            parts += ["", heading, *(f"  {line}" for line in lines), *([f"  {more}"] if more else [])]
        return "\n".join(parts + _not_shown(self))

    def _repr_html_(self) -> str | None:
        if DIFF not in self.columns:
            return super()._repr_html_()
        html = self.drop(columns=DIFF)._repr_html_()
        if html is None:
            return None
        details = "".join(
            f'<details open style="margin:.6em 0 0"><summary style="cursor:pointer">{escape(heading)}</summary>'
            f'<pre style="margin:.2em 0 0;line-height:1.45;white-space:pre-wrap">{_coloured(lines)}</pre>'
            f"{escape(more)}</details>"
            for heading, lines, more in _shown(self)
        )
        rest = "".join(f'<div style="margin:.6em 0 0">{escape(said)}</div>' for said in _not_shown(self))
        return f'<div class="{VERBATIM}">{html}{details}{rest}</div>'


def _changed(table: RunDiff) -> RunDiff:
    return table[table[DIFF].fillna("") != ""]


def _shown(table: RunDiff) -> Iterator[tuple[str, list[str], str]]:
    """Yield, for each node whose output changed, a heading, the first lines of its diff, and what is left of it."""
    for name, row in _changed(table).iloc[:MOST_NODES_SHOWN].iterrows():
        lines = row[DIFF].split("\n")
        left = len(lines) - MOST_LINES_SHOWN
        more = f"… {left:,} more lines: table.loc[{str(name)!r}, {DIFF!r}]" if left > 0 else ""
        yield _heading(str(name), row), lines[:MOST_LINES_SHOWN], more


def _not_shown(table: RunDiff) -> list[str]:
    left = len(_changed(table)) - MOST_NODES_SHOWN
    return [f"{left:,} more outputs changed: see the column {DIFF!r}"] if left > 0 else []


def _heading(name: str, row: Any) -> str:
    change = row.get("change", "")
    inside = row.get("inside_changed", "")
    facts = [change if str(change).startswith("only") else "", f"in {inside}" if inside else ""]
    return " · ".join([f"{name}: output", *(fact for fact in facts if fact)])


def _coloured(lines: list[str]) -> str:
    """Return the lines of a diff as HTML; in lines that stand for each other, what differs is darker."""
    html: list[str] = []
    groups = [(sign, list(group)) for sign, group in groupby(lines, key=lambda line: line[:1])]
    before = [("", [""]), *groups[:-1]]
    after = [*groups[1:], ("", [""])]
    for (sign, group), (_, old), (_, new) in zip(groups, before, after, strict=True):
        if sign not in _LINE:
            html += [escape(line) + "\n" for line in group]
            continue
        others = new if sign == "-" else old
        for k, line in enumerate(group):
            paired = len(others) == len(group) and others[k][:1] == _OTHER[sign]
            body = _with_difference(line, others[k], sign) if paired else escape(line)
            html.append(f'<div style="background-color:{_LINE[sign]}">{body}</div>')
    return "".join(html)


def _with_difference(line: str, other: str, sign: str) -> str:
    """Return a line as HTML, in which the words between what both lines begin and end with are marked."""
    words, theirs = line[1:].split(" "), other[1:].split(" ")
    head = _alike(words, theirs)
    tail = _alike(words[head:][::-1], theirs[head:][::-1])
    end = len(words) - tail
    if head >= end:
        return escape(line)
    marked = f'<span style="background-color:{_WORDS[sign]}">{escape(" ".join(words[head:end]))}</span>'
    before, after = " ".join([*words[:head], ""]), " ".join(["", *words[end:]])
    return f"{sign}{escape(before)}{marked}{escape(after)}"


def _alike(a: list[str], b: list[str]) -> int:
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
