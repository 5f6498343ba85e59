"""Every kind of agent in every mode: results, failures, retries and interrupts mean the same."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus, last_run
from tests.modes import Mode, blocking, every_mode
from tests.node_kinds import Kind, async_function, every_kind, root
from tests.real_time import in_time


class Lost(Exception):
    """What a body raises."""


def graph_of(kind: Kind, body, **options) -> AgentDAG:
    """The node, one beside it, and one after it that tells what it sees."""
    dag = AgentDAG("d").add_node(AgentNode("node", kind.make(body), output_key="y", **options))
    dag.add_node(AgentNode("beside", lambda: "beside"))
    dag.add_node(AgentNode("after", lambda seen: dict(seen)))
    return dag.add_edge("node", "after")


@every_kind
@every_mode
@pytest.mark.parametrize("value", [3, None], ids=repr)
@pytest.mark.usefixtures("straight_path")
def test_the_result_is_the_same(mode: Mode, kind: Kind, value):
    result = mode(graph_of(kind, lambda x: x), {"x": value}).raise_for_failure()
    expected = kind.result(value)
    assert result.status == "success"
    assert result.node_results == {"node": expected, "beside": "beside", "after": {"x": value, "y": expected}}
    assert list(result.final_state) == ["x", "y"]
    assert (result.total_nodes, result.completed_nodes, result.failed_nodes, result.skipped_nodes) == (3, 3, 0, 0)
    assert result.record.nodes["node"].attempts == 1


@every_kind
@every_mode
@pytest.mark.parametrize(
    ("on_error", "status", "overall"),
    [("fail", "failed", "failed"), ("skip", "skipped", "partial"), ("continue", "completed", "partial")],
)
@pytest.mark.usefixtures("straight_path")
def test_an_error_means_what_on_error_says(mode: Mode, kind: Kind, on_error, status, overall):
    def breaks(x):
        raise Lost("braces {stay} as they are")

    result = mode(graph_of(kind, breaks, on_error=on_error), {"x": 1})
    error = root(result.errors["node"])
    assert type(error) is Lost
    assert str(error) == "braces {stay} as they are"
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_name != "breaks":
        traceback = traceback.tb_next
    assert traceback is not None, "the traceback does not reach the code that raised"
    assert result.status == overall
    assert result.record.nodes["node"].status == status
    assert result.node_results["beside"] == "beside"
    after = result.record.nodes["after"]
    if on_error == "fail":
        assert (after.status, after.reason) == (NodeStatus.SKIPPED, "upstream 'node' failed")
    else:
        assert after.result == ({"x": 1} if on_error == "skip" else {"x": 1, "y": None})
    assert ("node" in result.node_results) == (on_error == "continue")


@every_kind
@every_mode
@pytest.mark.usefixtures("no_backoff")
def test_attempts_follow_until_one_succeeds(mode: Mode, kind: Kind):
    tries = []

    def flaky(x):
        tries.append(x)
        if len(tries) < 3:
            raise Lost(len(tries))
        return x

    result = mode(graph_of(kind, flaky, retry_count=5), {"x": 7})
    assert result.node_results["node"] == kind.result(7)
    assert result.record.nodes["node"].attempts == len(tries) == 3
    assert result.status == "success"
    assert not result.errors


@every_kind
@every_mode
@pytest.mark.parametrize("on_error", ["fail", "skip", "continue"])
@pytest.mark.usefixtures("no_backoff")
def test_when_no_attempt_is_left_the_last_error_counts(mode: Mode, kind: Kind, on_error):
    tries = []

    def breaks(x):
        tries.append(x)
        raise Lost(f"attempt {len(tries)}")

    result = mode(graph_of(kind, breaks, retry_count=2, on_error=on_error), {"x": 7})
    assert str(root(result.errors["node"])) == "attempt 3"
    assert result.record.nodes["node"].attempts == len(tries) == 3


@every_kind
@every_mode
@pytest.mark.usefixtures("no_backoff")
def test_a_node_that_raises_cancelled_error_by_itself_has_failed(mode: Mode, kind: Kind):
    def cancels(x):
        raise asyncio.CancelledError("my own")

    result = in_time(lambda: mode(graph_of(kind, cancels, retry_count=2), {"x": 1}))
    node = result.record.nodes["node"]
    assert result.status == "failed"
    assert (node.status, node.attempts) == (
        NodeStatus.FAILED,
        1 if isinstance(node.error, asyncio.CancelledError) else 3,
    )
    assert result.node_results["beside"] == "beside"


@every_kind
@every_mode
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_interrupt_ends_the_run_is_recorded_and_is_raised_again(mode: Mode, kind: Kind, interrupt):
    def interrupts(x):
        raise interrupt("out of the node")

    dag = AgentDAG("d").add_node(AgentNode("first", lambda: 1, output_key="x"))
    dag.add_node(AgentNode("node", kind.make(interrupts), on_error="continue", retry_count=3))
    dag.add_node(AgentNode("never", lambda: 2, trigger="always"))
    dag.add_edge("first", "node").add_edge("node", "never")
    with pytest.raises(interrupt, match="out of the node"):
        in_time(lambda: mode(dag))
    result = last_run()
    nodes = result.record.nodes
    assert result.status == "cancelled"
    assert result.final_state == {"x": 1}
    assert nodes["node"].status is NodeStatus.CANCELLED
    # LangChain runs a Runnable in a task of its own: asyncio ends the loop then, and the run is cancelled with it
    assert nodes["node"].reason == interrupt.__name__ or (kind.own_task and nodes["node"].reason == "cancelled")
    assert nodes["node"].attempts == 1
    assert (nodes["never"].status, nodes["never"].reason) == (NodeStatus.SKIPPED, "cancelled")
    assert (
        in_time(lambda: mode(AgentDAG().add_node(AgentNode("a", async_function(lambda x: x))), {"x": 1})).status
        == "success"
    )


@every_kind
@every_mode
def test_the_callers_context_reaches_the_agent_and_no_mark_leaves_it(mode: Mode, kind: Kind):
    tag: ContextVar[str] = ContextVar("tag", default="unset")
    tag.set("caller")

    def leaves_a_mark(x):
        before = tag.get()
        tag.set("mine")
        return before

    dag = AgentDAG().add_node(AgentNode("one", kind.make(leaves_a_mark)))
    dag.add_node(AgentNode("two", kind.make(leaves_a_mark))).add_edge("one", "two")
    expected = kind.result("caller")
    assert mode(dag, {"x": 1}).node_results == {"one": expected, "two": expected}
    assert tag.get() == "caller"


@every_kind
@every_mode
def test_a_condition_after_it_sees_what_it_wrote(mode: Mode, kind: Kind):
    seen = []

    async def routes(view):
        seen.append((view["x"], view.get("y"), view.has("y"), view.has("z"), view.get("z", "none")))
        return False

    dag = AgentDAG().add_node(AgentNode("node", kind.make(lambda x: x + 1), output_key="y"))
    dag.add_node(AgentNode("after", lambda: 0)).add_edge("node", "after", routes)
    assert mode(dag, {"x": 1}).record.nodes["after"].reason == "not routed"
    assert seen == [(1, kind.result(2), True, False, "none")]


@every_kind
def test_execute_calls_what_is_sync_in_the_callers_thread(kind: Kind):
    here = threading.current_thread()
    found = blocking(graph_of(kind, lambda x: threading.current_thread() is here), {"x": 1}).node_results["node"]
    assert found == kind.result(not kind.awaits)


@every_kind
def test_execute_calls_what_has_a_timeout_in_a_daemon_thread(kind: Kind):
    def where(x):
        thread = threading.current_thread()
        return thread.daemon, thread is threading.main_thread()

    found = blocking(graph_of(kind, where, timeout_seconds=20), {"x": 1}).node_results["node"]
    assert found == kind.result((True, False))


@every_kind
def test_execute_works_beside_a_running_loop_and_within_the_background_loop(kind: Kind):
    def again():
        return blocking(graph_of(kind, lambda x: x + 1), {"x": 1}).node_results["node"]

    async def cell():
        return again()

    assert asyncio.run(cell()) == kind.result(2)
    outer = AgentDAG().add_node(AgentNode("outer", cell))  # runs on the background loop, and blocks it
    assert in_time(lambda: blocking(outer)).node_results["outer"] == kind.result(2)
