"""Everything that a node may hold, made around one body, so that a property can be asked of all kinds alike."""

from __future__ import annotations

import asyncio
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode

Body = Callable[[Any], Any]  # gets the value of the key "x"


def sync_function(body: Body) -> Any:
    def function(x):
        return body(x)

    return function


def async_function(body: Body) -> Any:
    async def function(x):
        await asyncio.sleep(0)
        return body(x)

    return function


def returns_an_awaitable(body: Body) -> Any:
    def function(x):
        return async_function(body)(x)

    return function


class _Called:
    def __init__(self, body: Body) -> None:
        self.body = body

    def __call__(self, x):
        return self.body(x)


class _CalledAsync(_Called):
    async def __call__(self, x):
        await asyncio.sleep(0)
        return self.body(x)


class _Methods:
    def __init__(self, body: Body) -> None:
        self.body = body

    def method(self, x):
        return self.body(x)

    async def async_method(self, x):
        await asyncio.sleep(0)
        return self.body(x)


def sync_partial(body: Body) -> Any:
    return partial(lambda unused, x: body(x), "bound")


def async_partial(body: Body) -> Any:
    async def function(unused, x):
        await asyncio.sleep(0)
        return body(x)

    return partial(function, "bound")


class _RunOnly:
    def __init__(self, body: Body) -> None:
        self.body = body

    def run(self, task):
        return self.body(task["x"])


class _ArunOnly:
    def __init__(self, body: Body) -> None:
        self.body = body

    async def arun(self, task):
        await asyncio.sleep(0)
        return self.body(task["x"])


class _AsyncRun:
    def __init__(self, body: Body) -> None:
        self.body = body

    async def run(self, task):
        await asyncio.sleep(0)
        return self.body(task["x"])


class _RunReturnsAnAwaitable(_AsyncRun):
    def run(self, task):
        return super().run(task)


class _TwoSided(_RunOnly, _ArunOnly):
    """Both, without metrics."""


class _WithMetrics:
    """Both, and metrics unless told otherwise: an engine that forgets to say so passes on the wrong thing."""

    def __init__(self, body: Body) -> None:
        self.body = body

    def run(self, task, return_metrics=True):
        result = self.body(task["x"])
        return (result, "metrics") if return_metrics else result

    async def arun(self, task, return_metrics=True):
        await asyncio.sleep(0)
        return self.run(task, return_metrics)


def sync_runnable(body: Body) -> Any:
    from langchain_core.runnables import RunnableLambda

    return RunnableLambda(lambda given: body(given["x"]))


async def _asked(body: Body, given: Mapping[str, Any]) -> Any:
    await asyncio.sleep(0)
    return body(given["x"])


def async_runnable(body: Body) -> Any:
    from langchain_core.runnables import RunnableLambda

    async def function(given):
        return await _asked(body, given)

    return RunnableLambda(function)


def two_sided_runnable(body: Body) -> Any:
    from langchain_core.runnables import RunnableLambda

    async def function(given):
        return await _asked(body, given)

    return RunnableLambda(lambda given: body(given["x"]), function)


def runnable_that_falls_back(body: Body) -> Any:
    return async_runnable(body).with_fallbacks([])


def _langgraph(node: Any) -> Any:
    from langgraph.graph import END, START, StateGraph

    return StateGraph(dict).add_node("work", node).add_edge(START, "work").add_edge("work", END).compile()


def langgraph_graph(body: Body) -> Any:
    return _langgraph(lambda state: {"out": body(state["x"])})


def async_langgraph_graph(body: Body) -> Any:
    async def work(state):
        return {"out": await _asked(body, state)}

    return _langgraph(work)


def langgraph_in_a_chain(body: Body) -> Any:
    return _langgraph(async_langgraph_graph(body)) | (lambda state: state["out"])


def read(text: str) -> Any:
    return literal_eval(text)


def pydantic_ai_agent(body: Body) -> Any:
    from pydantic_ai import Agent, TextOutput
    from pydantic_ai.messages import ModelResponse, TextPart
    from pydantic_ai.models.function import FunctionModel

    async def model(messages, info):
        return ModelResponse(parts=[TextPart(repr(body(read(messages[-1].parts[-1].content))))])

    return Agent(FunctionModel(model), output_type=TextOutput(read))  # it is asked, and answers, in words


def graph(body: Body) -> Any:
    return AgentDAG("inner").add_node(AgentNode("work", sync_function(body), output_key="out"))


def async_graph(body: Body) -> Any:
    return AgentDAG("inner").add_node(AgentNode("work", async_function(body), output_key="out"))


def graph_in_a_graph(body: Body) -> Any:
    return AgentDAG("between").add_node(AgentNode("deep", async_graph(body), output_key="inner"))


@dataclass(frozen=True)
class Kind:
    """A kind of agent: ``make`` builds one around a body, ``result`` is what a node of it returns for a value."""

    make: Callable[[Body], Any]
    result: Callable[[Any], Any] = lambda value: value
    awaits: bool = False  # in all modes: its work is a coroutine, also in `execute`
    own_task: bool = False  # it makes a task of its own, out of whose reach an interrupt goes through the loop


_OF_GRAPH: dict[str, Any] = {"result": lambda value: {"out": value}}

KINDS: dict[str, Kind] = {
    "sync function": Kind(sync_function),
    "async function": Kind(async_function, awaits=True),
    "function returning an awaitable": Kind(returns_an_awaitable, awaits=True),
    "callable object": Kind(_Called),
    "async callable object": Kind(_CalledAsync, awaits=True),
    "partial": Kind(sync_partial),
    "async partial": Kind(async_partial, awaits=True),
    "bound method": Kind(lambda body: _Methods(body).method),
    "async bound method": Kind(lambda body: _Methods(body).async_method, awaits=True),
    "run only": Kind(_RunOnly),
    "arun only": Kind(_ArunOnly, awaits=True),
    "async run": Kind(_AsyncRun, awaits=True),
    "run returning an awaitable": Kind(_RunReturnsAnAwaitable, awaits=True),
    "two-sided": Kind(_TwoSided),
    "two-sided with metrics": Kind(_WithMetrics),
    "sync Runnable": Kind(sync_runnable, own_task=True),
    "async Runnable": Kind(async_runnable, awaits=True, own_task=True),
    "two-sided Runnable": Kind(two_sided_runnable, own_task=True),
    "Runnable that falls back": Kind(runnable_that_falls_back, awaits=True, own_task=True),
    "LangGraph graph": Kind(langgraph_graph, **_OF_GRAPH, own_task=True),
    "async LangGraph graph": Kind(async_langgraph_graph, **_OF_GRAPH, awaits=True, own_task=True),
    "LangGraph graph in a chain": Kind(langgraph_in_a_chain, awaits=True, own_task=True),
    "Pydantic AI agent": Kind(pydantic_ai_agent, awaits=True, own_task=True),
    "graph": Kind(graph, **_OF_GRAPH),
    "async graph": Kind(async_graph, **_OF_GRAPH, awaits=True),
    "graph in a graph": Kind(graph_in_a_graph, lambda value: {"inner": {"out": value}}, awaits=True),
}

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def root(error: BaseException | None) -> BaseException | None:
    """What a node raised: of a graph inside, the error at the bottom."""
    while error is not None and type(error).__name__ == "RunFailedError":
        error = error.__cause__
    return error
