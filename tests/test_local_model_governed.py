"""The real embedded model behind limits, retries and a cache."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from linus_nb import Agent, AgentDAG, Budget, DAGExecutor
from linus_nb.engine.record import walk
from linus_nb.errors import BudgetError, ModelTimeoutError
from linus_nb.events import ModelCalled
from linus_nb.models import Limits, ResponseCache, governed

pytestmark = pytest.mark.local_model


def test_many_share_it_from_loops_threads_agents_and_graphs(real_model: Any) -> None:
    limits = Limits(max_concurrency=2, tokens_per_minute=100_000)
    llm = governed(real_model, limits=limits)
    short = llm.bind(max_tokens=4)

    async def many() -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(short.ainvoke(f"Count to {k}.")) for k in range(3)]
        return [task.result().text for task in tasks]

    with ThreadPoolExecutor(3) as pool:
        loops = [pool.submit(lambda: asyncio.run(many())) for _ in range(2)]
        blocking = pool.submit(lambda: [short.invoke("Say hello.").text])
        said = [text for future in [*loops, blocking] for text in future.result(120)]
    assert len(said) == 7
    assert all(said)
    assert (limits.in_flight, limits.waiting) == (0, 0)
    dag = AgentDAG("two")
    for name in ("one", "other"):
        dag.node(Agent(llm=llm), name=name, input_mapping={"text": "question"})
    result = asyncio.run(DAGExecutor(dag).aexecute({"question": "Say hello."}))
    assert result.status == "success"
    calls = [call for step in walk(result.record) for _, call in step.record.calls if isinstance(call, ModelCalled)]
    assert {call.model for call in calls} == {"SmolLM2-135M-Instruct.Q4_1"}
    assert {call.cost for call in calls} == {0.0}
    assert not any(call.estimated for call in calls)


def test_a_reply_is_found_again_and_streams_are_governed_too(real_model: Any) -> None:
    llm = governed(real_model, cache=ResponseCache(), idle_timeout_s=60, timeout_s=120)
    first = Agent(llm=llm).run("Name a colour.")
    again = Agent(llm=llm).run("Name a colour.")
    assert str(first) == str(again)
    assert (first.metrics.cached_replies, again.metrics.cached_replies) == (0, again.metrics.llm_calls)
    assert again.metrics.total_tokens == 0
    bound = llm.bind(max_tokens=12)
    pieces = [chunk.text for chunk in bound.stream("Count to five.")]
    assert len(pieces) > 3
    assert "".join(chunk.text for chunk in bound.stream("Count to five.")) == "".join(pieces)


def test_it_is_given_up_when_it_takes_too_long_and_answers_the_next(real_model: Any) -> None:
    hasty = governed(real_model, timeout_s=0.05, retries=0)
    with pytest.raises(ModelTimeoutError, match=r"gave no whole reply within 0.05 s"):
        asyncio.run(hasty.ainvoke("Tell a long story about the sea.", max_tokens=200))
    assert governed(real_model).bind(max_tokens=4).invoke("Say hello.").text


def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sunny in {city}"


def test_a_budget_ends_what_it_may_spend(real_model: Any) -> None:
    with pytest.raises(BudgetError, match=r"of 1 token are spent"):
        Agent([weather], llm=real_model, budget=Budget(tokens=1)).run("What is the weather?")
