"""Scripts for agents, and running one by both drivers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from linus_nb.agent import Agent
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator

DONE = {"complete": "yes", "missing": ""}


def plan(*tasks):
    keys = ("description", "tool", "depends_on")
    return {"tasks": [dict(zip(keys, task, strict=False)) for task in tasks]}


def product_script():
    return [plan(("multiply", "calculator")), {"expression": "42 * 17"}, DONE, "42 * 17 = 714"]


def both(replies, task="Calculate 42 * 17", *, tools=(calculator,), model=None, **options):
    """Run one script by both drivers; check that they did the same, and return the response and the model's calls."""
    outcomes = []
    for ask in (lambda agent: agent.run(task), lambda agent: asyncio.run(agent.arun(task))):
        scripted = ScriptedModel(list(replies), usage=(10, 3), **(model or {}))
        response = ask(Agent(tools, llm=scripted, **options))
        outcomes.append((response, scripted.calls))
    (blocked, first), (awaited, second) = outcomes
    assert [(c.messages, c.schema, c.reply) for c in first] == [(c.messages, c.schema, c.reply) for c in second]
    assert timeless(blocked) == timeless(awaited)
    return blocked, first


def timeless(response):
    history = [replace(step, start_s=0.0, end_s=0.0) for step in response.execution_history]
    metrics = replace(response.metrics, execution_time_seconds=0.0)
    return response.result, response.completion_status, history, metrics
