"""A pandas table that says below its figures what a reader has to know before believing them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import pandas as pd  # noqa: TID253  this module is imported only by what makes a table


class NotedFrame(pd.DataFrame):
    """A DataFrame whose reprs end in the sentences of ``attrs["notes"]``.

    What is selected or computed from it (columns, rows, rounded, sorted) is a `NotedFrame` with the same notes; CSV and
    other files lose them, as they lose all ``attrs``. All columns are shown, and figures with three significant digits;
    they are kept whole.

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
        return [str(note) for note in self.attrs.get("notes", ())]

    def __repr__(self) -> str:
        with _as_people_read():
            figures = super().__repr__()
        return "\n".join([figures, *(["", *self.notes] if self.notes else [])])

    def _repr_html_(self) -> str | None:
        with _as_people_read():
            html: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs leaves out what IPython calls
        if html is None or not self.notes:
            return html
        items = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f'{html}<ul style="margin:.4em 0 0;padding-left:1.4em;line-height:1.5">{items}</ul>'


def _as_people_read() -> Any:
    return pd.option_context("display.float_format", significant, "display.max_columns", None)


def significant(number: float) -> str:
    """Return a number with three significant digits, and never in powers of ten.

    >>> significant(0.0123456), significant(1.5), significant(2.0), significant(12345.6)
    ('0.0123', '1.5', '2', '12346')
    """
    if number == 0 or abs(number) >= 100:
        return f"{number:.0f}"
    text = f"{number:.3g}"
    return text if "e" not in text else f"{number:.9f}".rstrip("0")
