"""Agents beside other frameworks: theirs as nodes of a graph, and ours in their chains, graphs and tool lists."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import BaseModel
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.errors import GraphError
from linus_nb.testing import ScriptedModel
from linus_nb.testing.replies import ToolCalls
from tests.agent_scripts import DONE, plan
from tests.modes import Mode, every_mode
from tests.virtual_time import run

PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "Tell me about {topic}.")])


def echo(before: str) -> ScriptedModel:
    """Return a model that repeats the end of what it is asked."""
    return ScriptedModel(lambda messages, schema: before + messages[-1].text, usage=(5, 2))


class Question(TypedDict, total=False):
    """The state of a small LangGraph graph."""

    question: str
    answer: str


def langgraph_of(node: Any, state: Any = Question) -> Any:
    return StateGraph(state).add_node("only", node).add_edge(START, "only").add_edge("only", END).compile()


def pydantic_ai_echo(before: str, **options: Any) -> PydanticAgent[Any, Any]:
    async def model(messages: Any, info: Any) -> ModelResponse:
        return ModelResponse(parts=[TextPart(before + messages[-1].parts[-1].content)])

    return PydanticAgent(FunctionModel(model), **options)


# -- theirs in a graph of ours ---------------------------------------------------------------------------------------


@every_mode
def test_agents_of_four_frameworks_hand_on_what_they_answer(mode: Mode):
    graph = langgraph_of(lambda state: {"answer": f"graph({state['question']})"})
    dag = AgentDAG("mixed")
    dag.add_node(AgentNode("chain", PROMPT | echo("chain: ") | StrOutputParser(), output_key="a"))
    dag.add_node(AgentNode("pydantic", pydantic_ai_echo("pydantic: "), input_mapping={"task": "a"}, output_key="b"))
    dag.add_node(AgentNode("graph", graph, input_mapping={"question": "b"}, output_key="c"))
    dag.add_node(AgentNode("agent", Agent(llm=echo("agent: ")), input_mapping={"task": "d"}, output_key="e"))
    dag.add_node(AgentNode("function", lambda c: c["answer"], output_key="d"))
    for source, target in [("chain", "pydantic"), ("pydantic", "graph"), ("graph", "function"), ("function", "agent")]:
        dag.add_edge(source, target)
    state = mode(dag, {"topic": "tides"}).raise_for_failure().final_state
    assert state["a"] == "chain: Tell me about tides."
    assert state["b"] == "pydantic: chain: Tell me about tides."
    assert state["e"] == "agent: graph(pydantic: chain: Tell me about tides.)"


class Messages(TypedDict):
    """The state of a LangGraph agent."""

    messages: Annotated[list[AnyMessage], add_messages]


async def depth(sea: str) -> str:
    """Say how deep a sea is."""
    return f"{sea}: 95 m"


def langgraph_agent(model: ScriptedModel) -> Any:
    """Return an agent as LangGraph's own are made: a model that calls tools until it answers."""

    async def ask(state: Messages) -> dict[str, Any]:
        return {"messages": [await model.bind_tools([depth]).ainvoke(state["messages"])]}

    graph = StateGraph(Messages).add_node("model", ask).add_node("tools", ToolNode([depth]))
    graph.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
    return graph.compile()


@every_mode
def test_a_langgraph_agent_with_tools_answers_in_every_mode(mode: Mode):
    model = ScriptedModel([ToolCalls([("depth", {"sea": "North Sea"})]), "95 m."])
    dag = AgentDAG("seas").add_node(AgentNode("ask", lambda sea: [HumanMessage(f"How deep: {sea}?")], output_key="m"))
    dag.add_node(AgentNode("agent", langgraph_agent(model), input_mapping={"messages": "m"}, output_key="out"))
    dag.add_node(AgentNode("tell", lambda out: [m.text for m in out["messages"]], output_key="told"))
    dag.add_edge("ask", "agent").add_edge("agent", "tell")
    told = mode(dag, {"sea": "North Sea"}).raise_for_failure().final_state["told"]
    assert told == ["How deep: North Sea?", "", "North Sea: 95 m", "95 m."]


class Sea(BaseModel):
    """An output of a type of its own."""

    name: str
    depth_m: int


