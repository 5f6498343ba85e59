"""A LangChain chat model that says what it is told to: for tests, and for examples that need no network."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from linus_nb.errors import ModelError
from linus_nb.testing.fitting import smallest_instance

Script = Sequence[Any] | Callable[[list[BaseMessage], Mapping[str, Any] | None], Any]


@dataclass(frozen=True)
class ScriptedCall:
    """A call that a scripted model got: the messages, the JSON schema asked for (or None), and what it wrote."""

    number: int
    messages: list[BaseMessage]
    schema: Mapping[str, Any] | None
    reply: str | None


class ScriptedModel(BaseChatModel):
    """A chat model with a script; safe to share between threads and tasks.

    Args:
        replies: A list, used up one call at a time (a dict or a list in it becomes JSON, an exception is raised); or a
            function of the messages and the schema asked for (None for plain text). Without it, the smallest reply that
            fits the schema, and ``"ok"`` where there is none.
        latency_s: Seconds that each call takes: slept in ``invoke``, awaited in ``ainvoke``.
        usage: Input and output tokens of each call, ``(12, 5)``; None to name none, as some providers do.
        errors: What the n-th call raises, from 1: ``{3: TimeoutError()}``.
        takes_response_format: Whether the model takes a JSON schema; where not, it finds it in its prompt.

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
    usage: tuple[int, int] | None = (0, 0)
    errors: dict[int, Any] = {}  # noqa: RUF012  pydantic copies it for each model
    model: str = "scripted"
    takes_response_format: bool = True

    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _calls: list[ScriptedCall] = PrivateAttr(default_factory=list)
    _count: int = PrivateAttr(default=0)

    def __init__(self, replies: Script | None = None, **options: Any) -> None:
        given: dict[str, Any] = {"replies": replies, **options}
        super().__init__(**given)

    @property
    def calls(self) -> list[ScriptedCall]:
        """The calls so far, in the order of their starts."""
        with self._lock:
            return sorted(self._calls, key=lambda call: call.number)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        number = self._begin()
        if self.latency_s:
            time.sleep(self.latency_s)
        return self._end(number, messages, kwargs)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        number = self._begin()
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        return self._end(number, messages, kwargs)

    def _begin(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

    def _end(self, number: int, messages: list[BaseMessage], options: Mapping[str, Any]) -> ChatResult:
        schema = options.get("response_format", {}).get("json_schema", {}).get("schema")
        failure, text = self.errors.get(number), None
        if failure is None:
            said = self._say(number, messages, schema)
            if isinstance(said, BaseException) or (isinstance(said, type) and issubclass(said, BaseException)):
                failure = said
            else:
                text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        with self._lock:
            self._calls.append(ScriptedCall(number, list(messages), schema, text))
        if failure is not None:
            raise failure
        return ChatResult(generations=[ChatGeneration(message=self._message(text or ""))])

    def _say(self, number: int, messages: list[BaseMessage], schema: Mapping[str, Any] | None) -> Any:
        if self.replies is None:
            return "ok" if schema is None else smallest_instance(schema)
        if callable(self.replies):
            return self.replies(messages, schema)
        if number > len(self.replies):
            raise ModelError(f"the script has {len(self.replies)} replies, and call {number} came; give it more")
        return self.replies[number - 1]

    def _message(self, text: str) -> AIMessage:
        if self.usage is None:
            return AIMessage(content=text)
        given, written = self.usage
        usage = UsageMetadata(input_tokens=given, output_tokens=written, total_tokens=given + written)
        return AIMessage(content=text, usage_metadata=usage)
