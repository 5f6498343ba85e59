"""A run of an agent that has a memory: what was said earlier is recalled before it, and the turn is kept after it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from linus_nb.agent.agent_run import AgentRun
from linus_nb.agent.loop import ask
from linus_nb.agent.memory import Memory
from linus_nb.agent.memory_recall import recall
from linus_nb.agent.memory_remember import remember
from linus_nb.agent.requests import CallBlocking, Steps
from linus_nb.agent.response import AgentResponse


def answer_with_memory(
    run: AgentRun, memory: Memory, answer: Callable[[AgentRun], Steps[AgentResponse]]
) -> Steps[AgentResponse]:
    """Answer the question of a run, knowing what was said earlier, and keep both; a summary counts as its call."""
    run.recalled = yield CallBlocking(partial(recall, memory, run.question))
    response = yield from answer(run)
    yield from remember(memory, run.question, str(response), partial(ask, run))
    run.metrics.execution_time_seconds = run.elapsed()
    return response
