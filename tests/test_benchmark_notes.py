"""The sentences below a benchmark's table: what it says, what it does not, and how it was taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, Memory
from linus_nb import events as ev
from linus_nb.analysis.comparing.benchmark import benchmark, benchmark_agents
from linus_nb.testing import ScriptedModel
from tests.test_benchmark_functions import measure, waiting
from tests.virtual_time import run


def taking(*seconds: float) -> Any:
    """Return an async function that takes so long, one time after the other."""
    left = iter(seconds)

    async def take() -> None:
        await asyncio.sleep(next(left))

    return take


def reporting(**facts: Any) -> Any:
    async def ask() -> None:
        ev.report(ev.ModelCalled("m", 1.0, **facts))

    return ask


def test_the_fastest_is_named_with_its_interval_and_how_near_it_is_to_the_bound() -> None:
    dag = AgentDAG("three")
    for name in "abc":
        dag.add_node(AgentNode(name, waiting(2)))
    notes = measure(dag, modes=["async", "dataflow"]).notes
    assert notes[0] == "'dataflow' is 3.00 times (3.00–3.00) as fast as 'async', 100% of what the critical path allows."


def test_a_difference_that_its_spread_swamps_is_marked() -> None:
    base = [1.0, 1.0, 1.0, 1.0, 1.0]
    table = measure({"base": taking(*base), "noisy": taking(0.5, 1.6, 0.9, 1.3, 0.7)}, warmup=0)
    assert table.loc["noisy", "verdict"] == "unclear"
    assert table.notes[:2] == [
        "Nothing is clearly faster than 'base'.",
        (
            "Neither clearly faster nor clearly slower than 'base': 'noisy' 1.11 times (0.63–2.00); "
            "the difference is no larger than its spread, or than 1%."
        ),
    ]


def test_the_fastest_that_is_no_faster_than_the_second_is_not_praised_alone() -> None:
    table = measure({"base": waiting(9), "a": waiting(3), "b": waiting(3)})
    assert table.notes[1] == "'a' and 'b' took the same time, within 1%."
    table = measure({"base": taking(*[9] * 5), "a": taking(3, 3, 3, 2, 4), "b": taking(3, 3, 4, 3, 3)}, warmup=0)
    assert table.notes[1] == "'a' is not clearly faster than 'b' (0.75–1.50 times)."


def test_errors_that_runs_went_on_after_are_named_once_for_all_modes() -> None:
    def fails() -> None:
        raise ValueError("no such city")

    dag = (
        AgentDAG("partly").add_node(AgentNode("fails", fails, on_error="skip")).add_node(AgentNode("well", waiting(1)))
    )
    notes = measure(dag, modes=["async", "dataflow"]).notes
    assert "'async', 'dataflow' went on after an error in 5 of 5 runs: ValueError: no such city" in notes


def test_few_repeats_are_named() -> None:
    table = measure({"base": waiting(9), "a": waiting(3)}, repeats=4)
    assert table.notes[0] == "4 runs of a mode cannot tell a difference from chance: give repeats=5 or more."


def test_a_lone_function_is_said_nothing_about_but_how_it_was_timed() -> None:
    (note,) = measure(waiting(3), repeats=1).notes
    assert note.startswith("1 repeat after 1 warm-up, in random order (seed 0); CPython ")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"served_from": "script"}, "All 5 replies came from a script: their times are not those of a model."),
        ({"served_from": "cache"}, "All 5 replies came from a cache: their times are not those of a model."),
        (
            {"input_tokens": 20, "cached_input_tokens": 15},
            (
                "The model's server had 75 of 100 input tokens in its own cache of prompts; "
                "without it, each call takes longer."
            ),
        ),
        ({"estimated": True}, "The tokens of all 5 replies are estimated: the provider named none."),
    ],
)
def test_replies_that_cost_a_model_no_work_are_named(facts: dict[str, Any], sentence: str) -> None:
    assert sentence in measure({"ask": reporting(**facts)}).notes
    assert sentence not in measure({"ask": reporting()}).notes


def test_a_scripted_agent_is_named() -> None:
    agent = Agent(llm=ScriptedModel(lambda messages, schema: "42"), strategy="tools")
    table = run(benchmark_agents([(agent, "6 * 7?")], repeats=2, progress=False))
    assert "All 4 replies came from a script: their times are not those of a model." in table.notes


def test_an_agent_that_remembers_is_named() -> None:
    agent = Agent(llm=ScriptedModel(lambda messages, schema: "42"), strategy="tools", memory=Memory(), name="Ada")
    inner = AgentDAG("inner").add_node(AgentNode("ask", agent))
    table = asyncio.run(
        benchmark(AgentDAG().add_node(AgentNode("in", inner)), {"task": "6 * 7?"}, repeats=1, progress=False)
    )
    assert any(note.startswith("With memory: 'Ada'. Each run adds to it") for note in table.notes)


def test_what_the_whole_benchmark_cost_includes_its_warm_up() -> None:
    asking = reporting(input_tokens=900, output_tokens=100, cost=0.01)
    assert "All of this took 7 model calls and 7,000 tokens, $0.0700." in measure({"ask": asking}, warmup=2).notes
    assert (
        "All of this took 7 model calls and 0 tokens, at a price that is not known."
        in measure({"ask": reporting()}, warmup=2).notes
    )


def test_a_patched_asyncio_debug_mode_and_a_busy_machine_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "_nest_patched", True, raising=False)
    monkeypatch.setattr("os.getloadavg", lambda: (97.5, 1, 1))
    note = measure(waiting(1), repeats=1).notes[-1]
    assert "asyncio was patched by nest-asyncio, which makes each task 1.4 to 2.7 times as expensive" in note
    assert ", busy (load 97.5)" in note


def test_the_notes_are_part_of_both_reprs_and_of_what_is_selected_but_not_of_the_csv() -> None:
    table = measure({"<b>a</b>": waiting(2), "b": waiting(1)})
    for shown in (table, table[["median_s"]], table.head(1), table.sort_values("median_s"), table.round(1)):
        assert table.notes[-1] in repr(shown)
        html = shown._repr_html_()
        assert "&lt;b&gt;a&lt;/b&gt;" in html
        assert "<b>a</b>" not in html
        assert "as fast as" in html
    assert "as fast as" not in table.to_csv()


def test_no_column_hides_in_a_wide_table_and_empty_ones_are_named_below() -> None:
    table = measure(AgentDAG("one").add_node(AgentNode("a", lambda: 1)))
    for shown in (repr(table), table._repr_html_()):
        assert [column for column in table.columns if column not in shown] == []
        assert "Nothing is known of" not in shown
    lone = measure(waiting(1), repeats=1)
    unknown = "std_s, critical_path_s, total_work_s, efficiency, overhead_s, peak_concurrency"
    assert repr(lone).endswith(f"Nothing is known of: {unknown}.")
    assert "<th>std_s" not in lone._repr_html_()
    assert lone["std_s"].isna().all()


def test_a_table_survives_pickling_with_its_notes(tmp_path: Any) -> None:
    table = measure(waiting(1), repeats=1)
    table.to_pickle(tmp_path / "table.pkl")
    again = pd.read_pickle(tmp_path / "table.pkl")
    assert repr(again) == repr(table)


def test_limits_that_the_critical_path_does_not_know_are_named() -> None:
    dag = AgentDAG("limited")
    for name in "abcd":
        dag.add_node(AgentNode(name, waiting(1), resources={"gpu": 1}))
    table = measure(DAGExecutor(dag, max_concurrency=3, resources={"gpu": 2}), modes=["dataflow"])
    said = "Run with max_concurrency=3 and resources={'gpu': 2}: the critical path knows no limits; "
    assert f"{said}waiting for one is in overhead_s." in table.notes
    assert table.loc["dataflow", ["median_s", "overhead_s"]].tolist() == [2, 1]


def test_items_of_a_node_count_as_work_of_their_own() -> None:
    async def wait(item: float) -> None:
        await asyncio.sleep(item)

    dag = AgentDAG("items").add_node(AgentNode("items", lambda: [2.0] * 6, output_key="items"))
    dag.add_node(AgentNode("each", wait, map_over="items", map_concurrency=3)).add_edge("items", "each")
    table = measure(dag, modes=["async", "dataflow"])
    assert table["total_work_s"].tolist() == [12, 12]
    assert table["peak_concurrency"].tolist() == [1, 3]
