"""Where replies come from: a model, a cache or a script; and what LangChain tells of who is paid for them."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.analysis.runs.tables import model_calls
from linus_nb.models import real_models_allowed
from linus_nb.models.listening import noted_calls
from linus_nb.models.prices import cost_of, cost_of_call, origin_of
from linus_nb.models.usage import Usage
from linus_nb.testing import ScriptedModel
from tests.model_nodes import PROMPT, all_of_a_stream, calls_of, told
from tests.modes import Mode, every_mode

# -- where replies come from ------------------------------------------------------------------------------------------


@pytest.fixture
def llm_cache():
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


WAYS_TO_CACHE = {
    "a chain": lambda model: PROMPT | model,
    "a function": lambda model: lambda topic: model.invoke(topic).text,
    "an awaiting function": lambda model: lambda topic: model.ainvoke(topic),
    "an agent": lambda model: Agent(llm=model),
    "an agent with a retry": lambda model: Agent(llm=model.with_retry()),
    "an agent with a chain": lambda model: Agent(llm=RunnableLambda(lambda messages: messages) | model),
}


@every_mode
@pytest.mark.parametrize("way", WAYS_TO_CACHE)
def test_a_reply_out_of_langchains_cache_is_named_and_free(way: str, mode: Mode, llm_cache):
    node = WAYS_TO_CACHE[way](told(12, 5, model="gpt-4o", provider="openai"))
    [first], [second] = calls_of(node, mode), calls_of(node, mode)
    assert (first.served_from, first.input_tokens, first.output_tokens) == ("script", 12, 5)
    assert first.cost == cost_of("gpt-4o", Usage(12, 5)) > 0
    assert (second.served_from, second.input_tokens, second.output_tokens) == ("cache", 0, 0)
    assert (second.cost, second.estimated, second.model) == (0.0, False, "gpt-4o")


def test_a_cache_of_the_models_own_is_named_as_well_and_no_cache_is_none():
    own = told(12, 5, cache=InMemoryCache())
    assert [calls_of(PROMPT | own)[0].served_from for _ in range(2)] == ["script", "cache"]
    assert [calls_of(PROMPT | told(1, 1))[0].served_from for _ in range(2)] == ["script", "script"]


def test_a_streamed_reply_does_not_come_out_of_the_cache(llm_cache):
    model = told(12, 5)
    calls = [calls_of(lambda topic: all_of_a_stream(model, topic))[0] for _ in range(2)]
    assert [(call.served_from, call.input_tokens) for call in calls] == [("script", 12)] * 2


def test_the_stream_of_a_model_that_cannot_stream_may_come_out_of_the_cache(llm_cache):
    model = FakeMessagesListChatModel(responses=[AIMessage("one"), AIMessage("two")])
    calls = [calls_of(lambda topic: all_of_a_stream(model, topic))[0] for _ in range(2)]
    assert [call.served_from for call in calls] == ["script", "cache"]


def test_a_text_models_reply_out_of_the_cache_is_named_in_an_agent(llm_cache):
    agent = Agent(llm=FakeListLLM(responses=["one", "two"]))
    assert [calls_of(agent)[0].served_from for _ in range(2)] == ["script", "cache"]


def test_two_scripted_models_of_different_names_do_not_share_cached_replies(llm_cache):
    models = [ScriptedModel([name], model=name) for name in ("one", "two")]
    assert [model.invoke("hello").text for model in models] == ["one", "two"]


def test_the_metrics_of_an_agent_say_how_many_replies_were_cached_or_scripted(llm_cache):
    agent = Agent(llm=told(12, 5))
    first, second = agent.run("hello").metrics, asyncio.run(agent.arun("hello")).metrics
    assert (first.llm_calls, first.cached_replies, first.scripted_replies, first.total_tokens) == (1, 0, 1, 17)
    assert (second.llm_calls, second.cached_replies, second.scripted_replies, second.total_tokens) == (1, 1, 0, 0)
    assert second.cost == 0.0


DOUBLES = [
    FakeListChatModel(responses=["a"]),
    FakeMessagesListChatModel(responses=[AIMessage("a")]),
    GenericFakeChatModel(messages=itertools.repeat(AIMessage("a"))),
    ParrotFakeChatModel(),
    FakeListLLM(responses=["a"]),
    ScriptedModel(),
]


@pytest.mark.parametrize("double", DOUBLES, ids=lambda double: type(double).__name__)
def test_every_double_is_named_as_one_and_costs_nothing_in_an_agent_and_without(double):
    agent = Agent(llm=double)
    for node in (PROMPT | double, lambda topic: double.invoke(topic), agent, Agent(llm=double.with_retry())):
        [call] = calls_of(node)
        assert (call.served_from, call.cost) == ("script", 0.0)
    assert agent.run("hello").metrics.scripted_replies == 1


def test_an_agent_names_the_model_that_answered_of_several():
    real = openai_that_says("It is the sea.")
    wrapped = {
        "gpt-4o": [told(1, 1, errors={1: ConnectionError()}).with_fallbacks([real]), RunnableLambda(list) | real],
        "scripted": [told(1, 1).with_fallbacks([real]), told(1, 1).with_retry(), RunnableLambda(list) | told(1, 1)],
    }
    with real_models_allowed():
        for name, models in wrapped.items():
            for model in models:
                [call] = calls_of(Agent(llm=model))
                assert (call.model, call.served_from) == (name, "model" if name == "gpt-4o" else "script")
                assert call.cost == (cost_of("gpt-4o", Usage(1000, 100)) if name == "gpt-4o" else 0.0)


def test_an_agent_with_a_model_that_is_none_of_langchains_is_answered_by_a_model():
    class Plain:
        model = "plain"

        def invoke(self, messages: Any, **options: Any) -> str:
            return "It is the sea."

        async def ainvoke(self, messages: Any, **options: Any) -> str:
            return "It is the sea."

    [call] = calls_of(Agent(llm=Plain()))  # type: ignore[arg-type]  # duck-typed, as its docstring allows
    assert (call.model, call.served_from, call.estimated) == ("plain", "model", True)


# -- what LangChain tells of a real model -----------------------------------------------------------------------------


def openai_that_says(text: str, **options: Any) -> ChatOpenAI:
    """Return a client of OpenAI's whose network is a function."""

    def answer(_: httpx.Request) -> httpx.Response:
        usage = {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 400 if text == "cached" else 0},
        }
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": options.get("model", "gpt-4o")}
        return httpx.Response(200, json=body | {"choices": [choice], "usage": usage})

    return ChatOpenAI(
        **{"model": "gpt-4o", "api_key": "x", "max_retries": 0} | options,
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
        http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )


