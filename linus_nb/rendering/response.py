"""MIME bundles of agents and of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from linus_nb.brief import brief
from linus_nb.display import VERBATIM
from linus_nb.masking import masked
from linus_nb.numbers import plural, seconds
from linus_nb.rendering.card import card, header, part, sentence
from linus_nb.rendering.card_table import left_out, table
from linus_nb.rendering.labels import dollars
from linus_nb.rendering.type_setting import printable_lines, printable_start

MOST_STEPS = 12
MOST_TOOLS = 20
LONGEST_CELL = 160
LONGEST_ANSWER = 20_000
LONGEST_STATUS = 1000


def response_bundle(response: Any) -> dict[str, str]:
    """Return an `AgentResponse` as ``{"text/html": …}``: what it cost, the answer, and the steps that led to it."""
    metrics = response.metrics
    completed = bool(getattr(metrics, "task_completed", True))
    facts = _facts(metrics)
    result = response.result
    answer = result if isinstance(result, str) else brief(result, LONGEST_ANSWER)
    shown = printable_lines(masked(answer, LONGEST_ANSWER))
    parts = [
        header("answer", "success", facts, said="completed")
        if completed
        else header("answer", "failed", facts, said="not completed"),
        part(f'<div class="linus-answer {VERBATIM}">{escape(shown)}</div>'),
        _steps(list(response.execution_history or ())),
    ]
    if not completed:
        status = printable_start(getattr(response, "completion_status", "") or "not completed", LONGEST_STATUS)
        parts.append(sentence(f"The task was not completed: {escape(status)}.", ("response.execution_history",)))
    return {"text/html": card(parts)}


def agent_bundle(agent: Any) -> dict[str, str]:
    """Return an `Agent` as ``{"text/html": …}``: its tools, and how to ask it."""
    tools = list(agent.tools.values() if isinstance(agent.tools, Mapping) else agent.tools)
    rows = [(_cell(_tool_name(tool)), _first_line(tool)) for tool in tools[:MOST_TOOLS]]
    parts = [
        header(
            printable_start(getattr(agent, "name", None) or "Agent", LONGEST_CELL), "", [plural(len(tools), "tool")]
        ),
        table(rows, strong=(0,), more=left_out(len(tools), len(rows), "tool")),
        sentence("", ('await agent("…")',)),
    ]
    return {"text/html": card(parts)}


def metrics_bundle(metrics: Any) -> dict[str, str]:
    """Return an `AgentMetrics` as ``{"text/html": …}``: what one run of an agent cost."""
    calls = {
        "plans": metrics.reasoning_calls,
        "checks": metrics.completion_checks,
        "tool calls that gave a result": metrics.successful_tool_calls,
        "tool calls that raised": metrics.failed_tool_calls,
        "tries of model calls that failed": metrics.llm_retries,
    }
    tokens = {
        "replies out of a cache": metrics.cached_replies,
        "replies out of a script": metrics.scripted_replies,
        "tokens read": metrics.total_input_tokens,
        "of these out of the server's own cache": metrics.cached_input_tokens,
        "tokens written": metrics.total_output_tokens,
    }
    rows = [(name, f"{count:,}") for name, count in (calls | tokens).items() if count]
    facts = _facts(metrics)
    parts = [
        header("AgentMetrics", "success", facts, said="completed")
        if metrics.task_completed
        else header("AgentMetrics", "failed", facts, said="not completed"),
        table(rows, aside=(0,)),
        sentence(escape(printable_start(f"The cost: {metrics.cost_note}.", 400)) if metrics.cost_note else ""),
    ]
    return {"text/html": card(parts)}


def _facts(metrics: Any) -> list[str]:
    return [
        *_counted(metrics, "total_iterations", "iteration"),
        *_counted(metrics, "llm_calls", "model call"),
        *_counted(metrics, "tool_executions", "tool call"),
        *_tokens_and_cost(metrics),
        seconds(getattr(metrics, "execution_time_seconds", None)),
    ]


def _counted(metrics: Any, name: str, noun: str) -> list[str]:
    count = getattr(metrics, name, 0)
    return [plural(count, noun)] if count else []


def _tokens_and_cost(metrics: Any) -> list[str]:
    about = "about " if getattr(metrics, "estimated_tokens", False) else ""
    cost = dollars(getattr(metrics, "cost", None))
    return [about + fact for fact in (*_counted(metrics, "total_tokens", "token"), *([cost] if cost else []))]


def _steps(history: list[Any]) -> str:
    rows = [[_cell(_field(step, key)) for key in _COLUMNS] for step in history[:MOST_STEPS]]
    return table(rows, _COLUMNS, aside=(0,), more=left_out(len(history), len(rows), "step"))


_COLUMNS = ("iteration", "task", "tool", "status", "result")


def _field(step: Any, key: str) -> Any:
    return step.get(key) if isinstance(step, Mapping) else getattr(step, key, None)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, str) and not value):
        return "–"
    return printable_start(value if isinstance(value, str) else brief(value, LONGEST_CELL), LONGEST_CELL)


def _tool_name(tool: Any) -> str:
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", None) or type(tool).__name__)


def _first_line(tool: Any) -> str:
    text = str(getattr(tool, "description", None) or getattr(tool, "__doc__", None) or "").strip()
    return _cell(text.splitlines()[0]) if text else ""
