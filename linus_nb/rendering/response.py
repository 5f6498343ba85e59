"""MIME bundles of agents and of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from linus_nb.rendering.card import card, header, part, sentence
from linus_nb.rendering.labels import dollars
from linus_nb.rendering.numbers import plural, seconds
from linus_nb.rendering.type_setting import printable

MOST_STEPS = 12
MOST_TOOLS = 20
LONGEST_CELL = 160
LONGEST_ANSWER = 20_000


def response_bundle(response: Any) -> dict[str, str]:
    """Return an `AgentResponse` as ``{"text/html": …}``: what it cost, the answer, and the steps that led to it."""
    metrics = response.metrics
    completed = bool(getattr(metrics, "task_completed", True))
    facts = [
        *_counted(metrics, "total_iterations", "iteration"),
        *_counted(metrics, "llm_calls", "model call"),
        *_counted(metrics, "tool_executions", "tool call"),
        *_tokens_and_cost(metrics),
        seconds(getattr(metrics, "execution_time_seconds", None)),
    ]
    answer = str(response.result)
    shown = answer if len(answer) <= LONGEST_ANSWER else answer[:LONGEST_ANSWER] + "…"
    parts = [
        header("answer", "success", facts, said="completed")
        if completed
        else header("answer", "failed", facts, said="not completed"),
        part(f'<div class="linus-answer">{escape(shown)}</div>'),
        _steps(list(response.execution_history or ())),
    ]
    if not completed:
        status = printable(getattr(response, "completion_status", "") or "not completed")
        parts.append(sentence(f"The task was not completed: {escape(status)}.", ("response.execution_history",)))
    return {"text/html": card(parts)}


def agent_bundle(agent: Any) -> dict[str, str]:
    """Return an `Agent` as ``{"text/html": …}``: its tools, and how to ask it."""
    tools = list(agent.tools.values() if isinstance(agent.tools, Mapping) else agent.tools)
    rows = "".join(
        f"<tr><td><b>{escape(printable(_tool_name(tool)))}</b></td><td>{escape(_first_line(tool))}</td></tr>"
        for tool in tools[:MOST_TOOLS]
    )
    more = f"<tr><td>and {len(tools) - MOST_TOOLS} more</td><td></td></tr>" if len(tools) > MOST_TOOLS else ""
    parts = [
        header(printable(getattr(agent, "name", None) or "Agent"), "", [plural(len(tools), "tool")]),
        part(f"<table>{rows}{more}</table>") if rows else "",
        sentence("", ('await agent("…")',)),
    ]
    return {"text/html": card(parts)}


def _counted(metrics: Any, name: str, noun: str) -> list[str]:
    count = getattr(metrics, name, 0)
    return [plural(count, noun)] if count else []


def _tokens_and_cost(metrics: Any) -> list[str]:
    about = "about " if getattr(metrics, "estimated_tokens", False) else ""
    cost = dollars(getattr(metrics, "cost", None))
    return [about + fact for fact in (*_counted(metrics, "total_tokens", "token"), *([cost] if cost else []))]


def _steps(history: list[Any]) -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(_field(step, key)))}</td>" for key in _COLUMNS) + "</tr>"
        for step in history[:MOST_STEPS]
    )
    if not rows:
        return ""
    head = "".join(f'<th class="linus-muted">{key}</th>' for key in _COLUMNS)
    more = f"<div>and {len(history) - MOST_STEPS} more steps</div>" if len(history) > MOST_STEPS else ""
    return part(f"<table><tr>{head}</tr>{rows}</table>{more}")


_COLUMNS = ("iteration", "task", "tool", "status", "result")


def _field(step: Any, key: str) -> Any:
    return step.get(key) if isinstance(step, Mapping) else getattr(step, key, None)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "–"
    text = printable(value)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"


def _tool_name(tool: Any) -> str:
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", None) or type(tool).__name__)


def _first_line(tool: Any) -> str:
    text = str(getattr(tool, "description", None) or getattr(tool, "__doc__", None) or "").strip()
    return _cell(text.splitlines()[0]) if text else ""
