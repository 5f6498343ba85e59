"""Results as what a FastAPI endpoint returns, by its annotation."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter

from linus_nb import Agent, AgentDAG, AgentNode, AgentResponse, DAGExecutor, ExecutionResult
from linus_nb.testing import ScriptedModel


def test_a_response_and_a_result_are_fields_of_pydantic_models_and_written_as_plain_data():
    class Both(BaseModel):
        response: AgentResponse
        result: ExecutionResult

    response = Agent(llm=ScriptedModel(["Hello!"])).run("Say hello")
    result = DAGExecutor(AgentDAG("one").add_node(AgentNode("a", lambda: 1, output_key="a"))).execute()
    both = Both(response=response, result=result)
    assert both.response is response
    written = both.model_dump(mode="json")
    assert written["response"]["result"] == "Hello!"
    assert written["response"]["metrics"]["llm_calls"] == 1
    assert written["result"]["final_state"] == {"a": 1}


def test_both_can_be_described_as_the_answer_of_an_endpoint():
    for kind in (AgentResponse, ExecutionResult):
        assert TypeAdapter(kind).json_schema(mode="serialization")["type"] == "object"
