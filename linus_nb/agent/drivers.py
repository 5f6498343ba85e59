"""The two drivers of the loop: one blocks, one awaits. Both report each call, and neither decides anything."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from linus_nb import events
from linus_nb.agent import tool_calls
from linus_nb.agent.approval import aapproved, approved
from linus_nb.agent.plan_run import acarry_out, carry_out
from linus_nb.agent.requests import (
    CallBlocking,
    CallModel,
    CallTool,
    CarryOut,
    Message,
    Reply,
    Request,
    Steps,
    ToolOutcome,
    Wanted,
)
from linus_nb.agent.schemas import is_strict, without_lengths
from linus_nb.engine.threads import ThreadCall
from linus_nb.errors import ModelError, NobodyToAskError
from linus_nb.models import model_name
from linus_nb.models.prices import cost_of_call
from linus_nb.models.usage import usage_of
from linus_nb.tools.tool import Tool

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

T = TypeVar("T")


def drive(steps: Steps[T], llm: BaseChatModel) -> T:
    """Run the loop to its end in the calling thread."""
    answer: Any = None
    with closing(steps):
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(request, CallModel):
                answer = _call_model(llm, request)
            elif isinstance(request, CallTool):
                answer = _call_tool(request)
            elif isinstance(request, CallBlocking):
                answer = request.function()
            else:
                _tell_plan(request)
                answer = carry_out(request, partial(drive, llm=llm), partial(adrive, llm=llm))


async def adrive(steps: Steps[T], llm: BaseChatModel) -> T:
    """Run the loop to its end, awaiting the model and the tools."""
    answer: Any = None
    with closing(steps):
        while True:
            try:
                request: Request = steps.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(request, CallModel):
                answer = await _acall_model(llm, request)
            elif isinstance(request, CallTool):
                answer = await _acall_tool(request)
            elif isinstance(request, CallBlocking):
                answer = await in_thread(request.function)
            else:
                _tell_plan(request)
                answer = await acarry_out(request, partial(drive, llm=llm), partial(adrive, llm=llm))


def _tell_plan(request: CarryOut) -> None:
    events.report_progress(events.PlanMade(tuple(task.description for task in request.tasks)))


async def in_thread(function: Callable[[], T]) -> T:
    """Await a blocking call that runs in a daemon thread, in a copy of the caller's context."""
    call = ThreadCall(function, copy_context())
    await call.wait()
    result: T = call.outcome()
    return result


# -- models ----------------------------------------------------------------------------------------------------------


def _call_model(llm: BaseChatModel, request: CallModel) -> Reply:
    messages, options = _prepared(llm, request)
    began = time.perf_counter()
    try:
        message = _invoke(llm, request, messages, options)
    except Exception as error:  # noqa: BLE001  reported, and raised again there
        return _failed_call(llm, request, began, error)
    return _replied(llm, request, began, message)


async def _acall_model(llm: BaseChatModel, request: CallModel) -> Reply:
    messages, options = _prepared(llm, request)
    began = time.perf_counter()
    try:
        message = await _ainvoke(llm, request, messages, options)
    except Exception as error:  # noqa: BLE001  reported, and raised again there
        return _failed_call(llm, request, began, error)
    return _replied(llm, request, began, message)


def _invoke(llm: Any, request: CallModel, messages: list[Any], options: dict[str, Any]) -> Any:
    llm = _with_tools(llm, request)
    if not _is_streamed(request):
        return llm.invoke(messages, **options)
    whole: Any = None
    for chunk in llm.stream(messages, **options, **_usage_option(llm)):
        whole = _with_chunk(whole, chunk, request)
    return whole


async def _ainvoke(llm: Any, request: CallModel, messages: list[Any], options: dict[str, Any]) -> Any:
    llm = _with_tools(llm, request)
    if not _is_streamed(request):
        return await llm.ainvoke(messages, **options)
    whole: Any = None
    async for chunk in llm.astream(messages, **options, **_usage_option(llm)):
        whole = _with_chunk(whole, chunk, request)
    return whole


def _with_tools(llm: Any, request: CallModel) -> Any:
    """Return the model with the tools that it may call.

    Raises:
        ModelError: it cannot call tools.
    """
    if not request.tools:
        return llm
    tools = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": dict(t.schema)}}
        for t in request.tools
    ]
    try:
        return llm.bind_tools(tools)
    except (NotImplementedError, AttributeError) as error:
        raise ModelError(f"{model_name(llm)!r} calls no tools by itself; use Agent(strategy='reasoning')") from error


def _is_streamed(request: CallModel) -> bool:
    """Return whether somebody wants the reply as it comes; nobody wants to read half a JSON object."""
    return events.streaming.get() and request.schema is None


def _usage_option(llm: Any) -> dict[str, Any]:
    """Return the option by which OpenAI's client names the tokens of a streamed reply, too."""
    return {"stream_usage": True} if _is_a(_innermost(llm), "BaseChatOpenAI") else {}


