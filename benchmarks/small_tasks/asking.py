"""Asking a model the tasks, one at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.small_tasks.tasks import HALVES, SmallTask
from linus_nb import Agent
from linus_nb.agent.memory import Memory
from linus_nb.errors import LinusError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Strategy = Literal["reasoning", "tools"]


@dataclass(frozen=True)
class Outcome:
    """What a model made of a task; ``error`` names the LinusError that a run ended in, and is empty otherwise."""

    half: str
    task: SmallTask
    answer: str
    right: bool
    error: str
    iterations: int
    calls: int
    tokens: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return self.__dict__ | {"kind": self.task.kind, "task": self.task.question}  # the question stands for the task


def outcomes(llm: BaseChatModel, strategy: Strategy = "reasoning", half: str = "") -> Iterator[Outcome]:
    """Ask the tasks, or one half of them, and yield what came of each."""
    for name, tasks in HALVES.items():
        for task in tasks if half in ("", name) else ():
            yield asked(task, name, llm, strategy)


def asked(task: SmallTask, half: str, llm: BaseChatModel, strategy: Strategy) -> Outcome:
    """Ask one task. What it is told before counts neither as calls nor as seconds."""
    with Memory() as memory:
        agent = Agent(
            task.tools, llm=llm, output_schema=task.output, strategy=strategy, memory=memory if task.told else None
        )
        for remark in task.told:
            agent.run(remark)
        start = time.perf_counter()
        try:
            response = agent.run(task.question)
        except LinusError as error:
            return Outcome(
                half, task, "", False, f"{type(error).__name__}: {error}", 0, 0, 0, time.perf_counter() - start
            )
        seconds = time.perf_counter() - start
    m = response.metrics
    right = m.task_completed and task.right(response.result)  # a result that is not complete says so, with numbers
    return Outcome(half, task, str(response), right, "", m.total_iterations, m.llm_calls, m.total_tokens, seconds)
