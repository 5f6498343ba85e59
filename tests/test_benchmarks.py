from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from benchmarks import scale
from benchmarks.overhead import chain, fan, layers
from benchmarks.peers import bare, table
from benchmarks.peers.engines import BARE, ENGINES, INSTALL, Engine
from benchmarks.peers.harness import Outcome, Workers, compare, workers
from benchmarks.peers.workloads import WORKLOADS, Prepared, Work, Workload, WrongResultError

OURS = ENGINES["linus_nb"]
TINY = [
    Workload("tiny chain", 5, chain(5)),
    Workload("tiny fan", 6, fan(4)),
    Workload("tiny layers", 12, layers(3, 4)),
    Workload("tiny waits", 4, chain(4), "sleep", (0.001,) * 4, 0.004),
    Workload("tiny blocks", 4, [], "block", (0.001,) * 4, 0.001),
    Workload("tiny calls", 6, [], "http", (0.001,) * 6, 0.003, in_flight=2),
]


@pytest.fixture(scope="module")
def running() -> Iterator[Workers]:
    with workers() as started:
        yield started


async def forgetful(workload: Workload, work: Work) -> Prepared:
    """An engine that loses the value of the last of more than three nodes."""
    prepared = await bare.prepare(workload, work)
    return Prepared(prepared.run, lambda values: values if len(values) <= 3 else [*values[:-1], None])


async def endless(workload: Workload, work: Work) -> Prepared:
    """An engine that never comes back from more than three nodes."""
    prepared = await bare.prepare(workload, work)
    return prepared if workload.nodes <= 3 else Prepared(asyncio.Event().wait, prepared.values)


async def crashing(workload: Workload, work: Work) -> Prepared:
    """An engine that cannot build more than three nodes."""
    if workload.nodes > 3:
        raise ValueError("too many nodes")
    return await bare.prepare(workload, work)


async def vanishing(workload: Workload, work: Work) -> Prepared:
    """An engine that takes its process with it."""
    if workload.nodes > 3:
        os._exit(3)
    return await bare.prepare(workload, work)


def measured(workload: Workload, engine: Engine, running: Workers, limit_s: float = 60.0) -> dict[str, Outcome]:
    return compare(workload, [BARE, engine], running, rounds=2, limit_s=limit_s)


@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
def test_bare_asyncio_and_linus_nb_do_every_workload_right(workload: Workload, running: Workers) -> None:
    outcomes = measured(workload, OURS, running)
    assert [outcome.trouble for outcome in outcomes.values()] == [None, None]
    assert [len(outcome.ratios) for outcome in outcomes.values()] == [2, 2]
    assert "| linus_nb |" in table.summary({workload.name: outcomes})


def test_a_wrong_result_is_caught_and_named(running: Workers) -> None:
    outcomes = measured(TINY[0], Engine("forgetful", forgetful), running)
    assert outcomes["bare asyncio"].trouble is None
    trouble = outcomes["forgetful"].trouble
    assert trouble is not None
    assert trouble.wrong
    assert "WRONG: tiny chain: node 4 returned None, not 15" in table.section(TINY[0], outcomes, 2)


def test_an_engine_that_takes_too_long_is_said_to_and_the_others_go_on(running: Workers) -> None:
    outcomes = measured(TINY[0], Engine("endless", endless), running, limit_s=2.0)
    assert "> 2 s" in table.section(TINY[0], outcomes, 2)
    assert len(outcomes["bare asyncio"].turns) == 2


def test_an_engine_that_raises_is_shown_with_its_error(running: Workers) -> None:
    outcomes = measured(TINY[0], Engine("crashing", crashing), running)
    assert "ValueError: too many nodes" in table.section(TINY[0], outcomes, 2)


def test_an_engine_whose_process_dies_is_shown_and_started_again(running: Workers) -> None:
    vanisher = Engine("vanishing", vanishing)
    assert "its process ended with 3" in table.section(TINY[0], measured(TINY[0], vanisher, running), 2)
    small = Workload("small chain", 3, chain(3))
    assert measured(small, vanisher, running)["vanishing"].trouble is None


def test_a_peer_that_is_not_installed_is_shown_with_the_line_that_installs_it(running: Workers) -> None:
    outcomes = measured(TINY[0], Engine("absent", bare.prepare, "no-such-distribution"), running)
    assert f"not installed: {INSTALL}" in table.section(TINY[0], outcomes, 2)


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_each_value_of_a_workload_is_checked(workload: Workload) -> None:
    workload.check(workload.expected)
    with pytest.raises(WrongResultError, match="node 3 returned 0"):
        workload.check([*workload.expected[:3], 0, *workload.expected[4:]])
    with pytest.raises(WrongResultError, match="results of"):
        workload.check(workload.expected[:-1])


@pytest.mark.parametrize("shape", scale.SHAPES)
def test_large_graphs_are_measured_with_their_results_checked(shape: str) -> None:
    figures = scale.measure(shape, 200)
    assert figures.build_s > 0
    assert figures.run_s > 0


def test_many_runs_at_once_are_measured_with_their_results_checked(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(scale.many_runs(3))
    assert "at once" in capsys.readouterr().out
