"""Questions and answers of a given type."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import BaseModel, Field

from linus_nb import Agent, AgentDAG, AgentNode
from linus_nb.errors import InputError, ReplyError
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


class Report(BaseModel):
    title: str
    pages: int = Field(ge=1)


class Query(BaseModel):
    topic: str


@dataclass
class Point:
    x: float
    y: float


def test_the_answer_is_of_the_type_asked_for_and_the_provider_gets_its_schema():
    model = ScriptedModel([{"title": "Tides", "pages": 3}])
    response = Agent(llm=model, output_schema=Report).run("report on tides")
    assert response.result == Report(title="Tides", pages=3)
    assert response.to_dict()["result"] == {"title": "Tides", "pages": 3}
    assert model.calls[0].schema["properties"].keys() == {"title", "pages"}
    assert response.metrics.llm_calls == 1


@pytest.mark.parametrize(
    "written",
    [
        'Here it is:\n```json\n{"title": "Tides", "pages": 3}\n```',
        '{"title": "Tides", "pages": "3"}',
        'First {"other": 1}, then {"title": "Tides", "pages": 3}.',
    ],
)
def test_what_fits_is_found_wherever_it_stands(written):
    assert Agent(llm=ScriptedModel([written]), output_schema=Report).run("x").result.pages == 3


def test_what_does_not_fit_is_asked_for_once_more_with_the_reason():
    model = ScriptedModel([{"title": "Tides", "pages": 0}, {"title": "Tides", "pages": 1}])
    assert run(Agent(llm=model, output_schema=Report).arun("x")).result.pages == 1
    assert "pages: Input should be greater than or equal to 1" in model.calls[1].messages[-1].text


def test_what_still_does_not_fit_is_an_error_that_shows_what_the_model_wrote():
    model = ScriptedModel(["no idea", "still none"])
    with pytest.raises(ReplyError, match="still none"):
        Agent(llm=model, output_schema=Report).run("x")


def test_a_dataclass_will_do_and_any_hint_that_pydantic_knows():
    assert Agent(llm=ScriptedModel([{"x": 1, "y": 2}]), output_schema=Point).run("x").result == Point(1.0, 2.0)
    assert Agent(llm=ScriptedModel(["[1, 2]"]), output_schema=list[int]).run("x").result == [1, 2]
    with pytest.raises(TypeError, match="give a pydantic model"):
        Agent(llm=ScriptedModel([]), output_schema=object())


@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
def test_tools_come_first_and_the_type_last(strategy):
    def count(text: str) -> int:
        """Count letters."""
        return len(text)

    def reply(messages, schema):
        if schema is None:
            return "five letters"
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "count", "description": "count", "depends_on": []}]}
        if "text" in schema["properties"]:
            return {"text": "tides"}
        return {"complete": "yes", "missing": ""} if "complete" in schema["properties"] else {"title": "T", "pages": 5}

    agent = Agent([count], llm=ScriptedModel(reply), output_schema=Report, strategy=strategy)
    assert run(agent.arun("how long is tides?")).result == Report(title="T", pages=5)


def test_a_question_is_checked_before_a_model_is_asked():
    model = ScriptedModel(["about tides"])
    agent = Agent(llm=model, input_schema=Query)
    assert str(agent.run("tides")) == "about tides"
    assert model.calls[0].messages[-1].text == "tides"
    with pytest.raises(InputError, match="topic"):
        agent.run({"subject": "tides"})
    assert len(model.calls) == 1


def test_in_a_graph_the_value_itself_is_written():
    agent = Agent(llm=ScriptedModel([{"title": "Tides", "pages": 3}]), output_schema=Report)
    dag = AgentDAG().add_node(AgentNode("report", agent, input_mapping={"task": "q"}, output_key="report"))
    dag.add_node(AgentNode("pages", lambda report: report.pages)).add_edge("report", "pages")
    assert run(dag({"q": "tides"})).node_results["pages"] == 3
