"""The two drivers of the loop: one blocks, one awaits. Both report each call, and neither decides anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from linus_nb import events
from linus_nb.agent import tool_calls
from linus_nb.agent.approval import aapproved, approved
from linus_nb.agent.model_calls import acall_model, call_model
from linus_nb.agent.plan_run import acarry_out, carry_out
from linus_nb.agent.requests import (
    CallBlocking,
    CallModel,
    CallTool,
    CarryOut,
    Request,
    Steps,
    ToolOutcome,
)
from linus_nb.agent.telling import told
from linus_nb.engine.threads import in_thread
from linus_nb.errors import NobodyToAskError
from linus_nb.tools.tool import Tool

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

T = TypeVar("T")
GRACE_S = 0.2  # that a cancelled run waits for a write that has begun


def drive(steps: Steps[T], llm: BaseChatModel) -> T:
    """Run the loop to its end in the calling thread."""
    go_on: Callable[[], Request] = partial(next, steps)
    with closing(steps):
        while True:
            try:
                request = go_on()
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                if isinstance(request, CallModel):
                    answer: Any = call_model(llm, request)
                elif isinstance(request, CallTool):
                    answer = _call_tool(request)
                elif isinstance(request, CallBlocking):
                    answer = request.function()
                else:
                    _tell_plan(request)
                    answer = carry_out(request, partial(drive, llm=llm), partial(adrive, llm=llm))
            except Exception as error:  # noqa: BLE001  thrown into the loop, which may have something to say to it
                go_on = partial(steps.throw, error)
            else:
                go_on = partial(steps.send, answer)


async def adrive(steps: Steps[T], llm: BaseChatModel) -> T:
    """Run the loop to its end, awaiting the model and the tools."""
    go_on: Callable[[], Request] = partial(next, steps)
    with closing(steps):
        while True:
            try:
                request = go_on()
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                if isinstance(request, CallModel):
                    answer: Any = await acall_model(llm, request)
                elif isinstance(request, CallTool):
                    answer = await _acall_tool(request)
                elif isinstance(request, CallBlocking):
                    answer = await _to_its_end(request.function)
                else:
                    _tell_plan(request)
                    answer = await acarry_out(request, partial(drive, llm=llm), partial(adrive, llm=llm))
            except Exception as error:  # noqa: BLE001  thrown into the loop, which may have something to say to it
                go_on = partial(steps.throw, error)
            else:
                go_on = partial(steps.send, answer)


def _tell_plan(request: CarryOut) -> None:
    events.report_progress(events.PlanMade(tuple(task.description for task in request.tasks)))


async def _to_its_end(function: Callable[[], T]) -> T:
    """Await a blocking call; when cancelled, give it a moment to end, so that nothing is written after the run."""
    call = asyncio.get_running_loop().create_task(in_thread(function))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.wait({call}, timeout=GRACE_S)
        raise


# -- tools -----------------------------------------------------------------------------------------------------------


def _call_tool(request: CallTool) -> ToolOutcome:
    tool, arguments, began = request.tool, request.arguments, time.perf_counter()
    try:
        if request.approve is not None:
            arguments = approved(request.approve, tool.name, arguments)
            began = time.perf_counter()  # a person's thinking is not the tool's
        events.report_progress(events.ToolStarted(tool.name, dict(arguments)))
        result = tool_calls.call(tool, arguments)
    except NobodyToAskError:
        raise  # it is not the tool that failed
    except Exception as error:  # noqa: BLE001  whatever a tool raises is told to the model
        return _failed(tool, arguments, began, error)
    _report_tool(tool, arguments, began, result, None)
    return ToolOutcome(result, None, arguments, told(result))


async def _acall_tool(request: CallTool) -> ToolOutcome:
    tool, arguments, began = request.tool, request.arguments, time.perf_counter()
    try:
        if request.approve is not None:
            arguments = await aapproved(request.approve, tool.name, arguments)
            began = time.perf_counter()
        events.report_progress(events.ToolStarted(tool.name, dict(arguments)))
        result = await tool_calls.acall(tool, arguments)
    except NobodyToAskError:
        raise  # it is not the tool that failed
    except Exception as error:  # noqa: BLE001  whatever a tool raises is told to the model
        return _failed(tool, arguments, began, error)
    _report_tool(tool, arguments, began, result, None)
    # away from the loop, once: a million numbers take a tenth of a second
    said = told(result) if isinstance(result, _QUICK) else await in_thread(partial(told, result))
    return ToolOutcome(result, None, arguments, said)


_QUICK = (str, int, float, bool, type(None))


def _failed(tool: Tool, arguments: Mapping[str, Any], began: float, error: Exception) -> ToolOutcome:
    _report_tool(tool, arguments, began, None, error)
    return ToolOutcome(None, error, arguments)


def _report_tool(tool: Tool, arguments: Mapping[str, Any], began: float, result: Any, error: Exception | None) -> None:
    duration_s = time.perf_counter() - began
    events.report(events.ToolCalled(tool.name, duration_s, dict(arguments), result, error))
