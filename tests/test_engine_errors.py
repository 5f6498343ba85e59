"""Errors of every kind, out of every place, mean the same in every mode, and leave nothing behind."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus, last_run
from linus_nb import events as ev
from linus_nb.engine.loop_run import LoopRun
from linus_nb.engine.record import walk
from linus_nb.errors import NodeTimeoutError
from tests.modes import AWAITED, Mode, blocking, every_mode, levels
from tests.virtual_time import run


@pytest.fixture(params=[True, False], ids=["straight", "full"], autouse=True)
def straight_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoopRun, "straight_path", request.param)


class OddError(BaseException):
    """Neither an `Exception` nor an interrupt; pytest's own failures are of this kind."""


ERRORS = [ValueError("braces {stay}"), StopIteration("next"), KeyError("k"), OddError("odd"), TimeoutError("mine"),
          asyncio.CancelledError("by itself"), StopAsyncIteration("anext")]  # fmt: skip


def breaking(error: BaseException, later: bool) -> Any:
    def breaks() -> None:
        raise error

    async def breaks_later() -> None:
        await asyncio.sleep(0)
        raise error

    return breaks_later if later else breaks


@every_mode
@pytest.mark.parametrize("later", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_a_node_raises_it_has_failed_with_it_and_the_others_go_on(mode: Mode, error, later):
    if later and isinstance(error, StopIteration):
        expected: tuple[type[BaseException], str] = (
            RuntimeError,
            "coroutine raised StopIteration",
        )  # Python's own rule
    else:
        expected = type(error), str(error)
    dag = AgentDAG().add_node(AgentNode("breaks", breaking(error, later))).add_node(AgentNode("beside", lambda: 1))
    dag.add_node(AgentNode("patient", breaking(error, later), timeout_seconds=20))
    result = mode(dag)
    assert result.status == "failed"
    assert result.node_results == {"beside": 1}
    for name in ("breaks", "patient"):
        assert (type(result.errors[name]), str(result.errors[name])) == expected
        assert result.errors[name].__traceback__ is not None


@every_mode
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_a_condition_raises_its_target_has_failed_with_it(mode: Mode, error):
    def condition(_):
        raise error

    dag = AgentDAG().add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", lambda: 2))
    result = mode(dag.add_edge("a", "b", condition))
    assert result.errors == {"b": error}
    assert result.node_results == {"a": 1}


@every_mode
def test_a_list_that_raises_when_it_is_read_fails_the_node_that_runs_over_it(mode: Mode):
    class Breaks:
        def __iter__(self):
            raise OSError("unreadable")

    dag = AgentDAG().add_node(AgentNode("mapped", lambda item: item, map_over="xs"))
    result = mode(dag, {"xs": Breaks()})
    assert isinstance(result.errors["mapped"], OSError)
    assert result.record.nodes["mapped"].items == ()


@every_mode
def test_what_took_too_long_in_a_graph_inside_is_final_in_the_record(mode: Mode):
    over = threading.Event()

    def waits():
        over.wait(10)

    inner = AgentDAG("inner").add_node(AgentNode("waits", waits)).add_node(AgentNode("next", lambda: 1))
    dag = AgentDAG().add_node(AgentNode("graph", inner.add_edge("waits", "next"), timeout_seconds=0.02))
    result = mode(dag)
    over.set()
    record = result.record.nodes["graph"].inner
    assert record is not None
    assert record.status == "cancelled"
    assert {step.path: str(step.record.status) for step in walk(result.record)} == {
        "graph": "failed", "graph/waits": "cancelled", "graph/next": "skipped",
    }  # fmt: skip
    assert record.nodes["waits"].abandoned


@every_mode
def test_an_async_node_that_took_too_long_does_not_go_on(mode: Mode):
    ended: list[str] = []
    stopped = threading.Event()

    async def waits():
        try:
            await asyncio.sleep(30)
            ended.append("by itself")
        finally:
            stopped.set()

    result = mode(AgentDAG().add_node(AgentNode("waits", waits, timeout_seconds=0.02)))
    assert isinstance(result.errors["waits"], NodeTimeoutError)
    assert stopped.wait(5)
    assert ended == []


def test_an_interrupted_node_is_not_called_abandoned_for_an_older_call_that_goes_on():
    over = threading.Event()

    def interrupts():
        raise KeyboardInterrupt

    dag = AgentDAG().add_node(AgentNode("slow", lambda: over.wait(10), timeout_seconds=0.02, on_error="continue"))
    dag.add_node(AgentNode("interrupts", interrupts)).add_edge("slow", "interrupts")
    with pytest.raises(KeyboardInterrupt):
        blocking(dag)
    over.set()
    latest = last_run()
    assert latest is not None
    assert latest.record.nodes["interrupts"].status is NodeStatus.CANCELLED
    assert not latest.record.nodes["interrupts"].abandoned


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAITED)
def test_amounts_that_were_given_back_add_up_to_what_there_was(mode: Mode):
    """In floats, what is left of 1.0 after 0.7, 0.2 and 0.1 came and went is less: who needs it all would hang."""
    amounts = [0.7, 0.8, 0.2, 0.1, 0.9, 0.3, 0.6]

    def work(k: int) -> Any:
        async def node() -> int:
            await asyncio.sleep(k % 3)
            return k

        return node

    dag = AgentDAG()
    for k, amount in enumerate(amounts):
        dag.add_node(AgentNode(f"n{k}", work(k), resources={"gpu": amount}))
    for k in range(len(amounts), len(amounts) + 5):
        dag.add_node(AgentNode(f"n{k}", work(k), resources={"gpu": 1.0}))
    for k in range(len(amounts)):
        dag.add_edge(f"n{k}", f"n{len(amounts)}")
    assert mode(dag, resources={"gpu": 1.0}).completed_nodes == len(dag)


