"""A pandas table that says below its figures what a reader has to know before believing them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import pandas as pd  # noqa: TID253  this module is imported only by what makes a table

from linus_nb.display import VERBATIM
from linus_nb.numbers import plural


class NotedFrame(pd.DataFrame):
    """A DataFrame whose reprs end in the sentences of ``attrs["notes"]``, about ``attrs["rows"]`` rows.

    What is selected or computed from it (columns, rows, rounded, sorted) is a `NotedFrame` with the same notes; CSV and
    other files lose them, as they lose all ``attrs``. All columns that hold anything are shown, and figures with
    three significant digits; they are kept whole.

    >>> table = NotedFrame({"median_s": [2.0]}, index=["async"])
    >>> table.attrs["notes"] = ["One run: nothing is known of the spread."]
    >>> print(table[["median_s"]])
           median_s
    async         2
    <BLANKLINE>
    One run: nothing is known of the spread.
    """

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return type(self)

    @property
    def notes(self) -> list[str]:
        """The sentences below the figures."""
        said = [str(note) for note in self.attrs.get("notes", ())]
        rows = self.attrs.get("rows", len(self))
        return [f"Of the whole table, which has {plural(rows, 'row')}:", *said] if rows != len(self) else said

    def __repr__(self) -> str:
        figures, below = self._told()
        with _as_people_read():
            return "\n".join([repr(figures), *(["", *below] if below else [])])

    def _repr_html_(self) -> str | None:
        figures, below = self._told()
        with _as_people_read():
            html: str | None = figures._repr_html_()
        if html is None:
            return None
        items = "".join(f"<li>{escape(note)}</li>" for note in below)
        notes = f'<ul style="margin:.4em 0 0;padding-left:1.4em;line-height:1.5">{items}</ul>' if items else ""
        return f'<div class="{VERBATIM}">{html}{notes}</div>'

    def _told(self) -> tuple[Any, list[str]]:
        """Return the figures to show, and the sentences: columns that hold nothing at all are only named.

        Empty texts (no error, no reason) are known, and not worth a column either.
        """
        plain: Any = pd.DataFrame(self)
        silent = [column for column in plain.columns if len(plain) and _is_silent(plain[column])]
        if len(silent) < len(plain.columns):
            plain = plain.drop(columns=silent)
        blank = [column for column in plain.columns if len(plain) and plain[column].isna().all()]
        if not blank or len(blank) == len(plain.columns):
            return plain, self.notes
        return plain.drop(columns=blank), [*self.notes, f"Nothing is known of: {', '.join(map(str, blank))}."]


def _is_silent(column: Any) -> bool:
    return isinstance(column, pd.Series) and str(column.dtype) in ("string", "str") and bool((column == "").all())


def _as_people_read() -> Any:
    chosen = pd.get_option("display.float_format")  # the user's, if there is one
    return pd.option_context("display.float_format", chosen or significant, "display.max_columns", None)


def significant(number: float) -> str:
    """Return a number with three significant digits, and never in powers of ten.

    >>> significant(0.0123456), significant(1.5), significant(2.0), significant(12345.6)
    ('0.0123', '1.5', '2', '12346')
    """
    if number == 0 or abs(number) >= 100:
        return f"{number:.0f}"
    text = f"{number:.3g}"
    return text if "e" not in text else f"{number:.9f}".rstrip("0")
