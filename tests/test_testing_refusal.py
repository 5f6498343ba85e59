"""The switch holds for calls, too: whoever built the model, and however it is called."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from langchain_core.language_models import BaseChatModel, FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI, OpenAI

from linus_nb.agent import Agent
from linus_nb.errors import NoModelError
from linus_nb.models import guard, real_models_allowed
from linus_nb.testing import ScriptedModel, no_real_models


class Homemade(BaseChatModel):
    """A model of somebody's own; `reached` tells whether it was really called."""

    reached: list[str] = []  # noqa: RUF012  pydantic copies it for each model

    @property
    def _llm_type(self):
        return "homemade"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.reached.append("generate")
        return ChatResult(generations=[ChatGeneration(message=AIMessage("real"))])

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        self.reached.append("stream")
        yield ChatGenerationChunk(message=AIMessageChunk(content="real"))


async def consumed(stream):
    return [part async for part in stream]


WAYS = {
    "invoke": lambda model: model.invoke("x"),
    "ainvoke": lambda model: asyncio.run(model.ainvoke("x")),
    "stream": lambda model: list(model.stream("x")),
    "astream": lambda model: asyncio.run(consumed(model.astream("x"))),
    "batch": lambda model: model.batch(["x", "y"]),
    "abatch": lambda model: asyncio.run(model.abatch(["x"])),
    "bound": lambda model: model.bind(stop=["."]).invoke("x"),
    "chained": lambda model: (model | (lambda message: message.text)).invoke("x"),
    "retried": lambda model: model.with_retry(stop_after_attempt=1).invoke("x"),
    "agent": lambda model: Agent(llm=model).run("x"),
    "agent, awaited": lambda model: asyncio.run(Agent(llm=model).arun("x")),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_way_of_calling_reaches_a_model_of_ones_own_while_the_switch_is_on(way):
    model = Homemade()
    with no_real_models(), pytest.raises(NoModelError, match=r"a call of Homemade was asked for.*use a scripted model"):
        way(model)
    assert model.reached == []
    with real_models_allowed():
        way(model)
    assert model.reached != []


@pytest.mark.filterwarnings("ignore:coroutine 'ahandle_event' was never awaited")  # LangChain drops its other handlers
def test_streaming_events_is_refused_too():
    model = Homemade()
    with no_real_models(), pytest.raises(NoModelError):
        asyncio.run(consumed(model.astream_events("x", version="v2")))
    gc.collect()  # here, where the warning is expected
    assert model.reached == []


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_a_providers_model_is_refused_before_it_asks_the_network(way):
    model = ChatOpenAI(model="gpt-4o", api_key="x", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with no_real_models(), pytest.raises(NoModelError, match=r"a call of ChatOpenAI \(gpt-4o\) was asked for"):
        WAYS[way](model)


def test_a_model_that_completes_text_is_refused_too():
    model = OpenAI(api_key="x", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with no_real_models(), pytest.raises(NoModelError, match="a call of OpenAI"):
        model.invoke("x")


@pytest.mark.parametrize(
    "double",
    [ScriptedModel(["ok"]), FakeListChatModel(responses=["ok"]), GenericFakeChatModel(messages=iter(["ok"]))],
    ids=lambda double: type(double).__name__,
)
def test_test_doubles_are_let_through(double):
    with no_real_models():
        assert double.invoke("x").text == "ok"


def test_the_switch_holds_in_threads_that_start_later():
    refused = []

    def call():
        with pytest.raises(NoModelError):
            Homemade().invoke("x")
        refused.append(True)

    with no_real_models():
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert refused == [True]


def test_the_environment_refuses_calls_too(monkeypatch):
    monkeypatch.setattr(guard, "_allowed", None)
    monkeypatch.setenv(guard.ENV, "1")
    with pytest.raises(NoModelError, match="LINUS_NB_NO_MODELS='1'"):
        Homemade().invoke("x")
    monkeypatch.delenv(guard.ENV)
    assert Homemade().invoke("x").text == "real"
