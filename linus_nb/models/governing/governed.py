"""A chat model whose calls are governed: by limits, retries, time limits, and models to fall back on.

It stands wherever a LangChain chat model does: in agents, chains, graphs of other frameworks, and functions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel  # noqa: TID253  this module is imported inside functions only
from langchain_core.messages import BaseMessage  # noqa: TID253  likewise
from langchain_core.outputs import ChatGenerationChunk, ChatResult  # noqa: TID253  likewise
from pydantic import PrivateAttr

from linus_nb import events
from linus_nb.errors import ModelTimeoutError
from linus_nb.models.facts import model_name
from linus_nb.models.governing.attempts import Pause, Tries
from linus_nb.models.governing.held import Held, aheld, held
from linus_nb.models.governing.timed import TooLateError, pieces_within, within
from linus_nb.models.prices import origin_of
from linus_nb.models.usage import usage_of

T = TypeVar("T")
USUAL_REPLY = 200  # tokens, as long as no reply has come
REMEMBERED = 0.9  # how much what replies were so far counts beside the latest one


class GovernedModel(BaseChatModel):
    """See `linus_nb.models.governed`. ``bound`` is the model itself: whoever asks what this is finds that."""

    bound: BaseChatModel
    fallbacks: tuple[BaseChatModel, ...] = ()
    limits: Any = None  # `Limits`, which pydantic need not look into
    retries: int = 2
    timeout_s: float | None = None
    idle_timeout_s: float | None = None

    _reply_tokens: float = PrivateAttr(default=USUAL_REPLY)

    @property
    def _llm_type(self) -> str:
        return self.bound._llm_type

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        params: dict[str, Any] = self.bound._get_invocation_params(stop=stop, **kwargs)
        return params

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return self.bound._get_ls_params(stop=stop, **kwargs)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Bind tools as the model itself would."""
        bound: Any = self.bound.bind_tools(tools, **kwargs)
        return self.bind(**bound.kwargs)

    # -- the four ways to ask ------------------------------------------------------------------------------------------

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002  LangChain gives it by name
        **options: Any,
    ) -> ChatResult:
        def ask(model: Any, call: Held) -> Iterator[ChatResult]:
            result = self._timed(
                model, lambda: within(self.timeout_s, lambda: model._generate(messages, stop, **options))
            )
            self._learn(call.replied([result.generations[0].message]))
            yield result

        return next(self._tried(messages, options, ask))

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **options: Any
    ) -> Iterator[ChatGenerationChunk]:
        def ask(model: Any, call: Held) -> Iterator[ChatGenerationChunk]:
            said = []
            pieces = pieces_within(
                self.timeout_s, self.idle_timeout_s, lambda: model._stream(messages, stop, **options)
            )
            while (chunk := self._timed(model, lambda: next(pieces, None))) is not None:
                said.append(chunk.message)
                yield chunk
            self._learn(call.replied(said))

        for chunk in self._tried(messages, options, ask):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002  likewise
        **options: Any,
    ) -> ChatResult:
        async def ask(model: Any, call: Held) -> AsyncGenerator[ChatResult, None]:
            async with _time_limit(model, self.timeout_s):
                result = await model._agenerate(messages, stop, **options)
            self._learn(call.replied([result.generations[0].message]))
            yield result

        async with aclosing(self._atried(messages, options, ask)) as results:
            return await anext(results)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async def ask(model: Any, call: Held) -> AsyncGenerator[ChatGenerationChunk, None]:
            said = []
            now = asyncio.get_running_loop().time
            end_s = None if self.timeout_s is None else now() + self.timeout_s
            async with aclosing(model._astream(messages, stop, **options)) as pieces:
                while True:
                    left_s = None if end_s is None else end_s - now()
                    async with _time_limit(model, left_s, self.idle_timeout_s, whole_s=self.timeout_s):
                        chunk = await anext(pieces, None)
                    if chunk is None:
                        break
                    said.append(chunk.message)
                    yield chunk
            self._learn(call.replied(said))

        async with aclosing(self._atried(messages, options, ask)) as told:
            async for chunk in told:
                if run_manager is not None:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    # -- tries ---------------------------------------------------------------------------------------------------------

    def _tried(
        self, messages: list[BaseMessage], options: dict[str, Any], ask: Callable[[Any, Held], Iterator[T]]
    ) -> Iterator[T]:
        """Yield what is said by the first model, at the first try, that says anything."""
        tries = self._tries()
        while True:
            step = tries.step
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                tries.rested()
                continue
            call = None
            try:
                with held(self.limits, messages, self._reserved(messages, options)) as call:
                    for piece in ask(step.model, call):
                        call.said = True
                        yield piece
            except Exception as error:  # noqa: BLE001  raised again where nothing else is tried
                self._go_on(tries, step.model, call, error)
            else:
                return

    async def _atried(
        self, messages: list[BaseMessage], options: dict[str, Any], ask: Callable[[Any, Held], AsyncGenerator[T, None]]
    ) -> AsyncGenerator[T, None]:
        """Yield what is said, awaiting it. Otherwise as `_tried`."""
        tries = self._tries()
        while True:
            step = tries.step
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                tries.rested()
                continue
            call = None
            try:
                async with (
                    aheld(self.limits, messages, self._reserved(messages, options)) as call,
                    aclosing(ask(step.model, call)) as pieces,
                ):
                    async for piece in pieces:
                        call.said = True
                        yield piece
            except Exception as error:  # noqa: BLE001  as above
                self._go_on(tries, step.model, call, error)
            else:
                return

    def _tries(self) -> Tries:
        return Tries([self.bound, *self.fallbacks], self.retries, heeded=self.limits is not None)

    def _go_on(self, tries: Tries, model: Any, call: Held | None, error: Exception) -> None:
        """Choose what comes after a try that failed, and tell of it.

        Raises:
            Exception: The error, where nothing else is tried; or somebody has heard a part of the reply.
        """
        if call is None or call.said:
            raise error
        tries.failed(error)
        duration_s = time.perf_counter() - call.began
        events.report(
            events.ModelCalled(origin_of(model).name, duration_s, error=error, messages=events.Messages(call.messages))
        )

    def _timed(self, model: Any, wait: Callable[[], T]) -> T:
        try:
            return wait()
        except TooLateError as late:
            seconds = self.idle_timeout_s if late.idle else self.timeout_s
            raise ModelTimeoutError(model_name(model), seconds or 0.0, idle=late.idle) from None

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _reserved(self, messages: list[BaseMessage], options: dict[str, Any]) -> int:
        """Return about how many tokens a call will take: what is sent, and what may come."""
        if self.limits is None or self.limits.tokens_per_minute is None:
            return 0
        sent_along = options.get("tools") or options.get("response_format")
        sent = usage_of("", messages, sent_along=sent_along).input_tokens
        most = options.get("max_tokens") or getattr(self.bound, "max_tokens", None)
        return int(sent + min(self._reply_tokens, most or self._reply_tokens))

    def _learn(self, tokens: int) -> None:
        self._reply_tokens = REMEMBERED * self._reply_tokens + (1 - REMEMBERED) * tokens


@asynccontextmanager
async def _time_limit(
    model: Any, left_s: float | None, idle_s: float | None = None, *, whole_s: float | None = None
) -> AsyncIterator[None]:
    """Bound a wait by what is left of the whole time, and by the time between two pieces.

    Raises:
        ModelTimeoutError: It took longer.
    """
    limits = [limit for limit in (left_s, idle_s) if limit is not None]
    try:
        async with asyncio.timeout(min(limits, default=None)) as timer:
            yield
    except TimeoutError:
        if not timer.expired():
            raise
        idle = idle_s is not None and (left_s is None or idle_s < left_s)
        seconds = idle_s if idle else whole_s or left_s
        raise ModelTimeoutError(model_name(model), seconds or 0.0, idle=idle) from None
