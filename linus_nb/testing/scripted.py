"""A LangChain chat model that says what it is told to: for tests, and for examples that need no network."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import PrivateAttr

from linus_nb.errors import ModelError
from linus_nb.testing.asked import schema_asked, tool_required, tools_bound
from linus_nb.testing.fitting import smallest_instance
from linus_nb.testing.replies import BreaksOff, ToolCalls, chunks_of

Script = Sequence[Any] | Callable[..., Any]
Failure = BaseException | type[BaseException]


@dataclass(frozen=True)
class ScriptedCall:
    """A call that a scripted model got, and what became of it.

    Attributes:
        number: From 1, in the order of the starts.
        messages: What was asked.
        schema: The JSON schema that the reply has to fit, or None.
        reply: The text that it wrote; None where it raised, or was stopped before its end.
        tools: The tools bound to it: name, description and parameters of each.
        message: The whole reply, with its tool calls and its usage; None where there is none.
        streamed: Whether it was asked to stream.
        error: What it raised.
        options: Everything else that came with the call (``stop``, ``tool_choice``, ``temperature``).
    """

    number: int
    messages: list[BaseMessage]
    schema: Mapping[str, Any] | None
    reply: str | None
    tools: tuple[Mapping[str, Any], ...] = ()
    message: AIMessage | None = None
    streamed: bool = False
    error: Failure | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class ScriptedModel(BaseChatModel):
    """A chat model with a script; safe to share between threads and tasks.

    It knows ``invoke``, ``stream``, ``bind_tools``, ``with_structured_output`` and their asynchronous sisters. A stream
    is cut into words, the latency is spread over them, and the usage comes with the last chunk.

    Args:
        replies: A list, used up one call at a time; or a function of the messages and the schema asked for (None for
            plain text), and of the tools bound if it takes three. Text is said; a dict or a list becomes JSON, or the
            arguments of a tool that has to be called; `ToolCalls` and a LangChain ``AIMessage`` are sent; an exception
            is raised. Without a script, the smallest reply that fits the schema or the tool, and ``"ok"`` where there
            is none.
        latency_s: Seconds that each call takes: slept in ``invoke``, awaited in ``ainvoke``.
        usage: Input and output tokens of each call, ``(12, 5)``, or a LangChain ``UsageMetadata``; None to name none,
            as some providers do.
        errors: What the n-th call raises, from 1: ``{3: TimeoutError()}``; `BreaksOff` in the middle of a stream.
        model: The name that it goes by.
        takes_response_format: Whether the model takes a JSON schema; where not, it finds it in its prompt.
        provider: Who would sell ``model`` (``"openai"``): calls then cost what they cost there, else nothing.

    Raises:
        ModelError: the script is used up.

    >>> model = ScriptedModel(["one", {"n": 2}], usage=(12, 5))
    >>> model.invoke("hello").text, model.invoke("and?").text
    ('one', '{"n": 2}')
    >>> [call.reply for call in model.calls]
    ['one', '{"n": 2}']
    """

    replies: Any = None
    latency_s: float = 0.0
    usage: Any = (0, 0)
    errors: dict[int, Any] = {}  # noqa: RUF012  pydantic copies it for each model
    model: str = "scripted"
    takes_response_format: bool = True
    provider: str | None = None

    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _calls: dict[int, ScriptedCall] = PrivateAttr(default_factory=dict)

    def __init__(self, replies: Script | None = None, **options: Any) -> None:
        given: dict[str, Any] = {"replies": replies, **options}
        super().__init__(**given)

    @property
    def calls(self) -> list[ScriptedCall]:
        """The calls so far, in the order of their starts, those that have not ended included."""
        with self._lock:
            return list(self._calls.values())

    @property
    def runs_here(self) -> bool:
        """Whether its calls cost nothing."""
        return self.provider is None

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model": self.model}  # LangChain's cache of replies tells models apart by this

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return super()._get_ls_params(stop, **kwargs) | {"ls_provider": self.provider or "scripted"}

    # -- what is asked of it -----------------------------------------------------------------------------------------

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Return this model with tools that it may call, or has to (``tool_choice``: ``"any"``, or a tool's name)."""
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **chosen, **kwargs)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, method: str = "json_schema", **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Return this model with replies that fit a schema, already parsed.

        Args:
            schema: A pydantic model, a ``TypedDict`` or a JSON schema.
            include_raw: Give the message and a parsing error, too.
            method: ``json_schema`` asks for text that fits, ``function_calling`` for a tool call.
            **kwargs: ``strict``, which is taken and changes nothing.
        """
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        wanted = convert_to_json_schema(schema)
        if is_model := hasattr(schema, "model_json_schema"):
            wanted = schema.model_json_schema()  # as it is: LangChain's own form has no references
        asked = {"name": wanted.get("title", "reply"), "schema": wanted}
        llm = self.bind(response_format={"type": "json_schema", "json_schema": asked})
        parser: Runnable[Any, Any] = PydanticOutputParser(pydantic_object=schema) if is_model else JsonOutputParser()
        if not include_raw:
            return llm | parser
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=llm) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")

    # -- how it answers ----------------------------------------------------------------------------------------------

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        call = self._begin(messages, {**kwargs, "stop": stop}, streamed=False)
        if self.latency_s:
            time.sleep(self.latency_s)
        return self._result(call)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        call = self._begin(messages, {**kwargs, "stop": stop}, streamed=False)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        return self._result(call)

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        call = self._begin(messages, {**kwargs, "stop": stop}, streamed=True)
        for delay_s, chunk in self._pieces(call):
            if delay_s:
                time.sleep(delay_s)
            if chunk is not None:
                yield ChatGenerationChunk(message=chunk)
        self._end(call)

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = self._begin(messages, {**kwargs, "stop": stop}, streamed=True)
        for delay_s, chunk in self._pieces(call):
            if delay_s:
                await asyncio.sleep(delay_s)
            if chunk is not None:
                yield ChatGenerationChunk(message=chunk)
        self._end(call)

    def _begin(self, messages: list[BaseMessage], options: Mapping[str, Any], *, streamed: bool) -> ScriptedCall:
        """Note a call, and return it with what it will say; nobody sees that before its end."""
        apart = ("response_format", "tools")
        with self._lock:
            number = len(self._calls) + 1
            call = self._calls[number] = ScriptedCall(
                number,
                list(messages),
                schema_asked(options),
                None,
                tools_bound(options),
                streamed=streamed,
                options={name: value for name, value in options.items() if name not in apart and value is not None},
            )
        failure = self.errors.get(number)
        if failure is not None and not isinstance(failure, BreaksOff):
            return replace(call, error=failure)
        said = self._say(call, options)
        if isinstance(said, BaseException) or (isinstance(said, type) and issubclass(said, BaseException)):
            return replace(call, error=said)
        message = self._message(said, number, options)
        return replace(call, reply=str(message.text), message=message)

    def _end(self, call: ScriptedCall) -> None:
        """Note how a call ended.

        Raises:
            BaseException: what it was told to raise.
        """
        broken = self.errors.get(call.number)
        if isinstance(broken, BreaksOff):
            call = replace(call, reply=None, message=None, error=broken.error)
        with self._lock:
            self._calls[call.number] = call
        if call.error is not None:
            raise call.error

    def _result(self, call: ScriptedCall) -> ChatResult:
        self._end(call)
        assert call.message is not None, "a call that raises nothing has a message"
        return ChatResult(generations=[ChatGeneration(message=call.message)])

    def _pieces(self, call: ScriptedCall) -> Iterator[tuple[float, AIMessageChunk | None]]:
        """Yield the chunks of a reply, each with the seconds to wait for it; None at the end of one that breaks off."""
        if call.message is None:
            yield self.latency_s, None
            return
        *chunks, last = chunks_of(call.message)
        broken = self.errors.get(call.number)
        each_s = self.latency_s / len(chunks) if chunks else 0.0
        for chunk in chunks[: broken.after] if isinstance(broken, BreaksOff) else chunks:
            yield each_s, chunk
        if not isinstance(broken, BreaksOff):
            yield 0.0 if chunks else self.latency_s, last

    # -- what it says ------------------------------------------------------------------------------------------------

    def _say(self, call: ScriptedCall, options: Mapping[str, Any]) -> Any:
        if self.replies is None:
            if (tool := tool_required(options)) is not None:
                return smallest_instance(tool.get("parameters") or {"type": "object"})
            return "ok" if call.schema is None else smallest_instance(call.schema)
        if callable(self.replies):
            given = (call.messages, call.schema, call.tools)
            return self.replies(*given if _takes_three(self.replies) else given[:2])
        if call.number > len(self.replies):
            raise ModelError(f"the script has {len(self.replies)} replies, and call {call.number} came; give it more")
        return self.replies[call.number - 1]

    def _message(self, said: Any, number: int, options: Mapping[str, Any]) -> AIMessage:
        tool = tool_required(options)
        if isinstance(said, Mapping) and tool is not None:
            said = ToolCalls([(tool["name"], said)])
        if isinstance(said, ToolCalls):
            message = said.message(number)
        elif isinstance(said, AIMessage):
            message = said.model_copy()
        else:
            message = AIMessage(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))
        message.response_metadata = {"model_name": self.model, **message.response_metadata}
        message.usage_metadata = message.usage_metadata or self._usage_metadata()
        return message

    def _usage_metadata(self) -> UsageMetadata | None:
        if self.usage is None:
            return None
        if isinstance(self.usage, Mapping):
            named: Any = {"total_tokens": self.usage["input_tokens"] + self.usage["output_tokens"], **self.usage}
            return cast("UsageMetadata", named)
        given, written = self.usage
        return UsageMetadata(input_tokens=given, output_tokens=written, total_tokens=given + written)


def _takes_three(function: Callable[..., Any]) -> bool:
    """Return whether a function has three parameters that can be given by their place."""
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in by_place for p in inspect.signature(function).parameters.values()) >= 3
