"""What the loop asks of its driver, and what the driver answers."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from linus_nb.tools.tool import Tool

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


Request = CallModel | CallTool


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
"""A part of the loop: yields requests, is sent a `Reply` or a `ToolOutcome` for each, and returns a ``T``."""
