from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linus_nb.analysis.comparison import COMPARISON_DTYPES, Measurement, comparison_table, differences

MODES = ("sync", "dataflow")


def measured(mode: str, repeat: int, seconds: float, **facts: Any) -> Measurement:
    usual: dict[str, Any] = {
        "status": "success", "critical_path_s": 1.0, "total_work_s": 4.0, "makespan_s": 1.0,
        "peak_concurrency": 1, "llm_calls": 0, "tokens": 0, "values": {},
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
