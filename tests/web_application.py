"""A web application around one shared agent and a graph of agents, and uvicorn to serve it from the test's process.

``python -m uvicorn --factory tests.web_application:alone`` serves it by itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import PrivateAttr

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.agent.stream import Answered
from linus_nb.errors import RunFailedError
from linus_nb.events import TokenDelta
from linus_nb.testing import ScriptedModel

PATIENCE_S = 30.0  # a test that waits longer for what it is about has failed

SNIPPETS = """
app = FastAPI()
agent = Agent(tools=tools)

@app.post("/agent/query")
async def query_agent(query: str):
    # Non-blocking endpoint
    result = await agent.arun(query, return_metrics=True)
    return {"result": result.result}

@app.post("/dag/execute")
async def execute_dag():
    executor = DAGExecutor(dag)
    # Parallel execution
    result = await executor.aexecute(parallel=True)
    return {"status": result.status}

@app.post("/agent/background")
async def background_task(query: str, background_tasks: BackgroundTasks):
    # Run in background
    background_tasks.add_task(agent.arun, query)
    return {"status": "processing"}
"""
"""The seed's own, as they stand; only the imports are made for them."""

visitor: ContextVar[str] = ContextVar("visitor", default="nobody")


class HeldModel(ScriptedModel):
    """A scripted model whose calls wait until the test opens it, so that "at the same time" needs no clock.

    A stream waits after its first chunk. ``at_work`` calls wait at this moment; ``stopped`` were cancelled.
    """

    _changed: Any = PrivateAttr(default_factory=threading.Condition)
    _opened: Any = PrivateAttr(default_factory=Future)
    _at_work: int = PrivateAttr(default=0)
    _stopped: int = PrivateAttr(default=0)

    def open(self) -> None:
        """Let all calls go on, those to come, too."""
        self._opened.set_result(None)

    def wait_for(self, at_work: int = 0, stopped: int = 0) -> None:
        """Block until so many calls wait, and so many were stopped."""
        wanted = (at_work, stopped)
        with self._changed:
            arrived = self._changed.wait_for(lambda: (self._at_work, self._stopped) == wanted, PATIENCE_S)
        assert arrived, f"wanted {wanted} calls at work and stopped; there are {(self._at_work, self._stopped)}"

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._count(at_work=1)
        try:
            yield
        except asyncio.CancelledError:
            self._count(stopped=1)
            raise
        finally:
            self._count(at_work=-1)

    def _count(self, at_work: int = 0, stopped: int = 0) -> None:
        with self._changed:
            self._at_work += at_work
            self._stopped += stopped
            self._changed.notify_all()

    async def _wait(self) -> None:
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._opened)), PATIENCE_S)

    def _generate(self, *args: Any, **options: Any) -> Any:
        with self._counted():
            self._opened.result(PATIENCE_S)
        return super()._generate(*args, **options)

    async def _agenerate(self, *args: Any, **options: Any) -> Any:
        with self._counted():
            await self._wait()
        return await super()._agenerate(*args, **options)

    async def _astream(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        chunks = super()._astream(*args, **options)
        yield await anext(chunks)
        with self._counted():
            await self._wait()
        async for chunk in chunks:
            yield chunk


# -- an agent whose every run is another -----------------------------------------------------------------------------


def shout(text: str) -> str:
    """Say it loudly, and for whom.

    Args:
        text: What to say.
    """
    return f"{text.upper()} for {visitor.get()}"


def steps_of(number: int) -> int:
    """Return how many tasks the question of that number takes."""
    return number % 3 + 1


def reply(messages: list[Any], schema: Any) -> Any:
    """Answer "number 7 ..." by a plan of one to three tasks, their arguments, a check and an answer that names it."""
    asked = messages[-1].text
    number = int(re.findall(r"number (\d+)", asked)[-1])
    if number == 13:
        raise ConnectionError("the model is out of luck")
    if schema is None:
        return f"that was number {number}"
    if "tasks" in schema["properties"]:
        task = {"tool": "shout", "description": f"shout number {number}", "depends_on": []}
        return {"tasks": [task] * steps_of(number)}
    return {"text": f"number {number}"} if "text" in schema["properties"] else {"complete": "yes", "missing": ""}


def held_model() -> HeldModel:
    return HeldModel(reply, usage=(10, 3))


def graph_of(agent: Agent) -> AgentDAG:
    """One of two agents is asked, as a condition says; a node that fails costs its own branch alone."""
    dag = AgentDAG("web").add_node(AgentNode("begin", lambda: "number 1 of the graph", output_key="question"))
    for name in ("left", "right"):
        dag.add_node(AgentNode(name, agent, input_mapping={"task": "question"}, output_key=name))
    dag.add_node(AgentNode("breaks", lambda left: 1 / 0, on_error="skip"))
    dag.add_node(AgentNode("end", lambda left: f"<{left}>", output_key="end"))
    dag.add_edge("begin", "left", lambda state: "number" in state["question"])
    dag.add_edge("begin", "right", lambda state: "number" not in state["question"])
    return dag.add_edge("left", "breaks").add_edge("left", "end")


# -- the application -------------------------------------------------------------------------------------------------


def snippets_app(tools: list[Any], dag: AgentDAG) -> FastAPI:
    """Return the application that the seed's snippets make."""
    names: dict[str, Any] = {
        "FastAPI": FastAPI,
        "BackgroundTasks": BackgroundTasks,
        "Agent": Agent,
        "DAGExecutor": DAGExecutor,
        "tools": tools,
        "dag": dag,
    }
    exec(compile(SNIPPETS, "the seed's FastAPI snippets", "exec"), names)
    return _with_health(names["app"])


def app_of(agent: Agent, dag: AgentDAG) -> FastAPI:
    """Return an application with what else one would do with an agent."""
    app = _with_health(FastAPI())

    @app.middleware("http")
    async def know_the_visitor(request: Any, call_next: Any) -> Any:
        visitor.set(request.headers.get("x-visitor", "nobody"))
        return await call_next(request)

    @app.post("/agent/whole")
    async def whole(query: str) -> dict[str, Any]:
        return (await agent.arun(query)).to_dict()

    @app.post("/agent/sync")
    def in_the_threadpool(query: str) -> dict[str, Any]:
        return agent.run(query).to_dict()

    @app.post("/agent/stream")
    async def stream(query: str) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            async for event in agent.stream(query):
                if isinstance(event, TokenDelta):
                    yield json.dumps({"delta": event.text}) + "\n"
                elif isinstance(event, Answered):
                    yield json.dumps(event.response.to_dict()) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.post("/dag/whole")
    async def whole_graph() -> dict[str, Any]:
        return (await DAGExecutor(dag).aexecute(schedule="dataflow")).to_dict()

    @app.post("/dag/sync")
    def graph_in_the_threadpool() -> dict[str, Any]:
        return DAGExecutor(dag).execute().to_dict()

    @app.post("/dag/strict")
    async def strict_graph(limit: int) -> dict[str, Any]:
        def divide(by: int) -> float:
            return 1 / by

        strict = AgentDAG("strict").add_node(AgentNode("divide", divide, output_key="share"))
        try:
            return (await DAGExecutor(strict).aexecute({"by": limit})).raise_for_failure().final_state
        except RunFailedError as error:
            return {"error": str(error)}

    return app


def _with_health(app: FastAPI) -> FastAPI:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def alone() -> FastAPI:
    """Return the snippets' application for a server of its own; its model waits for a line on the standard input."""
    import linus_nb.models

    model = held_model()
    linus_nb.models.default_model = lambda: model  # type: ignore[assignment]  # as no real one can be had
    app = snippets_app([shout], graph_of(Agent([shout], llm=model)))

    def open_when_told() -> None:
        if sys.stdin.readline():  # nothing at all means that nobody is there any more
            model.open()

    threading.Thread(target=open_when_told, daemon=True).start()

    @app.get("/at_work")
    def at_work(calls: int) -> None:
        model.wait_for(calls)

    return app


# -- the server ------------------------------------------------------------------------------------------------------


class Served:
    """A server in a thread of this process. ``errors`` are what it logged as such, ``complaints`` what its loop did."""

    def __init__(self, app: FastAPI, **options: Any) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", **options))
        self.errors: list[str] = []
        self.complaints: list[str] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        def complain(_: asyncio.AbstractEventLoop, facts: dict[str, Any]) -> None:
            self.complaints.append(f"{facts['message']}: {facts.get('exception')!r}")

        asyncio.get_running_loop().set_exception_handler(complain)
        await self.server.serve(sockets=[self.socket])

    def client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(base_url=self.url, limits=limits, timeout=2 * PATIENCE_S, trust_env=False)

    def stop(self) -> None:
        """End the server as Ctrl-C does: it takes no more requests, and waits for those that it has."""
        self.server.should_exit = True
        self._thread.join(2 * PATIENCE_S)
        assert not self._thread.is_alive(), "the server has not ended"

    @contextmanager
    def running(self) -> Iterator[Served]:
        handler = logging.Handler(logging.ERROR)
        handler.emit = lambda record: self.errors.append(record.getMessage())  # type: ignore[method-assign]  # a list
        logger = logging.getLogger("uvicorn.error")
        logger.addHandler(handler)
        self._thread.start()
        try:
            yield self
        finally:
            self.stop()
            logger.removeHandler(handler)


def serving(app: FastAPI, **options: Any) -> Any:
    """Serve an application while the block goes on: ``with serving(app) as served``."""
    return Served(app, **options).running()


class Alone:
    """The snippets served by uvicorn's own command; what it logs is read line by line."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "--factory", "tests.web_application:alone", "--port", "0"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdin=pipe, stderr=pipe, text=True)
        self.kill_in_the_end = threading.Timer(3 * PATIENCE_S, self.process.kill)  # a test that waits for it then fails
        self.kill_in_the_end.daemon = True
        self.kill_in_the_end.start()
        self.log = ""
        self.url = re.findall(r"http://[\d.:]+", self.logged("Uvicorn running on"))[0]

    def logged(self, sign: str) -> str:
        """Return the next line of the log that has ``sign`` in it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line
            if sign in line:
                return line
        raise AssertionError(f"the server ended before it said {sign!r}: {self.log}")

    def ended(self) -> int:
        """Return the exit code, once it has ended."""
        self.log += self.process.communicate(timeout=PATIENCE_S)[1]
        return self.process.returncode

    def close(self) -> None:
        """End it, whatever it does."""
        self.kill_in_the_end.cancel()
        self.process.kill()
        self.process.communicate()

    @contextmanager
    def at_work(self) -> Iterator[list[Any]]:
        """Ask it five agents and a graph; they are at work in the block, and yield their responses after it."""
        with (
            httpx.Client(base_url=self.url, timeout=2 * PATIENCE_S, trust_env=False) as client,
            ThreadPoolExecutor(6) as pool,
        ):
            paths = [f"/agent/query?query=number%20{n}" for n in range(100, 105)] + ["/dag/execute"]
            asked = [pool.submit(client.post, path) for path in paths]
            client.get("/at_work", params={"calls": len(paths)}).raise_for_status()
            yield asked
