"""How an agent asks its model: the call, streamed or whole, with a schema or with tools; and what came of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from linus_nb import events
from linus_nb.agent.hearing import heard
from linus_nb.agent.loose_json import without_halves
from linus_nb.agent.memory_remember import SUMMARY
from linus_nb.agent.requests import CallModel, Message, Reply, Wanted
from linus_nb.agent.schemas import is_strict, without_lengths
from linus_nb.budget import enter_call, leave_call
from linus_nb.engine.threads import in_thread
from linus_nb.errors import BudgetError, ModelError
from linus_nb.models import model_name
from linus_nb.models.listening import noted_calls
from linus_nb.models.prices import Origin, cost_at, origin_of
from linus_nb.models.usage import Usage, usage_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from linus_nb.models.listeners import Heard


def call_model(llm: BaseChatModel, request: CallModel) -> Reply:
    """Ask a model; the calling thread waits.

    Raises:
        ModelError: it cannot call tools, or answered with something that is no message.
        Exception: whatever the model raised.
    """
    messages, options = _prepared(llm, request)
    with _begun(request), noted_calls() as noted:
        call = _Call(llm, request, messages, time.perf_counter(), noted)
        try:
            message = _invoke(llm, request, messages, options)
        except Exception as error:  # noqa: BLE001  reported, and raised again there
            return call.failed(error)
        return call.replied(message)


async def acall_model(llm: BaseChatModel, request: CallModel) -> Reply:
    """Ask a model, awaiting it. Otherwise as `call_model`."""
    messages, options = _prepared(llm, request)
    with _begun(request), noted_calls() as noted:
        call = _Call(llm, request, messages, time.perf_counter(), noted)
        try:
            message = await _ainvoke(llm, request, messages, options)
        except asyncio.CancelledError as error:  # a time limit, or Stop: what was sent may be charged all the same
            call.report_error(error)
            raise
        except Exception as error:  # noqa: BLE001  reported, and raised again there
            return call.failed(error)
        return call.replied(message)


@contextmanager
def _begun(request: CallModel) -> Iterator[None]:
    """Say what is asked for, and that a call is under way, which every budget around it must allow.

    Raises:
        BudgetError: A budget is spent.
    """
    entered = enter_call()
    token = events.purpose.set(request.purpose)
    try:
        yield
    finally:
        events.purpose.reset(token)
        leave_call(entered)


def _invoke(llm: Any, request: CallModel, messages: list[Any], options: dict[str, Any]) -> Any:
    llm = _with_tools(llm, request)
    if not _is_streamed(request):
        return llm.invoke(messages, **options)
    whole: Any = None
    for chunk in llm.stream(messages, **options, **_usage_option(llm)):
        whole = _with_chunk(whole, chunk, request)
    return whole


async def _ainvoke(llm: Any, request: CallModel, messages: list[Any], options: dict[str, Any]) -> Any:
    if _only_blocks(_innermost(llm), _is_streamed(request)):
        # in a thread of ours: LangChain would use asyncio's few, which asyncio.run and the interpreter's exit wait for
        with heard(asyncio.get_running_loop()):
            return await in_thread(partial(_invoke, llm, request, messages, options))
    llm = _with_tools(llm, request)
    if not _is_streamed(request):
        return await llm.ainvoke(messages, **options)
    whole: Any = None
    async for chunk in llm.astream(messages, **options, **_usage_option(llm)):
        whole = _with_chunk(whole, chunk, request)
    return whole


_BASES = frozenset(("langchain_core.language_models.chat_models", "langchain_core.language_models.llms"))


def _only_blocks(model: Any, streamed: bool) -> bool:
    """Return whether a model has no way of its own to be awaited, but only the stopgaps of LangChain's base classes."""
    ways = ["_agenerate", "_acall", *(["_astream"] if streamed else [])]
    found = [getattr(type(model), name) for name in ways if hasattr(type(model), name)]
    return bool(found) and all(way.__module__ in _BASES for way in found)


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
        return _bound(llm, tools)
    except (NotImplementedError, AttributeError) as error:
        raise ModelError(f"{model_name(llm)!r} calls no tools by itself; use Agent(strategy='reasoning')") from error


def _bound(llm: Any, tools: list[Any]) -> Any:
    """Return a model with tools bound to it, or to the model in it: ``with_retry()`` does not pass that on."""
    if not hasattr(llm, "bind_tools") and hasattr(llm, "bound"):
        return llm.model_copy(update={"bound": _bound(llm.bound, tools)})
    return llm.bind_tools(tools)


def _is_streamed(request: CallModel) -> bool:
    """Return whether somebody wants the reply as it comes: not half a JSON object, nor what is only remembered."""
    return events.streaming.get() and request.schema is None and request.purpose != SUMMARY


def _usage_option(llm: Any) -> dict[str, Any]:
    """Return the option by which OpenAI's client names the tokens of a streamed reply, too."""
    return {"stream_usage": True} if _is_a(_innermost(llm), "BaseChatOpenAI") else {}


def _with_chunk(whole: Any, chunk: Any, request: CallModel) -> Any:
    text = _text_of(chunk)
    if text:
        events.report_progress(events.TokenDelta(text, request.purpose))
    return chunk if whole is None else whole + chunk


