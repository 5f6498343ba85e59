"""What models were told and said: as text from whatever carries it, in the record, and in a saved run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.prompts import ChatPromptTemplate

from linus_nb import Agent, AgentDAG, DAGExecutor, load_run
from linus_nb.engine.record import RunRecord, walk
from linus_nb.events import ModelCalled, ToolCalled
from linus_nb.models.spoken import spoken
from linus_nb.testing import ScriptedModel, ToolCalls

SECRET = "sk-proj-a1b2c3d4e5f6a7b8c9d0e1f2"


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no")


MESSAGES = [
    (SystemMessage("be brief"), ("system", "be brief")),
    (HumanMessage("hello"), ("user", "hello")),
    (AIMessage("hi"), ("assistant", "hi")),
    (AIMessageChunk(content="h"), ("assistant", "h")),
    (ToolMessage("4", tool_call_id="1"), ("tool", "4")),
    (AIMessage("", tool_calls=[ToolCall(name="add", args={"a": 1}, id="1")]), ("assistant", '→ add({"a": 1})')),
    (
        AIMessage("wait", invalid_tool_calls=[InvalidToolCall(name="add", args="{a", id="1", error="bad")]),
        ("assistant", "wait\n→ add({a)"),
    ),
    (AIMessage([{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]), ("assistant", "one two")),
    ({"role": "user", "content": "hello"}, ("user", "hello")),
    ({"role": "developer", "content": "be brief"}, ("system", "be brief")),
    (("system", "be brief"), ("system", "be brief")),
    ("hello", ("user", "hello")),
]


@pytest.mark.parametrize(("message", "said"), MESSAGES, ids=[str(said) for _, said in MESSAGES])
def test_whatever_carries_a_message_it_is_a_role_and_a_text(message: Any, said: tuple[str, str]) -> None:
    assert spoken([message]) == [said]


def test_pictures_are_named_and_not_quoted() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5_000}}
    [(role, text)] = spoken([HumanMessage([{"type": "text", "text": "what is this? "}, image])])
    assert role == "user"
    assert text.startswith("what is this?")
    assert "image" in text
    assert len(text) < 60


@pytest.mark.parametrize(
    "odd", [None, 7, b"bytes", [], {}, Odd(), {"content": Odd()}, ("a",), ("user", None)], ids=type
)
def test_nothing_that_stands_among_messages_costs_the_record(odd: Any) -> None:
    [(role, text)] = spoken([odd])
    assert isinstance(role, str)
    assert isinstance(text, str)


# -- in the record ---------------------------------------------------------------------------------------------------


def calls(record: RunRecord) -> list[Any]:
    return [call for step in walk(record) for _, call in step.record.calls]


def told(record: RunRecord) -> list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
    return [(spoken(call.messages), spoken(call.reply)) for call in calls(record) if isinstance(call, ModelCalled)]


def model() -> ScriptedModel:
    return ScriptedModel(lambda *_: "an answer", usage=(5, 2))


def chain() -> Any:
    return ChatPromptTemplate.from_messages([("system", "be brief"), ("human", "{topic}")]) | model()


def function() -> Callable[[str], str]:
    llm = model()
    return lambda topic: llm.invoke([("system", "be brief"), ("human", topic)]).text


def graph() -> Any:
    from langgraph.graph import END, START, MessagesState, StateGraph

    llm = model()
    built = StateGraph(MessagesState)
    built.add_node("ask", lambda state: {"messages": [llm.invoke([SystemMessage("be brief"), *state["messages"]])]})
    built.add_edge(START, "ask").add_edge("ask", END)
    return built.compile()


KINDS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "chain": (chain, {"topic": "barriers"}),
    "function": (function, {"topic": "barriers"}),
    "graph": (graph, {"messages": [("human", "barriers")]}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("saved", [False, True])
def test_what_a_model_was_told_and_said_is_in_the_record(kind: str, saved: bool) -> None:
    make, state = KINDS[kind]
    dag = AgentDAG("asks")
    dag.node(make(), name="ask", **({"by_name": False} if kind != "function" else {}))
    result = DAGExecutor(dag).execute(state)
    assert result.status == "success", result.errors
    record = (load_run(result.to_jsonl()) if saved else result).record
    assert told(record) == [([("system", "be brief"), ("user", "barriers")], [("assistant", "an answer")])]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("saved", [False, True])
def test_each_call_of_an_agent_has_what_was_sent_and_what_came_back(streamed: bool, saved: bool) -> None:
    def search(query: str) -> list[str]:
        """Search."""
        return [query, SECRET]

    llm = ScriptedModel([ToolCalls([("search", {"query": "q"})]), f"found {SECRET}"], usage=(5, 2))
    dag = AgentDAG("asks")
    dag.node(Agent([search], llm=llm, strategy="tools"), name="ask", input_mapping={"text": "topic"})
    result = DAGExecutor(dag, stream=streamed).execute({"topic": "barriers"})
    assert result.status == "success", result.errors
    text = result.to_jsonl()
    assert SECRET not in text
    record = (load_run(text) if saved else result).record
    (first, first_reply), (second, second_reply) = told(record)
    assert first[1:] == [("user", "barriers")]
    assert first_reply == [("assistant", '→ search({"query": "q"})')]
    assert [role for role, _ in second] == ["system", "user", "assistant", "tool"]
    assert second_reply[0][1].startswith("found ")
    assert [type(call) for call in calls(record)] == [ModelCalled, ToolCalled, ModelCalled]


def test_a_call_that_failed_has_what_was_sent() -> None:
    llm = ScriptedModel(errors={1: ConnectionError("gone")})
    dag = AgentDAG("asks")
    dag.node(Agent(llm=llm, strategy="tools"), name="ask", input_mapping={"text": "topic"})
    result = DAGExecutor(dag).execute({"topic": "barriers"})
    [(sent, reply)] = told(result.record)
    assert sent[-1] == ("user", "barriers")
    assert reply == []