def _with_chunk(whole: Any, chunk: Any, request: CallModel) -> Any:
    text = _text_of(chunk)
    if text:
        events.report_progress(events.TokenDelta(text, request.purpose))
    return chunk if whole is None else whole + chunk


def _text_of(message: Any) -> str:
    return str(message.text if hasattr(message, "text") else message.content)


def _prepared(llm: BaseChatModel, request: CallModel) -> tuple[list[Any], dict[str, Any]]:
    """Return the messages and the options of a call: the schema goes to the provider, or else into the prompt."""
    messages: Sequence[Message] = request.messages
    if request.schema is None:
        return list(messages), {}
    model = _innermost(llm)
    if not _takes_response_format(model):
        asked = f"\n\nReply with one JSON object only, which fits this JSON schema: {json.dumps(request.schema)}"
        (role, system), *rest = messages
        return [(role, system + asked), *rest], {}
    # OpenAI's own strict mode knows no bounds on text; other servers need them, or a small model never ends
    strict = is_strict(request.schema)
    schema = without_lengths(request.schema) if _is_openai_itself(model) and strict else dict(request.schema)
    name = request.purpose.replace(" ", "_")
    return list(messages), {
        "response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}}
    }


def _innermost(llm: Any) -> Any:
    while (inner := getattr(llm, "bound", None)) is not None:
        llm = inner
    return llm


def _takes_response_format(model: Any) -> bool:
    return bool(getattr(model, "takes_response_format", False)) or _is_a(model, "BaseChatOpenAI")


def _is_a(thing: Any, name: str) -> bool:
    """Told by the class's name, so that its package is not loaded to ask."""
    return any(kind.__name__ == name for kind in type(thing).__mro__)


def _is_openai_itself(model: Any) -> bool:
    base_url = getattr(model, "openai_api_base", None)
    return _is_a(model, "BaseChatOpenAI") and (not base_url or "api.openai.com" in base_url)


def _replied(llm: Any, request: CallModel, began: float, message: Any) -> Reply:
    duration_s = time.perf_counter() - began
    text = "" if message is None else _text_of(message)
    reply = replace(_priced(llm, request, text, message), wanted=_wanted(message), message=message)
    _report_model(request, duration_s, reply)
    return reply


def _wanted(message: Any) -> tuple[Wanted, ...]:
    """Return the tool calls that a model asks for, those whose arguments cannot be read last."""
    readable = [Wanted(c["id"] or "", c["name"], c["args"]) for c in getattr(message, "tool_calls", None) or ()]
    broken = getattr(message, "invalid_tool_calls", None) or ()
    return (
        *readable,
        *(Wanted(c["id"] or "", c["name"] or "", {}, str(c.get("error") or c.get("args"))) for c in broken),
    )


def _priced(llm: Any, request: CallModel, text: str, message: Any) -> Reply:
    sent_along = request.schema or [tool.schema for tool in request.tools]
    usage = usage_of(text if message is None else message, request.messages, sent_along=sent_along or None)
    return Reply(text, usage, cost_of_call(llm, usage, message), model_name(llm))


def _failed_call(llm: Any, request: CallModel, began: float, error: Exception) -> Reply:
    """Report a call that raised, and raise again; a reply cut at its token limit is a reply all the same."""
    duration_s = time.perf_counter() - began
    cut = _cut_reply(error)
    if cut is not None:
        reply = _priced(llm, request, cut, None)
        _report_model(request, duration_s, reply)
        return reply
    events.report(events.ModelCalled(model_name(llm), duration_s, purpose=request.purpose, error=error))
    raise error


def _cut_reply(error: Exception) -> str | None:
    """Return what was written before the limit; the OpenAI client raises where a reply to a schema was cut."""
    if not _is_a(error, "LengthFinishReasonError"):
        return None
    choices = getattr(getattr(error, "completion", None), "choices", None) or []
    return str(choices[0].message.content or "") if choices else ""


def _report_model(request: CallModel, duration_s: float, reply: Reply) -> None:
    usage = reply.usage
    events.report(
        events.ModelCalled(
            reply.model,
            duration_s,
            usage.input_tokens,
            usage.output_tokens,
            estimated=usage.estimated,
            purpose=request.purpose,
            cost=reply.cost,
        )
    )


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
        return _outcome(tool, arguments, began, None, error)
    return _outcome(tool, arguments, began, result, None)


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
        return _outcome(tool, arguments, began, None, error)
    return _outcome(tool, arguments, began, result, None)


def _outcome(
    tool: Tool, arguments: Mapping[str, Any], began: float, result: Any, error: Exception | None
) -> ToolOutcome:
    duration_s = time.perf_counter() - began
    events.report(events.ToolCalled(tool.name, duration_s, dict(arguments), result, error))
    return ToolOutcome(result, error, arguments)
