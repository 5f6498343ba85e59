"""What an agent answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linus_nb.agent.metrics import AgentMetrics
from linus_nb.agent.telling import told
from linus_nb.brief import Brief, brief
from linus_nb.display import Shown
from linus_nb.masking import masked
from linus_nb.plain import Plain, plain_data

if TYPE_CHECKING:
    from linus_nb.engine.result import ExecutionResult


LONGEST_ANSWER = 20_000  # characters, as it is shown; str() of a response has all of it


@dataclass(frozen=True, repr=False)
class ExecutionStep(Brief):
    """One task that an agent carried out, or tried to.

    Attributes:
        iteration: The round, from 1.
        task: What was to be done, in the model's words.
        tool: The tool's name, or None where the model answered in words.
        arguments: What the tool was given.
        result: What came of it; None where it failed.
        status: ``completed``, ``failed`` or ``skipped`` (a task that it depends on failed).
        error: What went wrong, in words; empty otherwise.
        start_s: Seconds from the start of the run to the start of the step.
        end_s: The same, to its end.
        said: The result as text, where it was made so already: that of a large table takes a while.
    """

    iteration: int
    task: str
    tool: str | None
    result: Any
    status: str
    arguments: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    start_s: float = 0.0
    end_s: float = 0.0
    said: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The result as text, as a model is told it; cut where it is very long."""
        return self.said or told(self.result)

    @property
    def duration_s(self) -> float:
        """Seconds that the step took."""
        return self.end_s - self.start_s

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain data, which JSON can hold."""
        facts = {name: plain_data(value) for name, value in self.__dict__.items() if name != "said"}
        return facts | {"duration_s": self.duration_s}


@dataclass(frozen=True, repr=False)
class AgentResponse(Shown, Plain):
    """An agent's answer, and how it came about; ``str()`` of it is the answer.

    Attributes:
        result: The answer: a text, or a value of the agent's ``output_schema``.
        metrics: What the run cost.
        execution_history: The tasks carried out, in order.
        completion_status: ``completed``, or one sentence that says what is missing.
        plans: The runs of the plans that were carried out, one for each round: each shows itself as a picture.
    """

    result: Any
    metrics: AgentMetrics
    execution_history: list[ExecutionStep] = field(default_factory=list)
    completion_status: str = "completed"
    plans: list[ExecutionResult] = field(default_factory=list)

    _view = "linus_nb.rendering.response:response_bundle"

    @property
    def plan(self) -> ExecutionResult | None:
        """The run of the latest plan, a graph of tasks; None where no task was carried out."""
        return self.plans[-1] if self.plans else None

    def __str__(self) -> str:
        return str(self.result)

    def __repr__(self) -> str:
        m = self.metrics
        facts = [
            "completed" if m.task_completed else f"not completed: {masked(self.completion_status, 300)}",
            _counted(m.total_iterations, "iteration"),
            _counted(m.llm_calls, "model call"),
            _counted(m.tool_executions, "tool call"),
            f"{m.execution_time_seconds:.2f} s",
        ]
        answer = self.result if isinstance(self.result, str) else brief(self.result, LONGEST_ANSWER)
        return f"{masked(answer, LONGEST_ANSWER)}\n\n({', '.join(facts)})"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, which JSON can hold; the objects themselves are in the attributes."""
        return {
            "result": plain_data(self.result),
            "metrics": self.metrics.to_dict(),
            "execution_history": [step.to_dict() for step in self.execution_history],
            "completion_status": self.completion_status,
        }


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
