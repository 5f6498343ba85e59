from __future__ import annotations

from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode
from linus_nb import events as ev
from linus_nb.analysis.runs.tables import (
    CALL_DTYPES,
    NODE_DTYPES,
    STEP_DTYPES,
    call_table,
    error_text,
    model_calls,
    node_table,
    step_table,
)
from tests.analysis_records import record_of
from tests.nested_samples import HEAD, items, press_failed, press_run, ran, run_of
from tests.virtual_time import run


def calls(node: str) -> list[ev.Event]:
    model = ev.ModelCalled(model="m", duration_s=0.5, input_tokens=100, output_tokens=7, purpose="reason")
    tool = ev.ToolCalled(tool="calculator", duration_s=0.25, error=ValueError("no\n  number"))
    return [
        ev.CallReported(**HEAD, at=0.5, node=node, call=model),
        ev.CallReported(**HEAD, at=0.75, node=node, call=tool),
        ev.CallReported(**HEAD, at=1.5, node=node, call=model),
    ]


FAILURE = ev.NodeFailed(**HEAD, at=3.0, node="a", error=KeyError("city"))

RECORDS = {
    "empty": record_of({}),
    "nothing ran": record_of({"a": None}),
    "success": record_of({"a": (0, 2), "b": (2, 3)}, [("a", "b")], extra=calls("a")),
    "failed": record_of({"a": (0, 3), "b": None}, [("a", "b")], extra=[FAILURE], status="failed"),
    "still running": record_of({"a": (0, None)}, status="running"),
    "nested": press_run(),
    "nested, failed": press_failed(),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
@pytest.mark.parametrize(
    ("table", "dtypes"), [(node_table, NODE_DTYPES), (step_table, STEP_DTYPES), (call_table, CALL_DTYPES)]
)
def test_columns_and_dtypes_are_the_same_for_every_run(table: Any, dtypes: dict[str, str], record: Any) -> None:
    assert {name: str(dtype) for name, dtype in table(record).dtypes.items()} == dtypes
    assert list(table(record).columns) == list(dtypes)


def test_a_row_per_node_in_plan_order_indexed_by_name() -> None:
    table = node_table(RECORDS["success"])
    assert list(table.index) == ["a", "b"]
    assert table.index.name == "node"
    assert table["level"].tolist() == [1, 2]
    assert table["duration_s"].tolist() == [2, 1]
    assert table["on_critical_path"].tolist() == [True, True]
    assert table["slack_s"].tolist() == [0, 0]


def test_model_calls_and_tokens_are_summed_for_each_node() -> None:
    table = node_table(RECORDS["success"])
    assert table["llm_calls"].tolist() == [2, 0]
    assert table["input_tokens"].tolist() == [200, 0]
    assert table["output_tokens"].tolist() == [14, 0]


def test_a_failed_run_says_what_failed_and_why_the_others_did_not_run() -> None:
    table = node_table(RECORDS["failed"])
    assert table["status"].tolist() == ["failed", "skipped"]
    assert table["error"].tolist() == ["KeyError: 'city'", ""]
    assert table.loc["b", "reason"] == "not routed"
    assert table.loc["b", ["start_s", "duration_s", "wait_s", "slack_s"]].isna().all()


def test_the_run_itself_is_in_the_attributes() -> None:
    assert node_table(RECORDS["failed"]).attrs == {
        "run_id": "r",
        "schedule": "dataflow",
        "status": "failed",
        "duration_s": 3.0,
    }


def test_calls_have_a_row_each_in_the_order_in_which_they_began() -> None:
    table = call_table(RECORDS["success"])
    assert table["kind"].tolist() == ["model", "tool", "model"]
    assert table["name"].tolist() == ["m", "calculator", "m"]
    assert table["start_s"].tolist() == [0.0, 0.5, 1.0]
    assert table["error"].tolist() == ["", "ValueError: no number", ""]
    assert table["input_tokens"].tolist() == [100, 0, 100]


def test_an_error_without_a_message_is_its_type() -> None:
    assert error_text(TimeoutError()) == "TimeoutError"


def test_a_result_gives_all_tables() -> None:
    async def answer() -> int:
        ev.report(ev.ModelCalled(model="m", duration_s=0.0, input_tokens=3, output_tokens=4))
        return 42

    async def go() -> Any:
        return await AgentDAG("one").add_node(AgentNode("answer", answer))()

    result = run(go())
    assert result.to_frame().loc["answer", "input_tokens"] == 3
    assert result.to_frame("calls")["node"].tolist() == ["answer"]
    assert result.to_frame("steps").loc["answer", "input_tokens"] == 3


def test_a_node_has_one_row_whatever_ran_inside_it_and_counts_it() -> None:
    table = node_table(press_run())
    assert list(table.index) == ["plan", "fetch", "notes", "review", "languages", "report"]
    assert table["items"].tolist() == [0, 8, 0, 0, 3, 0]
    assert table["llm_calls"].tolist() == [1, 8, 0, 1, 0, 0]
    assert table["input_tokens"].tolist() == [50, 8000, 0, 100, 0, 0]
    assert list(table.columns).index("items") == list(table.columns).index("attempts") + 1
    assert table.loc["notes", ["start_s", "duration_s"]].isna().all()


def test_attempts_of_a_node_with_items_are_the_most_that_one_took() -> None:
    shape = ev.GraphShape("g", (ev.NodeShape("fetch", 0, over="urls"),), ())
    began = [*ran("fetch", 0.0, 1.0), *items("fetch", [(0.0, 1.0, None)] * 3)]
    again = [
        ev.NodeRetried(**HEAD, at=0.5, node="fetch", attempt=k, wait_s=0.1, error=KeyError(), item=1) for k in (1, 2)
    ]
    record = run_of(shape, [*began, *again])
    assert node_table(record)["attempts"].tolist() == [3]
    assert step_table(record)["attempts"].tolist() == [3, 1, 3, 1]


def test_steps_have_a_row_for_each_node_item_and_inner_node_in_the_order_of_the_walk() -> None:
    table = step_table(press_run())
    assert list(table.index) == [
        "plan", "fetch", *(f"fetch[{k}]" for k in range(8)), "notes",
        "review", "review/outline", "review/draft", "review/facts", "review/polish",
        "languages", *(f"languages[{k}]{end}" for k in range(3) for end in ("", "/translate", "/check")),
        "report",
    ]  # fmt: skip
    assert table.index.name == "path"
    assert table.loc[["fetch", "fetch[1]", "review/draft", "languages[2]/check"], "depth"].tolist() == [0, 1, 1, 2]
    assert table.loc[["review/draft"], ["start_s", "end_s", "level"]].to_numpy().tolist() == [[2.4, 3.6, 2.0]]
    assert table.loc[["review", "review/draft"], "llm_calls"].tolist() == [1, 1]
    assert table.loc[table["depth"] == 0, "input_tokens"].sum() == 8150
    assert not {"slack_s", "on_critical_path"} & set(table.columns)
    assert table.attrs["run_id"] == "r"


def test_steps_of_a_failed_run_say_where_it_failed() -> None:
    table = step_table(press_failed())
    assert table.loc["fetch[2]", "status"] == "failed"
    assert table.loc["review/draft", "error"] == "KeyError: 'headline'"
    assert table.loc["review/polish", "reason"] == "upstream 'draft' failed"


def test_calls_made_inside_bear_the_path_of_who_made_them() -> None:
    table = call_table(press_run())
    assert set(table["node"]) == {"plan", *(f"fetch[{k}]" for k in range(8)), "review/draft"}
    assert table.set_index("node").loc["review/draft", "end_s"] == 3.5
    assert len(model_calls(press_run())) == 10


def test_a_real_run_has_its_items_and_inner_nodes_in_the_table() -> None:
    def length(text: str) -> int:
        ev.report(ev.ModelCalled(model="m", duration_s=0.0, input_tokens=len(text), output_tokens=1))
        return len(text)

    inner = AgentDAG("inner").add_node(AgentNode("length", length, output_key="length"))
    dag = AgentDAG("outer").add_node(AgentNode("each", length, map_over="texts")).add_node(AgentNode("sub", inner))

    async def go() -> Any:
        return await dag({"texts": ["a", "bb"], "text": "ccc"})

    result = run(go())
    steps = result.to_frame("steps")
    assert list(steps.index) == ["each", "each[0]", "each[1]", "sub", "sub/length"]
    assert steps["input_tokens"].tolist() == [3, 1, 2, 3, 3]
    assert result.to_frame()["items"].tolist() == [2, 0]
    assert sorted(result.to_frame("calls")["node"]) == ["each[0]", "each[1]", "sub/length"]
