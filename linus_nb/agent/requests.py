"""What the loop asks of its driver, and what the driver answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from linus_nb.agent.replies import Task
from linus_nb.agent.response import ExecutionStep
from linus_nb.tools.tool import Tool

if TYPE_CHECKING:
    from linus_nb.engine.result import ExecutionResult

Message = tuple[str, str]
"""A role (``system``, ``user`` or ``assistant``) and a text: LangChain takes such pairs as they are."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model. ``schema`` is the JSON schema that the reply has to fit; None asks for plain text."""

    messages: tuple[Message, ...]
    purpose: str
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call a tool."""

    tool: Tool
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Carry out the tasks of a plan, each once those that it depends on have ended.

    ``work`` gives the part of the loop for a task, from the task and the steps of those that it depends on.
    """

    tasks: tuple[Task, ...]
    work: Callable[[Task, Sequence[ExecutionStep]], Steps[ExecutionStep]]


Request = CallModel | CallTool | CarryOut


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What a plan came to: a step for each task, None for one that was skipped; and the run, which can be looked at."""

    steps: tuple[ExecutionStep | None, ...]
    run: ExecutionResult


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote, and the tokens that it took."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool gave, or the error that it raised."""

    result: Any = None
    error: Exception | None = None


T = TypeVar("T")
Steps = Generator[Request, Any, T]
"""A part of the loop: yields requests, is sent a `Reply`, `ToolOutcome` or `PlanOutcome` for each, returns a ``T``."""
