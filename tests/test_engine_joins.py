"""Which edges are live, and which nodes start for it: conditions and triggers, the same in every mode."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus
from tests.modes import Mode, every_mode
from tests.real_time import in_time

pytestmark = pytest.mark.usefixtures("straight_path")


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


def breaks():
    raise ValueError("broke")


# -- triggers against everything that may happen to a source ----------------------------------------------------------

SOURCES = {  # what happens to a source: does it leave a live edge, and is it, or what it hangs on, a failure?
    "completed": (True, False),
    "condition true": (True, False),
    "condition false": (False, False),
    "not routed": (False, False),
    "failed": (False, True),
    "below a failure": (False, True),
    "waved through": (True, False),
    "waved through, condition false": (False, False),
    "continued": (True, False),
}


def add_source(dag: AgentDAG, name: str, what: str, target: str) -> None:
    """Add a node to which ``what`` happens, and its edge to the target."""
    on_error = {"waved through": "skip", "waved through, condition false": "skip", "continued": "continue"}
    errs = what == "failed" or what in on_error
    dag.add_node(AgentNode(name, breaks if errs else lambda: name, on_error=on_error.get(what, "fail")))
    if what in ("not routed", "below a failure"):
        above = f"above {name}"
        dag.add_node(AgentNode(above, breaks if what == "below a failure" else lambda: 0))
        dag.add_edge(above, name, (lambda _: False) if what == "not routed" else None)
    answer = {"condition true": True, "condition false": False, "waved through, condition false": False}
    dag.add_edge(name, target, (lambda _: answer[what]) if what in answer else None)


def expected(trigger: str, sources: list[str]) -> bool:
    """Whether the rule lets a join start, word for word."""
    live = [SOURCES[what][0] for what in sources]
    if trigger == "always":
        return True
    if trigger == "all":
        return all(live)
    return any(live) and not any(SOURCES[what][1] for what in sources)


@every_mode
@pytest.mark.parametrize("trigger", ["any", "all", "always"])
@pytest.mark.parametrize("first", SOURCES)
def test_a_join_starts_by_its_trigger_whatever_became_of_its_sources(mode: Mode, trigger, first):
    for sources in ([first], *([first, second] for second in SOURCES)):
        ran: list[int] = []
        dag = AgentDAG().add_node(AgentNode("join", lambda ran=ran: ran.append(1), trigger=trigger))
        for k, what in enumerate(sources):
            add_source(dag, f"s{k}", what, "join")
        join = mode(dag).record.nodes["join"]
        failed = [k for k, what in enumerate(sources) if SOURCES[what][1]]
        culprits = [f"above s{k}" if sources[k] == "below a failure" else f"s{k}" for k in failed]
        if expected(trigger, sources):
            assert (join.status, len(ran)) == (NodeStatus.COMPLETED, 1), sources
        else:
            assert (join.status, len(ran)) == (NodeStatus.SKIPPED, 0), sources
            reasons = [f"upstream {culprit!r} failed" for culprit in culprits] or ["not routed"]
            assert join.reason in reasons, sources


@every_mode
@pytest.mark.parametrize("trigger", ["any", "all", "always"])
def test_a_root_always_starts(mode: Mode, trigger):
    assert mode(AgentDAG().add_node(AgentNode("root", lambda: 1, trigger=trigger))).node_results == {"root": 1}


@every_mode
def test_a_join_runs_once_after_all_its_sources(mode: Mode):
    ran = []
    dag = AgentDAG().add_node(AgentNode("join", lambda: ran.append("join")))
    for k in range(5):
        dag.add_node(AgentNode(f"s{k}", lambda k=k: ran.append(k))).add_edge(f"s{k}", "join")
    mode(dag)
    assert ran[-1] == "join"
    assert sorted(ran[:-1]) == list(range(5))


@every_mode
def test_always_waits_for_its_sources_to_have_ended(mode: Mode):
    ran = []

    async def slow():
        await asyncio.sleep(0.01)
        ran.append("slow")

    dag = AgentDAG().add_node(AgentNode("breaks", breaks)).add_node(AgentNode("slow", slow))
    dag.add_node(AgentNode("always", lambda: ran.append("always"), trigger="always"))
    dag.add_edge("breaks", "always").add_edge("slow", "always")
    mode(dag)
    assert ran == ["slow", "always"]


# -- conditions -------------------------------------------------------------------------------------------------------


class Asks:
    def __call__(self, seen):
        return seen["x"] == 1


class AsksLater:
    async def __call__(self, seen):
        await asyncio.sleep(0)
        return seen["x"] == 1


def asks(seen):
    return seen["x"] == 1


async def asks_later(seen):
    await asyncio.sleep(0)
    return seen["x"] == 1


CONDITIONS = [asks, asks_later, Asks(), AsksLater(), lambda seen: asks_later(seen), Asks().__call__]


@every_mode
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("x", [1, 2])
def test_a_condition_may_be_sync_or_async_in_every_form(mode: Mode, condition, x):
    dag = AgentDAG().add_node(AgentNode("a", lambda: 0)).add_node(AgentNode("b", lambda: 1))
    result = mode(dag.add_edge("a", "b", condition), {"x": x})
    assert ("b" in result.node_results) == (x == 1)
    assert result.record.decisions == {("a", "b"): x == 1}
    assert result.status == "success"


@every_mode
@pytest.mark.parametrize("answer", [1, "yes", [0], None, 0, "", []], ids=repr)
def test_an_answer_counts_by_its_truth(mode: Mode, answer):
    dag = AgentDAG().add_node(AgentNode("a", lambda: 0)).add_node(AgentNode("b", lambda: 1))
    result = mode(dag.add_edge("a", "b", lambda _: answer))
    assert result.record.decisions == {("a", "b"): bool(answer)}
    assert ("b" in result.node_results) == bool(answer)


@every_mode
def test_a_condition_is_asked_once_when_its_source_ran_and_never_otherwise(mode: Mode):
    asked: Counter[str] = Counter()

    def condition(name, answer=True):
        def counts(_):
            asked[name] += 1
            return answer

        return counts

    dag = AgentDAG()
    for name, policy in {"ran": "fail", "failed": "fail", "waved": "skip", "continued": "continue"}.items():
        dag.add_node(AgentNode(name, (lambda: 0) if name == "ran" else breaks, on_error=policy))
    for name in ("not routed", "below failure"):
        dag.add_node(AgentNode(name, lambda: 0))
    dag.add_edge("ran", "not routed", condition("ran, first edge", answer=False)).add_edge("failed", "below failure")
    dag.add_node(AgentNode("last", lambda: 1, trigger="always"))
    for name in ("ran", "failed", "waved", "continued", "not routed", "below failure"):
        dag.add_edge(name, "last", condition(name))
    result = mode(dag)
    assert asked == {"ran": 1, "ran, first edge": 1, "waved": 1, "continued": 1}
    assert set(result.record.decisions) == {
        ("ran", "not routed"), ("ran", "last"), ("waved", "last"), ("continued", "last")
    }  # fmt: skip
    assert result.node_results["last"] == 1


@every_mode
def test_a_condition_sees_what_its_source_saw_and_wrote_and_nothing_else(mode: Mode):
    seen = []

    def looks(view):
        seen.append(dict(view))
        with pytest.raises(TypeError):
            view["x"] = 1
        return True

    dag = AgentDAG().add_node(AgentNode("above", lambda: "above", output_key="text"))
    dag.add_node(AgentNode("aside", lambda: "aside", output_key="aside"))
    dag.add_node(AgentNode("source", lambda: "own", output_key="text")).add_edge("above", "source")
    dag.add_node(AgentNode("target", lambda: "target", output_key="t")).add_edge("source", "target", looks)
    dag.add_edge("aside", "target")
    assert mode(dag, {"x": 0}).status == "success"
    assert seen == [{"x": 0, "text": "own"}]


@every_mode
@pytest.mark.parametrize("trigger", ["any", "all", "always"])
@pytest.mark.parametrize(
    "error",
    [ValueError("v"), asyncio.CancelledError("c"), StopIteration("s"), KeyError("k")],
    ids=lambda e: type(e).__name__,
)
def test_a_condition_that_raises_is_not_false(mode: Mode, trigger, error):
    def raises(_):
        raise error

    ran = []
    dag = AgentDAG().add_node(AgentNode("a", lambda: 0)).add_node(AgentNode("other", lambda: 0))
    dag.add_node(AgentNode("b", lambda: ran.append(1), trigger=trigger, retry_count=2))
    dag.add_node(AgentNode("c", lambda: 2)).add_edge("b", "c").add_edge("other", "b")
    result = mode(dag.add_edge("a", "b", raises))
    assert not ran
    assert result.status == "failed"
    assert result.errors == {"b": error}
    assert result.record.decisions == {("a", "b"): error}
    assert (result.record.nodes["b"].status, result.record.nodes["b"].attempts) == (NodeStatus.FAILED, 0)
    assert result.record.nodes["c"].reason == "upstream 'b' failed"


@every_mode
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning")
def test_any_interrupt_out_of_any_condition_is_raised_from_the_run(mode: Mode, interrupt, is_async):
    from linus_nb import last_run

    def sync(_):
        raise interrupt

    async def later(_):
        raise interrupt

    dag = AgentDAG().add_node(AgentNode("done", lambda: 1)).add_node(AgentNode("after", lambda: 2, trigger="always"))
    dag.add_edge("done", "after", later if is_async else sync)
    with pytest.raises(interrupt):
        in_time(lambda: mode(dag))
    assert last_run().status == "cancelled"
    assert last_run().node_results == {"done": 1}
    assert last_run().record.nodes["after"].reason == "cancelled"


@every_mode
def test_a_route_taken_or_not_is_told_per_edge_in_the_events(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("a", lambda: 0))
    for name in "bc":
        dag.add_node(AgentNode(name, lambda: 0))
    result = mode(dag.add_edge("a", "b", lambda _: True).add_edge("a", "c", lambda _: False))
    told = [(e.source, e.target, e.live, e.error) for e in result.events if type(e).__name__ == "EdgeDecided"]
    assert told == [("a", "b", True, None), ("a", "c", False, None)]
