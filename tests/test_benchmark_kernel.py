"""Benchmarks in a real kernel: what a cell shows, and Stop in the middle of each kind of run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kernels import outcome, run_cell, started_kernel

pytestmark = pytest.mark.kernel

SETUP = """
import asyncio, time
from linus_nb import AgentDAG, AgentNode, benchmark, benchmark_agents, last_benchmark, last_run

rounds = 0

async def awaits(task=None):
    await asyncio.sleep(0.01 if rounds < 3 else 45)

def blocks():
    time.sleep(0.01 if rounds < 3 else 45)

def begin():
    global rounds
    rounds += 1
    if rounds == 3:
        print("the third")

async def function():
    begin()
    await awaits()

def plain():
    begin()
    blocks()

def graph(waits):
    dag = AgentDAG("waits").add_node(AgentNode("first", begin)).add_node(AgentNode("second", waits, input_mapping={}))
    return dag.add_edge("first", "second")
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    with started_kernel() as client:
        yield client


def test_a_cell_shows_the_table_with_its_notes_and_one_line_of_progress(kernel: Any) -> None:
    run_cell(kernel, SETUP)
    shown = outcome(kernel, "rounds = 10\nawait benchmark(graph(lambda: 1), repeats=2)")
    assert shown.printed.count("\n") == 1
    assert "12/12" in shown.printed
    assert shown.result["text/html"].count("<tr") == 6
    assert "give repeats=5 or more" in shown.result["text/html"]
    assert "give repeats=5 or more" in shown.result["text/plain"]


@pytest.mark.parametrize(
    "cell",
    [
        "await benchmark(graph(blocks), modes=['sync'])",
        "await benchmark(graph(awaits), modes=['sync'])",
        "await benchmark(graph(blocks), modes=['parallel'])",
        "await benchmark(graph(awaits), modes=['dataflow'])",
        "await benchmark(function)",
        "await benchmark({'plain': plain})",
    ],
)
def test_stop_ends_it_within_its_third_run_and_keeps_the_second(kernel: Any, cell: str) -> None:
    run_cell(kernel, SETUP)
    stopped = outcome(kernel, f"rounds = 0\n{cell}", stop_at="the third")
    assert stopped.raised == "CancelledError"
    assert "Stopped after 2 of 6 runs. What was measured is kept: linus_nb.last_benchmark()" in stopped.said
    assert "Traceback" not in stopped.said
    assert stopped.stopped_after_s < 10  # the sleep is 45 s; measured: 0.02–0.15
    kept = run_cell(kernel, "t = last_benchmark(); t['runs'].tolist(), t.attrs['finished'], t.notes[0]")
    assert kept["text/plain"] == "([1], False, 'Not finished: 2 of 6 runs.')"