@every_mode
def test_a_pydantic_ai_agent_gives_its_typed_output(mode: Mode):
    agent = PydanticAgent(TestModel(custom_output_args={"name": "North Sea", "depth_m": 95}), output_type=Sea)
    dag = AgentDAG("seas").add_node(AgentNode("agent", agent, output_key="sea"))
    dag.add_node(AgentNode("tell", lambda sea: sea.depth_m, output_key="depth")).add_edge("agent", "tell")
    assert mode(dag, {"task": "Which sea?"}).final_state["depth"] == 95


def test_a_pydantic_ai_agent_is_asked_in_the_words_that_an_agent_would_be():
    for given in ({"topic": "tides"}, {"topic": "tides", "words": 20}):
        ours = Agent(llm=echo(""))
        dag = AgentDAG("words").add_node(AgentNode("theirs", pydantic_ai_echo(""))).add_node(AgentNode("ours", ours))
        results = DAGExecutor(dag).execute(given).node_results
        assert (
            results["theirs"]
            == results["ours"]
            == "\n".join(str(value) if len(given) == 1 else f"{key}: {value}" for key, value in given.items())
        )


@every_mode
def test_a_pydantic_ai_agent_runs_once_for_each_item(mode: Mode):
    dag = AgentDAG("each").add_node(AgentNode("say", pydantic_ai_echo("> "), map_over="words", output_key="said"))
    assert mode(dag, {"words": ["low", "high"]}).final_state["said"] == ["> low", "> high"]


def test_what_other_frameworks_raise_is_the_error_of_their_node():
    def refuses(messages: Any, info: Any) -> ModelResponse:
        raise ConnectionError("nobody answers")

    dag = AgentDAG("errors").add_node(AgentNode("graph", langgraph_of(lambda state: {"answer": state["question"]})))
    dag.add_node(AgentNode("pydantic", PydanticAgent(FunctionModel(refuses))))
    dag.add_node(AgentNode("chain", PROMPT | echo("")))
    errors = DAGExecutor(dag).execute({"answer": "none"}).errors
    assert isinstance(errors["graph"], KeyError)
    assert "question" in str(errors["graph"])
    assert str(errors["pydantic"]) == "nobody answers"
    assert "missing variables {'topic'}" in str(errors["chain"])


def test_a_langgraph_builder_is_refused_before_anything_runs():
    with pytest.raises(GraphError, match=r"a node cannot hold <langgraph\.graph\.state\.StateGraph"):
        AgentDAG().add_node(AgentNode("graph", StateGraph(Question)))


@pytest.mark.parametrize("make", [lambda f: PydanticAgent(FunctionModel(f)), langgraph_of], ids=["pydantic", "graph"])
def test_one_that_takes_too_long_is_stopped(make):
    stopped = []

    async def sleeps(*_: Any) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append(True)
            raise

    dag = AgentDAG("slow").add_node(AgentNode("slow", make(sleeps), timeout_seconds=1))
    result = run(DAGExecutor(dag).aexecute({"question": "?"}))
    assert isinstance(result.errors["slow"], TimeoutError)
    assert stopped == [True]
    assert result.execution_time_seconds == pytest.approx(1)


# -- ours in theirs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [lambda c, i: c.invoke(i), lambda c, i: run(c.ainvoke(i))], ids=["sync", "async"])
def test_an_agent_stands_in_a_chain(ask):
    chain = PROMPT | Agent(llm=echo("")).as_runnable() | StrOutputParser() | str.upper
    assert ask(chain, {"topic": "tides"}) == "BE BRIEF.\nTELL ME ABOUT TIDES."


def test_a_batch_asks_the_agent_at_the_same_time():
    async def batch() -> tuple[list[str], float]:
        model = ScriptedModel(lambda messages, schema: messages[-1].text, latency_s=1.0)
        answers = await Agent(llm=model).as_runnable().abatch([f"question {n}" for n in range(20)])
        return answers, asyncio.get_running_loop().time()

    answers, took_s = run(batch())
    assert answers == [f"question {n}" for n in range(20)]
    assert took_s == pytest.approx(1)


