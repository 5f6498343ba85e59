"""Agents and graphs in a web application: FastAPI on uvicorn, asked over HTTP by many at once."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from linus_nb import Agent, AgentDAG, DAGExecutor, Memory
from linus_nb.testing import ScriptedModel
from linus_nb.testing.replies import BreaksOff
from linus_nb.tools import calculator
from tests.agent_scripts import product_script
from tests.web_application import (
    PATIENCE_S,
    Alone,
    HeldModel,
    Served,
    app_of,
    graph_of,
    held_model,
    serving,
    shout,
    snippets_app,
    steps_of,
)


@pytest.fixture
def model() -> HeldModel:
    return held_model()


@pytest.fixture
def agent(model: HeldModel) -> Agent:
    return Agent([shout], llm=model)


@pytest.fixture
def snippets(model: HeldModel, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Serve the seed's application, whose agent takes the default model."""
    monkeypatch.setattr("linus_nb.models.default_model", lambda: model)
    with serving(snippets_app([shout], graph_of(agent))) as served:
        yield served


@pytest.fixture
def served(agent: Agent) -> Iterator[Served]:
    with serving(app_of(agent, graph_of(agent))) as served:
        yield served


async def asked(client: httpx.AsyncClient, path: str, number: int, **options: Any) -> httpx.Response:
    return await client.post(path, params={"query": f"number {number}"}, **options)


async def all_at_once(
    served: Served, model: HeldModel, path: str, numbers: list[int], meanwhile: Any = None
) -> list[httpx.Response]:
    """Ask for each number; only once all of them wait for the model is it opened."""
    async with served.client() as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked(client, path, number)) for number in numbers]
        await asyncio.to_thread(model.wait_for, len(numbers))
        assert (await client.get("/health")).json() == {"status": "ok"}
        if meanwhile is not None:
            await meanwhile(client)
        assert not any(task.done() for task in tasks)
        model.open()
    return [task.result() for task in tasks]


# -- many requests to one agent --------------------------------------------------------------------------------------


def test_a_hundred_requests_to_the_seeds_endpoint_are_at_work_at_once_and_the_server_answers_others(snippets, model):
    responses = asyncio.run(all_at_once(snippets, model, "/agent/query", [*range(100, 200)]))
    assert [r.json() for r in responses] == [{"result": f"that was number {n}"} for n in range(100, 200)]


def test_each_of_a_hundred_requests_has_metrics_and_a_history_of_its_own(served, model):
    responses = asyncio.run(all_at_once(served, model, "/agent/whole", [*range(100, 200)]))
    for number, response in zip(range(100, 200), responses, strict=True):
        body, steps = response.json(), steps_of(number)
        calls = steps + 3  # the plan, arguments for each task, the check, the answer
        assert body["result"] == f"that was number {number}"
        assert body["metrics"]["tool_executions"] == steps
        assert body["metrics"]["llm_calls"] == calls
        assert (body["metrics"]["total_input_tokens"], body["metrics"]["total_tokens"]) == (10 * calls, 13 * calls)
        assert [step["result"] for step in body["execution_history"]] == [f"NUMBER {number} for nobody"] * steps


def test_an_agent_that_raises_costs_its_own_request_alone(served, model):
    responses = asyncio.run(all_at_once(served, model, "/agent/whole", [12, 13, 14]))
    assert [r.status_code for r in responses] == [200, 500, 200]
    assert [responses[n].json()["result"] for n in (0, 2)] == ["that was number 12", "that was number 14"]
    assert served.errors == ["Exception in ASGI application\n"]


def test_endpoints_without_async_run_side_by_side_in_the_threadpool(served, model):
    responses = asyncio.run(all_at_once(served, model, "/agent/sync", [*range(100, 120)]))
    assert [r.json()["result"] for r in responses] == [f"that was number {n}" for n in range(100, 120)]


def test_a_tool_in_a_thread_sees_the_context_of_its_own_request(served, model):
    async def ask() -> list[Any]:
        async with served.client() as client, asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(asked(client, path, 100, headers={"x-visitor": f"visitor {n}"}))
                for n in range(5)
                for path in ("/agent/whole", "/agent/sync")
            ]
        return [task.result().json()["execution_history"][0]["result"] for task in tasks]

    model.open()
    assert asyncio.run(ask()) == [f"NUMBER 100 for visitor {n}" for n in range(5) for _ in range(2)]


