"""Agents with everything in them that can be cut short or disagree, for the tests of their drivers."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from linus_nb import Agent, last_response
from linus_nb.agent.memory import Memory
from linus_nb.agent.response import AgentResponse
from linus_nb.engine.record import walk
from linus_nb.testing import ScriptedModel
from linus_nb.testing.replies import ToolCalls
from linus_nb.tools import Tool, adapt, tool
from tests.virtual_time import CountingLoop

STRATEGIES = ["reasoning", "tools"]
LATENCY_S = 0.1
PATIENCE_S = 1000.0  # virtual seconds in which nothing more must happen


# -- models ----------------------------------------------------------------------------------------------------------


def planner(*tasks: tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], list[int]], final: str = "final"):
    """Return a scripted reply for either strategy: these tasks (a tool, its arguments, what it depends on), then words.

    The replies depend on what is asked only, so that tasks which run at the same time cannot change them.
    """

    def reply(messages: list[Any], schema: dict[str, Any] | None, tools: list[Any]) -> Any:
        if tools:
            told = [message for message in messages if message.type == "tool"]
            return final if told else ToolCalls([(task[0], task[1]) for task in tasks])
        if schema is None:
            return final
        if "tasks" in schema["properties"]:
            return {"tasks": [_task(*task) for task in tasks]}
        if "complete" in schema["properties"]:
            return {"complete": "yes", "missing": ""}
        asked = messages[-1].text
        given = [arguments for name, arguments, *_ in tasks if _described(name, arguments) in asked]
        return given[0] if given else tasks[0][1]

    return reply


def _task(name: str, arguments: dict[str, Any], needs: list[int] | None = None) -> dict[str, Any]:
    return {"tool": name, "description": _described(name, arguments), "depends_on": needs or []}


def _described(name: str, arguments: dict[str, Any]) -> str:
    return f"{name} with {arguments}"


# -- a run that is cut short -----------------------------------------------------------------------------------------


@dataclass
class Deeds:
    """What tools and the person who is asked did, in order: what, "began", "ended" or "cancelled", and when."""

    told: list[tuple[str, str, float]] = field(default_factory=list)
    in_threads: list[str] = field(default_factory=list)
    flaky: int = 0

    def tell(self, what: str, how: str) -> None:
        self.told.append((what, how, asyncio.get_running_loop().time()))

    async def pause(self, what: str, seconds: float) -> None:
        self.tell(what, "began")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.tell(what, "cancelled")
            raise
        self.tell(what, "ended")

    def tools(self) -> list[Tool]:
        async def waits(x: str) -> str:
            """Wait."""
            await self.pause("waits", 0.2)
            return x.upper()

        async def flaky(x: str) -> str:
            """Fail twice."""
            self.flaky += 1
            await self.pause("flaky", 0.05)
            if self.flaky < 3:
                raise ConnectionError("not yet")
            return x.upper()

        async def breaks(x: str) -> str:
            """Break."""
            await self.pause("breaks", 0.1)
            raise ValueError("broken")

        def blocks(x: str) -> str:
            """Block."""
            self.in_threads.append("blocks")
            return x.upper()

        return [
            tool(waits, timeout_seconds=5),
            tool(flaky, retry_count=3),
            adapt(breaks),
            adapt(blocks),
        ]

    async def approve(self, name: str, arguments: Any) -> bool:
        await self.pause(f"approve {name}", 0.1)
        return True


TASKS = (("waits", {"x": "a"}), ("flaky", {"x": "b"}), ("breaks", {"x": "c"}), ("blocks", {"x": "d"}))


@dataclass
class Case:
    """A run of one agent that does all of that, on a loop of its own that can be disturbed before each callback."""

    strategy: str
    streamed: bool = False
    deeds: Deeds = field(default_factory=Deeds)
    memory: Memory = field(default_factory=lambda: Memory(token_budget=64, recent_turns=1))
    model: ScriptedModel = field(init=False)
    task: asyncio.Task[Any] | None = field(init=False, default=None)
    asked_at: list[float] = field(init=False, default_factory=list)  # when each model call began
    cancelled_at: float | None = field(init=False, default=None)
    raised: BaseException | None = field(init=False, default=None)
    response: AgentResponse | None = field(init=False, default=None)
    kept: AgentResponse | None = field(init=False, default=None)
    turns_before: int = field(init=False, default=0)
    calls_at_end: int = field(init=False, default=0)
    deeds_at_end: int = field(init=False, default=0)
    turns_at_end: int = field(init=False, default=0)
    callbacks: int = field(init=False, default=0)
    left: list[str] = field(init=False, default_factory=list)
    complaints: list[Any] = field(init=False, default_factory=list)
    seen: list[Any] = field(init=False, default_factory=list)

    def cancel(self) -> None:
        if self.task is not None and not self.task.done():
            self.task.cancel()
            self.cancelled_at = self.cancelled_at or asyncio.get_running_loop().time()

    async def _go(self, agent: Agent) -> None:
        try:
            if self.streamed:
                async for event in agent.stream("Do it all"):
                    self.seen.append(event)
                self.response = self.seen[-1].response
            else:
                self.response = await agent.arun("Do it all")
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit) as error:
            self.raised = error

    async def _main(self, agent: Agent) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        self.task = asyncio.create_task(self._go(agent))
        await asyncio.wait([self.task])
        self.callbacks = loop.count
        loop.before = None
        self.kept = last_response()
        self.calls_at_end, self.deeds_at_end = len(self.model.calls), len(self.deeds.told)
        self.turns_at_end = len(self.memory)
        await asyncio.sleep(PATIENCE_S)
        self.left = [t.get_name() for t in asyncio.all_tasks() if t is not asyncio.current_task()]

    def play(self, before: Callable[[int], None] | None = None) -> None:
        """Run the agent; ``before`` is called before each callback of the loop."""
        for number in range(3):  # so that the next turn has something to summarise
            self.memory.add(f"question {number} " + "long " * 20, "answer " * 20)
        self.turns_before = len(self.memory)
        reply = planner(*TASKS)

        def noted(messages: Any, schema: Any, tools: Any) -> Any:
            self.asked_at.append(asyncio.get_running_loop().time())
            return reply(messages, schema, tools)

        self.model = ScriptedModel(noted, usage=(3, 4), latency_s=LATENCY_S)
        agent = Agent(
            self.deeds.tools(), llm=self.model, strategy=self.strategy, approve=self.deeds.approve, memory=self.memory,
            max_iterations=2,
        )  # fmt: skip
        loops: list[CountingLoop] = []

        def factory() -> CountingLoop:
            loops.append(CountingLoop(before))
            return loops[0]

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._main(agent))
        self.complaints = loops[0].complaints


# -- many runs at once ------------------------------------------------------------------------------------------------


def number_in(messages) -> str:
    """Return the number of the run that asks; each question has its own, and no other run's may stand in a prompt."""
    own = [message for message in messages if "run " in message.text and message.type == "human"]
    numbers = set(re.findall(r"run (\d+)", " ".join(message.text for message in own)))
    assert len(numbers) == 1, numbers
    return numbers.pop()


