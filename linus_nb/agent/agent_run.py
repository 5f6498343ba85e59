"""One run of an agent: what it was asked, and all that it gathers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from linus_nb.agent.approval import Approval
from linus_nb.agent.memory_recall import Recalled
from linus_nb.agent.metrics import AgentMetrics
from linus_nb.agent.response import AgentResponse, ExecutionStep
from linus_nb.agent.structured import Structure
from linus_nb.engine.result import ExecutionResult
from linus_nb.tools.tool import Tool

COMPLETED = "completed"


@dataclass
class AgentRun:
    """One run of an agent. Nothing of it lives on the agent.

    ``history`` holds the steps of the plans that were carried out, in order; ``done`` each step as it ended, also
    those of a plan that is not over.
    """

    question: str
    tools: Mapping[str, Tool]
    instructions: str = ""
    max_iterations: int = 5
    output: Structure | None = None
    approve: Approval | None = None
    recalled: Recalled = field(default_factory=Recalled)
    clock: Callable[[], float] = time.perf_counter
    history: list[ExecutionStep] = field(default_factory=list)
    done: list[ExecutionStep] = field(default_factory=list)
    metrics: AgentMetrics = field(default_factory=AgentMetrics)
    plans: list[ExecutionResult] = field(default_factory=list)
    response: AgentResponse | None = None

    def __post_init__(self) -> None:
        self._began = self.clock()

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return self.clock() - self._began

    def finished(self, result: Any, status: str) -> AgentResponse:
        """Return the response of a run that is over; ``status`` is ``completed`` or says what is missing."""
        m = self.metrics
        m.task_completed = status == COMPLETED
        m.iterations_to_completion = m.total_iterations if m.task_completed else None
        if not m.task_completed and isinstance(result, str):
            result = f"{result}\n\n{_missing(status)}".lstrip()
        m.execution_time_seconds = self.elapsed()
        self.response = AgentResponse(result, m, self.history, status, self.plans)
        return self.response

    def so_far(self, status: str) -> AgentResponse:
        """Return what there is of a run without an answer: the steps that ended, and what they cost."""
        told = {id(step) for step in self.history}
        steps = [*self.history, *(step for step in tuple(self.done) if id(step) not in told)]
        metrics = replace(self.metrics, execution_time_seconds=self.elapsed())
        return AgentResponse(_missing(status), metrics, steps, status, list(self.plans))


def _missing(status: str) -> str:
    return f"(Not completed: {status})"
