"""Random runs against servers that misbehave at random, and what must hold of each, whatever came of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Any

from linus_nb import Agent, AgentDAG, AgentNode, Budget, DAGExecutor, ExecutionResult
from linus_nb.engine.record import walk
from linus_nb.errors import ModelTimeoutError
from linus_nb.events import ModelCalled, NodeStatus
from linus_nb.models import Limits, ResponseCache, governed
from tests.asked_models import chat
from tests.misbehaving import Cut, Drip, Dropped, ErrorInside, Later, MisbehavingServer, Page, Reply, Silent, Status
from tests.misbehaving.counted import Received

GOOD = Reply("all is well", usage=(20, 10))
TROUBLE = [
    Status(429),
    Status(429, retry_after_ms=20),
    Status(500),
    Status(503),
    Status(400),
    Dropped(),
    Dropped(reset=True),
    Cut(GOOD),
    Cut(GOOD, after=2, then="reset"),
    Cut(GOOD, then="end"),
    ErrorInside(GOOD),
    Page(b"<html>busy</html>"),
    Page(b""),
    Reply(""),
    Reply("x", headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}),
    Later(0.02, GOOD),
    Drip(GOOD, 0.002),
]
ENDLESS = [Silent(), Cut(GOOD, then="silence"), Cut(GOOD, after=3, then="silence"), Later(5, GOOD)]


def script(seed: int, trouble: float) -> Any:
    """Return a script that spoils this share of the answers; blocking questions are never left without an end."""

    def answer(request: Received) -> Any:
        chance = random.Random(f"{seed}, {request.number}")
        if chance.random() >= trouble:
            return Later(chance.uniform(0, 0.02), GOOD)
        return chance.choice(TROUBLE if "blocking" in request.asked else TROUBLE + ENDLESS)

    return answer


def graph(chance: random.Random, llm: Any) -> AgentDAG:
    """Return a random graph of functions and agents that ask, in all ways."""
    dag = AgentDAG("campaign")

    def node(k: int) -> Any:
        question = f"question {chance.randrange(12)}"

        async def awaited() -> str:
            return str((await llm.ainvoke(question)).text)

        async def streamed() -> str:
            return "".join([chunk.text async for chunk in llm.astream(question)])

        def blocking() -> str:
            return str(llm.invoke(f"{question}, blocking").text)

        def blocking_stream() -> str:
            return "".join(chunk.text for chunk in llm.stream(f"{question}, blocking"))

        return chance.choice([awaited, streamed, blocking, blocking_stream, Agent(llm=llm, name=f"agent {k}")])

    for k in range(12):
        held = node(k)
        wants = {"input_mapping": {"text": "topic"}} if isinstance(held, Agent) else {}
        dag.add_node(AgentNode(f"n{k}", held, on_error=chance.choice(["fail", "skip"]), priority=k % 3, **wants))
        if k and chance.random() < 0.5:
            dag.add_edge(f"n{chance.randrange(k)}", f"n{k}")
    return dag


def campaign(seed: int) -> Counter[str]:
    """Make one run, hold it to what must be so, and return what it came to."""
    chance = random.Random(seed)
    limits = Limits(max_concurrency=chance.choice([1, 3, 6]))
    cache = chance.choice([None, ResponseCache()])
    with (
        MisbehavingServer(script(seed, chance.choice([0.1, 0.4])), most_s=60) as first,
        MisbehavingServer(script(-seed - 1, 0.1), most_s=60) as second,
    ):
        others = [chat(second, "second")] if chance.random() < 0.5 else []
        llm = governed(
            chat(first, "first"),
            limits=limits,
            retries=2,
            timeout_s=0.4,
            idle_timeout_s=0.3,
            fallbacks=others,
            cache=cache,
        )
        budget = chance.choice([None, None, Budget(calls=10), Budget(tokens=150, on_limit="stop"), Budget(seconds=0.2)])
        executor = DAGExecutor(graph(chance, llm), budget=budget)
        result = asyncio.run(_run(executor, chance))
        hold(result, limits)
        requests = [*first.counted.requests, *second.counted.requests]
        blocked = [request for request in requests if "blocking" in request.asked]
        if result.status != "cancelled":
            tries = [call for call in calls_of(result) if call.served_from == "model"]
            # nothing was sent unseen
            assert len(requests) <= len(tries), (sorted(request.asked for request in requests), tries)
            if cache is None:  # of the same question at once, the error of one is that of all
                unsent = [call for call in tries if isinstance(call.error, ModelTimeoutError)]  # some of them, at most
                assert len(requests) >= len(tries) - len(unsent), (sorted(r.asked for r in requests), tries)
        # a blocking call that took too long goes on in its thread, and has given its place back
        assert max(first.counted.peak, second.counted.peak) <= limits.max_concurrency + len(blocked)
        for server in (first, second):
            server.counted.wait_until(lambda counted: not [r for r in counted.open if "blocking" not in r.asked])
    return Counter([result.status, *(str(node.status) for node in result.record.nodes.values())])


async def _run(executor: DAGExecutor, chance: random.Random) -> ExecutionResult:
    run = executor.start({"topic": "topic"}, chance.choice(["levels", "dataflow", "sequential"]))
    if chance.random() < 0.3:
        asyncio.get_running_loop().call_later(chance.uniform(0, 0.5), run.cancel)
    async with asyncio.timeout(40):
        return await run


def calls_of(result: ExecutionResult) -> list[ModelCalled]:
    """Return the model calls of a run."""
    return [call for step in walk(result.record) for _, call in step.record.calls if isinstance(call, ModelCalled)]


def hold(result: ExecutionResult, limits: Limits) -> None:
    """Fail if a run left anything undone, or a place taken."""
    assert all(node.status.final for node in result.record.nodes.values())
    for node in result.record.nodes.values():
        if node.status is NodeStatus.COMPLETED and node.error is None:
            assert node.result is not None
    for call in calls_of(result):
        assert call.waited_s >= 0
        assert call.attempt <= 3
    for _ in range(200):  # blocking calls that were given up come back by and by
        if not limits.in_flight and not limits.waiting:
            return
        time.sleep(0.05)
    raise AssertionError(f"{limits.in_flight} places are still taken, {limits.waiting} calls still wait")