def _text_of(message: Any) -> str:
    """Return what a model said; also of a model for texts, or of a chain that ends in one.

    Raises:
        ModelError: it said nothing that is a message.
    """
    text = message if isinstance(message, str) else getattr(message, "text", getattr(message, "content", None))
    if text is None:
        raise ModelError(f"the model answered with a {type(message).__name__}; give a chat model, which gives messages")
    return str(text)


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


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that has begun."""

    llm: Any
    request: CallModel
    messages: list[Any]  # as they were sent
    began: float
    noted: Sequence[Heard]  # what LangChain told of it, in the end

    def replied(self, message: Any) -> Reply:
        """Report a call that gave a reply, and return that."""
        duration_s = self._duration_s()
        text = "" if message is None else without_halves(_text_of(message))
        tried = self.noted[-1].tried if self.noted else None
        retries = 0 if tried is None else tried.failures
        reply = replace(self._priced(text, message), wanted=_wanted(message), message=message, retries=retries)
        self._report(duration_s, reply)
        return reply

    def failed(self, error: Exception) -> Reply:
        """Report a call that raised, and raise again; a reply cut at its token limit is a reply all the same."""
        if isinstance(error, BudgetError):  # it was not made
            raise error
        cut = _cut_reply(error)
        if cut is not None:
            reply = self._priced(cut, None)
            self._report(self._duration_s(), reply)
            return reply
        self.report_error(error)
        if isinstance(error, StopIteration):  # no generator can raise it, and the loop is one
            raise ModelError(f"the model raised StopIteration; it has nothing more to say: {error}") from error
        raise error

    def report_error(self, error: BaseException) -> None:
        """Report a call that gave no reply."""
        events.report(
            events.ModelCalled(
                self._origin().name,
                self._duration_s(),
                purpose=self.request.purpose,
                error=error,
                served_from=self._served_from(),
                messages=events.Messages(self.messages),
                **self._tried(),
            )
        )

    def _duration_s(self) -> float:
        """Return how long it took, of a governed model the last try: what came before that was told by itself."""
        tried = self.noted[-1].tried if self.noted else None
        return time.perf_counter() - (self.began if tried is None else tried.at)

    def _tried(self) -> dict[str, Any]:
        if not self.noted or self.noted[-1].tried is None:
            return {}
        from linus_nb.models.listeners import tried_facts

        return tried_facts(self.noted[-1].tried)

    def _priced(self, text: str, message: Any) -> Reply:
        origin, served_from = self._origin(), self._served_from()
        if served_from == "cache":  # no model read or wrote anything
            return Reply(text, Usage(), 0.0, origin.name, served_from=served_from)
        sent_along = self.request.schema or [tool.schema for tool in self.request.tools]
        usage = usage_of(text if message is None else message, self.request.messages, sent_along=sent_along or None)
        return Reply(text, usage, cost_at(origin, usage, message), origin.name, served_from=served_from)

    def _origin(self) -> Origin:
        """Return which model was asked: of a chain, or of a model with others to fall back on, LangChain tells."""
        if self.noted and (self.noted[-1].tried or not _is_a(_innermost(self.llm), "BaseLanguageModel")):
            return self.noted[-1].origin
        return origin_of(self.llm)

    def _served_from(self) -> events.ServedFrom:
        if self.noted:
            return self.noted[-1].served_from
        # of a text model's reply out of the cache, LangChain tells nothing
        return "cache" if _is_a(_innermost(self.llm), "BaseLLM") else "model"

    def _report(self, duration_s: float, reply: Reply) -> None:
        usage = reply.usage
        events.report(
            events.ModelCalled(
                reply.model,
                duration_s,
                usage.input_tokens,
                usage.output_tokens,
                usage.estimated,
                self.request.purpose,
                None,
                reply.cost,
                reply.served_from,
                usage.cached_tokens,
                events.Messages(self.messages),
                events.Messages((_said(reply),)),
                **self._tried(),
            )
        )


def _said(reply: Reply) -> Any:
    """Return a reply as a message; also that of a model for texts, or one that was cut."""
    is_message = reply.message is not None and not isinstance(reply.message, str)
    return reply.message if is_message else ("assistant", reply.text)


def _wanted(message: Any) -> tuple[Wanted, ...]:
    """Return the tool calls that a model asks for, those whose arguments cannot be read last."""
    pieces = getattr(message, "tool_call_chunks", None)
    if pieces:
        return tuple(sorted(map(_streamed, pieces), key=lambda call: bool(call.problem)))
    readable = [Wanted(c["id"] or "", c["name"], c["args"]) for c in getattr(message, "tool_calls", None) or ()]
    broken = getattr(message, "invalid_tool_calls", None) or ()
    return (
        *readable,
        *(Wanted(c["id"] or "", c["name"] or "", {}, str(c.get("error") or c.get("args"))) for c in broken),
    )


def _streamed(call: Any) -> Wanted:
    """Return a call that came in pieces. LangChain closes what was cut off, and half a text is not what was meant."""
    identity, name, text = call.get("id") or "", call.get("name") or "", call.get("args") or ""
    try:
        arguments = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        return Wanted(identity, name, {}, f"{text} ({error})")
    return Wanted(identity, name, arguments) if isinstance(arguments, dict) else Wanted(identity, name, {}, text)


def _cut_reply(error: Exception) -> str | None:
    """Return what was written before the limit; the OpenAI client raises where a reply to a schema was cut."""
    if not _is_a(error, "LengthFinishReasonError"):
        return None
    choices = getattr(getattr(error, "completion", None), "choices", None) or []
    return str(choices[0].message.content or "") if choices else ""
