"""A Pydantic AI agent as a node: asked in words as an Agent is, and answering with its output alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from linus_nb.graph.given import as_text


def is_pydantic_ai_agent(thing: Any) -> bool:
    """Return whether ``thing`` is one, told by its class, so that the package is not loaded to ask."""
    return any(
        kind.__name__ == "AbstractAgent" and kind.__module__.partition(".")[0] == "pydantic_ai"
        for kind in type(thing).__mro__
    )


def answering(agent: Any) -> Callable[[Any], Awaitable[Any]]:
    """Return how to ask it: its ``run`` takes no mappings, and wraps its output in a record of the run."""

    async def answer(given: Any) -> Any:
        return (await agent.run(as_text(given))).output

    return answer