def test_requests_share_the_agents_memory(model):
    memory = Memory()
    with serving(app_of(Agent(llm=model, memory=memory), AgentDAG())) as served:
        asyncio.run(all_at_once(served, model, "/agent/whole", [*range(100, 120)]))
        assert sorted(turn.question for turn in memory.turns) == [f"number {n}" for n in range(100, 120)]

        async def follow_up() -> None:
            async with served.client() as client:
                assert (await asked(client, "/agent/whole", 107)).status_code == 200

        asyncio.run(follow_up())
    prompt = "\n".join(message.text for message in model.calls[-1].messages)
    assert "that was number 107" in prompt


# -- clients that hang up --------------------------------------------------------------------------------------------


async def hang_up(client: httpx.AsyncClient, path: str, at_work: Any) -> None:
    """Ask for number 50, and go away once ``at_work`` has returned."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asked(client, path, 50))
        await asyncio.to_thread(at_work)
        task.cancel()


def test_a_client_that_hangs_up_disturbs_nobody(served, model):
    async def one_goes(client: httpx.AsyncClient) -> None:
        await hang_up(client, "/agent/whole", lambda: model.wait_for(11))

    responses = asyncio.run(all_at_once(served, model, "/agent/whole", [*range(100, 110)], one_goes))
    assert [r.json()["result"] for r in responses] == [f"that was number {n}" for n in range(100, 110)]
    model.wait_for(at_work=0)
    assert served.errors == served.complaints == []


def test_a_client_that_hangs_up_on_a_stream_ends_its_run(talking, model):
    async def ask() -> None:
        async with talking.client() as client, asyncio.TaskGroup() as group:
            other = group.create_task(asked(client, "/agent/whole", 101))
            async with talking.client() as leaving, leaving.stream("POST", STREAM) as response:
                await anext(response.aiter_lines())
                await asyncio.to_thread(model.wait_for, 2)
            await asyncio.to_thread(model.wait_for, 1, stopped=1)
            model.open()
        assert other.result().json()["result"] == "that was number 101"

    asyncio.run(ask())
    assert talking.errors == talking.complaints == []


# -- streams ---------------------------------------------------------------------------------------------------------

STREAM = "/agent/stream?query=number%20100"


@pytest.fixture
def talking(model: HeldModel) -> Iterator[Served]:
    """Serve an agent without tools, which answers in one reply, streamed where that is asked for."""
    with serving(app_of(Agent(llm=model), AgentDAG())) as served:
        yield served


def test_a_stream_sends_what_the_model_writes_before_its_end(talking, model):
    async def ask() -> list[dict[str, Any]]:
        async with talking.client() as client, client.stream("POST", STREAM) as response:
            assert response.headers["content-type"] == "application/x-ndjson"
            lines = response.aiter_lines()
            first = json.loads(await anext(lines))
            model.wait_for(1)  # it has not written more
            model.open()
            return [first, *[json.loads(line) async for line in lines]]

    *deltas, last = asyncio.run(ask())
    assert len(deltas) > 1
    assert "".join(line["delta"] for line in deltas) == last["result"] == "that was number 100"
    assert last["metrics"]["total_tokens"] == 13


def test_many_streams_of_one_agent_do_not_mix(talking, model):
    async def read(client: httpx.AsyncClient, number: int) -> str:
        async with client.stream("POST", "/agent/stream", params={"query": f"number {number}"}) as response:
            lines = [json.loads(line) async for line in response.aiter_lines()]
        return "".join(line.get("delta", "") for line in lines)

    async def ask() -> list[str]:
        async with talking.client() as client, asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(client, number)) for number in range(100, 130)]
            await asyncio.to_thread(model.wait_for, 30)
            model.open()
        return [task.result() for task in tasks]

    assert asyncio.run(ask()) == [f"that was number {n}" for n in range(100, 130)]


def test_a_stream_that_fails_ends_without_a_response_and_the_next_one_is_whole(talking, model):
    model.errors[1] = BreaksOff(after=2, error=ConnectionError("gone"))
    model.open()
    broken, whole = [httpx.post(talking.url + STREAM, timeout=PATIENCE_S, trust_env=False) for _ in range(2)]
    assert [json.loads(line) for line in broken.text.splitlines()] == [{"delta": "that "}, {"delta": "was "}]
    assert json.loads(whole.text.splitlines()[-1])["result"] == "that was number 100"
    assert talking.errors == ["Exception in ASGI application\n"]
    assert talking.complaints == []


# -- graphs ----------------------------------------------------------------------------------------------------------


def test_the_seeds_graph_endpoint_runs_ten_times_at_once(snippets, model):
    async def ask() -> list[dict[str, str]]:
        async with snippets.client() as client, asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.post("/dag/execute")) for _ in range(10)]
            await asyncio.to_thread(model.wait_for, 10)
            model.open()
        return [task.result().json() for task in tasks]

    assert asyncio.run(ask()) == [{"status": "partial"}] * 10


@pytest.mark.parametrize("path", ["/dag/whole", "/dag/sync"])
def test_a_graph_with_conditions_and_a_failing_node_is_told_as_data(served, model, path):
    model.open()
    body = httpx.post(served.url + path, timeout=PATIENCE_S, trust_env=False).json()
    assert body["status"] == "partial"
    assert body["final_state"]["end"] == "<that was number 1>"
    assert body["errors"] == {"breaks": "ZeroDivisionError: division by zero"}
    assert body["skipped_nodes"] == 2  # the one that failed, and the one that the condition left out
    assert "right" not in body["node_results"]


# -- what can be sent ------------------------------------------------------------------------------------------------


class Report(BaseModel):
    """An answer of a type of its own."""

    title: str
    due: date


def test_a_response_and_a_result_become_json_by_to_dict():
    response = Agent([calculator], llm=ScriptedModel(product_script())).run("Calculate 42 * 17")
    body = json.loads(json.dumps(response.to_dict()))
    assert body["result"] == "42 * 17 = 714"
    assert body["execution_history"][0]["arguments"] == {"expression": "42 * 17"}
    report = Agent(llm=ScriptedModel([{"title": "Tides", "due": "2026-11-05"}]), output_schema=Report).run("Report")
    assert jsonable_encoder(report.to_dict())["result"] == {"title": "Tides", "due": "2026-11-05"}
    result = DAGExecutor(graph_of(Agent(llm=ScriptedModel(["hello"])))).execute()
    assert json.loads(json.dumps(result.to_dict()))["final_state"]["left"] == "hello"


# -- the end of a server ---------------------------------------------------------------------------------------------


def test_a_server_that_stops_waits_for_the_runs_in_its_background(snippets, model):
    async def ask() -> None:
        async with snippets.client() as client:
            for number in range(100, 110):
                response = await asked(client, "/agent/background", number)
                assert response.json() == {"status": "processing"}
        await asyncio.to_thread(model.wait_for, 10)

    asyncio.run(ask())
    snippets.server.should_exit = True
    model.open()
    snippets.stop()
    answers = [call.reply for call in model.calls if call.schema is None]
    assert sorted(answers) == [f"that was number {n}" for n in range(100, 110)]
    assert snippets.errors == snippets.complaints == []


def test_a_server_that_does_not_wait_stops_the_runs_in_its_background(model, agent, monkeypatch):
    monkeypatch.setattr("linus_nb.models.default_model", lambda: model)

    async def ask(served: Served) -> None:
        async with served.client() as client:
            for number in range(100, 110):
                await asked(client, "/agent/background", number)
        await asyncio.to_thread(model.wait_for, 10)

    with serving(snippets_app([shout], graph_of(agent)), timeout_graceful_shutdown=0) as served:
        asyncio.run(ask(served))
    model.wait_for(0, stopped=10)
    assert served.complaints == []


# -- signals, to a process of its own ----------------------------------------------------------------------------------


@pytest.fixture
def alone() -> Iterator[Alone]:
    """Serve the snippets in a process of its own."""
    alone = Alone()
    try:
        yield alone
    finally:
        alone.close()


on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to another process")


@on_posix
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_midst_of_runs_lets_them_end_and_then_ends_the_server(alone, sent):
    with alone.at_work() as asked:
        alone.process.send_signal(sent)
        alone.logged("Waiting for connections to close")
        assert not any(future.done() for future in asked)
        alone.process.stdin.write("\n")
        alone.process.stdin.flush()
        *answers, graph = [future.result() for future in asked]
    assert [r.json()["result"] for r in answers] == [f"that was number {n}" for n in range(100, 105)]
    assert graph.json() == {"status": "partial"}
    assert alone.ended() in (0, -sent)
    assert "Finished server process" in alone.log
    assert "Traceback" not in alone.log


@on_posix
def test_ctrl_c_a_second_time_ends_the_server_and_its_runs_at_once(alone):
    with alone.at_work() as asked:
        alone.process.send_signal(signal.SIGINT)
        alone.logged("Waiting for connections to close")
        alone.process.send_signal(signal.SIGINT)
        alone.ended()
        assert all(future.exception(PATIENCE_S) or future.result().status_code == 500 for future in asked)
    assert "never" not in alone.log
    assert "destroyed" not in alone.log
