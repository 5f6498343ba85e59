from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from linus_nb.analysis.comparing.comparison import COMPARISON_DTYPES, comparison_table, differences, verdict
from linus_nb.analysis.comparing.measurement import Measurement
from linus_nb.analysis.comparing.resampling import RESAMPLES, median_interval
from linus_nb.events import ModelCalled

MODES = ("sync", "dataflow")


def measured(mode: str, repeat: int, seconds: float, **facts: Any) -> Measurement:
    usual: dict[str, Any] = {
        "critical_path_s": 1.0, "total_work_s": 4.0, "makespan_s": 1.0, "peak_concurrency": 1,
    }  # fmt: skip
    return Measurement(mode=mode, repeat=repeat, seconds=seconds, **(usual | facts))


def table(runs: list[Measurement], modes: tuple[str, ...] = MODES) -> Any:
    return comparison_table(runs, modes, modes[0])


seconds = st.floats(0.001, 1000)


@given(st.lists(st.tuples(seconds, seconds), min_size=2, max_size=20))
def test_statistics_are_those_of_numpy_and_the_speedup_is_the_median_of_paired_ratios(
    pairs: list[tuple[float, float]],
) -> None:
    runs = [measured(mode, k, s) for k, pair in enumerate(pairs) for mode, s in zip(MODES, pair, strict=True)]
    own = np.array([pair[1] for pair in pairs])
    row = table(runs).loc["dataflow"]
    assert row["runs"] == len(pairs)
    assert row["median_s"] == pytest.approx(np.median(own))
    assert row["mean_s"] == pytest.approx(own.mean())
    assert row["std_s"] == pytest.approx(own.std(ddof=1), abs=1e-9)
    assert (row["min_s"], row["max_s"]) == (own.min(), own.max())
    assert row["speedup"] == pytest.approx(statistics.median(a / b for a, b in pairs))
    assert row["efficiency"] == pytest.approx(1.0 / np.median(own))


def test_pairing_keeps_a_machine_that_slows_down_from_deciding() -> None:
    pairs = [(2.0, 1.0), (20.0, 10.0), (200.0, 100.0)]
    runs = [measured(mode, k, s) for k, pair in enumerate(pairs) for mode, s in zip(MODES, pair, strict=True)]
    assert table(runs)["speedup"].tolist() == [1.0, 2.0]


def test_dtypes_are_the_same_with_and_without_runs() -> None:
    for runs in ([], [measured("sync", 0, 1.0)], [measured(m, 0, 1.0, status="failed") for m in MODES]):
        assert {name: str(dtype) for name, dtype in table(runs).dtypes.items()} == COMPARISON_DTYPES


def test_a_mode_without_runs_says_so() -> None:
    row = table([measured("sync", 0, 1.0)]).loc["dataflow"]
    assert row["status"] == "not run"
    assert row["runs"] == 0
    assert math.isnan(row["median_s"])
    assert math.isnan(row["speedup"])


def test_the_worst_status_counts_and_a_failed_mode_claims_no_speedup_and_no_efficiency() -> None:
    runs = [measured(m, k, 1.0) for k in (0, 1) for m in MODES] + [measured("dataflow", 2, 0.1, status="failed")]
    frame = table(runs)
    assert frame["status"].tolist() == ["success", "failed"]
    assert frame["speedup"].isna().tolist() == [False, True]
    assert frame["efficiency"].isna().tolist() == [False, True]


def test_nothing_is_faster_than_a_baseline_that_failed() -> None:
    frame = table([measured("sync", 0, 9.0, status="failed"), measured("dataflow", 0, 1.0)])
    assert frame["speedup"].isna().all()
    assert frame.loc["dataflow", "efficiency"] == 1.0


def test_a_failed_run_that_ended_early_does_not_shorten_the_bound() -> None:
    runs = [measured("sync", 0, 2.0, critical_path_s=2.0)]
    runs.append(measured("dataflow", 0, 0.1, critical_path_s=0.1, status="failed"))
    assert table(runs)["critical_path_s"].tolist() == [2.0, 2.0]


def test_nodes_that_slow_each_other_down_do_not_raise_the_bound() -> None:
    runs = [measured("sync", 0, 4.0, critical_path_s=1.0), measured("dataflow", 0, 3.0, critical_path_s=3.0)]
    assert table(runs)["efficiency"].tolist() == [0.25, pytest.approx(1 / 3)]


def test_overhead_is_what_the_schedule_does_not_explain() -> None:
    assert table([measured("dataflow", 0, 1.25, makespan_s=1.0)]).loc["dataflow", "overhead_s"] == 0.25


def test_a_run_that_took_no_time_at_all_claims_nothing() -> None:
    row = table([measured(m, 0, 0.0) for m in MODES]).loc["dataflow"]
    assert math.isnan(row["speedup"])
    assert math.isnan(row["efficiency"])


