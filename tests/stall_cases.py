"""What an agent does on a loop, in cases that might keep the loop from running; each is an async function.

Whatever a person's own cell does (making agents, tools, models) comes before the case is watched: a case returns the
coroutine function that is watched. Imports stand in the cases, so that a fresh interpreter shows what a first use
loads.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.loop_monitor import LONGEST_S, watching

Watched = Callable[[], Awaitable[Any]]
CASES: dict[str, Callable[[], Watched]] = {}
MEGABYTE = 1_000_000


def case(make: Callable[[], Watched]) -> Callable[[], Watched]:
    CASES[make.__name__] = make
    return make


def scripted(tool: str = "", arguments: Any = None, rounds: int = 1, final: str = "final", **options: Any) -> Any:
    """Return a model that calls one tool in each of some rounds, in either strategy, and then answers."""
    from linus_nb.testing import ScriptedModel
    from linus_nb.testing.replies import ToolCalls

    checks = iter(range(rounds))

    def reply(messages: list[Any], schema: Any, tools: list[Any]) -> Any:
        if tools:
            turns = sum(message.type == "tool" for message in messages)
            return ToolCalls([(tool, arguments or {})]) if turns < rounds else final
        if schema is None:
            return final
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": tool, "description": "do it", "depends_on": []}]}
        if "complete" in schema["properties"]:
            return {"complete": "yes" if next(checks, rounds) >= rounds - 1 else "no", "missing": "more"}
        return arguments or {}

    return ScriptedModel(reply, usage=(3, 4), **options)


def asked(agent: Any, question: Any = "What is it?") -> Watched:
    return lambda: agent.arun(question)


# -- first uses ------------------------------------------------------------------------------------------------------


@case
def first_answer() -> Watched:
    from linus_nb import Agent

    return asked(Agent(llm=scripted()))


@case
def first_plan() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    return asked(Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"})))


@case
def first_turns() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    return asked(Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"}), strategy="tools"))


@case
def first_clock() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import clock

    return asked(Agent([clock], llm=scripted("clock", {"timezone": "Europe/Berlin"})))


@case
def first_file() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import read_file

    folder = Path(tempfile.mkdtemp())
    (folder / "big.txt").write_text("line\n" * 100_000)
    return asked(Agent([read_file(folder)], llm=scripted("read_file", {"path": "big.txt"})))


@case
def first_fetch() -> Watched:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    from linus_nb import Agent
    from linus_nb.tools import http_fetch

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain")
            self.end_headers()
            self.wfile.write(b"hello " * 20_000)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/page"
    return asked(Agent([http_fetch(["127.0.0.1"])], llm=scripted("http_fetch", {"url": url})))


@case
def first_price() -> Watched:
    from linus_nb import Agent

    return asked(Agent(llm=scripted(provider="openai", model="gpt-4o")))


@case
def first_memory() -> Watched:
    from linus_nb import Agent
    from linus_nb.agent.memory import Memory

    return asked(Agent(llm=scripted(), memory=Memory(path=Path(tempfile.mkdtemp()) / "memory.db")))


@case
def first_stream() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    agent = Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"}))

    async def stream() -> None:
        async for _ in agent.stream("What is it?"):
            pass

    return stream


@case
def first_typed_answer() -> Watched:
    from pydantic import BaseModel

    from linus_nb import Agent
    from linus_nb.testing import ScriptedModel

    class Report(BaseModel):
        title: str

    return asked(Agent(llm=ScriptedModel([{"title": "T"}] * 2), output_schema=Report))


@case
def first_graph() -> Watched:
    from linus_nb import Agent, AgentDAG, AgentNode
    from linus_nb.tools import calculator

    agent = Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"}))
    dag = AgentDAG().add_node(AgentNode("ask", agent, input_mapping={"task": "q"}))

    async def graph() -> Any:
        result = await dag({"q": "What is it?"})
        assert result.status == "success", result.errors
        return result

    return graph


@case
def first_runnable() -> Watched:
    from linus_nb import Agent

    runnable = Agent(llm=scripted()).as_runnable()
    return lambda: runnable.ainvoke("What is it?")


@case
def first_question_to_a_person() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    def approve(name: str, arguments: Any) -> bool:
        time.sleep(0.2)
        return True

    return asked(Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"}), approve=approve))


@case
def first_tool_error_and_broken_replies() -> Watched:
    from linus_nb import Agent
    from linus_nb.testing import ScriptedModel
    from linus_nb.tools import calculator

    plan = {"tasks": [{"tool": "calculator", "description": "d", "depends_on": []}]}
    replies = ["I would use it.", f"```json\n{json.dumps(plan)}\n```", "nothing", "1 / 0", *["{'a': }", "x"] * 8]
    return asked(Agent([calculator], llm=ScriptedModel(replies), max_iterations=2))


# -- what is slow ----------------------------------------------------------------------------------------------------


@case
def slow_model_without_an_awaiting_way() -> Watched:
    from langchain_core.language_models import FakeListChatModel

    from linus_nb import Agent

    return asked(Agent(llm=FakeListChatModel(responses=["final"], sleep=0.3)))


@case
def slow_streaming_model_without_an_awaiting_way() -> Watched:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

    from linus_nb import Agent
    from linus_nb.models.guard import real_models_allowed

    class Slow(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "slow"

        def _generate(self, messages: Any, *_: Any, **__: Any) -> ChatResult:
            time.sleep(0.3)
            return ChatResult(generations=[ChatGeneration(message=AIMessage("final"))])

        def _stream(self, messages: Any, *_: Any, **__: Any) -> Any:
            for piece in ("fi", "nal"):
                time.sleep(0.2)
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

    agent = Agent(llm=Slow())

    async def stream() -> None:
        with real_models_allowed():  # real in that it is of a class of its own
            async for _ in agent.stream("What is it?"):
                pass

    return stream


@case
def slow_model() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    return asked(Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"}, latency_s=0.1)))


@case
def slow_tool() -> Watched:
    from linus_nb import Agent

    def slow() -> str:
        """Sleep."""
        time.sleep(0.3)
        return "done"

    return asked(Agent([slow], llm=scripted("slow")))


@case
def slow_langchain_tool() -> Watched:
    from langchain_core.tools import tool

    from linus_nb import Agent

    @tool
    def slow() -> str:
        """Sleep."""
        time.sleep(0.3)
        return "done"

    return asked(Agent([slow], llm=scripted("slow"), strategy="tools"))


@case
def slow_default_model() -> Watched:
    """Choosing a default model may start a server."""
    import linus_nb.models
    from linus_nb import Agent

    def default_model() -> Any:
        time.sleep(0.3)
        return scripted()

    linus_nb.models.default_model = default_model
    return asked(Agent())


# -- memory ----------------------------------------------------------------------------------------------------------


def filled(turns: int, path: Path | None, **options: Any) -> Any:
    from linus_nb.agent.memory import Memory

    memory = Memory(path=path, **options)
    words = ["colour", "teal", "bicycle", "Oslo", "Monday", "train", "budget", "report", "garden", "river"]
    turn = {"question": "", "answer": "", "at": "2026-01-01T00:00:00+00:00"}
    exported = json.loads(memory.export())
    for number in range(turns):
        text = " ".join(words[(number + k * 3) % 10] for k in range(40))
        exported["turns"].append(turn | {"question": f"question {number} {text}", "answer": text})
    memory.import_(json.dumps(exported))
    return memory


@case
def memory_of_20_000_turns() -> Watched:
    from linus_nb import Agent

    memory = filled(20_000, Path(tempfile.mkdtemp()) / "memory.db")
    return asked(
        Agent(llm=scripted(), memory=memory), "Which colour is my bicycle in Oslo, and when does the train go?"
    )


@case
def memory_of_20_000_turns_without_a_file() -> Watched:
    from linus_nb import Agent

    return asked(Agent(llm=scripted(), memory=filled(20_000, None)), "Which colour is my bicycle in Oslo?")


@case
def memory_that_is_summarised_by_a_slow_model() -> Watched:
    from linus_nb import Agent

    agent = Agent(llm=scripted(latency_s=0.1), memory=filled(200, None, token_budget=100, recent_turns=2))

    async def three() -> None:
        for number in range(3):
            await agent(f"question {number}")

    return three


@case
def memory_in_a_file_that_somebody_else_holds() -> Watched:
    import sqlite3

    from linus_nb import Agent

    path = Path(tempfile.mkdtemp()) / "memory.db"
    agent = Agent(llm=scripted(), memory=filled(20, path))

    def hold() -> None:
        there = sqlite3.connect(path)
        there.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(0.5)
        there.rollback()
        there.close()

    held = threading.Event()

    async def while_held() -> None:
        threading.Thread(target=hold, daemon=True).start()
        await asyncio.to_thread(held.wait)
        await agent("Which colour?")

    return while_held


# -- in an interpreter of its own ------------------------------------------------------------------------------------


def all_cases() -> dict[str, Callable[[], Watched]]:
    """Return the cases, also those of the other module."""
    importlib.import_module("tests.stall_sizes")
    return CASES


async def watched(name: str, longest_lock_s: float = LONGEST_S) -> list[str]:
    """Run a case and return the stalls that are too long, and ours."""
    work = all_cases()[name]()
    async with watching() as monitor:
        await work()
    return monitor.too_long(longest_lock_s=longest_lock_s)


def main(name: str, longest_lock_s: float) -> None:
    """Run one case and write what was seen."""
    print(json.dumps(asyncio.run(watched(name, longest_lock_s))))  # noqa: T201  read by the test
