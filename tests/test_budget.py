"""Budgets: what starts, what does not, and what is kept, in every mode and however the limit was reached."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, Budget, DAGExecutor, last_response, last_run, load_run
from linus_nb import events as ev
from linus_nb.engine.record import walk
from linus_nb.errors import BudgetError, ItemsFailedError, RunFailedError
from linus_nb.testing import ScriptedModel
from tests.real_time import in_time

MODES = ["execute", "sequential", "levels", "dataflow"]
every_mode = pytest.mark.parametrize("mode", MODES)


def run_in(mode: str, dag: AgentDAG, budget: Budget, state: dict[str, Any] | None = None, **options: Any) -> Any:
    executor = DAGExecutor(dag, budget=budget, **options)
    if mode == "execute":
        return in_time(lambda: executor.execute(state), 20)
    return in_time(lambda: asyncio.run(executor.aexecute(state, schedule=mode)), 20)  # type: ignore[arg-type]  # one of them


def chain(length: int, *, tokens: int = 100, cost: float | None = 0.0, asynchronous: bool = False) -> AgentDAG:
    """Nodes one after another, each of which makes one model call."""
    dag = AgentDAG("chain")

    def spend() -> int:
        ev.report(ev.ModelCalled("m", 0.0, tokens, 0, cost=cost))
        return 1

    async def aspend() -> int:
        await asyncio.sleep(0)
        return spend()

    for k in range(length):
        dag.add_node(AgentNode(f"n{k}", aspend if asynchronous else spend))
        if k:
            dag.add_edge(f"n{k - 1}", f"n{k}")
    return dag


def ran(result: Any) -> list[str]:
    return list(result.node_results)


# -- what is reached, and how -----------------------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("budget", "count", "why"),
    [
        (Budget(tokens=250), 3, "300 of 250 tokens are spent"),
        (Budget(tokens=300), 3, "300 of 300 tokens are spent"),
        (Budget(calls=2), 2, "2 of 2 model calls are made"),
        (Budget(cost=0.02), 2, "$0.02 of $0.02 are spent"),
        (Budget(tokens=10_000, calls=4), 4, "4 of 4 model calls are made"),
    ],
    ids=str,
)
def test_at_a_limit_nothing_more_starts_and_what_is_done_is_kept(mode, asynchronous, budget, count, why):
    dag = chain(6, cost=0.01, asynchronous=asynchronous)
    result = run_in(mode, dag, budget)
    assert ran(result) == [f"n{k}" for k in range(count)]
    assert result.status == "partial"
    assert (result.completed_nodes, result.skipped_nodes) == (count, 6 - count)
    record = result.record
    assert record.reason == why
    assert {node.reason for node in record.nodes.values() if node.status == "skipped"} == {f"budget: {why}"}
    loaded = load_run(result.to_jsonl()).record
    assert (loaded.reason, loaded.status) == (why, "partial")
    assert result.raise_for_failure() is result


@every_mode
def test_a_run_that_just_keeps_to_its_budget_is_a_success(mode):
    result = run_in(mode, chain(3), Budget(tokens=300))
    assert (result.status, result.skipped_nodes) == ("success", 0)


@every_mode
def test_a_run_within_its_budget_is_as_without_one(mode):
    result = run_in(mode, chain(3), Budget(tokens=301, calls=4, cost=1, seconds=60))
    assert (result.status, result.completed_nodes, result.record.reason) == ("success", 3, "")


@every_mode
def test_a_model_whose_price_nobody_knows_ends_a_run_that_has_a_price(mode):
    result = run_in(mode, chain(3, cost=None), Budget(cost=1))
    assert ran(result) == ["n0"]
    assert "no price is known for 'm', so that cost=1 cannot be kept to" in result.record.reason


@pytest.mark.parametrize("mode", ["sequential", "levels", "dataflow"])
def test_time_that_is_over_lets_what_runs_finish(mode):
    dag = AgentDAG("slow")

    async def slow() -> int:
        await asyncio.sleep(0.4)
        return 1

    dag.add_node(AgentNode("a", slow)).add_node(AgentNode("b", slow)).add_edge("a", "b")
    result = run_in(mode, dag, Budget(seconds=0.1))
    assert ran(result) == ["a"]
    assert result.record.reason == "0.100 s are over"
    spent = next(event for event in result.events if isinstance(event, ev.BudgetSpent))
    assert 0.09 < spent.at < 0.35  # it is said when it happens, not when the node has ended


def test_time_that_is_over_is_seen_by_a_blocking_run_between_its_nodes():
    dag = AgentDAG("slow").add_node(AgentNode("a", lambda: time.sleep(0.2)))
    dag.add_node(AgentNode("b", lambda: 1)).add_edge("a", "b")
    result = run_in("execute", dag, Budget(seconds=0.1))
    assert (ran(result), result.record.reason) == (["a"], "0.100 s are over")


@every_mode
def test_a_budget_that_stops_ends_what_runs_and_keeps_what_is_done(mode):
    dag = AgentDAG("slow")

    async def slow() -> int:
        await asyncio.sleep(30)
        return 1

    dag.add_node(AgentNode("quick", lambda: 1)).add_node(AgentNode("slow", slow)).add_edge("quick", "slow")
    began = time.monotonic()
    result = run_in(mode, dag, Budget(seconds=0.3, on_limit="stop"))
    assert time.monotonic() - began < 5
    assert (ran(result), result.status) == (["quick"], "cancelled")
    assert result.record.reason == "budget: 0.300 s are over"
    assert result.record.nodes["slow"].reason == "budget: 0.300 s are over"


@pytest.mark.parametrize("mode", ["levels", "dataflow"])
def test_tokens_that_are_spent_stop_what_runs_beside_where_that_is_wished(mode):
    dag = AgentDAG("beside")

    async def slow() -> int:
        await asyncio.sleep(30)
        return 1

    def spend() -> int:
        ev.report(ev.ModelCalled("m", 0.0, 100, 0, cost=0.0))
        return 1

    dag.add_node(AgentNode("slow", slow)).add_node(AgentNode("spends", spend))
    result = run_in(mode, dag, Budget(tokens=50, on_limit="stop"))
    assert result.status == "cancelled"
    assert result.record.nodes["slow"].status == "cancelled"
    assert "100 of 50 tokens" in result.record.reason


# -- nodes of other kinds ---------------------------------------------------------------------------------------------


def mapped(on_error: str = "fail") -> AgentDAG:
    def spend(item: int) -> int:
        ev.report(ev.ModelCalled("m", 0.0, 100, 0, cost=0.0))
        return item

    dag = AgentDAG("mapped")
    dag.node(spend, name="each", map_over="items", map_item="item", map_concurrency=1, on_error=on_error)
    return dag


@every_mode
@pytest.mark.parametrize("bounded", [False, True])
def test_items_that_have_not_begun_do_not_begin(mode, bounded):
    options = {"max_concurrency": 2} if bounded else {}
    result = run_in(mode, mapped(), Budget(tokens=300), {"items": list(range(8))}, **options)
    node = result.record.nodes["each"]
    assert [item.result for item in node.items if item.status == "completed"] == [0, 1, 2]
    assert [str(item.status) for item in node.items[3:]] == ["skipped"] * 5
    assert node.status == "failed"
    assert isinstance(node.error, BudgetError)
    assert "3 of 8 items of 'each' ran" in str(node.error)


@every_mode
@pytest.mark.parametrize(("on_error", "kept"), [("continue", [0, 1, 2, *[None] * 5]), ("skip", [0, 1, 2])])
def test_items_that_did_not_run_are_left_out_as_failed_ones_are(mode, on_error, kept):
    result = run_in(mode, mapped(on_error), Budget(tokens=300), {"items": list(range(8))})
    assert result.node_results["each"] == kept
    assert isinstance(result.errors["each"], BudgetError)


@every_mode
def test_items_that_failed_say_so_whatever_the_budget(mode):
    def breaks(item: int) -> int:
        ev.report(ev.ModelCalled("m", 0.0, 100, 0, cost=0.0))
        raise LookupError(item)

    dag = AgentDAG("mapped")
    dag.node(breaks, name="each", map_over="items", map_item="item", map_concurrency=1)
    result = run_in(mode, dag, Budget(tokens=300), {"items": list(range(8))})
    assert isinstance(result.errors["each"], ItemsFailedError)


@every_mode
def test_a_graph_inside_spends_what_the_run_around_it_has(mode):
    outer = AgentDAG("outer").add_node(AgentNode("inner", chain(4)))
    outer.add_node(AgentNode("after", lambda: 1)).add_edge("inner", "after")
    result = run_in(mode, outer, Budget(tokens=150))
    steps = {step.path: str(step.record.status) for step in walk(result.record)}
    assert steps == {
        "inner": "failed",
        "inner/n0": "completed",
        "inner/n1": "completed",
        "inner/n2": "skipped",
        "inner/n3": "skipped",
        "after": "skipped",
    }
    assert isinstance(result.errors["inner"], BudgetError)
    with pytest.raises(RunFailedError, match="200 of 150 tokens are spent"):
        result.raise_for_failure()


@every_mode
def test_a_refusal_is_not_tried_again_by_its_node(mode):
    attempts = []

    def refused() -> None:
        attempts.append(1)
        raise BudgetError("all is spent")

    dag = AgentDAG("refused").add_node(AgentNode("n", refused, retry_count=3))
    run_in(mode, dag, Budget(tokens=1))
    assert len(attempts) == 1


@every_mode
def test_a_model_that_a_function_asks_is_refused_once_nothing_is_left(mode, caplog):
    llm = ScriptedModel(["one", "two", "three"], usage=(60, 40))

    def asks() -> list[str]:
        return [llm.invoke("hello").text for _ in range(3)]

    result = run_in(mode, AgentDAG("asks").add_node(AgentNode("n", asks)), Budget(tokens=150))
    assert isinstance(result.errors["n"], BudgetError)
    assert len(result.record.nodes["n"].calls) == 2
    assert not caplog.records


@pytest.mark.parametrize("at_once", [2, 8])
def test_no_more_calls_are_made_than_may_be_however_many_ask_at_once(at_once):
    llm = ScriptedModel(lambda *_: "ok", latency_s=0.02)
    dag = AgentDAG("many")
    for k in range(at_once):
        dag.add_node(AgentNode(f"n{k}", lambda: llm.ainvoke("hello"), on_error="skip"))
    for _ in range(3):
        result = run_in("levels", dag, Budget(calls=at_once // 2))
        made = [call for step in walk(result.record) for _, call in step.record.calls]
        assert len(made) == at_once // 2


# -- agents -----------------------------------------------------------------------------------------------------------


def look(city: str) -> str:
    """Return the weather of a city."""
    return f"sunny in {city}"


def tool_agent(budget: Budget, llm: Any = None) -> Agent:
    replies = [
        '{"tasks": [{"description": "look at Rome", "tool": "look"}]}',
        '{"city": "Rome"}',
        "yes",
        "It is sunny.",
    ]
    return Agent([look], llm=llm or ScriptedModel(replies, usage=(60, 40)), budget=budget)


def asked(agent: Agent, way: str) -> Any:
    return agent.run("What is the weather?") if way == "run" else asyncio.run(agent.arun("What is the weather?"))


both_ways = pytest.mark.parametrize("way", ["run", "arun"])


@both_ways
def test_an_agent_that_is_out_of_its_budget_gives_what_it_has_and_says_so(way):
    response = asked(tool_agent(Budget(calls=2)), way)
    assert str(response).startswith("sunny in Rome")
    assert "2 of 2 model calls are made" in response.completion_status
    assert not response.metrics.task_completed
    assert response.metrics.llm_calls == 2
    assert last_response() is response


@both_ways
def test_an_agent_that_has_nothing_yet_raises_and_what_it_did_is_kept(way):
    with pytest.raises(BudgetError, match="100 of 50 tokens are spent"):
        asked(tool_agent(Budget(tokens=50)), way)
    kept = last_response()
    assert kept is not None
    assert kept.metrics.llm_calls == 1


@both_ways
def test_an_agent_within_its_budget_is_as_without_one(way):
    response = asked(tool_agent(Budget(calls=20, tokens=10_000, seconds=60)), way)
    assert response.metrics.task_completed


@both_ways
def test_each_run_of_an_agent_has_the_whole_budget(way):
    llm = ScriptedModel(lambda *_: "Hello!", usage=(60, 40))
    agent = Agent(llm=llm, budget=Budget(calls=1))
    for _ in range(3):
        assert str(asked(agent, way)) == "Hello!"


def test_an_agents_model_call_is_ended_when_its_time_is_over_where_that_is_wished():
    agent = tool_agent(Budget(seconds=0.3, on_limit="stop"), ScriptedModel(lambda *_: "ok", latency_s=20))
    began = time.monotonic()
    with pytest.raises(BudgetError, match="s are over"):
        asked(agent, "arun")
    assert time.monotonic() - began < 5


@every_mode
def test_the_budget_of_a_run_is_also_that_of_its_agents(mode):
    dag = AgentDAG("asks").add_node(AgentNode("ask", tool_agent(Budget(calls=50)), input_mapping={"text": "question"}))
    result = run_in(mode, dag, Budget(calls=2), {"question": "What is the weather?"})
    assert "sunny in Rome" in str(result.node_results["ask"])
    assert len([call for _, call in result.record.nodes["ask"].calls if isinstance(call, ev.ModelCalled)]) == 2


def test_what_an_agent_spends_on_its_own_budget_is_heard_by_the_run_around_it():
    dag = AgentDAG("asks").add_node(AgentNode("ask", tool_agent(Budget(calls=50)), input_mapping={"text": "question"}))
    result = DAGExecutor(dag).execute({"question": "What is the weather?"})
    assert len([call for _, call in result.record.nodes["ask"].calls if isinstance(call, ev.ModelCalled)]) == 4


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"tokens": 0}, {"tokens": 1.5}, {"tokens": True}, {"cost": -1}, {"cost": "1"}, {"seconds": float("inf")}],
    ids=str,
)
def test_a_budget_that_makes_no_sense_is_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=rf"Budget\({name}={value!r}\): give a (whole )?number above 0"):
        Budget(**wrong)


def test_a_budget_of_nothing_and_one_in_the_wrong_place_are_refused():
    with pytest.raises(ValueError, match="limits nothing"):
        Budget()
    with pytest.raises(ValueError, match="choose 'finish' or 'stop'"):
        Budget(calls=1, on_limit="explode")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"budget is a int; give Budget\(tokens="):
        DAGExecutor(AgentDAG("x"), budget=5)  # type: ignore[arg-type]  # likewise
    with pytest.raises(TypeError, match="budget is a dict"):
        Agent(budget={"tokens": 5})  # type: ignore[arg-type]  # likewise


def test_the_last_run_is_the_one_that_was_out_of_its_budget():
    run_in("levels", chain(3), Budget(calls=1))
    found = last_run()
    assert found is not None
    assert found.status == "partial"


def test_calls_of_threads_are_counted_without_loss():
    def spend() -> None:
        for _ in range(200):
            ev.report(ev.ModelCalled("m", 0.0, 1, 0, cost=0.0))

    dag = AgentDAG("threads")
    for k in range(8):
        dag.add_node(AgentNode(f"n{k}", spend))
    executor = DAGExecutor(dag, budget=Budget(tokens=10_000))
    asyncio.run(executor.aexecute())
    assert executor._last is not None
    assert executor._last.spending is not None
    assert executor._last.spending.tokens == 1600
    assert threading.active_count() < 100