def test_results_that_differ_are_named_with_where_they_differ() -> None:
    runs = [measured("sync", 0, 1.0, values={"node 'a'": 1, "node 'b'": 1})]
    runs.append(measured("dataflow", 0, 1.0, values={"node 'a'": 1, "node 'b'": 2, "state key 'k'": 3}))
    assert table(runs)["same_result"].tolist() == [True, False]
    assert differences(runs, MODES, "sync") == ["'dataflow' gave another result than 'sync' in node 'b', state key 'k'"]


def test_a_baseline_that_does_not_agree_with_itself_is_named() -> None:
    runs = [measured("sync", k, 1.0, values={"node 'a'": k}) for k in (0, 1)]
    assert differences(runs, MODES, "sync") == ["'sync' does not agree with itself from run to run in node 'a'"]


def test_many_differences_are_counted() -> None:
    runs = [measured("sync", 0, 1.0, values={f"k{i}": 0 for i in range(7)}), measured("dataflow", 0, 1.0)]
    assert differences(runs, MODES, "sync")[0].endswith("k0, k1, k2, k3, k4 and 2 more")


def test_a_function_that_raised_has_no_result_that_could_differ() -> None:
    runs = [measured("sync", 0, 1.0, values={"the result": 1}), measured("dataflow", 0, 1.0, status="failed")]
    assert table(runs)["same_result"].tolist() == [True, pd.NA]
    assert differences(runs, MODES, "sync") == []


def test_functions_do_not_share_the_bound_of_one_graph() -> None:
    runs = [measured("sync", 0, 4.0, critical_path_s=1.0), measured("dataflow", 0, 4.0, critical_path_s=math.nan)]
    bounds = comparison_table(runs, MODES, "sync", one_graph=False)["critical_path_s"]
    assert bounds["sync"] == 1.0
    assert math.isnan(bounds["dataflow"])


def test_a_cost_that_is_not_known_in_one_run_is_not_known() -> None:
    def call(cost: float | None) -> ModelCalled:
        return ModelCalled("m", 1.0, input_tokens=3, output_tokens=4, cost=cost)

    runs = [measured("sync", k, 1.0, calls=[call(0.25), call(0.5)]) for k in range(2)]
    runs += [measured("dataflow", k, 1.0, calls=[call(0.25), call(cost)]) for k, cost in enumerate((0.25, None))]
    frame = table(runs)
    assert frame["tokens"].tolist() == [14, 14]
    assert frame["llm_calls"].tolist() == [2, 2]
    assert frame.loc["sync", "cost"] == 0.75
    assert math.isnan(frame.loc["dataflow", "cost"])


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=30), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_intervals_are_those_of_scipys_percentile_bootstrap(ratios: list[float], seed: int) -> None:
    low, high = median_interval(ratios, seed)
    if len(set(ratios)) == 1:
        assert (low, high) == (ratios[0], ratios[0])  # scipy warns, and gives the same
        return
    expected = bootstrap(
        (ratios,), np.median, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_interval_of_many_values_is_found_in_batches_and_is_still_scipys() -> None:
    ratios = np.random.default_rng(1).lognormal(size=500).tolist()
    expected = bootstrap((ratios,), np.median, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    assert median_interval(ratios) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_one_value_has_no_interval() -> None:
    assert all(map(math.isnan, median_interval([1.0])))
    assert all(map(math.isnan, median_interval([])))


def test_equal_modes_are_seldom_called_different_and_unequal_ones_always() -> None:
    """5 % are meant; of 3,000 benchmarks each it were 5.5 to 7.5 %, and 12 % of those with seven repeats."""
    chance = np.random.default_rng(3)
    for repeats in (5, 10):
        equal = np.exp(chance.normal(0, 0.3, (200, repeats))).tolist()
        assert sum(verdict(ratios) != "unclear" for ratios in equal) <= 0.1 * 200
        twice = (2 * np.exp(chance.normal(0, 0.05, (50, repeats)))).tolist()
        assert {verdict(ratios) for ratios in twice} == {"faster"}


def test_few_runs_give_no_verdict_however_far_apart() -> None:
    runs = [measured(mode, k, s) for k in range(4) for mode, s in zip(MODES, (9.0, 1.0), strict=True)]
    assert table(runs)["verdict"].tolist() == ["baseline", "too few runs"]
    runs += [measured(mode, 4, s) for mode, s in zip(MODES, (9.0, 1.0), strict=True)]
    assert table(runs)["verdict"].tolist() == ["baseline", "faster"]
    assert table(runs, ("dataflow", "sync"))["verdict"].tolist() == ["baseline", "slower"]


def test_a_difference_that_is_sure_and_negligible_is_none() -> None:
    runs = [measured(mode, k, s) for k in range(5) for mode, s in zip(MODES, (6.005, 6.000), strict=True)]
    assert table(runs)["verdict"].tolist() == ["baseline", "same"]
