"""What was told in one run answers a question in a later one."""

from __future__ import annotations

import pytest

from linus_nb import Agent
from linus_nb.agent.memory import Memory
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


def knows(messages, schema):
    """Answer from what stands in the prompt, as a model would: without it, it does not know."""
    asked = messages[-1].text
    if schema is not None and "tasks" in schema["properties"]:
        return {"tasks": [{"tool": "none", "description": asked.splitlines()[-1], "depends_on": []}]}
    if "which colour" not in asked.lower():
        return "Noted."
    return "You like teal." if "teal" in asked else "I do not know."


def words(text: str) -> int:
    """Count words."""
    return len(text.split())


@pytest.mark.parametrize("strategy", ["reasoning", "tools"])
@pytest.mark.parametrize("tools", [(), (words,)], ids=["no tools", "tools"])
@pytest.mark.parametrize("way", ["run", "arun"])
def test_a_follow_up_question_sees_what_was_said_earlier(strategy, tools, way):
    def ask(agent, question):
        return agent.run(question) if way == "run" else run(agent.arun(question))

    with Memory() as memory:
        model = ScriptedModel(knows)
        agent = Agent(tools, llm=model, memory=memory, strategy=strategy)
        ask(agent, "My favourite colour is teal.")
        for number in range(6):  # so that it is no longer among the latest
            ask(agent, f"Remark number {number} about the weather.")
        assert ask(agent, "Which colour do I like?").result == "You like teal."
        told = next(c for c in reversed(model.calls) if c.schema is None).messages[-1].text
        assert "Earlier: My favourite colour is teal.\nAnswer: Noted.\n" in told
        assert told.endswith("Which colour do I like?")
        forgetful = Agent(tools, llm=ScriptedModel(knows), strategy=strategy)
        assert ask(forgetful, "Which colour do I like?").result == "I do not know."


def test_a_memory_in_a_file_outlives_the_agent(tmp_path):
    with Memory(path=tmp_path / "memory.db") as memory:
        Agent(llm=ScriptedModel(knows), memory=memory).run("My favourite colour is teal.")
    with Memory(path=tmp_path / "memory.db") as memory:
        assert Agent(llm=ScriptedModel(knows), memory=memory).run("Which colour do I like?").result == "You like teal."


def test_old_turns_are_summarised_once_and_the_call_is_counted():
    def says(messages, schema):
        return "They spoke of tides." if "New summary:" in messages[-1].text else "Noted. " * 12

    with Memory(token_budget=200, recent_turns=1) as memory:
        agent = Agent(llm=ScriptedModel(says), memory=memory)
        calls = [agent.run(f"Remark {k}: the tide was {k} metres high. " * 3).metrics.llm_calls for k in range(12)]
        assert memory.summary == "They spoke of tides."
        assert 2 in calls  # a run that summarised
        assert calls.count(2) < 6


@pytest.mark.parametrize("way", ["run", "arun"])
def test_an_answer_is_not_lost_for_a_summary_that_fails(way, caplog):
    def says(messages, schema):
        return TimeoutError("no connection") if "New summary:" in messages[-1].text else "Noted. " * 12

    with Memory(token_budget=200, recent_turns=1) as memory:
        agent = Agent(llm=ScriptedModel(says), memory=memory)
        for k in range(6):
            question = f"Remark {k}: the tide was {k} metres high. " * 3
            response = agent.run(question) if way == "run" else run(agent.arun(question))
            assert response.result == ("Noted. " * 12).strip()
        assert len(memory) == 6
        assert memory.summary == ""
    assert "earlier turns were not summarised, and stay as they are: no connection" in caplog.text
