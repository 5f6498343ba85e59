"""The columns and dtypes of every table of runs, over runs of every kind, as they are and saved and loaded."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd
import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb import events as ev
from linus_nb.analysis.runs.many import RUN_DTYPES, runs_to_frame
from linus_nb.analysis.runs.tables import CALL_DTYPES, NODE_DTYPES, STEP_DTYPES
from linus_nb.engine.saved import SavedRun
from tests import saved_samples
from tests.analysis_records import running_result
from tests.virtual_time import run

DTYPES = {"nodes": NODE_DTYPES, "steps": STEP_DTYPES, "calls": CALL_DTYPES}
INDEXES = {"nodes": "node", "steps": "path", "calls": "call"}
ISSUE_NODE_COLUMNS = [
    "level",
    "status",
    "reason",
    "start_s",
    "end_s",
    "duration_s",
    "wait_s",
    "attempts",
    "llm_calls",
    "input_tokens",
    "output_tokens",
    "cost",
    "slack_s",
    "on_critical_path",
    "error",
]


def eventful() -> Any:
    with pytest.MonkeyPatch.context() as patched:
        saved_samples.fast_retries(patched)
        return run(DAGExecutor(saved_samples.eventful()).aexecute())


def empty() -> Any:
    """A run of no nodes: none can be started, but a file may say so."""
    story = saved_samples.Story()
    story.add(ev.RunStarted, 0.0, "levels", saved_samples.NOON, ev.GraphShape("empty", (), ()))
    story.add(ev.RunFinished, 0.0, "success")
    return SavedRun(tuple(story.events))


def nothing_ran() -> Any:
    dag = AgentDAG("given").add_node(AgentNode("a", lambda: 1))
    return DAGExecutor(dag).execute(overrides={"a": 2})


MAKERS = {
    "empty": empty,
    "nothing ran": nothing_ran,
    "failed, with most else": eventful,
    "nested": lambda: run(DAGExecutor(saved_samples.nested()).aexecute({"papers": [1, 0, 2]})),
    "cancelled": saved_samples.cancelled_run,
    "running": running_result,
}


@cache
def made(name: str) -> Any:
    return MAKERS[name]()


CORPUS = [(name, loaded) for name in MAKERS for loaded in (False, True)]


def run_of(name: str, loaded: bool) -> Any:
    return load_run(made(name).to_jsonl()) if loaded else made(name)


def dtypes_of(table: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in table.dtypes.items()}


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize(("name", "loaded"), CORPUS)
def test_a_table_has_its_columns_and_dtypes_for_every_run(name: str, loaded: bool, kind: Any) -> None:
    found = run_of(name, loaded)
    table = found.to_frame(kind)
    assert list(table.columns) == list(DTYPES[kind])
    assert dtypes_of(table) == DTYPES[kind]
    assert table.index.name == INDEXES[kind]
    table = runs_to_frame([found], kind)
    assert dtypes_of(table) == DTYPES[kind]
    assert table.index.names == ["run", INDEXES[kind]]
    assert [str(level.dtype) for level in table.index.levels] == ["int64", "int64" if kind == "calls" else "string"]


@pytest.mark.parametrize(("name", "loaded"), CORPUS)
def test_the_table_of_runs_has_its_columns_and_dtypes_for_every_run(name: str, loaded: bool) -> None:
    table = runs_to_frame([run_of(name, loaded)])
    assert dtypes_of(table) == RUN_DTYPES
    assert list(table.columns) == list(RUN_DTYPES)
    assert not table.drop(columns=["cost"]).isna().any().any()


@pytest.mark.parametrize("kind", ["runs", *DTYPES])
def test_no_runs_make_a_table_of_the_same_dtypes(kind: Any) -> None:
    none, one = runs_to_frame([], kind), runs_to_frame([made("nested")], kind)
    assert len(none) == 0
    assert dtypes_of(none) == dtypes_of(one)
    assert none.index.names == one.index.names
    assert [str(none.index.get_level_values(k).dtype) for k in range(none.index.nlevels)] == [
        str(one.index.get_level_values(k).dtype) for k in range(one.index.nlevels)
    ]


def test_every_column_of_the_issue_is_there_in_its_order() -> None:
    assert [name for name in NODE_DTYPES if name in ISSUE_NODE_COLUMNS] == ISSUE_NODE_COLUMNS


def test_a_saved_run_has_the_tables_of_the_run_that_was_saved() -> None:
    for name in MAKERS:
        before, after = run_of(name, False), run_of(name, True)
        for kind in ("runs", *DTYPES):
            pd.testing.assert_frame_equal(runs_to_frame([before], kind), runs_to_frame([after], kind))  # type: ignore[arg-type]  # kinds


def test_calls_say_where_replies_came_from_and_what_the_provider_had_kept() -> None:
    def answer() -> int:
        ev.report(ev.ModelCalled("m", 0.0, 30, 4, served_from="cache", cached_input_tokens=20))
        ev.report(ev.ToolCalled("t", 0.0))
        return 42

    table = DAGExecutor(AgentDAG("one").add_node(AgentNode("answer", answer))).execute().to_frame("calls")
    assert table["served_from"].tolist() == ["cache", ""]
    assert table["cached_input_tokens"].tolist() == [20, 0]


def test_waiting_is_the_time_between_the_end_of_the_sources_and_the_start() -> None:
    async def short() -> None:
        await asyncio.sleep(1)

    async def long() -> None:
        await asyncio.sleep(3)

    dag = AgentDAG("g").add_node(AgentNode("short", short)).add_node(AgentNode("long", long))
    dag.add_node(AgentNode("after", short)).add_edge("short", "after")
    assert run(DAGExecutor(dag).aexecute()).to_frame()["wait_s"].tolist() == [0, 0, 2]
    assert run(DAGExecutor(dag).aexecute(schedule="dataflow")).to_frame()["wait_s"].tolist() == [0, 0, 0]
    assert run(DAGExecutor(dag).aexecute(parallel=False)).to_frame()["wait_s"].tolist() == [0, 1, 3]


def test_started_is_the_moment_of_the_run_in_utc() -> None:
    began = runs_to_frame([made("nested")])["started"][0]
    assert began == made("nested").record.wall_time
    assert began.tzinfo is not None
    assert isinstance(began, datetime)
