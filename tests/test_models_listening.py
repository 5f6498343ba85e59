"""Model calls that nobody reports but LangChain: each counted once, at the node that made it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnableParallel
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb.analysis.runs.tables import model_calls
from linus_nb.events import CallReported, ModelCalled
from linus_nb.models.listening import noted_calls
from linus_nb.testing import BreaksOff, ScriptedModel, ToolCalls
from tests.agent_scripts import DONE, plan
from tests.model_nodes import PROMPT, STATE, all_of_a_stream, calls_of, tokens_of, told
from tests.modes import Mode, every_mode
from tests.virtual_time import run

# -- every way of asking a model --------------------------------------------------------------------------------------


class Sea(BaseModel):
    """What structured output is asked for."""

    name: str


class State(TypedDict, total=False):
    """Of a small LangGraph graph."""

    topic: str
    said: str


def graph_of(*nodes: Any) -> Any:
    graph = StateGraph(State)
    for number, node in enumerate(nodes):
        graph.add_node(f"step {number}", node).add_edge(START, f"step {number}").add_edge(f"step {number}", END)
    return graph.compile()


def asks(model: Any) -> Any:
    def step(state: State) -> None:
        model.invoke(state["topic"])

    return step


def awaits(model: Any) -> Any:
    async def step(state: State) -> None:
        await model.ainvoke(state["topic"])

    return step


RUNNABLES = {
    "a chain": lambda m: PROMPT | m,
    "a parsed reply": lambda m: PROMPT | m | StrOutputParser(),
    "a bare model": lambda m: RunnableLambda(str) | m,
    "bound options": lambda m: PROMPT | m.bind(stop=["."]),
    "bound tools": lambda m: PROMPT | m.bind_tools([Sea]),
    "a retry": lambda m: PROMPT | m.with_retry(),
    "a config": lambda m: (PROMPT | m).with_config(tags=["a"]),
    "configurable fields": lambda m: (
        PROMPT | m.configurable_alternatives(ConfigurableField(id="which"), other=told(0, 0))
    ),
    "a function in a chain": lambda m: PROMPT | RunnableLambda(m.invoke),
    "an async function in a chain": lambda m: PROMPT | RunnableLambda(m.invoke, m.ainvoke),
    "a stream in a chain": lambda m: PROMPT | RunnableLambda(lambda said: "".join(c.text for c in m.stream(said))),
    "a fallback of one that raises": lambda m: PROMPT | RunnableLambda(_raises).with_fallbacks([m]),
    "a graph": lambda m: graph_of(asks(m)),
}


def _raises(_: Any) -> Any:
    raise ValueError("no")


@every_mode
@pytest.mark.parametrize("way", RUNNABLES)
def test_a_runnable_as_a_node_has_its_tokens_in_the_record_once(way: str, mode: Mode):
    [call] = calls_of(RUNNABLES[way](told(12, 5)), mode)
    assert (call.model, call.input_tokens, call.output_tokens, call.cost) == ("scripted", 12, 5, 0.0)
    assert (call.served_from, call.estimated, call.error) == ("script", False, None)


async def _all_of_an_astream(m: Any, topic: str) -> str:
    return "".join([chunk.text async for chunk in m.astream(topic)])


FUNCTIONS: dict[str, Any] = {
    "invoke": (1, lambda m, topic: m.invoke(topic).text),
    "stream": (1, all_of_a_stream),
    "batch": (3, lambda m, topic: len(m.batch([topic, topic + "!", topic + "?"]))),
    "generate": (2, lambda m, topic: len(m.generate([[AIMessage(topic)], [AIMessage("b")]]).generations)),
    "structured output": (1, lambda m, topic: m.with_structured_output(Sea, include_raw=True).invoke(topic)["raw"]),
    "ainvoke": (1, lambda m, topic: m.ainvoke(topic)),
    "astream": (1, _all_of_an_astream),
    "abatch": (3, lambda m, topic: m.abatch([topic, topic + "!", topic + "?"])),
    "a thread of asyncio's": (1, lambda m, topic: asyncio.to_thread(m.invoke, topic)),
}


@every_mode
@pytest.mark.parametrize("way", FUNCTIONS)
def test_a_function_that_asks_a_model_by_itself_has_its_tokens_in_the_record_once(way: str, mode: Mode):
    number, ask = FUNCTIONS[way]
    model = told(12, 5)
    calls = calls_of(lambda topic: ask(model, topic), mode)
    assert tokens_of(calls) == [(12, 5)] * number
    assert {call.served_from for call in calls} == {"script"}


@every_mode
def test_each_of_many_nodes_gets_its_own_calls_and_no_others(mode: Mode):
    dag = AgentDAG("many")
    kinds = [*RUNNABLES.values(), *(lambda m, ask=ask: lambda topic: ask(m, topic) for _, ask in FUNCTIONS.values())]
    for k, kind in enumerate(kinds, 1):
        dag.add_node(AgentNode(f"n{k}", kind(told(k, 1, latency_s=0.002)), output_key=f"said {k}"))
    seen: list[Any] = []
    threads = set()

    def observe(event: Any) -> None:
        seen.append(event)
        threads.add(threading.get_ident())

    result = mode(dag, STATE, observers=[observe]).raise_for_failure()
    table = result.to_frame()
    assert (table["input_tokens"] == table["llm_calls"] * list(range(1, len(kinds) + 1))).all()
    assert (table["llm_calls"] >= 1).all()
    assert [event.seq for event in seen] == list(range(len(seen)))
    assert sum(isinstance(event, CallReported) for event in seen) == table["llm_calls"].sum()
    assert load_run(result.to_jsonl()).to_frame().equals(table)
    if mode.__name__ != "blocking":
        assert threads == {threading.get_ident()}  # whatever thread a call was made in


@every_mode
def test_parts_of_a_chain_that_run_in_threads_are_all_told_one_after_the_other(mode: Mode):
    parts = {f"p{k}": RunnableLambda(told(k, 1).invoke) for k in range(1, 9)}
    seen: list[int] = []
    inside: list[int] = []
    met = threading.Event()

    def observe(event: Any) -> None:
        seen.append(event.seq)
        if isinstance(event, CallReported):
            inside.append(event.seq)
            if len(inside) > 1:
                met.set()
            met.wait(0.02)  # for another thread that may be on its way
            inside.pop()

    dag = AgentDAG("one").add_node(AgentNode("node", PROMPT | RunnableParallel(parts)))
    result = mode(dag, STATE, observers=[observe]).raise_for_failure()
    assert tokens_of(model_calls(result.record)) == [(k, 1) for k in range(1, 9)]
    assert seen == list(range(len(seen)))
    assert not met.is_set()


def test_runs_at_once_keep_their_calls_apart():
    def dag(k: int) -> AgentDAG:
        return AgentDAG(f"d{k}").add_node(AgentNode("node", PROMPT | told(k, 1, latency_s=1.0)))

    async def at_once() -> list[Any]:
        runs = [DAGExecutor(dag(k)).start(STATE) for k in range(1, 20)]
        return [await each for each in runs]

    for k, result in enumerate(run(at_once()), 1):
        assert tokens_of(model_calls(result.record)) == [(k, 1)]
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda k: DAGExecutor(dag(k)).execute(STATE), range(1, 8))
        assert [tokens_of(model_calls(r.record)) for r in results] == [[(k, 1)] for k in range(1, 8)]


@every_mode
def test_items_and_graphs_inside_get_their_own_calls(mode: Mode):
    models = {"a": told(1, 1), "b": told(2, 1), "c": told(3, 1)}
    dag = AgentDAG("outer").add_node(
        AgentNode("each", lambda letter: models[letter].invoke("hi").text, map_over="letters", output_key="said")
    )
    inner = AgentDAG("inner").add_node(AgentNode("deep", PROMPT | told(7, 1)))
    dag.add_node(AgentNode("inner", inner))
    result = mode(dag, {**STATE, "letters": ["a", "b", "c"]}).raise_for_failure()
    steps = result.to_frame("steps")["input_tokens"].to_dict()
    assert steps == {"each": 6, "each[0]": 1, "each[1]": 2, "each[2]": 3, "inner": 7, "inner/deep": 7}


def test_a_call_outside_of_any_run_is_nobodys():
    calls = calls_of(lambda topic: None)
    told(12, 5).invoke("hello")
    assert calls == []


@every_mode
def test_the_node_of_a_langgraph_graph_is_the_purpose_of_its_call(mode: Mode):
    calls = calls_of(graph_of(awaits(told(1, 1)), awaits(told(2, 1))) if mode.__name__ != "blocking" else graph_of(
        asks(told(1, 1)), asks(told(2, 1))), mode)  # fmt: skip
    assert sorted((c.purpose, c.input_tokens) for c in calls) == [("step 0", 1), ("step 1", 2)]


# -- never twice ------------------------------------------------------------------------------------------------------


@every_mode
def test_an_agents_calls_count_once_wherever_it_stands(mode: Mode):
    agent = Agent(llm=told(12, 5))

    async def in_a_graph(state: State) -> State:
        return {"said": await agent.arun(state["topic"], return_metrics=False)}

    ways = [
        agent,
        PROMPT | agent.as_runnable() | StrOutputParser(),
        graph_of(in_a_graph),
        lambda topic: agent.arun(topic, return_metrics=False),
        lambda topic: agent.run(topic, return_metrics=False),
    ]
    for way in ways:
        [call] = calls_of(way, mode)
        assert (call.input_tokens, call.purpose) == (12, "response")


@every_mode
@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
def test_what_is_asked_inside_a_tool_is_in_the_nodes_figures_and_not_in_the_outer_agents(strategy, mode: Mode):
    expert, chain, metrics = Agent(llm=told(100, 1)), PROMPT | told(1000, 1), []

    async def ask_expert(question: str) -> str:
        """Ask the expert."""
        response = await expert.arun(question)
        metrics.append(response.metrics.total_input_tokens)
        return str(response) + (await chain.ainvoke({"topic": question})).text

    asked = {"question": "How deep?"}
    script: list[Any] = [plan(("ask", "ask_expert")), asked, DONE, "Deep."]
    if strategy == "tools":
        script = [ToolCalls([("ask_expert", asked)]), "Deep."]
    outer = Agent([ask_expert], llm=ScriptedModel(script, usage=(10, 1)), strategy=strategy)

    async def node(topic: str) -> int:
        return (await outer.arun(topic)).metrics.total_input_tokens

    dag = AgentDAG("one").add_node(AgentNode("node", node, output_key="own"))
    result = mode(dag, STATE).raise_for_failure()
    own = 10 * len(script)
    assert (result.final_state["own"], metrics) == (own, [100])
    assert result.to_frame()["input_tokens"]["node"] == own + 1100


def test_a_streaming_agent_in_a_run_counts_once():
    agent = Agent(llm=told(12, 5))
    dag = AgentDAG("one").add_node(AgentNode("node", agent))
    result = run(DAGExecutor(dag, stream=True).aexecute(STATE))
    assert tokens_of(model_calls(result.record)) == [(12, 5)]

    async def heard() -> list[Any]:
        return [event async for event in agent.stream("hello") if isinstance(event, ModelCalled)]

    assert tokens_of(run(heard())) == [(12, 5)]


# -- calls that do not end well ---------------------------------------------------------------------------------------


@every_mode
def test_a_call_that_raises_is_reported_with_its_error_and_so_is_each_attempt(mode: Mode):
    model = ScriptedModel(["no", "yes"], usage=(12, 5), errors={1: ConnectionError("gone")})
    failed, good = calls_of(PROMPT | model.with_retry(wait_exponential_jitter=False), mode)
    assert (failed.input_tokens, str(failed.error), failed.cost, failed.served_from) == (0, "gone", None, "script")
    assert (good.input_tokens, good.error) == (12, None)


def test_a_stream_that_breaks_off_is_an_error_and_one_that_nobody_hears_to_its_end_is_not():
    broken = ScriptedModel(["one two three"], errors={1: BreaksOff(1, ConnectionError("gone"))})

    def hears_all(topic: str) -> None:
        with pytest.raises(ConnectionError):
            all_of_a_stream(broken, topic)

    def hears_a_word(topic: str) -> None:
        stream = told(12, 5).stream(topic)
        next(stream)
        stream.close()

    [call] = calls_of(hears_all)
    assert str(call.error) == "gone"
    [call] = calls_of(hears_a_word)
    assert (call.error, call.estimated, call.output_tokens) == (None, True, 1)


def test_a_cancelled_call_leaves_nothing_behind_and_the_next_run_is_clean():
    model = told(12, 5, latency_s=60)
    dag = AgentDAG("one").add_node(AgentNode("node", PROMPT | model, timeout_seconds=1))
    assert model_calls(run(DAGExecutor(dag).aexecute(STATE)).record) == []
    assert tokens_of(calls_of(PROMPT | told(1, 1))) == [(1, 1)]


# -- what it costs those who do not use it ----------------------------------------------------------------------------


def test_a_run_that_uses_no_langchain_does_not_load_it():
    code = """
import sys
from linus_nb import AgentDAG, AgentNode, DAGExecutor
DAGExecutor(AgentDAG("square").add_node(AgentNode("square", lambda: 12 * 12))).execute().raise_for_failure()
assert not [name for name in sys.modules if name.startswith(("langchain", "langsmith", "genai_prices"))]
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_prices_are_loaded_in_a_thread_while_the_first_call_goes_on():
    code = """
import sys, threading
from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.testing import ScriptedModel

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "genai_prices":
            print(threading.current_thread().name)

sys.meta_path.insert(0, Watch())
model = ScriptedModel(["yes"], model="gpt-4o", provider="openai", usage=(1000, 100), latency_s=0.5)
result = DAGExecutor(AgentDAG("ask").add_node(AgentNode("ask", lambda: model.invoke("well?").text))).execute()
print(result.to_frame()["cost"]["ask"])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:2] == ["linus_nb prices", "0.0035"], done.stderr


def test_a_handler_hears_once_however_often_the_context_is_copied():
    model = told(12, 5)
    with noted_calls() as noted:
        copy_context().run(model.invoke, "hello")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(copy_context().run, model.invoke, "hello").result()
    model.invoke("after the block")
    assert len(noted) == 2
