"""A plain ChatOpenAI in an agent's hands: any loop, every try seen, no connection left, and the model as it was."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator

import httpx
import openai
import pytest
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_openai import ChatOpenAI

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.engine.background import run_blocking
from linus_nb.events import ModelCalled, TokenDelta
from linus_nb.models import Limits, governed, real_models_allowed
from linus_nb.models.clients import async_client
from linus_nb.models.governing import usual
from linus_nb.models.governing.usual import as_asked
from linus_nb.testing import ScriptedModel
from tests.asked_models import chat
from tests.misbehaving import Dropped, MisbehavingServer, Reply, Status


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real clients, which talk to the loopback only; pauses between tries are short."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.001)
    with real_models_allowed():
        yield


def test_one_model_object_works_from_every_loop_and_thread_and_leaves_no_connection():
    with MisbehavingServer(Reply("Hello!")) as server:
        agent = Agent(llm=chat(server))

        async def streamed() -> str:
            return "".join([event.text async for event in agent.stream("hi") if isinstance(event, TokenDelta)])

        said = [str(asyncio.run(agent.arun("hi"))) for _ in range(3)]
        said += [asyncio.run(streamed()) for _ in range(2)]
        said.append(str(run_blocking(agent.arun("hi"))))
        said.append(str(agent.run("hi")))
        threads = [threading.Thread(target=lambda: said.append(str(asyncio.run(agent.arun("hi"))))) for _ in range(5)]
        threads += [threading.Thread(target=lambda: said.append(str(agent.run("hi")))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        dag = AgentDAG("asks").add_node(AgentNode("a", agent, input_mapping={"text": "question"}))
        for _ in range(2):
            said.append(str(DAGExecutor(dag).execute({"question": "hi"}).node_results["a"]))
        assert said == ["Hello!"] * 19
        # the background loop lives as long as the process, and blocking calls share the model's own client
        server.counted.wait_until(lambda counted: counted.open_connections <= 12)


@pytest.mark.parametrize("way", ["run", "arun"])
@pytest.mark.parametrize("trouble", [Status(503), Status(429, retry_after_ms=5), Dropped()], ids=repr)
def test_its_own_retries_become_tries_that_are_seen(way, trouble):
    with MisbehavingServer([trouble, trouble, Reply("Hello!", usage=(7, 3))]) as server:
        agent = Agent(llm=chat(server), name="asks")
        dag = AgentDAG("asks").add_node(AgentNode("a", agent, input_mapping={"text": "question"}))
        executor = DAGExecutor(dag)
        state = {"question": "hi"}
        result = executor.execute(state) if way == "run" else asyncio.run(executor.aexecute(state))
        assert len(server.counted) == 3
        calls = [call for _, call in result.record.nodes["a"].calls if isinstance(call, ModelCalled)]
        assert [(call.attempt, call.error is None, call.purpose) for call in calls] == [
            (1, False, "response"),
            (2, False, "response"),
            (3, True, "response"),
        ]
        assert result.to_frame()["llm_calls"].item() == 3


def test_metrics_count_the_tries():
    with MisbehavingServer([Status(503), Dropped(), Reply("Hello!")]) as server:
        metrics = Agent(llm=chat(server)).run("hi").metrics
        assert (metrics.llm_calls, metrics.llm_retries) == (1, 2)
        assert metrics.to_dict()["llm_retries"] == 2


@pytest.mark.parametrize(("max_retries", "sent"), [(0, 1), (1, 2), (None, 3)])
def test_as_many_as_the_model_itself_would_make(max_retries, sent):
    with MisbehavingServer(Status(500)) as server:
        llm = chat(server, max_retries=max_retries)
        with pytest.raises(openai.InternalServerError):
            Agent(llm=llm).run("hi")
        assert len(server.counted) == sent
        assert llm.max_retries == max_retries


def test_the_agents_model_is_the_one_that_it_was_given():
    with MisbehavingServer() as server:
        llm = chat(server)
        agent = Agent(llm=llm)
        agent.run("hi")
        assert agent.llm is llm
        assert as_asked(llm) is as_asked(llm)


def test_bound_models_keep_what_is_bound():
    with MisbehavingServer([Status(503), Reply("Hello!")]) as server:
        response = Agent(llm=chat(server).bind(temperature=0.25)).run("hi")
        assert str(response) == "Hello!"
        assert response.metrics.llm_retries == 1
        assert server.counted.requests[0].body["temperature"] == 0.25


def test_http_clients_that_it_was_given_are_used():
    """Also those of httpx itself, which OpenAI's client takes as well as its own."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello!"}}
        return httpx.Response(200, json={"id": "1", "object": "chat.completion", "created": 1, "choices": [choice]})

    llm = ChatOpenAI(
        model="test",
        base_url="http://given.example/v1",
        api_key="none",  # type: ignore[arg-type]  # a text will do
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
        http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )
    agent = Agent(llm=llm)
    assert [str(agent.run("hi")), str(asyncio.run(agent.arun("hi")))] == ["Hello!"] * 2
    assert seen == ["given.example"] * 2


def test_others_are_asked_as_they_are():
    limiter = InMemoryRateLimiter(requests_per_second=1000)
    with MisbehavingServer() as server:
        own = governed(chat(server), limits=Limits(max_concurrency=2))
        for model in (
            ScriptedModel(["hello"]),
            own,
            own.bind(stop=["x"]),
            chat(server, rate_limiter=limiter),
            object(),
        ):
            assert as_asked(model) is model


def test_a_client_that_nobody_has_any_more_leaves_no_connection_on_a_loop_that_goes_on():
    """LangChain itself may hold a model for longer: it remembers the signatures of the methods that it called."""

    async def ask(url: str) -> int:
        client = async_client()
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        return int((await client.post(f"{url}/chat/completions", json=body)).status_code)

    with MisbehavingServer(Reply("Hello!")) as server:
        assert run_blocking(ask(server.url)) == 200
        gc.collect()
        server.counted.wait_until(lambda counted: counted.open_connections == 0)


def test_agents_with_models_of_their_own_share_connections_but_not_with_other_limits_or_surroundings(monkeypatch):
    def sender(model) -> object:
        return model.bound.root_async_client._client

    with MisbehavingServer(Reply("Hello!")) as server:
        agents = [Agent(llm=chat(server)) for _ in range(5)]

        async def one_after_the_other() -> list[str]:
            return [str(await agent.arun("hi")) for agent in agents]

        assert asyncio.run(one_after_the_other()) == ["Hello!"] * 5
        assert {request.connection for request in server.counted.requests} == {1}
        server.counted.wait_until(lambda counted: counted.open_connections == 0)

        limits = Limits(max_concurrency=2)
        llm, limited = agents[0].llm, governed(chat(server), limits=limits)
        assert sender(limited) is sender(governed(chat(server), limits=limits))
        assert sender(limited) is not sender(governed(chat(server), limits=Limits(max_concurrency=2)))
        assert sender(limited) is not sender(as_asked(llm))
        for name in ("HTTPS_PROXY", "SSL_CERT_DIR"):
            before = governed(chat(server))
            monkeypatch.setenv(name, "http://127.0.0.1:9" if name == "HTTPS_PROXY" else "certificates")
            assert sender(governed(chat(server))) is not sender(before)


def test_what_is_made_goes_with_its_model():
    with MisbehavingServer() as server:
        llm = chat(server)
        as_asked(llm)
        key = id(llm)
        assert key in usual._made
        del llm
        gc.collect()
        assert key not in usual._made
