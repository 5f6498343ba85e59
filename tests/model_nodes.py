"""Models as nodes, and the calls that a run notes of them."""

from __future__ import annotations

from typing import Any

from langchain_core.prompts import ChatPromptTemplate

from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.analysis.runs.tables import model_calls
from linus_nb.events import ModelCalled
from linus_nb.testing import ScriptedModel
from tests.modes import Mode

PROMPT = ChatPromptTemplate.from_template("Tell me about {topic}.")
STATE = {"topic": "tides"}


def told(*tokens: int, **options: Any) -> ScriptedModel:
    """Return a model whose calls have these tokens: each node gets its own, so that none is counted elsewhere."""
    return ScriptedModel(lambda messages, schema: "It is the sea.", usage=tokens, **options)


def calls_of(node: Any, mode: Mode | None = None) -> list[ModelCalled]:
    dag = AgentDAG("one").add_node(AgentNode("node", node))
    result = DAGExecutor(dag).execute(STATE) if mode is None else mode(dag, STATE)
    return model_calls(result.raise_for_failure().record)


def tokens_of(calls: list[ModelCalled]) -> list[tuple[int, int]]:
    return sorted((call.input_tokens, call.output_tokens) for call in calls)


def all_of_a_stream(model: Any, topic: str) -> str:
    return "".join(chunk.text for chunk in model.stream(topic))
