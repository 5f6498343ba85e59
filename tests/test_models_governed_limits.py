"""Limits that many share, held to what a server received; and what a run tells of the waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, JsonLines, load_run
from linus_nb.engine.record import walk
from linus_nb.events import ModelCalled, ModelWaited, ModelWaits, WaitReported
from linus_nb.models import Limits, governed, real_models_allowed
from tests.asked_models import chat
from tests.misbehaving import Dropped, Later, Limited, MisbehavingServer, Reply, Status

WINDOW_S = 2.0  # instead of a minute
ON_THE_WAY_S = 0.5  # a request may arrive so much later than it was let go, on a busy machine


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real clients, which talk to the loopback only; pauses between tries are short."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.02)
    with real_models_allowed():
        yield


async def waiting(limits: Limits, count: int) -> None:
    """Wait until so many calls wait."""
    while limits.waiting < count:  # noqa: ASYNC110  the limits tell nobody who comes
        await asyncio.sleep(0.001)


async def all_of(llm: Any, texts: list[str]) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(llm.ainvoke(text)) for text in texts]
    return [task.result().text for task in tasks]


def test_no_more_are_open_than_may_be_whoever_asks() -> None:
    """Threads, loops in threads, agents and nodes share one limit."""
    limits = Limits(max_concurrency=5)
    with MisbehavingServer(Later(0.03)) as server:
        llm = governed(chat(server), limits=limits)
        agent = Agent(name="asks", llm=llm, strategy="tools")
        dag = AgentDAG("asks")
        for k in range(10):
            dag.node(lambda k=k: llm.invoke(f"node {k}").text, name=f"node {k}", input_mapping={})
        with ThreadPoolExecutor(4) as pool:
            done: list[Future[Any]] = [
                pool.submit(lambda: [llm.invoke(f"thread {k}") for k in range(10)]),
                pool.submit(lambda: asyncio.run(all_of(llm, [f"loop {k}" for k in range(10)]))),
                pool.submit(lambda: [agent.run(f"agent {k}") for k in range(5)]),
                pool.submit(lambda: asyncio.run(DAGExecutor(dag).aexecute(parallel=True))),
            ]
            for future in done:
                future.result(30)
        assert len(server.counted) == 35
        assert server.counted.sent_twice() == {}
        assert server.counted.peak == 5
    assert (limits.in_flight, limits.waiting) == (0, 0)


def test_no_window_holds_more_requests_than_may_be_and_little_less() -> None:
    limits = Limits(requests_per_minute=20, _window_s=WINDOW_S)
    with MisbehavingServer() as server:
        llm = governed(chat(server), limits=limits)
        asyncio.run(all_of(llm, [f"question {k}" for k in range(50)]))
        assert len(server.counted) == 50
        assert server.counted.sent_twice() == {}
        assert server.counted.most_requests_in(WINDOW_S - ON_THE_WAY_S) <= 20


def test_no_window_holds_more_tokens_than_may_be_though_the_estimate_was_wrong() -> None:
    limits = Limits(tokens_per_minute=1000, _window_s=WINDOW_S)
    with MisbehavingServer(Later(0.05, Reply("ok", usage=(50, 50)))) as server:
        llm = governed(chat(server), limits=limits)  # 200 tokens of a reply are expected at first
        asyncio.run(all_of(llm, [f"question {k}" for k in range(20)]))
        assert server.counted.most_tokens_in(WINDOW_S - ON_THE_WAY_S) <= 1000


def test_who_keeps_the_providers_limits_is_never_refused() -> None:
    limits = Limits(requests_per_minute=20, max_concurrency=4, _window_s=WINDOW_S)
    with MisbehavingServer(Limited(requests=20, at_once=4, per_s=WINDOW_S - ON_THE_WAY_S)) as server:
        llm = governed(chat(server), limits=limits, retries=0)
        asyncio.run(all_of(llm, [f"question {k}" for k in range(50)]))
        assert {request.status for request in server.counted.requests} == {200}


def test_a_refusal_makes_all_wait_as_long_as_the_provider_says() -> None:
    refuse = threading.Event()
    refuse.set()

    def script(request: Any) -> Any:
        if request.number == 4 and refuse.is_set():
            refuse.clear()
            return Status(429, retry_after=0.5)
        return Later(0.02)

    with MisbehavingServer(script) as server:
        llm = governed(chat(server), limits=Limits(max_concurrency=3))
        asyncio.run(all_of(llm, [f"question {k}" for k in range(20)]))
        (refused,) = (request for request in server.counted.requests if request.status == 429)
        assert refused.ended_s is not None
        # those that were under way when it was refused are not called back
        later = [r.at_s - refused.ended_s for r in server.counted.requests if r.at_s > refused.ended_s + 0.05]
        assert min(later) >= 0.44
        assert len(server.counted) == 21
        assert server.counted.sent_twice() == {refused.asked: 2}


def test_who_does_not_know_the_limits_finds_them_and_gets_all_through() -> None:
    with MisbehavingServer(Limited(Later(0.01), at_once=3)) as server:
        llm = governed(chat(server), limits=Limits(max_concurrency=50), retries=20)
        asyncio.run(all_of(llm, [f"question {k}" for k in range(60)]))
        statuses = [request.status for request in server.counted.requests]
        assert statuses.count(200) == 60
        half = len(statuses) // 2
        assert statuses[half:].count(429) < statuses[:half].count(429)  # it learned


def test_a_quota_that_is_said_to_be_used_up_is_waited_for() -> None:
    empty = Reply(headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "500ms"})
    with MisbehavingServer([empty, Reply()]) as server:
        llm = governed(chat(server), limits=Limits(max_concurrency=1))
        asyncio.run(all_of(llm, ["a", "b"]))
        one, other = server.counted.requests
        assert other.at_s - one.at_s >= 0.45


def test_priorities_of_nodes_are_those_of_their_calls() -> None:
    limits = Limits(max_concurrency=1)
    arrived = {5: 1, 1: 2}  # how many wait when a node of that priority asks
    with MisbehavingServer(Later(0.3)) as server:
        llm = governed(chat(server), limits=limits)

        async def ask(name: str, priority: int) -> str:
            if priority:
                await waiting(limits, arrived[priority])
            return str((await llm.ainvoke(name)).text)

        dag = AgentDAG("asks")
        for k, priority in enumerate([0, 0, 5, 1]):
            values = {"name": f"node {k}", "priority": priority}
            dag.node(lambda values=values: ask(**values), name=f"node {k}", priority=priority, input_mapping={})
        asyncio.run(DAGExecutor(dag).aexecute(parallel=True))
        first, *others = [request.asked for request in server.counted.requests]
        assert first in ("node 0", "node 1")
        assert others == ["node 2", "node 3", "node 1" if first == "node 0" else "node 0"]


# -- what is told of it -----------------------------------------------------------------------------------------------


def test_waits_and_tries_and_who_stood_in_are_in_the_record(tmp_path: Any) -> None:
    def script(request: Any) -> Any:
        lost = request.asked == "a" and request.body["model"] == "first"
        return Dropped() if lost else Later(0.1, Reply(usage=(7, 3)))

    with MisbehavingServer(script) as server:
        limits = Limits(max_concurrency=1)
        llm = governed(chat(server, "first"), limits=limits, retries=1, fallbacks=[chat(server, "second")])
        agent = Agent(name="asks", llm=llm, strategy="tools")
        events: list[Any] = []
        dag = AgentDAG("asks").add_node(AgentNode("one", lambda: llm.invoke("a").text))
        dag.add_node(AgentNode("two", agent, input_mapping={"text": "question"}))
        result = asyncio.run(
            DAGExecutor(dag, observers=[events.append, JsonLines(tmp_path / "run.jsonl")]).aexecute(
                {"question": "b"}, parallel=True
            )
        )
    assert result.status == "success"
    for record in (result.record, load_run(tmp_path / "run.jsonl").record):
        calls = [call for step in walk(record) for _, call in step.record.calls if isinstance(call, ModelCalled)]
        waits = [wait for step in walk(record) for wait in step.record.waits]
        failed = [call for call in calls if call.error is not None]
        assert [(call.model, call.attempt, call.instead_of) for call in failed] == [
            ("first", 1, ""),
            ("first", 2, ""),
        ]
        good = [call for call in calls if call.error is None]
        assert {(call.total, call.served_from) for call in map(_Totals, good)} == {(10, "model")}
        assert sorted((call.model, call.instead_of) for call in good) == [("first", ""), ("second", "first")]
        assert {wait.reason for wait in waits} == {"limit", "retry"}
        assert all(wait.end_s is not None and wait.end_s >= wait.start_s for wait in waits)
        retry = next(wait for wait in waits if wait.reason == "retry")
        assert retry.model == "first"
        assert retry.error is not None
        assert sum(call.waited_s for call in calls) == pytest.approx(
            sum((wait.end_s or 0.0) - wait.start_s for wait in waits), abs=0.05
        )
    told = [event.wait for event in events if isinstance(event, WaitReported)]
    begun = [wait.number for wait in told if isinstance(wait, ModelWaits)]
    assert sorted(begun) == sorted(wait.number for wait in told if isinstance(wait, ModelWaited))
    assert len(set(begun)) == len(begun)


class _Totals:
    def __init__(self, call: ModelCalled) -> None:
        self.total = call.input_tokens + call.output_tokens
        self.served_from = call.served_from


def test_the_duration_of_a_call_is_that_of_its_own_try() -> None:
    with MisbehavingServer([Later(0.2, Status(500)), Reply()]) as server:
        llm = governed(chat(server))
        dag = AgentDAG("asks").add_node(AgentNode("one", lambda: llm.invoke("a").text))
        result = DAGExecutor(dag).execute()
        (_, one), (_, other) = result.record.nodes["one"].calls
        assert isinstance(one, ModelCalled)
        assert isinstance(other, ModelCalled)
        assert one.duration_s >= 0.2 > other.duration_s
        assert (one.attempt, other.attempt) == (1, 2)
        assert other.waited_s == pytest.approx(0.02, abs=0.01)


def test_a_wait_that_is_stopped_ends_with_its_node() -> None:
    limits = Limits(max_concurrency=1)
    with MisbehavingServer(Later(5)) as server, limits.hold():
        llm = governed(chat(server), limits=limits)

        async def main() -> Any:
            run = AgentDAG("asks").add_node(AgentNode("one", lambda: llm.ainvoke("a"))).start()
            await waiting(limits, 1)
            began = time.monotonic()
            run.cancel()
            result = await run
            assert time.monotonic() - began < 1
            return result

        result = asyncio.run(main())
        assert limits.waiting == 0
        assert result.status == "cancelled"
        (wait,) = result.record.nodes["one"].waits
        assert wait.reason == "limit"
        assert len(server.counted) == 0
