"""A run that is cut short at each of its moments in turn: whatever is done to it, its books are closed and complete."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, product
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus, last_run
from linus_nb import events as ev
from linus_nb.engine.deadline import GRACE_S
from linus_nb.engine.loop_run import LoopRun
from tests.cancelled_runs import LIMITS, SCHEDULES, Case, Work, flat, is_whole
from tests.virtual_time import run

THOROUGH = "LINUS_NB_EXAMPLES" in os.environ  # as in test_engine_oracle: more of everything

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)
with_and_without_limits = pytest.mark.parametrize("limits", list(LIMITS))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.02)


@pytest.fixture(params=[True, False], ids=["straight", "full"])
def straight_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoopRun, "straight_path", request.param)


@cache
def undisturbed(schedule: str, limits: str) -> Case:
    """Return the same run, left in peace."""
    case = Case(schedule, limits)
    case.play()
    is_whole(case)
    assert case.result.status == "failed"
    return case


def at(moment: int, do: Callable[[], object]) -> Callable[[int], None]:
    def before(count: int) -> None:
        if count == moment:
            do()

    return before


def moments(schedule: str, limits: str, beyond: int = 3, step: int = 1) -> Iterator[int]:
    """Yield the number of each callback of a run, and a few more that come when it is over.

    With a ``step``, CI takes only some of them.
    """
    return iter(range(1, undisturbed(schedule, limits).callbacks + beyond, 1 if THOROUGH else step))


def cancel_run(case: Case) -> None:
    if case.run is not None:
        case.run.cancel()


def cancel_task(case: Case) -> None:
    if case.task is not None:
        case.task.cancel()


# -- from outside, at every moment -----------------------------------------------------------------------------------


@every_schedule
@with_and_without_limits
@pytest.mark.usefixtures("straight_path")
def test_run_cancel_at_every_moment_leaves_a_whole_record(schedule, limits):
    statuses = set()
    for moment in moments(schedule, limits):
        case = Case(schedule, limits)
        case.play(at(moment, lambda case=case: cancel_run(case)))
        is_whole(case, undisturbed(schedule, limits))
        assert case.raised is None
        assert case.ticks_at_end == len(case.work.ticks)
        statuses.add(case.result.status)
    assert statuses == {"cancelled", "failed"}


@every_schedule
@with_and_without_limits
def test_cancelling_who_awaits_aexecute_at_every_moment_leaves_a_whole_record(schedule, limits):
    for moment in moments(schedule, limits, step=2):
        case = Case(schedule, limits, "aexecute")
        case.play(at(moment, lambda case=case: cancel_task(case)))
        if case.executor.last_result is None:  # before it began
            continue
        is_whole(case, undisturbed(schedule, limits))
        assert case.ticks_at_end == len(case.work.ticks)
        assert isinstance(case.raised, asyncio.CancelledError) or case.result.status == "failed"


@every_schedule
@with_and_without_limits
def test_cancelling_twice_leaves_no_task(schedule, limits):
    for moment in moments(schedule, limits, step=2):
        for apart in (0, 1, 2, 3, 5) if THOROUGH else ((0, 1, 2, 3, 5)[moment // 2 % 5],):
            case = Case(schedule, limits, "aexecute")

            def twice(count, case=case, both=(moment, moment + apart)):
                for _ in range(both.count(count)):
                    cancel_task(case)

            case.play(twice)
            if case.executor.last_result is not None:
                is_whole(case, undisturbed(schedule, limits))
                assert len(case.work.ticks) == case.ticks_at_end


@every_schedule
@with_and_without_limits
def test_a_timeout_at_every_moment_leaves_a_whole_record(schedule, limits):
    ends = sorted({event.at for event in undisturbed(schedule, limits).result.events})
    for deadline in sorted([*ends, *((a + b) / 2 for a, b in pairwise(ends))]):
        case = Case(schedule, limits, "aexecute", within=deadline)
        case.play()
        is_whole(case, undisturbed(schedule, limits))
        assert (case.result.status == "cancelled") == isinstance(case.raised, TimeoutError)


@every_schedule
@with_and_without_limits
@pytest.mark.parametrize("stubborn", ["once", "long"])
def test_nodes_that_do_not_take_a_cancellation_are_waited_for_a_moment_and_then_abandoned(schedule, limits, stubborn):
    abandoned = finished = 0
    for moment in moments(schedule, limits, beyond=0, step=3):
        case = Case(schedule, limits, work=Work(stubborn=stubborn))
        case.play(at(moment, lambda case=case: cancel_run(case)))
        is_whole(case, undisturbed(schedule, limits))
        events = list(case.result.events)
        asked = [e.at for e in events if isinstance(e, ev.CancelRequested)]
        if asked:
            assert events[-1].at - asked[0] <= GRACE_S + 1e-9
            abandoned += sum(n.abandoned for n in case.result.record.nodes.values())
            finished += sum(isinstance(e, ev.NodeFinished) for e in events if e.at > asked[0])
    assert (abandoned > 0) == (stubborn == "long")
    if stubborn == "once":
        assert finished > 0


@every_schedule
@with_and_without_limits
def test_any_task_cancelled_by_somebody_else_fails_its_place_and_no_more(schedule, limits):
    """Also before its first step, when nothing of it ever runs: `watch` finds those."""
    names = ["root", "timed", "mapped", "mapped[1]", "flaky", "nested", "first", "for each[1]", "breaks", "last"]
    for name, begun in product(names, (False, True)):
        case = Case(schedule, limits)
        hit: list[asyncio.Task[Any]] = []

        def before(_, name=name, begun=begun, hit=hit):
            for task in [] if hit else asyncio.all_tasks():
                state = inspect.getcoroutinestate(task.get_coro())  # type: ignore[arg-type]  # all are coroutines
                if task.get_name() == name and not task.done() and (state != inspect.CORO_CREATED) == begun:
                    hit.append(task)
                    task.cancel()
                    return

        case.play(before)
        is_whole(case)
        assert hit, name
        assert case.raised is None
        assert case.result.status in ("failed", "partial")


# -- from inside ------------------------------------------------------------------------------------------------------


@every_schedule
@with_and_without_limits
def test_a_node_an_item_or_a_condition_may_cancel_its_own_run_at_any_point(schedule, limits):
    for number in range(len(undisturbed(schedule, limits).work.ticks)):
        case = Case(schedule, limits)

        def disturb(_, case=case, number=number):
            if len(case.work.ticks) == number + 1:
                cancel_run(case)

        case.work.disturb = disturb
        case.play()
        is_whole(case, undisturbed(schedule, limits))
        assert case.result.status == "cancelled"
        assert case.ticks_at_end == len(case.work.ticks)


@every_schedule
@with_and_without_limits
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_out_of_a_node_an_item_or_a_condition_ends_the_run_at_any_point(schedule, limits, interrupt):
    for number in range(len(undisturbed(schedule, limits).work.ticks)):
        case = Case(schedule, limits)
        where = []

        def disturb(at_node, case=case, number=number, where=where):
            if len(case.work.ticks) == number + 1:
                where.append(at_node)
                raise interrupt

        case.work.disturb = disturb
        case.play()
        assert isinstance(case.raised, interrupt), where
        is_whole(case, undisturbed(schedule, limits))
        assert case.result.status == "cancelled"
        assert not any(s.status is NodeStatus.FAILED and isinstance(s.error, asyncio.CancelledError)
                       for n in case.result.record.nodes.values() for s in (n, *n.items))  # fmt: skip


@every_schedule
@with_and_without_limits
def test_an_observer_may_cancel_at_any_event(schedule, limits):
    for number in range(len(list(undisturbed(schedule, limits).result.events))):
        heard: list[int] = []
        case = Case(schedule, limits)

        def observe(event, case=case, number=number, heard=heard):
            heard.append(event.seq)
            if event.seq == number:
                cancel_run(case)

        case.observers = (observe,)
        case.play()
        is_whole(case, undisturbed(schedule, limits))
        assert case.ticks_at_end == len(case.work.ticks)
        assert heard == list(range(len(heard)))


@every_schedule
def test_another_thread_may_cancel_at_any_point(schedule):
    for number in range(len(undisturbed(schedule, "free").work.ticks)):
        case = Case(schedule, "free")

        def disturb(_, case=case, number=number):
            if len(case.work.ticks) == number + 1 and case.run is not None:
                thread = threading.Thread(target=case.run.cancel)
                thread.start()
                thread.join()

        case.work.disturb = disturb
        case.play()
        is_whole(case, undisturbed(schedule, "free"))
        assert case.ticks_at_end == len(case.work.ticks)


# -- single cases that were wrong once ---------------------------------------------------------------------------------


def test_a_condition_that_takes_no_cancellation_is_not_heard_after_the_end():
    async def stubborn(_):
        for _ in range(10):
            try:
                await asyncio.sleep(0.3)
            except asyncio.CancelledError:
                continue
        return True

    async def one():
        return 1

    dag = AgentDAG().add_node(AgentNode("a", one)).add_node(AgentNode("b", one)).add_edge("a", "b", stubborn)

    async def go():
        handle = dag.start()
        await asyncio.sleep(0.01)
        handle.cancel()
        await handle
        await asyncio.sleep(10)
        return list(handle.result().events)

    events = run(go())
    assert isinstance(events[-1], ev.RunFinished)
    assert not any(isinstance(event, ev.EdgeDecided) for event in events)


def test_fail_fast_among_items_cancels_the_others_and_names_the_one_that_failed():
    async def work(item):
        await asyncio.sleep(0.5 if item == 1 else 2)
        if item == 1:
            raise ValueError("one")

    dag = AgentDAG().add_node(AgentNode("mapped", work, map_over="xs"))
    result = run(DAGExecutor(dag, fail_fast=True).aexecute({"xs": [0, 1, 2]}))
    node = result.record.nodes["mapped"]
    assert [str(item.status) for item in node.items] == ["cancelled", "failed", "cancelled"]
    assert set(node.error.errors) == {1}  # type: ignore[union-attr]  # an ItemsFailedError
    assert isinstance(node.error.__cause__, ValueError)  # type: ignore[union-attr]


def test_an_interrupt_while_the_run_is_being_cancelled_is_raised():
    async def interrupts():
        try:
            await asyncio.sleep(10)
        finally:
            raise KeyboardInterrupt

    async def go():
        handle = AgentDAG().add_node(AgentNode("only", interrupts)).start()
        await asyncio.sleep(1)
        handle.cancel()
        with pytest.raises(KeyboardInterrupt):
            await handle

    run(go())
    latest = last_run()
    assert latest is not None
    assert latest.status == "cancelled"


def test_a_waiters_own_timeout_leaves_the_run_going():
    async def work():
        await asyncio.sleep(10)
        return "done"

    async def go():
        handle = AgentDAG().add_node(AgentNode("only", work)).start()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await handle
        return await handle

    result = run(go())
    assert result.node_results == {"only": "done"}
    assert result.execution_time_seconds == 10


def test_events_inside_a_run_end_before_the_node_that_holds_it():
    case = undisturbed("dataflow", "free")
    last_of = {}
    for event in case.result.events:
        last_of[getattr(event, "node", None)] = type(event)
    assert last_of["nested"] in (ev.NodeFinished, ev.EdgeDecided)
    assert sum(isinstance(e, ev.RunFinished) for e in flat(list(case.result.events))) == 1 + 1 + 1 + 3
