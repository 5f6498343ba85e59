"""What a run comes to is the same in every mode, for everything a node may hold."""

from __future__ import annotations

import asyncio
import operator
import threading
from contextvars import ContextVar

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus, SharedState
from linus_nb.engine.run import Run
from linus_nb.errors import MissingInputError, RunFailedError
from tests.modes import Mode, blocking, every_mode
from tests.virtual_time import run


class OnlyRun:
    def run(self, task):
        return f"run({dict(task)})"


class OnlyArun:
    async def arun(self, task):
        return f"arun({dict(task)})"


class AsyncRun:
    async def run(self, task, return_metrics=True):
        assert return_metrics is False
        return f"async run({dict(task)})"


class Runnable:
    def invoke(self, task):
        return task["x"] + 1

    async def ainvoke(self, task):
        return task["x"] + 1


async def async_double(x):
    await asyncio.sleep(1)
    return 2 * x


def returns_a_coroutine(x):
    return async_double(x)


@pytest.fixture(params=[True, False], ids=["straight", "full"], autouse=True)
def straight_path(request, monkeypatch):
    """Every property holds with the shortened path and without it."""
    monkeypatch.setattr(Run, "straight_path", request.param)


@every_mode
def test_everything_a_node_may_hold_runs_in_one_graph(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("triple", lambda x: 3 * x, output_key="tripled"))
    dag = AgentDAG("mixed")
    for name, thing in {
        "plain": lambda x: x + 1,
        "async": async_double,
        "awaitable": returns_a_coroutine,
        "run": OnlyRun(),
        "arun": OnlyArun(),
        "async_run": AsyncRun(),
        "runnable": Runnable(),
        "dag": inner,
        "no_input": lambda: "nothing",
        "whole_view": lambda seen: sorted(seen),
    }.items():
        dag.add_node(AgentNode(name, thing))
    assert mode(dag, {"x": 20, "y": 0}).raise_for_failure().node_results == {
        "plain": 21,
        "async": 40,
        "awaitable": 40,
        "run": "run({'x': 20, 'y': 0})",
        "arun": "arun({'x': 20, 'y': 0})",
        "async_run": "async run({'x': 20, 'y': 0})",
        "runnable": 21,
        "dag": {"tripled": 60},
        "no_input": "nothing",
        "whole_view": ["x", "y"],
    }


@every_mode
def test_input_mapping_gives_a_dict_by_keyword_or_whole(mode: Mode):
    dag = AgentDAG()
    dag.add_node(AgentNode("keyword", lambda a: a, input_mapping={"a": "x"}))
    dag.add_node(AgentNode("whole", lambda given: given, input_mapping={"a": "x", "b": "y"}))
    dag.add_node(AgentNode("agent", OnlyRun(), input_mapping={"question": "x"}))
    dag.add_node(AgentNode("empty", OnlyRun(), input_mapping={}))
    assert mode(dag, {"x": None, "y": 0}).node_results == {
        "keyword": None,
        "whole": {"a": None, "b": 0},
        "agent": "run({'question': None})",
        "empty": "run({})",
    }


@every_mode
def test_a_node_sees_what_its_ancestors_wrote_and_no_more(mode: Mode):
    dag = AgentDAG()
    dag.add_node(AgentNode("a", lambda: 1, output_key="from_a"))
    dag.add_node(AgentNode("aside", lambda: 2, output_key="from_aside"))
    dag.add_node(AgentNode("b", lambda seen: dict(seen), output_key="from_b"))
    dag.add_node(AgentNode("c", lambda seen: dict(seen)))
    dag.add_edge("a", "b").add_edge("b", "c")
    results = mode(dag, {"given": 0}).node_results
    assert results["b"] == {"given": 0, "from_a": 1}
    assert results["c"] == {"given": 0, "from_a": 1, "from_b": {"given": 0, "from_a": 1}}


@every_mode
def test_the_last_ancestor_in_plan_order_is_heard(mode: Mode):
    dag = AgentDAG()
    for name in "abc":
        dag.add_node(AgentNode(name, lambda name=name: name, output_key="who"))
    dag.add_node(AgentNode("reader", lambda who: who))
    dag.add_edge("a", "b").add_edge("b", "c").add_edge("b", "reader")
    result = mode(dag)
    assert result.node_results["reader"] == "b"
    assert result.final_state == {"who": "c"}


