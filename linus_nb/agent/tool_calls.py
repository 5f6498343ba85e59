"""How an agent calls a tool: attempts, the limit of each, threads. One way blocks and one awaits.

Errors are raised, for the driver to tell to the model. A call that took too long goes on where it cannot be stopped
(in a thread), and nobody hears of it any more: neither its result nor what it reports.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any

from linus_nb import backoff
from linus_nb.agent.hearing import heard
from linus_nb.engine.background import run_blocking
from linus_nb.engine.deadline import ExpiredError, within
from linus_nb.engine.threads import ThreadCall
from linus_nb.errors import ToolError, ToolTimeoutError
from linus_nb.tools.tool import Tool

Arguments = Mapping[str, Any]


def call(tool: Tool, arguments: Arguments) -> Any:
    """Call a tool and return its result; the calling thread waits.

    Raises:
        ToolTimeoutError: the last attempt took longer than ``tool.timeout_seconds``.
        Exception: whatever the last attempt raised.
    """
    attempt = 1
    while True:
        try:
            return _attempt(tool, arguments)
        except Exception as error:
            if attempt > tool.retry_count or not tool.retries(error):
                raise
        time.sleep(backoff.backoff_s(attempt))
        attempt += 1


async def acall(tool: Tool, arguments: Arguments) -> Any:
    """Call a tool and return its result; other tasks go on meanwhile, also where the tool blocks.

    Raises:
        ToolTimeoutError: the last attempt took longer than ``tool.timeout_seconds``.
        Exception: whatever the last attempt raised.
        asyncio.CancelledError: the caller was cancelled, whatever the tool made of that.
    """
    attempt = 1
    while True:
        try:
            return await _attempt_awaited(tool, arguments)
        except Exception as error:
            if attempt > tool.retry_count or not tool.retries(error):
                raise
        await asyncio.sleep(backoff.backoff_s(attempt))
        attempt += 1


# -- one attempt -----------------------------------------------------------------------------------------------------


def _attempt(tool: Tool, arguments: Arguments) -> Any:
    limit = tool.timeout_seconds
    until = None if limit is None else time.monotonic() + limit
    try:
        with heard():
            if tool.blocking is None:
                return _finished(_awaited(tool, arguments), until)
            try:
                value = _block(tool, arguments) if limit is None else _block_within(limit, tool, arguments)
            except NotImplementedError:  # so says a tool of LangChain's that has to be awaited
                if tool.awaiting is None:
                    raise
                value = _awaited(tool, arguments)
            return _finished(_settled(value), until) if inspect.isawaitable(value) else value
    except ExpiredError:
        raise ToolTimeoutError(tool.name, limit or 0.0) from None
    except asyncio.CancelledError as error:  # nobody but the tool itself can cancel what the caller waits for
        raise _own_cancellation(tool) from error


def _finished(coroutine: Any, until: float | None) -> Any:
    return run_blocking(coroutine if until is None else within(until - time.monotonic(), coroutine))


def _block_within(limit_s: float, tool: Tool, arguments: Arguments) -> Any:
    thread = ThreadCall(lambda: _block(tool, arguments), copy_context())
    if not thread.wait_blocking(limit_s):
        thread.give_up()
        raise ToolTimeoutError(tool.name, limit_s)
    return thread.outcome()


async def _attempt_awaited(tool: Tool, arguments: Arguments) -> Any:
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        with heard(asyncio.get_running_loop()):
            work = _awaited(tool, arguments)
            value = await (work if tool.timeout_seconds is None else within(tool.timeout_seconds, work))
    except asyncio.CancelledError as error:
        if task.cancelling() > before:
            raise
        raise _own_cancellation(tool) from error
    except Exception as error:
        if task.cancelling() > before:  # the tool made something else of it
            raise asyncio.CancelledError from error
        if isinstance(error, ExpiredError):
            raise ToolTimeoutError(tool.name, tool.timeout_seconds or 0.0) from None
        raise
    if task.cancelling() > before:  # the tool kept it to itself
        raise asyncio.CancelledError
    return value


async def _awaited(tool: Tool, arguments: Arguments) -> Any:
    """Await a tool; one that only blocks runs in a daemon thread, in a copy of the caller's context."""
    if tool.awaiting is not None:
        return await _settled(tool.awaiting(arguments))
    thread = ThreadCall(lambda: _block(tool, arguments), copy_context())
    await thread.wait()
    return await _settled(thread.outcome())


async def _settled(value: Any) -> Any:
    while inspect.isawaitable(value):
        value = await value
    return value


def _block(tool: Tool, arguments: Arguments) -> Any:
    assert tool.blocking is not None, f"tool {tool.name!r} has nothing to call"
    try:
        return tool.blocking(arguments)
    except (
        StopIteration,
        GeneratorExit,
    ) as error:  # no coroutine can raise these as they are
        raise ToolError(f"{tool.name!r} raised {type(error).__name__}; let it return a value") from error


def _own_cancellation(tool: Tool) -> ToolError:
    return ToolError(f"{tool.name!r} was cancelled from inside: something that it waits for was cancelled")
