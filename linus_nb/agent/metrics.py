"""What one run of an agent cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class AgentMetrics:
    """Counts of one run; every run has its own.

    Attributes:
        total_iterations: Rounds of planning and doing that began.
        total_input_tokens: Tokens of all prompts; estimated (characters / 4) where the provider names none.
        total_output_tokens: Tokens of all replies; estimated likewise.
        total_tokens: Their sum.
        execution_time_seconds: Seconds from the question to the answer.
        reasoning_calls: Plans asked for.
        tool_executions: Tool calls, failed ones included.
        completion_checks: Times the model was asked whether the task is done.
        llm_calls: Model calls, repeated questions included.
        successful_tool_calls: Tool calls that gave a result.
        failed_tool_calls: Tool calls that raised.
        task_completed: Whether the task is done.
        iterations_to_completion: The round in which it was done, or None.
    """

    total_iterations: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    total_tokens: int = 0
    execution_time_seconds: float = 0.0
    reasoning_calls: int = 0
    tool_executions: int = 0
    completion_checks: int = 0
    llm_calls: int = 0
    successful_tool_calls: int = 0
    failed_tool_calls: int = 0
    task_completed: bool = False
    iterations_to_completion: int | None = None

    @property
    def avg_tokens_per_llm_call(self) -> float:
        """Tokens per model call; 0 where there was none."""
        return self.total_tokens / self.llm_calls if self.llm_calls else 0.0

    @property
    def success_rate(self) -> float:
        """The share of tool calls that gave a result, from 0 to 1; 1 where there was none."""
        return self.successful_tool_calls / self.tool_executions if self.tool_executions else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return all counts and what follows from them.

        >>> AgentMetrics(llm_calls=2, total_tokens=30).to_dict()["avg_tokens_per_llm_call"]
        15.0
        """
        return asdict(self) | {
            "avg_tokens_per_llm_call": self.avg_tokens_per_llm_call,
            "success_rate": self.success_rate,
        }