@every_mode
def test_a_reducer_folds_over_the_initial_value_and_the_writes_a_reader_may_see(mode: Mode):
    dag = AgentDAG(reducers={"found": operator.add})
    for name in "ab":
        dag.add_node(AgentNode(name, lambda name=name: [name], output_key="found"))
    dag.add_node(AgentNode("both", lambda found: list(found)))
    dag.add_node(AgentNode("one", lambda found: list(found)))
    dag.add_edge("a", "both").add_edge("b", "both").add_edge("b", "one")
    result = mode(dag, {"found": ["start"]})
    assert result.node_results["both"] == ["start", "a", "b"]
    assert result.node_results["one"] == ["start", "b"]
    assert result.final_state["found"] == ["start", "a", "b"]


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
def test_a_key_whose_writer_was_skipped_takes_the_default_or_fails_by_name(mode: Mode):
    def breaks():
        raise OSError

    dag = AgentDAG().add_node(AgentNode("writer", breaks, on_error="skip", output_key="text"))
    dag.add_node(AgentNode("default", lambda text="none": text))
    dag.add_node(AgentNode("needs", lambda text: text))
    dag.add_edge("writer", "default").add_edge("writer", "needs")
    result = mode(dag)
    assert result.node_results == {"default": "none"}
    assert isinstance(result.errors["needs"], MissingInputError)
    assert "'needs' reads 'text'" in str(result.errors["needs"])


@every_mode
def test_conditions_route_and_a_node_not_routed_is_no_fault(mode: Mode):
    asked: list[str] = []

    async def is_long(seen):
        asked.append("long")
        return len(seen["text"]) > 3

    dag = AgentDAG().add_node(AgentNode("write", lambda: "abcdef", output_key="text"))
    for name in ("long", "short", "after_short", "join"):
        dag.add_node(AgentNode(name, lambda name=name: name))
    dag.add_edge("write", "long", is_long)
    dag.add_edge("write", "short", lambda seen: not seen.has("text"))
    dag.add_edge("short", "after_short").add_edge("after_short", "join").add_edge("long", "join")
    result = mode(dag)
    assert result.status == "success"
    assert set(result.node_results) == {"write", "long", "join"}
    assert result.record.nodes["after_short"].reason == "not routed"
    assert result.record.decisions == {("write", "long"): True, ("write", "short"): False}
    assert asked == ["long"]


@every_mode
def test_trigger_all_wants_every_edge(mode: Mode):
    dag = AgentDAG()
    for name in "ab":
        dag.add_node(AgentNode(name, lambda: 0))
    dag.add_node(AgentNode("every", lambda: 1, trigger="all")).add_node(AgentNode("some", lambda: 1))
    for target in ("every", "some"):
        dag.add_edge("a", target).add_edge("b", target, lambda _: False)
    assert set(mode(dag).node_results) == {"a", "b", "some"}


@every_mode
@pytest.mark.parametrize("on_error", ["fail", "skip", "continue"])
def test_a_condition_that_raises_fails_its_target_by_that_nodes_policy(mode: Mode, on_error):
    def breaks(_):
        raise ZeroDivisionError("in the condition")

    dag = AgentDAG().add_node(AgentNode("a", lambda: 0))
    dag.add_node(AgentNode("b", lambda: 1, on_error=on_error, retry_count=3)).add_edge("a", "b", breaks)
    dag.add_node(AgentNode("c", lambda: 2)).add_edge("b", "c")
    result = mode(dag)
    expected = {"fail": "failed", "skip": "skipped", "continue": "completed"}[on_error]
    assert result.record.nodes["b"].status == expected
    assert result.record.nodes["b"].attempts == 0
    assert isinstance(result.errors["b"], ZeroDivisionError)
    assert ("c" in result.node_results) == (on_error != "fail")


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
def test_a_handed_state_is_read_at_the_start_and_gets_each_output(mode: Mode):
    state = SharedState({"old": 1})
    dag = AgentDAG().add_node(AgentNode("sum", lambda old, new: old + new, output_key="total"))
    mode(dag, {"new": 2}, state=state)
    assert state.to_dict() == {"old": 1, "new": 2, "total": 3}
    assert state.get_entry("total").source == "sum"


