"""What the loop asks of its driver, and what the driver answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from linus_nb.agent.approval import Approval
from linus_nb.agent.replies import Task
from linus_nb.agent.response import ExecutionStep
from linus_nb.events import ServedFrom
from linus_nb.models.usage import Usage
from linus_nb.tools.tool import Tool

if TYPE_CHECKING:
    from linus_nb.engine.result import ExecutionResult

Message = tuple[str, str]
"""A role (``system``, ``user`` or ``assistant``) and a text: LangChain takes such pairs as they are."""

AnyMessage = Message | Any
"""Also what a model answered with, as it came, and what a tool gave (a dict), where a model calls tools by itself."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model. ``schema`` is the JSON schema that the reply has to fit; None asks for plain text.

    ``tools`` are those that the model may call by its own means.
    """

    messages: tuple[AnyMessage, ...]
    purpose: str
    schema: Mapping[str, Any] | None = None
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call a tool, once ``approve`` has allowed it, if there is one to ask."""

    tool: Tool
    arguments: Mapping[str, Any]
    approve: Approval | None = None


@dataclass(frozen=True, slots=True)
class CallBlocking:
    """Call something that may wait for a disk; awaited, it runs in a thread. Its errors are the run's."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Carry out the tasks of a plan, each once those that it depends on have ended.

    ``work`` gives the part of the loop for a task, from the task and the steps of those that it depends on.
    """

    tasks: tuple[Task, ...]
    work: Callable[[Task, Sequence[ExecutionStep]], Steps[TaskOutcome]]


Request = CallModel | CallTool | CallBlocking | CarryOut


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What a plan came to: a step for each task, None for one that was skipped; and the run, which can be looked at."""

    steps: tuple[ExecutionStep | None, ...]
    run: ExecutionResult


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tool call that a model asks for; ``problem`` says why its arguments cannot be read, if they cannot."""

    identity: str
    tool: str
    arguments: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote, the tool calls that it asks for, and what it cost: tokens, and US dollars where known."""

    text: str
    usage: Usage
    cost: float | None = None
    model: str = ""
    wanted: tuple[Wanted, ...] = ()
    message: Any = None  # as it came, to be sent back
    served_from: ServedFrom = "model"
    retries: int = 0  # tries that failed before it, where that is told


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool gave, also as text, or what it raised; and the arguments, which a person may have changed."""

    result: Any = None
    error: Exception | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What a task came to; ``error`` is what its step tells in words, where it failed."""

    step: ExecutionStep
    error: Exception | None = None


T = TypeVar("T")
Steps = Generator[Request, Any, T]
"""A part of the loop: yields requests, is sent what came of each, returns a ``T``.

A `Reply`, a `ToolOutcome`, a `PlanOutcome`, or what the function gave.
"""