def planned_by_number(messages, schema, tools):
    """Return a model's reply to the run whose number its question has."""
    if tools:
        number = number_in(messages)
        told = [message.content for message in messages if message.type == "tool"]
        if told:
            assert told == [f"slow {number}", f"blocking {number}"], told
            return f"run {number} answers"
        return ToolCalls([("slow", {"run": f"run {number}"}), ("blocking", {"run": f"run {number}"})])
    number = number_in(messages)
    if schema is None:
        return f"run {number} answers"
    if "tasks" in schema["properties"]:
        return {
            "tasks": [
                {"tool": "slow", "description": f"slow for run {number}", "depends_on": []},
                {"tool": "blocking", "description": f"blocking for run {number}", "depends_on": []},
            ]
        }
    if "complete" in schema["properties"]:
        return {"complete": "yes", "missing": ""}
    return {"run": f"run {number}"}


async def slow(run: str) -> str:
    """Take its time."""
    await asyncio.sleep(random.Random(run).random())
    return f"slow {run.removeprefix('run ')}"


def blocking(run: str) -> str:
    """Block a thread."""
    return f"blocking {run.removeprefix('run ')}"


def shared(strategy: str, **options: Any) -> tuple[Agent, ScriptedModel]:
    """Return an agent for many runs at once, and its model; its questions are ``run 1``, ``run 2``…"""
    model = ScriptedModel(planned_by_number, usage=(3, 4), latency_s=0.3)
    return Agent([slow, blocking], llm=model, strategy=strategy, **options), model


def calls_of(strategy: str) -> int:
    """Return how many model calls such a run makes."""
    return {"reasoning": 5, "tools": 2}[strategy]


def is_its_own(response: AgentResponse, number: int, strategy: str) -> None:
    """Assert that nothing of another run is in a response."""
    assert response.result == f"run {number} answers"
    assert [step.result for step in response.execution_history] == [f"slow {number}", f"blocking {number}"]
    metrics = response.metrics
    assert (metrics.llm_calls, metrics.total_tokens) == (calls_of(strategy), 7 * calls_of(strategy))
    assert (metrics.tool_executions, metrics.successful_tool_calls, metrics.failed_tool_calls) == (2, 2, 0)
    assert len(response.plans) == 1
    steps = [step.record.result for step in walk(response.plans[0].record)]
    assert [step.result for step in steps] == [f"slow {number}", f"blocking {number}"]
