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


def test_a_response_is_json_whatever_its_tools_gave():
    import json
    from datetime import UTC, date, datetime
    from decimal import Decimal

    import numpy as np
    import pandas as pd

    class Odd:
        def __str__(self):
            raise ValueError("no str")

    given = [
        date(2026, 11, 22),
        Decimal("1.5"),
        {1},
        b"\xff",
        np.arange(3),
        pd.DataFrame({"a": [1]}),
        float("nan"),
        Odd(),
    ]
    left = iter(given)

    def odd(x: int) -> object:
        """Give something odd."""
        return next(left)

    def reply(_, schema):
        if schema is None:
            return "done"
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "odd", "description": f"d{k}", "depends_on": []} for k in range(len(given))]}
        return {"x": 1} if "x" in schema["properties"] else {"complete": "yes", "missing": ""}

    response = Agent([odd], llm=ScriptedModel(reply)).run("?")
    results = [
        step["result"] for step in json.loads(json.dumps(response.to_dict(), allow_nan=False))["execution_history"]
    ]
    assert results[:3] == ["2026-11-22", "1.5", [1]]
    assert results[4] == "[0 1 2]"
    assert results[6:] == [None, "(a Odd that JSON cannot hold)"]

    class Report(BaseModel):
        when: datetime

    dated = Agent(llm=ScriptedModel([{"when": "2026-11-22T10:00:00Z"}]), output_schema=Report).run("When?")
    assert dated.result.when == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert dated.to_dict()["result"] == {"when": "2026-11-22T10:00:00Z"}
