"""The picture of a benchmark's table: what is drawn, told by its parts, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib
import pytest
from matplotlib.colors import to_hex

matplotlib.use("Agg")

from matplotlib import pyplot

from linus_nb import AgentDAG, AgentNode
from linus_nb.errors import GraphError, MissingPackageError
from tests.test_benchmark_functions import measure, waiting
from tests.test_benchmark_notes import taking


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    yield
    pyplot.close("all")


def three(seconds: float = 2.0) -> Any:
    dag = AgentDAG("three agents")
    for name in "abc":
        dag.add_node(AgentNode(name, waiting(seconds)))
    return measure(dag, modes=["async", "dataflow"])


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_bars_are_medians_from_the_first_mode_down_and_say_how_much_faster() -> None:
    axes = three().plot()
    assert [bar.get_width() for bar in axes.patches] == [6, 2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["async", "dataflow"]
    top, bottom = axes.get_ylim()[1], axes.get_ylim()[0]
    assert top < 0 < 1 < bottom
    assert texts(axes) == ["6.00  baseline", "2.00  3.00× (3.00–3.00)  faster"]
    assert axes.get_title(loc="left") == "three agents, 5 runs of each"
    assert axes.get_xlabel() == "seconds"


def test_the_critical_path_is_a_line_through_all_modes() -> None:
    axes = three().plot()
    (line,) = [c for c in axes.collections if c.get_label() == "critical path"]
    ((start, end),) = line.get_segments()
    assert (start[0], end[0]) == (2, 2)
    assert start[1] < 0 < 1 < end[1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["critical path"]


def test_functions_have_no_critical_path_and_graphs_among_them_have_their_own() -> None:
    assert measure({"a": waiting(2), "b": waiting(1)}).plot().get_legend() is None
    dags = {
        name: AgentDAG(name).add_node(AgentNode("only", waiting(seconds))) for name, seconds in (("x", 2), ("y", 3))
    }
    axes = measure({"a": waiting(2), **dags}).plot()
    (line,) = [c for c in axes.collections if c.get_label() == "critical path"]
    assert [segment[0][0] for segment in line.get_segments()] == [2, 3]


def test_every_run_is_a_dot_and_the_interval_of_the_median_a_whisker() -> None:
    axes = measure({"base": taking(1, 2, 3, 4, 5)}, warmup=0).plot()
    (dots,) = axes.lines
    assert sorted(dots.get_xdata()) == [1, 2, 3, 4, 5]
    whisker = axes.collections[0].get_segments()[0]
    assert (whisker[0][0], whisker[1][0]) == (1, 5)


def test_what_is_unclear_or_has_failed_is_told_by_words_and_hatching() -> None:
    async def fails() -> None:
        raise ValueError("no")

    table = measure(
        {
            "base": taking(*[1] * 5),
            "noisy": taking(0.5, 1.6, 0.9, 1.3, 0.7),
            "fails": fails,
            "fast": taking(*[0.1] * 5),
        },
        warmup=0,
    )
    axes = table.plot()
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [False, True, True, False]
    assert texts(axes)[1:3] == ["0.900  1.11× (0.63–2.00)  unclear", "failed"]
    assert len({to_hex(bar.get_facecolor()) for bar in axes.patches}) == 2


@pytest.mark.parametrize(
    ("seconds", "unit", "width"),
    [(4e-5, "microseconds", 40), (0.004, "milliseconds", 4), (0.4, "seconds", 0.4), (600, "minutes", 10)],
)
def test_the_axis_counts_in_a_unit_that_fits(seconds: float, unit: str, width: float) -> None:
    axes = measure({"a": waiting(seconds)}).plot()
    assert axes.get_xlabel() == unit
    assert axes.patches[0].get_width() == pytest.approx(width)


def test_long_names_have_two_lines_and_are_cut_then_and_dollars_are_no_formulas(tmp_path: Any) -> None:
    table = measure({"what $x^2$ costs, and a good deal more than that, which nobody reads to its end": waiting(1)})
    axes = table.plot()
    (label,) = [text.get_text() for text in axes.get_yticklabels()]
    assert label.startswith("what \\$x^2\\$ costs, and a\ngood deal")
    assert label.endswith("…")
    axes.figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = [f"the same agent asked in a different way, number {number}" for number in (1, 2)]
    axes = measure(dict.fromkeys(names, waiting(1))).plot()
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert labels == names


def test_a_baseline_that_failed_is_no_sound_bar() -> None:
    async def fails() -> None:
        raise ValueError("no")

    axes = measure({"base": fails, "other": waiting(1)}).plot()
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [True, True]
    assert texts(axes) == ["failed", "1.00"]


def test_rows_that_were_left_out_do_not_stretch_the_axis() -> None:
    table = three()
    whole, part = table.plot(), table.loc[["dataflow"]].plot()
    assert part.get_xlim()[1] == pytest.approx(whole.get_xlim()[1] / 3)


def test_figures_far_from_1_keep_their_digits() -> None:
    axes = measure({"base": waiting(200), "quick": waiting(0.1), "slow": waiting(200_000)}).plot()
    assert texts(axes)[1:] == ["0.00167  2000× (2000–2000)  faster", "3333  0.001× (0.001–0.001)  slower"]


def test_in_a_dark_style_all_words_and_lines_stay_dark_on_white() -> None:
    with pyplot.style.context("dark_background"):
        axes = three().plot()
    (said,) = axes.get_legend().get_texts()
    words = [*axes.texts, said, axes.xaxis.label, axes.title, *axes.get_xticklabels(), *axes.get_yticklabels()]
    shown = {to_hex(word.get_color()) for word in words if word.get_text()}
    assert shown == {to_hex(axes.spines["bottom"].get_edgecolor())} == {"#22272e"}
    assert {to_hex(axes.get_facecolor()), to_hex(axes.figure.get_facecolor())} == {"#ffffff"}


def test_a_mode_that_did_not_run_and_a_table_without_attrs_are_drawn_all_the_same() -> None:
    table = three()
    table.loc["async", ["median_s", "speedup", "speedup_low", "speedup_high"]] = float("nan")
    table.loc["async", "status"] = "not run"
    table.attrs.clear()
    assert texts(table.plot()) == ["not run", "2.00  3.00× (3.00–3.00)  faster"]


def test_the_other_plots_are_those_of_pandas() -> None:
    table = three()
    assert len(table.plot.barh(y="median_s").patches) == 2
    assert len(table.plot(kind="bar", y="runs").patches) == 2


def test_a_part_of_the_table_that_cannot_be_drawn_says_what_it_lacks() -> None:
    with pytest.raises(
        GraphError, match=r"the picture needs 'speedup', .*; draw the whole table, or part of it by pandas"
    ):
        three()[["median_s"]].plot()


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    table = three()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match=r"linus-nb\[plot\]"):
        table.plot()
