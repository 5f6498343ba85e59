"""Whatever a tool gives or raises, the run goes on and the model is told."""

from __future__ import annotations

import pytest

from linus_nb import Agent
from linus_nb.testing import ScriptedModel, ToolCalls
from tests.virtual_time import run


class Mute:
    def __str__(self) -> str:
        raise ValueError("no str")

    __repr__ = __str__


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("no str")


def answered(tool, strategy, awaited):
    """Run an agent that calls the tool once and answers; return the response, and what the model was told last."""

    def reply(_, schema):
        if schema is None:
            return "done"
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "odd", "description": "d", "depends_on": []}]}
        return {"x": 1} if "x" in schema["properties"] else {"complete": "yes", "missing": ""}

    model = ScriptedModel([ToolCalls([("odd", {"x": 1})]), "done"] if strategy == "tools" else reply)
    agent = Agent([tool], llm=model, strategy=strategy, max_iterations=1 if strategy == "reasoning" else 2)
    response = run(agent.arun("?")) if awaited else agent.run("?")
    return response, model.calls[-1].messages[-1].text


@pytest.mark.parametrize("awaited", [True, False])
@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
@pytest.mark.parametrize("value", [Mute(), [Mute()], 10**5000], ids=["mute", "list", "huge"])
def test_a_result_that_cannot_be_shown_as_text_is_named_by_its_type(value, strategy, awaited):
    def odd(x: int) -> object:
        """Give something odd."""
        return value

    response, told = answered(odd, strategy, awaited)
    assert response.execution_history[0].result is value
    assert response.metrics.task_completed
    assert f"(a result that cannot be shown as text: {type(value).__name__})" in told


@pytest.mark.parametrize("awaited", [True, False])
@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
def test_an_error_that_says_nothing_is_named_by_its_type(strategy, awaited):
    def odd(x: int) -> object:
        """Raise something odd."""
        raise MuteError

    response, told = answered(odd, strategy, awaited)
    assert (response.execution_history[0].status, response.execution_history[0].error) == ("failed", "MuteError")
    assert strategy == "reasoning" or "MuteError" in told
