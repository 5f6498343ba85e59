"""Things to evaluate, in virtual time."""

from __future__ import annotations

import asyncio

from linus_nb import Agent, AgentDAG, AgentNode
from linus_nb.analysis.evaluating.evaluation import evaluate
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run

KEY = "sk-proj-a1b2c3d4e5f6a7b8c9d0e1f2"


def shouting(**options):
    """Return an agent without tools that answers in capitals: three calls, of which the last one gives the answer."""

    def reply(messages, schema):
        question = str(messages[-1].content)
        if "boom" in question:
            raise ConnectionError(f"gone with {KEY}")
        return next(word.upper() for word in ("paris", "rome", "oslo", "ada") if word in question)

    return Agent(llm=ScriptedModel(reply, usage=(10, 3), **options.pop("model", {})), **options)


def sums():
    dag = AgentDAG("sums")
    dag.add_node(AgentNode("double", lambda x: 2 * x, output_key="doubled"))
    dag.add_node(AgentNode("halve", lambda doubled: 1 / (doubled - 4), output_key="rest"))
    return dag.add_edge("double", "halve")


def of(target, cases, **options):
    return run(evaluate(target, cases, progress=False, **options))


async def waits(seconds):
    await asyncio.sleep(seconds)
    return seconds