PLACES: list[dict[str, Any]] = [
    {},
    {"model": "my-alias"},
    {"model": "llama3.2", "base_url": "http://localhost:8080/v1"},
    {"model": "gpt-4o", "base_url": "http://localhost:4000/v1"},
    {"base_url": "https://llm.example.com/v1"},
]


@pytest.mark.parametrize("base_url", [None, "http://127.0.0.1:8080/v1", "https://llm.example.com/v1"])
@pytest.mark.parametrize("options", PLACES)
def test_a_chain_and_an_agent_pay_the_same_for_the_same_model(options, base_url, monkeypatch):
    monkeypatch.delenv("OPENAI_API_BASE", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    if base_url is not None:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    model = openai_that_says("It is the sea.", **options)
    with real_models_allowed():
        [in_a_chain], [in_an_agent] = calls_of(PROMPT | model), calls_of(Agent(llm=model))
        with noted_calls() as noted:
            model.invoke("hello")
    assert in_a_chain.cost == in_an_agent.cost == cost_of_call(model, Usage(1000, 100))
    assert (in_a_chain.model, in_a_chain.served_from) == (in_an_agent.model, "model")
    assert noted[0].origin.runs_here == origin_of(model).runs_here


def test_tokens_that_the_provider_kept_are_counted_and_cost_less():
    model = openai_that_says("cached")
    with real_models_allowed():
        [call], metrics = calls_of(PROMPT | model), Agent(llm=model).run("hello").metrics
    assert (call.input_tokens, call.cached_input_tokens) == (1000, 400)
    assert call.cost == pytest.approx(600 * 2.5e-6 + 400 * 1.25e-6 + 100 * 10e-6)
    assert (metrics.cached_input_tokens, metrics.cost) == (400, pytest.approx(call.cost))


@pytest.mark.local_model
def test_the_embedded_model_tells_what_it_read_again_out_of_its_own_cache(real_model):
    asked = "The tide is the rise and fall of the sea. " * 10

    def node(n: int) -> Any:
        return lambda: real_model.invoke(asked + f"Number {n}.", max_tokens=3).text

    dag = AgentDAG("twice").add_node(AgentNode("one", node(1), output_key="a"))
    dag.add_node(AgentNode("two", node(2))).add_edge("one", "two")
    _, again = model_calls(DAGExecutor(dag).execute().raise_for_failure().record)
    assert 50 < again.cached_input_tokens < again.input_tokens
    assert (again.served_from, again.cost) == ("model", 0.0)
