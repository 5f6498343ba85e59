"""Asking a person before a tool runs: yes, no, or yes with other arguments."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from typing import Any

from linus_nb.engine.background import run_blocking
from linus_nb.engine.threads import ThreadCall
from linus_nb.errors import NotApprovedError, ToolError

Arguments = Mapping[str, Any]
Verdict = bool | Arguments
Approve = Callable[[str, Arguments], Verdict | Awaitable[Verdict]]
"""Gets a tool's name and arguments; answers True, False, or a dict of the arguments to use in their place."""


def approved(approve: Approve, tool: str, arguments: Arguments) -> Arguments:
    """Return the arguments to call a tool with; the calling thread waits for the person.

    Raises:
        NotApprovedError: the person said no.
    """
    answer = approve(tool, arguments)
    if inspect.isawaitable(answer):
        return _meant(run_blocking(_awaited(answer)), tool, arguments)
    return _meant(answer, tool, arguments)


async def aapproved(approve: Approve, tool: str, arguments: Arguments) -> Arguments:
    """Return the arguments to call a tool with; a plain function asks in a thread, so that the loop goes on.

    Raises:
        NotApprovedError: the person said no.
    """
    if inspect.iscoroutinefunction(approve):
        return _meant(await approve(tool, arguments), tool, arguments)
    call = ThreadCall(lambda: approve(tool, arguments), copy_context())
    await call.wait()
    answer = call.outcome()
    return _meant(await answer if inspect.isawaitable(answer) else answer, tool, arguments)


async def _awaited(answer: Awaitable[Verdict]) -> Verdict:
    return await answer


def _meant(answer: Any, tool: str, arguments: Arguments) -> Arguments:
    if isinstance(answer, Mapping):
        return answer
    if answer is True:
        return arguments
    if answer is False or answer is None:  # closing the question is no yes
        raise NotApprovedError(tool)
    raise ToolError(f"approve answered {answer!r} for {tool!r}; let it return True, False or a dict of arguments")
