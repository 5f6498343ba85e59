"""An agent that is cut short at each of its moments in turn: nothing goes on, and what was done is kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, last_response
from linus_nb.testing import ScriptedModel
from linus_nb.tools import tool
from tests.agent_cases import LATENCY_S, STRATEGIES, Case, Deeds, planner
from tests.virtual_time import CountingLoop

THOROUGH = "LINUS_NB_EXAMPLES" in os.environ  # as in test_engine_cancellation: every moment

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
plain_and_streamed = pytest.mark.parametrize("streamed", [False, True], ids=["awaited", "streamed"])


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.02)


@cache
def undisturbed(strategy: str, streamed: bool) -> Case:
    """Return the same run, left in peace."""
    case = Case(strategy, streamed)
    case.play()
    assert case.response is not None
    assert case.response.result.startswith("final")
    assert is_clean(case) is None
    return case


def moments(strategy: str, streamed: bool, step: int) -> Iterator[int]:
    """Yield the number of each callback of the run, and a few more; without THOROUGH only some of them."""
    last = undisturbed(strategy, streamed).callbacks + 5
    return iter(range(1, last, 1 if THOROUGH else step))


def at(moment: int, do: Callable[[], object]) -> Callable[[int], None]:
    def before(count: int) -> None:
        if count == moment:
            do()

    return before


def is_clean(case: Case) -> None:
    """Assert that the run is over: nothing goes on, everything that began has ended or was told to."""
    assert case.left == []
    assert case.complaints == []
    assert len(case.model.calls) == case.calls_at_end
    assert len(case.deeds.told) == case.deeds_at_end
    counts = Counter(how for _, how, _ in case.deeds.told)
    assert counts["began"] == counts["ended"] + counts["cancelled"]


def is_kept(case: Case) -> None:
    """Assert that what was done is kept: every call of a tool or the model that had ended by then, and no other."""
    kept = case.kept
    if kept is None or not case.model.calls:  # it was cancelled before it began: the last run is another
        return
    steps = Counter(step.tool for step in kept.execution_history if step.status == "completed")
    ended = [(what, at) for what, how, at in case.deeds.told if how == "ended"]
    assert before_and_after(steps["waits"], [at for what, at in ended if what == "waits"], case)
    assert steps["blocks"] <= len(case.deeds.in_threads)
    assert before_and_after(kept.metrics.llm_calls, [at + LATENCY_S for at in case.asked_at], case)
    assert kept.metrics.total_tokens == 7 * kept.metrics.llm_calls
    assert kept.metrics.tool_executions == sum(step.tool is not None for step in kept.execution_history)
    assert str(kept)


def before_and_after(counted: int, ends: list[float], case: Case) -> bool:
    """Return whether all that ended before the cancellation was counted; what ended in the same moment may be."""
    if case.cancelled_at is None:
        return counted == len(ends)
    soon, late = case.cancelled_at - 1e-6, case.cancelled_at + 1e-6
    return sum(end < soon for end in ends) <= counted <= sum(end < late for end in ends)


def is_remembered_rightly(case: Case) -> None:
    """Assert that a turn is kept exactly where there was an answer."""
    new = len(case.memory) - case.turns_before
    assert new in (0, 1)
    if new:
        assert case.memory.turns[-1].answer.startswith("final")
        assert case.kept is not None
        assert case.kept.result.startswith("final")  # the answer is there, though nobody got it
    else:
        assert case.response is None


@every_strategy
@plain_and_streamed
def test_a_cancellation_at_every_moment_leaves_nothing_behind_and_keeps_what_was_done(strategy, streamed):
    cancelled = 0
    for moment in moments(strategy, streamed, step=7 if strategy == "reasoning" else 3):
        case = Case(strategy, streamed)
        case.play(at(moment, lambda case=case: case.cancel()))
        is_clean(case)
        is_kept(case)
        is_remembered_rightly(case)
        assert (case.raised is None) == (case.response is not None) or not case.model.calls
        cancelled += case.raised is not None
    assert cancelled > 5


@every_strategy
def test_a_second_cancellation_shortly_after_the_first_leaves_nothing_behind(strategy):
    for moment in moments(strategy, False, step=13 if strategy == "reasoning" else 7):
        case = Case(strategy)

        def twice(count, case=case, both=(moment, moment + 1 + moment % 4)):
            if count in both:
                case.cancel()

        case.play(twice)
        is_clean(case)
        is_remembered_rightly(case)


# -- Stop, as it comes to a blocking run -----------------------------------------------------------------------------


class Stopping:
    """Something that a blocking run waits for, and an interrupt that comes while it does."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.told: list[str] = []

    def interrupt_soon(self) -> threading.Thread:
        def interrupt() -> None:
            assert self.began.wait(10)
            time.sleep(0.05)  # so that it waits indeed; a moment too early would only be less of a test
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        return thread

    def block(self, x: str = "") -> str:
        """Block."""
        self.began.set()
        self.go_on.wait(10)
        self.told.append("ended")
        return x

    async def wait(self, x: str = "") -> str:
        """Wait."""
        self.began.set()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            self.told.append("cancelled")
            raise
        return x


