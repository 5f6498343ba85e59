"""What is reported from inside a node while it works: model and tool calls, their waits, and progress.

Plain facts without a node or a time: whoever receives a report stamps it, see `linus_nb.events`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NewType

from linus_nb.brief import Brief

ServedFrom = Literal["model", "cache", "script"]

Messages = NewType("Messages", Sequence[Any])
"""What was said to a model, or by it, as it was: LangChain's messages, dicts, texts, or pairs of a role and a text.

Kept by reference, and turned into text when somebody looks, or saves: see `linus_nb.models.spoken`.
"""
_NOTHING_SAID = Messages(())


@dataclass(frozen=True, slots=True, repr=False)
class ModelCalled(Brief):
    """A model call that has ended, as reported by who made it.

    Tokens are ``estimated`` where the provider names none, and 0 for a call that raised. ``cost`` is in US dollars: 0.0
    for a model that runs here, None where no price is known.

    ``served_from`` says where the reply came from: ``"model"``; ``"cache"``, LangChain's cache of replies, so that no
    model was asked, and tokens and cost are 0; or ``"script"``, a test double, which names tokens and cost as it is
    told to. ``cached_input_tokens`` are those of the input that the provider, or the server that runs here, had read
    before and kept: its own cache of prompts, from which a repeated question is answered sooner.

    ``messages`` are what was sent, and ``reply`` what came back: one message, or none.

    Where `linus_nb.models.governed` made the call, each try is one: ``attempt`` counts those at this model,
    ``waited_s`` are the seconds before this one in which the call waited for a limit or a pause, and ``instead_of``
    names the first choice where this model stood in for it.
    """

    model: str
    duration_s: float
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    purpose: str = ""
    error: BaseException | None = None
    cost: float | None = None
    served_from: ServedFrom = "model"
    cached_input_tokens: int = 0
    messages: Messages = field(default=_NOTHING_SAID, repr=False)
    reply: Messages = field(default=_NOTHING_SAID, repr=False)
    attempt: int = 1
    waited_s: float = 0.0
    instead_of: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ToolCalled(Brief):
    """A tool call that has ended, as reported by who made it."""

    tool: str
    duration_s: float
    arguments: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    error: BaseException | None = None


Call = ModelCalled | ToolCalled


WaitReason = Literal["limit", "retry"]


@dataclass(frozen=True, slots=True, repr=False)
class ModelWaits(Brief):
    """A model call has to wait: for a ``limit``, or for its next try (``retry``) after one that gave this ``error``.

    ``number`` tells waits of one process apart.
    """

    number: int
    model: str
    reason: WaitReason
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ModelWaited(Brief):
    """The wait of that number is over: the call goes on, or was given up."""

    number: int


Wait = ModelWaits | ModelWaited


@dataclass(frozen=True, slots=True, repr=False)
class PlanMade(Brief):
    """An agent decided what to do: its tasks, in words."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ToolStarted(Brief):
    """A tool call begins."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class TokenDelta(Brief):
    """A piece of a model's reply, as it comes."""

    text: str
    purpose: str = ""


Progress = PlanMade | ToolStarted | TokenDelta
"""What is told while it happens, where somebody asked for that (see `streaming`)."""


Report = Call | Wait | Progress
