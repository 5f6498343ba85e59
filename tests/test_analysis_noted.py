"""Tables with sentences below them: what a selection says, and how figures are shown."""

from __future__ import annotations

import pandas as pd

from linus_nb.analysis.noted import NotedFrame


def noted() -> NotedFrame:
    table = NotedFrame({"a": [1.23456, 1e-7, float("nan")], "b": pd.array([1, 2, 3], dtype="Int64"), "c": [None] * 3})
    table.attrs |= {"rows": 3, "notes": ["2 of 3 are <b>right</b>."]}
    return table


def test_of_a_part_of_the_rows_the_sentences_are_said_to_be_about_all_of_them():
    table = noted()
    assert table[["a"]].notes == ["2 of 3 are <b>right</b>."]
    for part in (table.head(1), table[table["b"] > 1], pd.concat([table, table])):
        assert part.notes == ["Of the whole table, which has 3 rows:", "2 of 3 are <b>right</b>."]


def test_figures_have_three_digits_and_are_kept_whole():
    table = noted()
    assert "1.23 " in repr(table)
    assert "0.0000001" in repr(table)
    assert table["a"].iloc[0] == 1.23456
    assert "&lt;b&gt;right" in table._repr_html_()


def test_the_users_own_options_are_left_as_they_were():
    before = pd.get_option("display.max_columns"), pd.get_option("display.float_format")
    repr(noted())
    noted()._repr_html_()
    assert (pd.get_option("display.max_columns"), pd.get_option("display.float_format")) == before
