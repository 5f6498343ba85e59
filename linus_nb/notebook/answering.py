"""An agent answers where somebody looks on: in a cell, as text that grows, or line by line at a terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from linus_nb.agent import Agent
from linus_nb.agent.response import AgentResponse
from linus_nb.agent.stream import Answered
from linus_nb.engine.interrupts import say_instead
from linus_nb.events import ModelCalled, TokenDelta
from linus_nb.notebook.answer_page import AnswerPage
from linus_nb.notebook.surroundings import kernel

INTERVAL_S = 0.1  # between two updates


async def answered(agent: Agent, name: str, text: str) -> AgentResponse:
    """Ask an agent, show its answer as it comes, and return its response."""
    with stopped_briefly():
        return await (_in_cell(agent, name, text) if kernel() is not None else _at_terminal(agent, text))


@contextmanager
def stopped_briefly() -> Iterator[None]:
    """Let Stop end a cell with a sentence: a traceback would only lead through an event loop."""
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt) as error:
        say_instead(error, "Stopped the agent. What it had done is kept: linus_nb.last_response()")
        raise


async def _in_cell(agent: Agent, name: str, text: str) -> AgentResponse:
    from IPython.display import display

    page = AnswerPage(name)
    handle = display(page.bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types
    following = asyncio.create_task(_follow(page, handle))
    final: dict[str, Any] | None = None
    try:
        async for event in agent.stream(text):
            page.take(event)
            if isinstance(event, Answered):
                response = event.response
        final = response._repr_mimebundle_()
    except asyncio.CancelledError:
        page.status = "cancelled"
        raise
    except Exception:
        page.status = "failed"
        raise
    finally:
        following.cancel()
        handle.update(final or page.bundle(), raw=True)
    return response


async def _follow(page: AnswerPage, handle: Any) -> None:
    shown = None
    while True:
        await asyncio.sleep(INTERVAL_S)
        bundle = page.bundle()
        if bundle != shown:
            handle.update(bundle, raw=True)
            shown = bundle


async def _at_terminal(agent: Agent, text: str) -> AgentResponse:
    said = ""
    is_over = False
    async for event in agent.stream(text):
        if isinstance(event, TokenDelta):
            said = event.text if is_over else said + event.text
            is_over = False
            sys.stdout.write(event.text)
            sys.stdout.flush()
        elif isinstance(event, ModelCalled):
            if said and not is_over:
                sys.stdout.write("\n")
            is_over = True
        elif isinstance(event, Answered):
            response = event.response
    if str(response) != said:  # an answer that did not stream, or that says what is missing
        sys.stdout.write(f"{response}\n")
    return response
