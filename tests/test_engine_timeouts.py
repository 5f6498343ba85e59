"""Time limits of attempts: for what blocks, for what awaits, and for what will not end."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus, SharedState
from linus_nb.engine.deadline import GRACE_S
from linus_nb.errors import GraphError, NodeTimeoutError
from tests.modes import AWAITED, Mode, blocking, every_mode
from tests.real_time import in_time
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("straight_path")


# -- nodes ------------------------------------------------------------------------------------------------------------


async def stubborn(seconds):
    """Swallow the first cancellation and go on for ``seconds``."""
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        await asyncio.sleep(seconds)
    return "too late"


class Arun:
    def __init__(self, work):
        self.work = work

    async def arun(self, task):
        return await self.work()


class AsyncRun:
    def __init__(self, work):
        self.work = work

    async def run(self, task):
        return await self.work()


class Called:
    def __init__(self, work):
        self.work = work

    async def __call__(self):
        return await self.work()


async def of_partial(work):
    return await work()


def runnable(work):
    from langchain_core.runnables import RunnableLambda

    async def ignores_its_input(_):
        return await work()

    return RunnableLambda(ignores_its_input)


def inside(work):
    return (
        AgentDAG("inner").add_node(AgentNode("work", work)).add_node(AgentNode("next", work)).add_edge("work", "next")
    )


ASYNC = {
    "function": lambda work: work,
    "callable": Called,
    "partial": lambda work: partial(of_partial, work),
    "arun": Arun,
    "async run": AsyncRun,
    "Runnable": runnable,
    "graph": inside,
    "graph in a graph": lambda work: AgentDAG("between").add_node(AgentNode("deep", inside(work))),
}
every_async = pytest.mark.parametrize("make", ASYNC.values(), ids=list(ASYNC))
every_policy = pytest.mark.parametrize(
    ("on_error", "status"), [("fail", "failed"), ("skip", "skipped"), ("continue", "completed")]
)


@every_async
@every_mode
@every_policy
def test_a_coroutine_that_takes_too_long_is_cancelled_and_told_by_name(mode: Mode, make, on_error, status):
    cancelled, went_on = threading.Event(), threading.Event()

    async def slow():
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        went_on.set()

    dag = AgentDAG().add_node(AgentNode("node", make(slow), output_key="y", on_error=on_error, timeout_seconds=0.05))
    result = in_time(lambda: mode(dag))
    error = result.errors["node"]
    assert type(error) is NodeTimeoutError
    assert (error.node, error.timeout_s) == ("node", 0.05)
    assert isinstance(error, TimeoutError)
    assert result.record.nodes["node"].status == status
    assert result.final_state == ({"y": None} if on_error == "continue" else {})
    assert 0.05 <= result.execution_time_seconds < 15
    assert cancelled.wait(10)  # in `execute`, it goes on in another thread for a moment
    assert not went_on.is_set()


@every_async
@pytest.mark.parametrize("mode", AWAITED)
def test_every_attempt_has_the_whole_time(mode: Mode, make, monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda _: 10.0)
    begun = []

    async def slow_at_first():
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(60 if len(begun) == 1 else 1)
        return "done"

    dag = AgentDAG().add_node(AgentNode("node", make(slow_at_first), timeout_seconds=3, retry_count=4))
    result = mode(dag)
    assert result.status == "success"
    assert begun[:2] == [0, 13]
    assert result.record.nodes["node"].attempts == 2
    assert result.record.nodes["node"].duration_s == 13 + len(begun) - 1  # a graph inside does its work twice


@every_async
@pytest.mark.parametrize("mode", AWAITED)
def test_when_every_attempt_takes_too_long_the_node_fails_by_name(mode: Mode, make, monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda _: 10.0)
    dag = AgentDAG().add_node(AgentNode("node", make(partial(asyncio.sleep, 60)), timeout_seconds=3, retry_count=2))
    result = mode(dag)
    assert result.record.nodes["node"].attempts == 3
    assert type(result.errors["node"]) is NodeTimeoutError
    assert result.execution_time_seconds == pytest.approx(3 * 3 + 2 * 10)
    retried = [event for event in result.events if type(event).__name__ == "NodeRetried"]
    assert [type(event.error) for event in retried] == [NodeTimeoutError] * 2


@pytest.mark.parametrize("make", [ASYNC["function"], Arun, Called], ids=["function", "arun", "callable"])
@pytest.mark.parametrize("mode", AWAITED)
@every_policy
def test_a_coroutine_that_ignores_its_timeout_is_abandoned_and_writes_never(mode: Mode, make, on_error, status):
    ended = []

    async def ignores():
        ended.append(await stubborn(5))
        return "too late"

    state = SharedState()
    dag = AgentDAG().add_node(AgentNode("node", make(ignores), output_key="y", on_error=on_error, timeout_seconds=2))
    executor = DAGExecutor(dag, state)

    async def run_and_wait():
        result = await executor.aexecute(schedule=mode.__name__)
        before = len(list(result.events))
        await asyncio.sleep(100)
        return result, before

    result, before = run(run_and_wait())
    expected = {"y": None} if on_error == "continue" else {}
    assert ended == ["too late"]
    assert result.execution_time_seconds == pytest.approx(2 + GRACE_S)
    assert result.record.nodes["node"].status == status
    assert executor.last_result.final_state == state.to_dict() == expected
    assert len(list(executor.last_result.events)) == before


def test_a_coroutine_that_ignores_its_timeout_inside_a_graph_is_left_behind_and_the_next_attempt_is_recorded(
    no_backoff,
):
    tries = []

    async def ignores_at_first():
        tries.append(1)
        if len(tries) == 1:
            await stubborn(0.5)
        await asyncio.sleep(1)
        return "second"

    dag = AgentDAG().add_node(AgentNode("node", inside(ignores_at_first), timeout_seconds=3, retry_count=1))
    result = run(DAGExecutor(dag).aexecute())
    inner = result.record.nodes["node"].inner
    assert result.status == inner.status == "success"
    assert [node.status for node in inner.nodes.values()] == [NodeStatus.COMPLETED] * 2
    assert result.record.nodes["node"].attempts == 2


@every_mode
def test_a_timeout_of_the_nodes_own_is_its_own(mode: Mode):
    async def own():
        raise TimeoutError("the node's own")

    result = mode(AgentDAG().add_node(AgentNode("own", own, timeout_seconds=5)))
    assert type(result.errors["own"]) is TimeoutError
    assert str(result.errors["own"]) == "the node's own"


@every_mode
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_an_attempt_with_a_time_limit_is_raised_from_the_run(mode: Mode, error):
    async def interrupts():
        raise error

    with pytest.raises(error):
        in_time(lambda: mode(AgentDAG().add_node(AgentNode("n", interrupts, timeout_seconds=5, retry_count=2))))


@every_mode
def test_a_node_that_ends_in_time_is_not_disturbed_by_its_limit(mode: Mode):
    async def quick(x):
        await asyncio.sleep(0.001)
        return x

    dag = AgentDAG().add_node(AgentNode("n", quick, timeout_seconds=5, output_key="y"))
    assert mode(dag, {"x": 1}).final_state == {"x": 1, "y": 1}


@every_mode
@pytest.mark.parametrize("seconds", [1e7, 1e10, float("inf")])
def test_a_very_long_limit_is_a_limit_like_any_other(mode: Mode, seconds):
    async def quick():
        return "async"

    dag = AgentDAG().add_node(AgentNode("async", quick, timeout_seconds=seconds))
    if mode is blocking:  # elsewhere, the virtual clock jumps over it while a thread is at work
        dag.add_node(AgentNode("sync", lambda: "sync", timeout_seconds=seconds))
    assert mode(dag).status == "success"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", True])
def test_a_limit_that_makes_no_sense_is_refused(seconds):
    with pytest.raises(GraphError, match="timeout_seconds"):
        AgentNode("n", len, timeout_seconds=seconds)


# -- what blocks: real threads, so a little real time ------------------------------------------------------------------


class OnlyRun:
    def __init__(self, work):
        self.work = work

    def run(self, task):
        return self.work()


SYNC = {
    "function": lambda work: work,
    "run": OnlyRun,
    "partial": lambda work: partial(lambda work: work(), work),
    "graph": lambda work: AgentDAG("inner").add_node(AgentNode("work", work)),
}


def really(dag: AgentDAG, how: str, **options):
    """Run a graph on a real loop, or blocking."""
    executor = DAGExecutor(dag, **options)
    if how == "blocking":
        return executor.execute(), executor
    return asyncio.run(executor.aexecute(schedule=how)), executor


@pytest.mark.parametrize("make", SYNC.values(), ids=list(SYNC))
@pytest.mark.parametrize("how", ["blocking", "sequential", "levels", "dataflow"])
@every_policy
def test_a_blocking_call_that_takes_too_long_is_abandoned_and_writes_never(how, make, on_error, status):
    release, came_back = threading.Event(), threading.Event()

    def blocks():
        assert release.wait(20)
        came_back.set()
        return "too late"

    state = SharedState()
    dag = AgentDAG().add_node(AgentNode("node", make(blocks), output_key="y", on_error=on_error, timeout_seconds=0.03))
    dag.add_node(AgentNode("after", lambda: "after", trigger="always")).add_edge("node", "after")
    result, executor = really(dag, how, state=state)
    events = len(list(result.events))
    release.set()
    assert came_back.wait(20)
    expected = {"y": None} if on_error == "continue" else {}
    assert type(result.errors["node"]) is NodeTimeoutError
    assert result.record.nodes["node"].status == status
    assert result.node_results["after"] == "after"
    assert executor.last_result.final_state == state.to_dict() == expected
    assert len(list(executor.last_result.events)) == events


@pytest.mark.parametrize("how", ["blocking", "sequential", "levels", "dataflow"])
@pytest.mark.usefixtures("no_backoff")
def test_a_late_first_attempt_does_not_answer_for_the_second(how):
    release, tries = threading.Event(), []

    def slow_at_first():
        tries.append(1)
        if len(tries) == 1:
            assert release.wait(20)
            return "first"
        release.set()
        return "second"

    dag = AgentDAG().add_node(AgentNode("n", slow_at_first, timeout_seconds=0.1, retry_count=1, output_key="y"))
    result, _ = really(dag, how)
    assert result.final_state == {"y": "second"}
    assert result.record.nodes["n"].attempts == 2


@every_mode
def test_an_error_tells_of_a_call_that_could_not_be_stopped(mode: Mode):
    release = threading.Event()
    dag = AgentDAG().add_node(AgentNode("blocks", lambda: release.wait(20), timeout_seconds=0.05))
    error = mode(dag).errors["blocks"]
    release.set()
    assert error.abandoned
    assert "could not be stopped" in str(error)
