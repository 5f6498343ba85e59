"""A table in a card. Its looks stand with each cell: Lab has ideas of its own, and strips style sheets it mistrusts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

from linus_nb.display import VERBATIM
from linus_nb.numbers import plural
from linus_nb.rendering.card import part

_CELL = "padding:3px 14px 3px 0;vertical-align:top;"
_SHORT = 28  # characters: such a text stands on one line


def table(
    rows: Iterable[Sequence[str]],
    heads: Sequence[str] = (),
    *,
    aside: Collection[int] = (),
    strong: Collection[int] = (),
    more: str = "",
) -> str:
    """Return a part of a card with a table of texts (no HTML), or an empty string where there is no row.

    Args:
        rows: a text for each column; columns of figures alone are set to the right.
        heads: what stands above the columns, where that needs to be said.
        aside: the columns that are printed in grey.
        strong: the columns that are printed in bold.
        more: what stands below it: how many rows were left out.
    """
    lines = list(rows)
    if not lines:
        return ""
    sides = ["right" if all(map(_is_figure, column)) else "left" for column in zip(*lines, strict=True)]
    head = _row("th", heads, sides, range(len(heads)), ()) if heads else ""
    body = "".join(_row("td", line, sides, aside, strong) for line in lines)
    below = f'<div class="linus-muted">{escape(more)}</div>' if more else ""
    whole = f'<table style="border:0">{head}{body}</table>{below}'
    return part(f'<div class="{VERBATIM}" style="overflow-x:auto">{whole}</div>')


def _row(tag: str, texts: Sequence[str], sides: Sequence[str], aside: Collection[int], strong: Collection[int]) -> str:
    cells = "".join(
        f'<{tag}{" class=linus-muted" if k in aside else ""} style="{_CELL}text-align:{side};{_breaks(text)}'
        f'font-weight:{"bold" if k in strong else "normal"}">{escape(text)}</{tag}>'
        for k, (text, side) in enumerate(zip(texts, sides, strict=True))
    )
    return f'<tr style="background:none">{cells}</tr>'


def _breaks(text: str) -> str:
    return "white-space:nowrap;" if len(text) <= _SHORT else "overflow-wrap:anywhere;min-width:12em;"


def _is_figure(text: str) -> bool:
    return text.replace(",", "").isdigit()


def left_out(count: int, shown: int, noun: str) -> str:
    """Return how many of ``count`` things are not shown, in words; an empty string for none.

    >>> left_out(12, 8, "turn"), left_out(8, 8, "turn")
    ('and 4 more turns', '')
    """
    return f"and {plural(count - shown, f'more {noun}')}" if count > shown else ""
