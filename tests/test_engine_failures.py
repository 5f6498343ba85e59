"""What happens when a node goes wrong: the same in every mode."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, NodeStatus
from linus_nb.errors import RunFailedError
from tests.modes import AWAITED, Mode, blocking, dataflow, every_mode, levels
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("straight_path")


@every_mode
def test_a_failure_skips_descendants_only(mode: Mode):
    async def breaks():
        raise ValueError("braces {stay} as they are")

    dag = AgentDAG("d")
    dag.add_node(AgentNode("breaks", breaks))
    dag.add_node(AgentNode("beside", lambda: "kept", output_key="kept"))
    for name in ("below", "further"):
        dag.add_node(AgentNode(name, lambda: 0))
    dag.add_node(AgentNode("always", lambda: "ran", trigger="always"))
    dag.add_edge("breaks", "below").add_edge("below", "further").add_edge("further", "always")
    result = mode(dag)
    assert result.status == "failed"
    assert result.node_results == {"beside": "kept", "always": "ran"}
    assert str(result.errors["breaks"]) == "braces {stay} as they are"
    assert result.errors["breaks"].__traceback__ is not None
    reasons = {n.name: n.reason for n in result.record.nodes.values() if n.status is NodeStatus.SKIPPED}
    assert reasons == {"below": "upstream 'breaks' failed", "further": "upstream 'breaks' failed"}
    with pytest.raises(RunFailedError, match="node 'breaks' raised ValueError") as caught:
        result.raise_for_failure()
    assert caught.value.__cause__ is result.errors["breaks"]


@every_mode
@pytest.mark.parametrize(("on_error", "status"), [("skip", "skipped"), ("continue", "completed")])
def test_skip_and_continue_keep_the_error_and_go_on(mode: Mode, on_error, status):
    def breaks():
        raise KeyError("lost")

    dag = AgentDAG().add_node(AgentNode("breaks", breaks, on_error=on_error, output_key="out"))
    dag.add_node(AgentNode("after", lambda seen: dict(seen))).add_edge("breaks", "after")
    result = mode(dag)
    assert result.status == "partial"
    assert result.record.nodes["breaks"].status == status
    assert isinstance(result.errors["breaks"], KeyError)
    assert result.node_results["after"] == ({} if on_error == "skip" else {"out": None})


@every_mode
def test_a_node_that_raises_cancelled_error_itself_has_failed(mode: Mode):
    async def cancels():
        raise asyncio.CancelledError

    dag = AgentDAG().add_node(AgentNode("cancels", cancels, retry_count=2))
    dag.add_node(AgentNode("beside", lambda: 1))
    result = mode(dag)
    assert result.status == "failed"
    assert result.record.nodes["cancels"].status is NodeStatus.FAILED
    assert result.record.nodes["cancels"].attempts == 1
    assert result.node_results == {"beside": 1}


@every_mode
def test_keyboard_interrupt_out_of_a_node_ends_the_run_and_is_raised(mode: Mode):
    def interrupts():
        raise KeyboardInterrupt

    from linus_nb import last_run

    dag = AgentDAG().add_node(AgentNode("first", lambda: 1)).add_node(AgentNode("interrupts", interrupts))
    dag.add_node(AgentNode("never", lambda: 2))
    dag.add_edge("first", "interrupts").add_edge("interrupts", "never")
    with pytest.raises(KeyboardInterrupt):
        mode(dag)
    result = last_run()
    assert result is not None
    assert result.status == "cancelled"
    assert result.node_results == {"first": 1}
    assert result.record.nodes["interrupts"].status is NodeStatus.CANCELLED
    assert result.record.nodes["never"].reason == "cancelled"


@every_mode
def test_fail_fast_ends_the_run_at_the_first_failure(mode: Mode):
    def breaks():
        raise ValueError

    dag = AgentDAG().add_node(AgentNode("breaks", breaks))
    dag.add_node(AgentNode("later", lambda: 1)).add_node(AgentNode("always", lambda: 1, trigger="always"))
    dag.add_node(AgentNode("middle", lambda: 1)).add_edge("middle", "later").add_edge("breaks", "always")
    dag.add_edge("breaks", "middle")
    result = mode(dag, fail_fast=True)
    assert result.status == "failed"
    assert result.node_results == {}


@every_mode
def test_an_interrupted_node_is_cancelled_not_abandoned(mode: Mode):
    from linus_nb import last_run

    def interrupts():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mode(AgentDAG().add_node(AgentNode("only", interrupts)))
    node = last_run().record.nodes["only"]
    assert (node.status, node.abandoned, node.reason) == (NodeStatus.CANCELLED, False, "KeyboardInterrupt")


def test_an_error_of_the_engines_own_ends_a_blocking_run_too(monkeypatch):
    from linus_nb import last_run
    from linus_nb.engine.frontier import Frontier

    def breaks(*_):
        raise RuntimeError("bookkeeping")

    monkeypatch.setattr(Frontier, "ran", breaks)
    with pytest.raises(RuntimeError, match="bookkeeping"):
        blocking(AgentDAG().add_node(AgentNode("a", lambda: 1)))
    assert last_run().status == "cancelled"
    assert last_run().node_results == {"a": 1}


class Odd(BaseException):
    """Neither an Exception nor an interrupt; `pytest.fail` raises such a one."""


def raiser(error):
    def raises():
        raise error

    return raises


def async_raiser(error):
    async def raises():
        raise error

    return raises


async def async_stop():
    raise StopAsyncIteration("as it was")


@every_mode
@pytest.mark.parametrize("make", [raiser, async_raiser])
@pytest.mark.parametrize(
    "options", [{}, {"timeout_seconds": 30}, {"retry_count": 1}], ids=["plain", "timeout", "retry"]
)
@pytest.mark.usefixtures("no_backoff")
def test_a_base_exception_is_the_nodes_failure_like_any_other(mode: Mode, make, options):
    options = dict(options)
    if make is raiser and mode is not blocking:
        options.pop("timeout_seconds", None)  # the virtual clock jumps over it while a thread is at work
    dag = AgentDAG().add_node(AgentNode("odd", make(Odd("kept")), **options))
    dag.add_node(AgentNode("beside", lambda: 1)).add_node(AgentNode("after", lambda: 2)).add_edge("odd", "after")
    result = mode(dag)
    assert result.status == "failed"
    assert type(result.errors["odd"]) is Odd
    assert result.node_results == {"beside": 1}
    assert result.record.nodes["after"].reason == "upstream 'odd' failed"


@every_mode
@pytest.mark.parametrize(
    ("function", "error_type"),
    [(lambda: next(iter(())), StopIteration), (async_stop, StopAsyncIteration), (raiser(TimeoutError()), TimeoutError)],
    ids=["StopIteration", "StopAsyncIteration", "TimeoutError"],
)
@pytest.mark.parametrize("on_error", ["fail", "skip", "continue"])
def test_errors_that_python_gives_a_meaning_keep_their_type(mode: Mode, function, error_type, on_error):
    result = mode(AgentDAG().add_node(AgentNode("n", function, on_error=on_error)))
    assert type(result.errors["n"]) is error_type


@every_mode
def test_the_first_failure_in_plan_order_is_the_reason_whoever_came_first(mode: Mode):
    async def late():
        await asyncio.sleep(5)
        raise ValueError

    dag = AgentDAG().add_node(AgentNode("a", late if mode is not blocking else raiser(ValueError())))
    dag.add_node(AgentNode("b", raiser(ValueError()))).add_node(AgentNode("join", lambda: 0))
    dag.add_node(AgentNode("below", lambda: 0)).add_edge("join", "below")
    dag.add_edge("b", "join").add_edge("a", "join")
    nodes = mode(dag).record.nodes
    assert nodes["join"].reason == nodes["below"].reason == "upstream 'a' failed"


@every_mode
def test_a_node_below_one_that_ran_always_runs_too(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("breaks", raiser(ValueError())))
    dag.add_node(AgentNode("always", lambda: 1, trigger="always")).add_edge("breaks", "always")
    dag.add_node(AgentNode("after", lambda: 2)).add_edge("always", "after")
    dag.add_node(AgentNode("both", lambda: 3)).add_edge("always", "both").add_edge("breaks", "both")
    result = mode(dag)
    assert result.node_results == {"always": 1, "after": 2}
    assert result.record.nodes["both"].reason == "upstream 'breaks' failed"


@pytest.mark.parametrize("mode", [levels, dataflow])
def test_fail_fast_cancels_what_runs_and_keeps_what_is_done(mode: Mode):
    async def breaks():
        await asyncio.sleep(2)
        raise ValueError("first")

    async def quick():
        await asyncio.sleep(1)
        return "done"

    async def slow():
        await asyncio.sleep(60)

    dag = AgentDAG().add_node(AgentNode("quick", quick, output_key="q")).add_node(AgentNode("breaks", breaks))
    dag.add_node(AgentNode("slow", slow)).add_node(AgentNode("later", lambda: 0, trigger="always"))
    dag.add_edge("slow", "later")
    executor = DAGExecutor(dag, fail_fast=True)
    result = run(executor.aexecute(schedule=mode.__name__))
    nodes = result.record.nodes
    assert result.status == "failed"
    assert result.execution_time_seconds == 2
    assert result.final_state == {"q": "done"}
    assert (nodes["slow"].status, nodes["slow"].reason) == (NodeStatus.CANCELLED, "fail_fast")
    assert nodes["later"].status is NodeStatus.SKIPPED
    assert list(result.errors) == ["breaks"]
    assert (result.failed_nodes, result.cancelled_nodes, result.skipped_nodes) == (1, 1, 1)


@every_mode
@pytest.mark.parametrize("on_error", ["skip", "continue"])
def test_fail_fast_minds_failures_only(mode: Mode, on_error):
    dag = AgentDAG().add_node(AgentNode("waved", raiser(ValueError()), on_error=on_error))
    dag.add_node(AgentNode("after", lambda: 1)).add_edge("waved", "after")
    result = mode(dag, fail_fast=True)
    assert (result.status, result.node_results["after"]) == ("partial", 1)


@every_mode
def test_raise_for_failure_returns_the_result_unless_the_run_failed(mode: Mode):
    fine = mode(AgentDAG().add_node(AgentNode("a", lambda: 1)))
    partial = mode(AgentDAG().add_node(AgentNode("a", raiser(ValueError()), on_error="skip")))
    failed = mode(AgentDAG().add_node(AgentNode("a", raiser(ValueError("why")))))
    assert fine.raise_for_failure() is fine
    assert partial.raise_for_failure() is partial
    with pytest.raises(RunFailedError) as caught:
        failed.raise_for_failure()
    assert caught.value.result is failed


# -- the engine's own errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", AWAITED)
def test_an_error_of_the_engines_own_ends_a_run_in_a_loop_and_keeps_what_is_done(mode: Mode, monkeypatch):
    from linus_nb import last_run
    from linus_nb.engine.frontier import Frontier

    def breaks(*_):
        raise RuntimeError("bookkeeping")

    async def slow():
        await asyncio.sleep(60)

    async def quick():
        return 1

    monkeypatch.setattr(Frontier, "ran", breaks)
    dag = AgentDAG().add_node(AgentNode("a", quick, output_key="a")).add_node(AgentNode("slow", slow))
    with pytest.raises(RuntimeError, match="bookkeeping"):
        mode(dag)
    assert last_run().final_state == {"a": 1}
    assert all(node.status.final for node in last_run().record.nodes.values())


@pytest.mark.parametrize("mode", [levels, dataflow])
def test_an_error_of_the_engines_own_in_a_graph_inside_does_not_hang_the_run_around_it(mode: Mode, monkeypatch):
    from linus_nb.engine.frontier import Frontier

    ran = Frontier.ran

    def breaks(self, *facts):
        if self.plan.name == "inner":
            raise RuntimeError("bookkeeping")
        return ran(self, *facts)

    async def second():
        await asyncio.sleep(1)

    monkeypatch.setattr(Frontier, "ran", breaks)
    inner = AgentDAG("inner").add_node(AgentNode("w", second)).add_node(AgentNode("w2", second))
    dag = AgentDAG("outer").add_node(AgentNode("holds", inner)).add_node(AgentNode("x", second))
    dag.add_node(AgentNode("y", second)).add_edge("x", "y")
    try:
        error = mode(dag, max_concurrency=1).errors["holds"]
    except RuntimeError as raised:
        error = raised
    assert "bookkeeping" in str(error)
