"""An agent's run as it happens: plans, tool calls, pieces of replies, and at last the response."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from linus_nb import events
from linus_nb.agent.response import AgentResponse
from linus_nb.engine.interrupts import say_instead


@dataclass(frozen=True, slots=True)
class Answered:
    """The last event of a stream: the response."""

    response: AgentResponse


AgentEvent = events.Report | Answered


async def streamed(work: Callable[[], Coroutine[Any, Any, AgentResponse]]) -> AsyncIterator[AgentEvent]:
    """Yield what is reported while ``work`` goes on, then its response. Given up early, the work is cancelled.

    Raises:
        Exception: what ``work`` raised, after all that had been reported.
    """
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    heard: asyncio.Queue[AgentEvent | None] = asyncio.Queue()
    around = events.sink.get()  # of the graph in which the agent is a node, if it is one

    def receive(_: object, reported: Any) -> None:
        if around is not None:
            around[0](around[1], reported)
        if threading.get_ident() == thread:
            heard.put_nowait(reported)
        else:  # out of a tool that runs in a thread
            loop.call_soon_threadsafe(heard.put_nowait, reported)

    context = copy_context()
    context.run(events.sink.set, (receive, None))
    context.run(events.streaming.set, True)
    task = loop.create_task(work(), context=context)
    task.add_done_callback(lambda _: heard.put_nowait(None))
    try:
        while (event := await heard.get()) is not None:
            yield event
        yield Answered(task.result())
    except asyncio.CancelledError as error:
        say_instead(error, "Stopped the agent. What it had done is kept: linus_nb.last_response()")
        raise
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])  # raises a cancellation of ours, and not the task's own
            if not task.cancelled():
                task.exception()  # looked at, so that asyncio does not complain of it
