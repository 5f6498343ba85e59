"""What one run of an agent cost."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

from linus_nb.brief import Brief
from linus_nb.display import Shown
from linus_nb.events import ServedFrom
from linus_nb.models.usage import Usage

_counting = threading.Lock()  # of all runs together: it is held for a few additions


@dataclass(repr=False)
class AgentMetrics(Brief, Shown):
    """Counts of one run; every run has its own.

    Attributes:
        total_iterations: Rounds of planning and doing that began.
        total_input_tokens: Tokens of all prompts, estimated where the provider names none.
        total_output_tokens: Tokens of all replies, estimated likewise.
        total_tokens: Their sum.
        execution_time_seconds: Seconds from the question to the answer.
        reasoning_calls: Plans asked for.
        tool_executions: Tool calls, failed ones included.
        completion_checks: Times the model was asked whether the task is done.
        llm_calls: Model calls, repeated questions included, and those that a cache or a script answered.
        successful_tool_calls: Tool calls that gave a result.
        failed_tool_calls: Tool calls that raised.
        task_completed: Whether the task is done.
        iterations_to_completion: The round in which it was done, or None.
        cost: US dollars of all model calls; 0.0 for a model that runs on this machine, None where a price is not known
            (``cost_note`` says whose), and before the first call.
        estimated_tokens: Some of the tokens were estimated here, not named by the provider.
        unpriced_models: The models whose price is not known.
        cached_replies: How many of the calls LangChain's cache of replies answered; their tokens and cost are 0.
        scripted_replies: How many a test double answered.
        llm_retries: Tries that failed before the model calls above: of connections, time limits, 429 and 5xx, and at
            models that others stood in for.
        cached_input_tokens: How many of the input tokens the provider, or the server that runs here, had read before.
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
    cost: float | None = None
    estimated_tokens: bool = False
    unpriced_models: tuple[str, ...] = ()
    cached_replies: int = 0
    scripted_replies: int = 0
    cached_input_tokens: int = 0
    llm_retries: int = 0

    _view = "linus_nb.rendering.response:metrics_bundle"

    def count_call(
        self,
        usage: Usage,
        cost: float | None = None,
        model: str = "the model",
        served_from: ServedFrom = "model",
        retries: int = 0,
    ) -> None:
        """Count a model call that gave a reply. Safe to call from many threads at once.

        Args:
            usage: Its tokens.
            cost: What it cost in US dollars, None where no price is known.
            model: The model's name, for ``cost_note``.
            served_from: Where the reply came from.
            retries: Tries that failed before it.

        >>> metrics = AgentMetrics()
        >>> metrics.count_call(Usage(1000, 100), 0.0035, "gpt-4o")
        >>> metrics.total_tokens, metrics.cost
        (1100, 0.0035)
        """
        with _counting:
            self.llm_calls += 1
            self.llm_retries += retries
            self.total_input_tokens += usage.input_tokens
            self.total_output_tokens += usage.output_tokens
            self.total_tokens = self.total_input_tokens + self.total_output_tokens
            self.cached_input_tokens += usage.cached_tokens
            self.cached_replies += served_from == "cache"
            self.scripted_replies += served_from == "script"
            self.estimated_tokens = self.estimated_tokens or usage.estimated
            if cost is None and model not in self.unpriced_models:
                self.unpriced_models = (*self.unpriced_models, model)
            self.cost = None if cost is None or self.unpriced_models else (self.cost or 0.0) + cost

    @property
    def cost_note(self) -> str:
        """What a reader of ``cost`` should know: whose price is missing, or that tokens were estimated; else empty."""
        if self.unpriced_models:
            return f"no price is known for {', '.join(map(repr, self.unpriced_models))}"
        return "from estimated tokens" if self.estimated_tokens and self.cost else ""

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
            "cost_note": self.cost_note,
        }
