from __future__ import annotations

from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode
from linus_nb import events as ev
from linus_nb.analysis.tables import CALL_DTYPES, NODE_DTYPES, call_table, error_text, node_table
from tests.analysis_records import record_of
from tests.virtual_time import run

HEAD: Any = {"run_id": "r", "seq": 0}


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
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
@pytest.mark.parametrize(("table", "dtypes"), [(node_table, NODE_DTYPES), (call_table, CALL_DTYPES)])
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


def test_a_result_gives_both_tables() -> None:
    async def answer() -> int:
        ev.report(ev.ModelCalled(model="m", duration_s=0.0, input_tokens=3, output_tokens=4))
        return 42

    async def go() -> Any:
        return await AgentDAG("one").add_node(AgentNode("answer", answer))()

    result = run(go())
    assert result.to_frame().loc["answer", "input_tokens"] == 3
    assert result.to_frame("calls")["node"].tolist() == ["answer"]