def stopped(place: str, strategy: str, ask: Callable[[Agent], object]) -> tuple[Stopping, float]:
    """Interrupt an agent that waits in some place; return what was told, and the seconds until it had ended."""
    stopping = Stopping()

    def first(x: str) -> str:
        """Be quick."""
        return x.upper()

    def fails(x: str) -> str:
        """Fail, to be tried again later."""
        stopping.began.set()
        raise ConnectionError("not yet")

    def approve(name: str, _: object) -> bool:
        return bool(stopping.block("yes")) if name == "last" else True

    async def aapprove(name: str, _: object) -> bool:
        return bool(await stopping.wait("yes")) if name == "last" else True

    last = {
        "a sync tool": stopping.block,
        "a sync tool with a time limit": stopping.block,
        "an async tool": stopping.wait,
        "an async tool with a time limit": stopping.wait,
        "backoff": fails,
    }.get(place, first)
    options = {"a question to a person": {"approve": approve}, "an async question": {"approve": aapprove}}.get(
        place, {}
    )
    limits = {"timeout_seconds": 60} if place.endswith("limit") else {"retry_count": 3} if place == "backoff" else {}
    reply = planner(("first", {"x": "a"}), ("last", {"x": "b"}))

    def said(messages, schema, tools):
        is_last = messages[-1].type == "tool" if tools else schema is None or "complete" in schema["properties"]
        if place == "a model" and is_last:
            stopping.block()
        return reply(messages, schema, tools)

    made = tool(last, name="last", **limits)
    agent = Agent([first, made], llm=ScriptedModel(said), strategy=strategy, **options)
    thread = stopping.interrupt_soon()
    ended = 0.0
    try:
        ask(agent)
    except KeyboardInterrupt:
        ended = time.perf_counter()
    finally:
        stopping.began.set()
        with contextlib.suppress(KeyboardInterrupt):  # it must not hit the test session, if the run ended too soon
            thread.join()
    assert ended, "it ended by itself"
    stopping.go_on.set()
    return stopping, ended


WAYS: dict[str, Callable[[Agent], object]] = {
    "run": lambda agent: agent.run("Do it"),
    "arun": lambda agent: asyncio.run(agent.arun("Do it")),
}
PLACES = [
    "a sync tool", "a sync tool with a time limit", "an async tool", "an async tool with a time limit", "backoff",
    "a question to a person", "an async question", "a model",
]  # fmt: skip


@every_strategy
@pytest.mark.parametrize(
    ("way", "place"),
    [
        (way, place) for way in WAYS for place in PLACES if (way, place) != ("arun", "a model")
    ],  # it would block the loop
)
def test_stop_ends_a_run_wherever_it_waits_and_what_was_done_is_kept(place, strategy, way, monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 10.0)
    began = time.perf_counter()
    stopping, ended = stopped(place, strategy, WAYS[way])
    assert ended - began < 5
    kept = last_response()
    assert kept is not None
    assert kept.completion_status == "stopped before there was an answer"
    done = [(step.tool, step.result) for step in kept.execution_history]
    assert done[:1] == [("first", "A")]
    assert kept.metrics.successful_tool_calls == len(done)
    if place.startswith("an async"):
        for _ in range(100):  # on the background loop, where it is told without being waited for
            if stopping.told:
                break
            time.sleep(0.01)
        assert stopping.told == ["cancelled"]


# -- as a node -------------------------------------------------------------------------------------------------------


@every_strategy
def test_a_graph_that_is_cancelled_at_any_moment_tells_its_agents(strategy):
    statuses = Counter[str]()
    last = 300 if strategy == "reasoning" else 130
    for moment in range(1, last, 1 if THOROUGH else last // 17):
        deeds, loops, runs = Deeds(), [], []
        model = ScriptedModel(
            planner(("waits", {"x": "a"}), ("flaky", {"x": "b"}), ("blocks", {"x": "d"})), latency_s=0.1
        )
        agent = Agent(deeds.tools(), llm=model, strategy=strategy, max_iterations=2)
        dag = AgentDAG().add_node(AgentNode("one", agent, input_mapping={"q": "q"}, output_key="one"))
        dag.add_node(AgentNode("two", agent, input_mapping={"q": "one"}, retry_count=2)).add_edge("one", "two")

        async def main(dag=dag, runs=runs, deeds=deeds, model=model):
            runs.append(dag.start({"q": "Do it"}))
            result = await runs[0]
            before = len(deeds.told), len(model.calls)
            await asyncio.sleep(1000)
            assert before == (len(deeds.told), len(model.calls))
            assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
            return result

        def factory(loops=loops, runs=runs, moment=moment):
            loops.append(CountingLoop(at(moment, lambda: runs and runs[0].cancel())))
            return loops[0]

        with asyncio.Runner(loop_factory=factory) as runner:
            result = runner.run(main())
        assert loops[0].complaints == []
        statuses[result.status] += 1
        counts = Counter(how for _, how, _ in deeds.told)
        assert counts["began"] == counts["ended"] + counts["cancelled"]
        if result.status == "cancelled":
            assert not any(node.abandoned for node in result.record.nodes.values())
    assert statuses["cancelled"] > 3
    assert set(statuses) <= {"cancelled", "success"}
