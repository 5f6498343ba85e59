from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linus_nb.engine.critical_path import critical_path, makespan, slack
from linus_nb.engine.record import RunRecord
from linus_nb.engine.work import peak_concurrency, total_work
from linus_nb.errors import GraphError
from tests.analysis_records import record_of

DIAMOND_EDGES = [("start", m) for m in "abc"] + [(m, "end") for m in "abc"]


def diamond(b: float = 2.0) -> RunRecord:
    spans: dict[str, Any] = {"start": (0, 2), "a": (2, 4), "b": (2, 2 + b), "c": (2, 4), "end": (2 + b, 4 + b)}
    return record_of(spans, DIAMOND_EDGES)


def unbalanced() -> RunRecord:
    """Two chains of ten, alternating 10 and 100 ms in anti-phase, with integer milliseconds as seconds."""
    spans: dict[str, Any] = {}
    edges = []
    for chain, waits in enumerate(([10, 100] * 5, [100, 10] * 5)):
        at = 0
        for k, wait in enumerate(waits):
            spans[f"{chain}-{k}"] = (at, at + wait)
            at += wait
        edges += list(pairwise(f"{chain}-{k}" for k in range(10)))
    return record_of(spans, edges)


def test_three_independent_nodes_of_two_seconds_take_six_one_by_one_and_two_at_once() -> None:
    record = record_of(dict.fromkeys("abc", (0.0, 2.0)))
    assert makespan(record, "sequential") == total_work(record) == 6
    assert makespan(record, "levels") == makespan(record, "dataflow") == 2
    assert critical_path(record) == (2, ["a"])


def test_the_diamond_takes_ten_seconds_one_by_one_and_six_otherwise() -> None:
    assert [makespan(diamond(), s) for s in ("sequential", "levels", "dataflow")] == [10, 6, 6]


def test_unbalanced_chains_are_bound_by_their_critical_path_and_levels_cannot_reach_it() -> None:
    assert [makespan(unbalanced(), s) for s in ("sequential", "levels", "dataflow")] == [1100, 1000, 550]


def test_the_slowest_branch_is_on_the_critical_path_and_the_others_have_slack() -> None:
    record = diamond(b=5.0)
    assert critical_path(record) == (9, ["start", "b", "end"])
    assert slack(record) == {"start": 0, "a": 3, "b": 0, "c": 3, "end": 0}


def test_a_node_that_was_not_routed_costs_nothing_and_is_passed_through() -> None:
    record = record_of(
        {"a": (0, 3), "skipped": None, "other": (0, 1), "join": (3, 4)},
        [("a", "skipped"), ("skipped", "join"), ("other", "join")],
    )
    assert critical_path(record) == (4, ["a", "join"])
    assert slack(record) == {"a": 0, "other": 2, "join": 0}


def test_a_run_in_which_nothing_ran_has_no_path_and_no_work() -> None:
    for record in (record_of({}), record_of({"a": None, "b": None}, [("a", "b")])):
        assert critical_path(record) == (0, [])
        assert (total_work(record), slack(record), peak_concurrency(record)) == (0, {}, 0)
        assert makespan(record, "levels") == 0


def test_a_node_that_still_runs_counts_with_its_time_so_far() -> None:
    record = record_of({"a": (0, 4), "b": (1, None)})
    assert total_work(record) == 4 + 3
    assert peak_concurrency(record) == 2


def test_equally_long_paths_give_the_first_in_plan_order() -> None:
    assert critical_path(diamond())[1] == ["start", "a", "end"]


def test_nodes_that_take_no_time_still_form_a_path() -> None:
    assert critical_path(record_of({"a": (0, 0), "b": (0, 0)}, [("a", "b")])) == (0, ["a", "b"])


@pytest.mark.parametrize(
    ("spans", "peak"),
    [
        ({"a": (0, 1), "b": (1, 2)}, 1),
        ({"a": (0, 2), "b": (1, 3), "c": (2, 4)}, 2),
        ({"a": (0, 3), "b": (1, 2), "c": (1, 2)}, 3),
        ({"a": (1, 1)}, 1),
    ],
)
def test_peak_concurrency_counts_nodes_that_overlap_and_not_those_that_follow_at_once(spans: Any, peak: int) -> None:
    assert peak_concurrency(record_of(spans)) == peak


def test_an_unknown_schedule_names_the_nearest() -> None:
    with pytest.raises(GraphError, match="did you mean 'levels'"):
        makespan(diamond(), "level")  # type: ignore[arg-type]  # the mistake that is tested


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    durations = draw(st.lists(st.integers(0, 9), min_size=1, max_size=8))
    pairs = [(i, j) for j in range(len(durations)) for i in range(j)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return durations, edges


@given(runs())
def test_path_and_slack_agree_with_trying_every_path(run: tuple[list[int], list[tuple[int, int]]]) -> None:
    durations, edges = run

    def paths_from(i: int) -> list[list[int]]:
        return [[i]] + [[i, *rest] for s, t in edges if s == i for rest in paths_from(t)]

    paths = [path for i in range(len(durations)) for path in paths_from(i)]
    lengths = {tuple(path): sum(durations[i] for i in path) for path in paths}
    longest = max(lengths.values())
    record = record_of({f"n{i}": (0, d) for i, d in enumerate(durations)}, [(f"n{s}", f"n{t}") for s, t in edges])

    seconds, names = critical_path(record)
    assert seconds == longest
    assert lengths[tuple(int(name[1:]) for name in names)] == longest
    for i in range(len(durations)):
        through = max(length for path, length in lengths.items() if i in path)
        assert slack(record)[f"n{i}"] == longest - through
    assert makespan(record, "dataflow") <= makespan(record, "levels") <= makespan(record, "sequential")