def test_a_chain_that_is_streamed_yields_the_agents_answer_and_langchain_sees_the_tokens():
    chain = PROMPT | Agent(llm=echo("")).as_runnable()

    async def read() -> tuple[list[Any], list[Any]]:
        whole = [chunk async for chunk in chain.astream({"topic": "tides"})]
        events = [event async for event in chain.astream_events({"topic": "tides"}, version="v2")]
        return whole, [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]

    whole, tokens = run(read())
    assert whole == ["".join(tokens)] == ["Be brief.\nTell me about tides."]
    assert len(tokens) > 3


def test_langchains_callbacks_count_the_agents_tokens():
    usage = UsageMetadataCallbackHandler()
    Agent(llm=echo("")).as_runnable().invoke("hello", config={"callbacks": [usage]})
    assert usage.usage_metadata["scripted"]["total_tokens"] == 7


def test_an_agent_answers_in_a_langgraph_node_and_its_tokens_stream_from_there():
    agent = Agent(llm=echo("It is about "))

    async def node(state: Question) -> Question:
        return {"answer": await agent.arun(state["question"], return_metrics=False)}

    graph = langgraph_of(node)

    async def read() -> tuple[Any, list[str]]:
        state = await graph.ainvoke({"question": "the sea"})
        return state, [m.text async for m, _ in graph.astream({"question": "the sea"}, stream_mode="messages")]

    state, tokens = run(read())
    assert state == {"question": "the sea", "answer": "It is about the sea"}
    assert tokens[:3] == ["It ", "is ", "about "]


def test_an_agent_as_a_runnable_answers_in_a_langgraph_of_messages():
    def question(state: Messages) -> Any:
        return state["messages"][-1].text

    def message(answer: str) -> dict[str, list[AnyMessage]]:
        return {"messages": [AIMessage(answer)]}

    node = RunnableLambda(question) | Agent(llm=echo("> ")).as_runnable() | message
    graph = langgraph_of(node, Messages)
    assert run(graph.ainvoke({"messages": [HumanMessage("hello")]}))["messages"][-1].text == "> hello"
    assert graph.invoke({"messages": [HumanMessage("hello")]})["messages"][-1].text == "> hello"


EXPERT = Agent(llm=echo("the expert says: "), name="expert")


async def ask_expert(question: str) -> str:
    """Ask the expert about the sea."""
    return str(await EXPERT.arun(question))


@pytest.mark.parametrize("ask", [lambda a, q: a.run(q), lambda a, q: run(a.arun(q))], ids=["sync", "async"])
def test_an_agent_is_a_tool_of_another_agent(ask):
    script = [plan(("ask", "ask_expert")), {"question": "How deep?"}, DONE, "Deep."]
    response = ask(Agent([ask_expert], llm=ScriptedModel(script, usage=(10, 3))), "How deep is it?")
    assert [step.result for step in response.execution_history] == ["the expert says: How deep?"]
    assert response.result == "Deep."
    assert response.metrics.total_tokens == 4 * 13  # its own alone: the expert's are in the expert's response


@every_mode
def test_the_calls_of_agents_inside_other_frameworks_are_in_the_nodes_figures(mode: Mode):
    agent = Agent(llm=echo(""))

    async def node(state: Question) -> Question:
        return {"answer": await agent.arun(state["question"], return_metrics=False)}

    dag = AgentDAG("figures").add_node(AgentNode("chain", PROMPT | agent.as_runnable()))
    dag.add_node(AgentNode("graph", langgraph_of(node), input_mapping={"question": "topic"}))
    frame = mode(dag, {"topic": "tides"}).raise_for_failure().to_frame()
    assert frame["llm_calls"].to_dict() == {"chain": 1, "graph": 1}
    assert frame["input_tokens"].to_dict() == {"chain": 5, "graph": 5}


@every_mode
def test_an_agent_of_ours_is_a_tool_of_a_langgraph_agent_and_of_a_pydantic_ai_agent(mode: Mode):
    theirs = PydanticAgent(TestModel(call_tools=["ask_expert"]), tools=[ask_expert])
    dag = AgentDAG("tools").add_node(AgentNode("pydantic", theirs))
    assert "the expert says: a" in mode(dag, {"task": "go"}).node_results["pydantic"]