@every_mode
def test_context_variables_reach_nodes_and_do_not_leak_between_them(mode: Mode):
    tag: ContextVar[str] = ContextVar("tag", default="unset")
    tag.set("caller")

    def leaves_a_mark():
        before = tag.get()
        tag.set("mine")
        return before

    dag = AgentDAG().add_node(AgentNode("a", leaves_a_mark)).add_node(AgentNode("b", leaves_a_mark))
    assert mode(dag.add_edge("a", "b")).node_results == {"a": "caller", "b": "caller"}
    assert tag.get() == "caller"


@every_mode
def test_events_are_gapless_and_fold_to_the_record(mode: Mode):
    seen = []
    dag = AgentDAG("d").add_node(AgentNode("a", lambda: 1)).add_node(AgentNode("b", async_double))
    dag.add_edge("a", "b", lambda _: True)
    result = mode(dag, {"x": 1}, observers=[seen.append])
    assert [e.seq for e in seen] == list(range(len(seen)))
    assert seen == list(result.events)
    assert {type(e).__name__ for e in seen} >= {
        "RunStarted",
        "NodeStarted",
        "NodeFinished",
        "EdgeDecided",
        "RunFinished",
    }
    assert result.record.status == "success"
    assert result.record.duration_s == result.execution_time_seconds


@every_mode
def test_an_observer_that_raises_is_removed_and_the_run_goes_on(mode: Mode, caplog):
    calls = []

    def breaks(event):
        calls.append(event)
        raise RuntimeError("observer")

    dag = AgentDAG().add_node(AgentNode("a", lambda: 1))
    assert mode(dag, observers=[breaks]).status == "success"
    assert len(calls) == 1
    assert "was removed" in caplog.text


@every_mode
def test_retries_are_counted_and_end_with_success(mode: Mode, monkeypatch):
    monkeypatch.setattr("linus_nb.engine.policy.backoff_s", lambda attempt: 0.001)
    tries = []

    def flaky():
        tries.append(threading.current_thread().name)
        if len(tries) < 3:
            raise ConnectionError
        return "at last"

    result = mode(AgentDAG().add_node(AgentNode("flaky", flaky, retry_count=3)))
    assert result.node_results == {"flaky": "at last"}
    assert result.record.nodes["flaky"].attempts == 3


@every_mode
def test_retry_on_narrows_what_is_tried_again(mode: Mode):
    def breaks():
        raise ValueError

    node = AgentNode("breaks", breaks, retry_count=3, retry_on=(OSError,))
    assert mode(AgentDAG().add_node(node)).record.nodes["breaks"].attempts == 1


def test_a_run_has_its_own_record_and_state_among_many_at_once():
    async def slow(x):
        await asyncio.sleep(1)
        return x * x

    dag = AgentDAG().add_node(AgentNode("square", slow, output_key="squared"))

    async def many():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(dag({"x": x})) for x in range(10)]
        return [t.result().final_state for t in tasks]

    assert run(many()) == [{"x": x, "squared": x * x} for x in range(10)]


@every_mode
def test_an_interrupted_node_is_cancelled_not_abandoned(mode: Mode):
    from linus_nb import last_run

    def interrupts():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mode(AgentDAG().add_node(AgentNode("only", interrupts)))
    node = last_run().record.nodes["only"]
    assert (node.status, node.abandoned, node.reason) == (NodeStatus.CANCELLED, False, "KeyboardInterrupt")


@every_mode
def test_an_interrupt_out_of_a_condition_ends_the_run_and_keeps_what_is_done(mode: Mode):
    from linus_nb import last_run

    def interrupts(_):
        raise KeyboardInterrupt

    dag = AgentDAG().add_node(AgentNode("done", lambda: 1)).add_node(AgentNode("after", lambda: 2))
    with pytest.raises(KeyboardInterrupt):
        mode(dag.add_edge("done", "after", interrupts))
    result = last_run()
    assert result.status == "cancelled"
    assert result.node_results == {"done": 1}
    assert result.record.nodes["after"].status is NodeStatus.SKIPPED


@every_mode
def test_a_reducer_that_raises_at_the_end_loses_nothing(mode: Mode, caplog):
    dag = AgentDAG(reducers={"found": operator.add})
    dag.add_node(AgentNode("number", lambda: 1, output_key="found"))
    dag.add_node(AgentNode("text", lambda: "two", output_key="found"))
    result = mode(dag)
    assert result.node_results == {"number": 1, "text": "two"}
    assert result.final_state["found"] == [1, "two"]
    assert "the reducer of 'found' raised TypeError" in caplog.text


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
