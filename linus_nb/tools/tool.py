"""What a tool is to an agent, wherever it comes from."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from linus_nb.brief import Brief
from linus_nb.errors import ToolError
from linus_nb.tools.checks import kinds_checked, seconds_checked, whole_checked


@dataclass(frozen=True, slots=True)
class Example:
    """A question that a tool answers, and the arguments for it. Small models choose tools by such examples."""

    question: str
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Tool(Brief):
    """A tool: what a model reads of it, and how it is called.

    Limits and retries hold for the calls that an agent makes, not for ``tool(...)`` in a person's own code.

    Attributes:
        name: What the model calls it.
        description: What it does, for the model.
        schema: The JSON schema of its arguments (an object).
        blocking: Takes the arguments as a mapping and returns the result; None for a tool that must be awaited.
        awaiting: The same, awaited; None for a tool that only blocks.
        examples: Questions that it answers.
        timeout_seconds: For each attempt; None for no limit.
        retry_count: Attempts after the first, with the backoff that nodes have.
        retry_on: The exceptions worth another attempt. A `ToolError` (arguments that do not fit, a refusal) is final
            unless it is named here, or is a time-out or a failed connection.
        wrapped: What the tool was made from.

    Raises:
        ToolError: a limit or a number of retries makes no sense.
    """

    name: str
    description: str
    schema: dict[str, Any]
    blocking: Callable[[Mapping[str, Any]], Any] | None = None
    awaiting: Callable[[Mapping[str, Any]], Awaitable[Any]] | None = None
    examples: tuple[Example, ...] = ()
    timeout_seconds: float | None = None
    retry_count: int = 0
    retry_on: tuple[type[Exception], ...] = (Exception,)
    wrapped: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        whose = f"tool {self.name!r}"
        if self.timeout_seconds is not None:
            seconds_checked(self.timeout_seconds, whose)
        whole_checked(self.retry_count, f"{whose}: retry_count", least=0)
        object.__setattr__(self, "retry_on", kinds_checked(self.retry_on, whose))

    @property
    def parameters(self) -> dict[str, Any]:
        """The schemas of the arguments, by name."""
        properties: dict[str, Any] = self.schema.get("properties", {})
        return properties

    @property
    def summary(self) -> str:
        """The first line of the description."""
        return self.description.strip().partition("\n")[0].strip()

    def retries(self, error: BaseException) -> bool:
        """Return whether an error is worth another attempt, if one is left."""
        if not isinstance(error, self.retry_on):
            return False
        final = isinstance(error, ToolError) and not isinstance(error, OSError)  # no time-out, no lost connection
        return not final or any(issubclass(kind, ToolError) for kind in self.retry_on)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the tool as the function it was made from (an async one gives an awaitable)."""
        if self.wrapped is not None:
            return self.wrapped(*args, **kwargs)
        names = list(self.parameters)
        arguments = dict(zip(names, args, strict=False)) | kwargs
        call = self.blocking or self.awaiting
        assert call is not None, f"tool {self.name!r} has nothing to call"
        return call(arguments)

    @property
    def __doc__(self) -> str:  # type: ignore[override]  # help(tool) shows what the tool does, not what a Tool is
        return self.description


def is_async(function: Any) -> bool:
    """Return whether calling ``function`` gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  the method itself is asked
    )