def test_items_under_a_limit_of_one_end_before_the_next_begins():
    async def work(item):
        await asyncio.sleep(1)

    result = levels(AgentDAG().add_node(AgentNode("mapped", work, map_over="xs")), {"xs": [0, 1, 2]}, max_concurrency=1)
    told = [(type(e), e.item) for e in result.events if isinstance(e, ev.ItemStarted | ev.ItemEnded)]
    assert told == [(kind, item) for item in range(3) for kind in (ev.ItemStarted, ev.ItemEnded)]
    assert result.execution_time_seconds == 3


def test_a_higher_priority_that_becomes_ready_as_a_place_becomes_free_goes_first():
    order: list[str] = []

    def work(name: str) -> Any:
        async def node() -> None:
            order.append(name)
            await asyncio.sleep(1)

        return node

    dag = AgentDAG().add_node(AgentNode("first", work("first"), priority=5)).add_node(AgentNode("low", work("low")))
    dag.add_node(AgentNode("high", work("high"), priority=10)).add_edge("first", "high")
    run(DAGExecutor(dag, max_concurrency=1).aexecute(schedule="dataflow"))
    assert order == ["first", "high", "low"]


# -- given results ---------------------------------------------------------------------------------------------------


@every_mode
def test_a_given_result_hears_no_condition(mode: Mode):
    asked: list[str] = []

    def condition(_):
        asked.append("asked")
        raise ZeroDivisionError

    dag = AgentDAG().add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", lambda: 2))
    dag.add_node(AgentNode("c", lambda: 3)).add_edge("a", "b", condition).add_edge("a", "c")
    result = mode(dag, overrides={"b": 9})
    assert result.node_results == {"a": 1, "b": 9, "c": 3}
    assert asked == []


@every_mode
def test_a_node_whose_key_is_read_beyond_a_given_one_runs(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("a", lambda: 1, output_key="x"))
    dag.add_node(AgentNode("b", lambda x: x, output_key="y")).add_node(AgentNode("c", lambda x, y: x + y))
    result = mode(dag.add_edge("a", "b").add_edge("b", "c"), overrides={"b": 9})
    assert result.node_results == {"a": 1, "b": 9, "c": 10}


# -- errors of the engine's own ------------------------------------------------------------------------------------


class EngineError(RuntimeError):
    """A fault in the bookkeeping, put there by the test."""


FAULTS = [
    "started",
    "completed",
    "settle",
    "advance",
    "decided",
    "item_started",
    "item_ended",
    "items_found",
    "retried",
]


@pytest.mark.parametrize("mode", AWAITED)
@pytest.mark.parametrize("limit", [None, 2])
@pytest.mark.parametrize("function", FAULTS)
def test_an_error_of_the_engines_own_ends_the_run_with_it(mode: Mode, function, limit, monkeypatch):
    """At each of its calls in turn; it never hangs, and no task is left."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.001)
    real = getattr(LoopRun, function)

    async def work(item):
        await asyncio.sleep(item)
        return item

    tries: list[int] = []

    async def flaky():
        await asyncio.sleep(1)
        tries.append(1)
        if len(tries) % 2:
            raise ValueError

    inner = AgentDAG("inner").add_node(AgentNode("inside", lambda: 1))
    dag = AgentDAG().add_node(AgentNode("flaky", flaky, retry_count=1)).add_node(AgentNode("graph", inner))
    dag.add_node(AgentNode("mapped", work, map_over="xs", map_concurrency=2)).add_edge(
        "flaky", "mapped", lambda _: True
    )
    for moment in count(1):
        calls: list[int] = []

        def faulty(self, *args, calls=calls, moment=moment, **named):
            calls.append(1)
            if len(calls) == moment:
                raise EngineError(function)
            return real(self, *args, **named)

        monkeypatch.setattr(LoopRun, function, faulty)
        tries.clear()
        try:
            mode(dag, {"xs": [3, 1, 2]}, max_concurrency=limit)
        except EngineError:
            latest = last_run()
            assert latest is not None
            assert latest.status not in ("running", "success")
            assert all(node.status.final for node in latest.record.nodes.values())
        else:
            assert len(calls) < moment
            return
        assert moment < 100
