"""Many runs in one table: what its rows say."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, LinusError, NodeStatus, load_run
from linus_nb import events as ev
from linus_nb.analysis.runs.many import runs_to_frame
from linus_nb.errors import GraphError, NotARunError
from tests.analysis_records import running_dag, running_result
from tests.virtual_time import run


def asking(cost: float | None = 0.25, error: str = "", policy: Any = "fail") -> AgentDAG:
    """Two nodes of 2 s at once that ask a model each; the first may err."""

    def node(wrong: str) -> Any:
        async def ask() -> str:
            await asyncio.sleep(2)
            ev.report(ev.ModelCalled("m", 2.0, 30, 4, cost=cost))
            if wrong:
                raise ValueError(wrong)
            return "done"

        return ask

    dag = AgentDAG("asking").add_node(AgentNode("a", node(error), on_error=policy)).add_node(AgentNode("b", node("")))
    return dag.add_node(AgentNode("c", lambda: "after")).add_edge("a", "c")


def ran(dag: AgentDAG, schedule: Any = "levels") -> Any:
    return run(DAGExecutor(dag).aexecute(schedule=schedule))


def test_a_row_says_what_became_of_a_run_and_what_it_took() -> None:
    table = runs_to_frame([ran(asking()), ran(asking(), "sequential")])
    assert table.index.tolist() == [0, 1]
    assert table["name"].tolist() == ["asking", "asking"]
    assert table["schedule"].tolist() == ["levels", "sequential"]
    assert table["duration_s"].tolist() == [2.0, 4.0]
    assert table["critical_path_s"].tolist() == [2.0, 2.0]
    assert table["total_work_s"].tolist() == [4.0, 4.0]
    assert table.loc[0, ["llm_calls", "input_tokens", "output_tokens", "cost"]].tolist() == [2, 60, 8, 0.5]
    assert table["run_id"].nunique() == 2


def test_a_failed_run_names_its_first_failure_and_counts_what_became_of_its_nodes() -> None:
    row = runs_to_frame([ran(asking(error="no\n answer"))]).loc[0]
    assert row[["status", "error"]].tolist() == ["failed", "ValueError: no answer"]
    assert row[["nodes", "completed", "failed", "skipped", "cancelled"]].tolist() == [3, 1, 1, 1, 0]


def test_an_error_that_was_let_through_is_told_but_a_failure_comes_first() -> None:
    assert runs_to_frame([ran(asking(error="kept", policy="skip"))]).loc[0, "error"] == "ValueError: kept"
    result = ran(asking(error="early", policy="continue"))
    late = replace(result.record.nodes["b"], status=NodeStatus.FAILED, error=KeyError("late"))
    result.__dict__["record"] = replace(result.record, nodes=result.record.nodes | {"b": late})
    assert runs_to_frame([result]).loc[0, "error"] == "KeyError: 'late'"


def test_the_cost_of_a_run_is_unknown_where_that_of_a_call_is() -> None:
    assert math.isnan(runs_to_frame([ran(asking(cost=None))]).loc[0, "cost"])


def test_the_handle_of_a_run_gives_what_it_has_come_to_so_far() -> None:
    async def looked_at() -> Any:
        handle = DAGExecutor(running_dag()).start()
        await asyncio.sleep(1)
        tables = runs_to_frame([handle]), runs_to_frame([handle], "nodes")
        handle.cancel()
        await handle
        return *tables, runs_to_frame([handle])

    row, nodes, ended = run(looked_at())
    assert row.loc[0, ["status", "completed", "skipped", "llm_calls", "error"]].tolist() == [
        "running", 1, 1, 1, "ValueError: as told",
    ]  # fmt: skip
    assert nodes.loc[0]["status"].to_dict() == {
        "answer": "completed", "waits": "running", "breaks": "skipped", "after": "pending",
    }  # fmt: skip
    assert ended.loc[0, ["status", "cancelled"]].tolist() == ["cancelled", 1]


def test_parts_of_all_runs_stand_under_the_place_of_their_run() -> None:
    results = [ran(asking()), load_run(ran(asking()).to_jsonl()), running_result()]
    nodes = runs_to_frame(results, "nodes")
    assert nodes.loc[1].index.tolist() == ["a", "b", "c"]
    assert nodes["duration_s"].groupby("node").max()["a"] == 2
    assert nodes.join(runs_to_frame(results)[["schedule"]], on="run")["schedule"].unique().tolist() == ["levels"]
    assert runs_to_frame(results, "steps").index.names == ["run", "path"]
    assert runs_to_frame(results, "calls").loc[2, "node"].tolist() == ["answer"]


@pytest.mark.parametrize("wrong", ["run.jsonl", {"a": 1}, 3, [42], [None]])
def test_what_is_no_run_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(NotARunError, match="is no run; give what a graph's run returned") as caught:
        runs_to_frame(wrong)
    assert isinstance(caught.value, LinusError)
    assert isinstance(caught.value, TypeError)


def test_one_run_is_told_to_be_put_in_a_list() -> None:
    with pytest.raises(GraphError, match=r"one run; give a list"):
        runs_to_frame(running_result())  # type: ignore[arg-type]  # the mistake that is tested


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(GraphError, match="no table of 'node'; did you mean 'nodes'"):
        runs_to_frame([], "node")  # type: ignore[arg-type]  # the mistake that is tested
