"""A chat model whose calls are governed: by limits, retries, time limits, and models to fall back on.

It stands wherever a LangChain chat model does: in agents, chains, graphs of other frameworks, and functions.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel  # noqa: TID253  this module is imported inside functions only
from langchain_core.messages import AIMessageChunk, BaseMessage  # noqa: TID253  likewise
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult  # noqa: TID253  likewise
from langchain_core.runnables import RunnableParallel, RunnableSequence  # noqa: TID253  likewise
from pydantic import PrivateAttr

from linus_nb import events
from linus_nb.budget import check_budget
from linus_nb.errors import ModelTimeoutError
from linus_nb.models.facts import model_name
from linus_nb.models.governing.attempts import Pause, Tries, Try
from linus_nb.models.governing.choice import Choice
from linus_nb.models.governing.estimates import Estimates
from linus_nb.models.governing.heard import afrom_first_word, from_first_word
from linus_nb.models.governing.held import Held, aheld, held
from linus_nb.models.governing.question import Question
from linus_nb.models.governing.telling import resting, tell_try
from linus_nb.models.governing.timed import TooLateError, pieces_within, within
from linus_nb.models.prices import origin_of
from linus_nb.models.usage import Usage, usage_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, as LangChain hands it on."""

    messages: list[BaseMessage]
    stop: list[str] | None
    run_manager: Any
    options: dict[str, Any] = field(default_factory=dict)


class GovernedModel(BaseChatModel):
    """See `linus_nb.models.governed`. ``bound`` is the model itself: whoever asks what this is finds that."""

    bound: BaseChatModel
    choices: tuple[Any, ...]  # of `Choice`, which pydantic need not look into; the first is `bound`

    _estimates: Estimates = PrivateAttr(default_factory=Estimates)

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

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        """Return a chain that gives an answer of a type, as the model itself would make it, around this model."""
        return _around(self.bound.with_structured_output(schema, **kwargs), self.bound, self)

    # -- the four ways to ask ------------------------------------------------------------------------------------------

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **options: Any
    ) -> ChatResult:
        def ask(call: Held) -> Iterator[ChatResult]:
            def whole() -> ChatResult:
                result: ChatResult = call.choice.model._generate(messages, stop, **options)
                return result

            result = _timed(call.choice, lambda: within(call.choice.timeout_s, whole))
            self._learn(call, call.replied([result.generations[0].message]))
            yield result

        (result,) = self._tried(_Asked(messages, stop, run_manager, options), ask, _result)
        return result

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **options: Any
    ) -> Iterator[ChatGenerationChunk]:
        def ask(call: Held) -> Iterator[ChatGenerationChunk]:
            said, choice = [], call.choice
            pieces = pieces_within(
                choice.timeout_s, choice.idle_timeout_s, lambda: choice.model._stream(messages, stop, **options)
            )
            while (chunk := _timed(choice, lambda: next(pieces, None))) is not None:
                said.append(chunk.message)
                yield chunk
            self._learn(call, call.replied(said))

        for chunk in self._tried(_Asked(messages, stop, run_manager, options), ask, _chunk):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **options: Any
    ) -> ChatResult:
        async def ask(call: Held) -> AsyncGenerator[ChatResult, None]:
            async with _time_limit(call.choice, call.choice.timeout_s):
                result = await call.choice.model._agenerate(messages, stop, **options)
            self._learn(call, call.replied([result.generations[0].message]))
            yield result

        async with aclosing(self._atried(_Asked(messages, stop, run_manager, options), ask, _result)) as results:
            (result,) = [result async for result in results]
        return result

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async def ask(call: Held) -> AsyncGenerator[ChatGenerationChunk, None]:
            said, choice = [], call.choice
            now = asyncio.get_running_loop().time
            end_s = None if choice.timeout_s is None else now() + choice.timeout_s
            async with aclosing(choice.model._astream(messages, stop, **options)) as pieces:
                while True:
                    left_s = None if end_s is None else end_s - now()
                    async with _time_limit(choice, left_s, choice.idle_timeout_s):
                        chunk = await anext(pieces, None)
                    if chunk is None:
                        break
                    said.append(chunk.message)
                    yield chunk
            self._learn(call, call.replied(said))

        async with aclosing(self._atried(_Asked(messages, stop, run_manager, options), ask, _chunk)) as told:
            async for chunk in told:
                if run_manager is not None:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    # -- tries ---------------------------------------------------------------------------------------------------------

    def _tried(self, asked: _Asked, ask: Callable[[Held], Iterator[T]], as_found: Callable[[Any], T]) -> Iterator[T]:
        """Yield what is said by the first model, at the first try, that says anything, or what a cache has of it.

        Args:
            asked: The question.
            ask: Asks a model whose turn it is.
            as_found: Makes of a message that was found what ``ask`` would yield.
        """
        tries = Tries(self.choices)
        while True:
            step = tries.step
            if isinstance(step, Pause):
                with resting(step.choice.model, step.error):
                    time.sleep(step.seconds)
                tries.rested(step)
                continue
            call = None
            try:
                with Question(step.choice, asked.messages, asked.stop, asked.options) as question:
                    found = question.find()
                    if found is not None:
                        _tell(asked, tries, step)
                        yield as_found(found)
                        return
                    with held(step.choice, asked.messages, *self._reserved(step.choice, asked)) as call:
                        _tell(asked, tries, step, call.waited_s)
                        yield from from_first_word(call, ask(call))
                    question.keep(call.parts)
            except Exception as error:  # noqa: BLE001  raised again where nothing else is tried
                _go_on(tries, step, call, error)
            else:
                return

    async def _atried(
        self, asked: _Asked, ask: Callable[[Held], AsyncGenerator[T, None]], as_found: Callable[[Any], T]
    ) -> AsyncGenerator[T, None]:
        """Yield what is said, awaiting it. Otherwise as `_tried`."""
        tries = Tries(self.choices)
        while True:
            step = tries.step
            if isinstance(step, Pause):
                with resting(step.choice.model, step.error):
                    await asyncio.sleep(step.seconds)
                tries.rested(step)
                continue
            call = None
            try:
                with Question(step.choice, asked.messages, asked.stop, asked.options) as question:
                    found = await question.afind()
                    if found is not None:
                        _tell(asked, tries, step)
                        yield as_found(found)
                        return
                    async with aheld(step.choice, asked.messages, *self._reserved(step.choice, asked)) as call:
                        _tell(asked, tries, step, call.waited_s)
                        async with aclosing(ask(call)) as said, aclosing(afrom_first_word(call, said)) as pieces:
                            async for piece in pieces:
                                yield piece
                    await question.akeep(call.parts)
            except Exception as error:  # noqa: BLE001  as above
                _go_on(tries, step, call, error)
            else:
                return

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _reserved(self, choice: Choice, asked: _Asked) -> tuple[int, int]:
        """Return how many tokens a call sends, and about how many it will take; 0 where nobody wants to know."""
        if choice.limits is None or choice.limits.tokens_per_minute is None:
            return 0, 0
        sent_along = asked.options.get("tools") or asked.options.get("response_format")
        sent = usage_of("", asked.messages, sent_along=sent_along).input_tokens
        most = asked.options.get("max_tokens") or getattr(choice.model, "max_tokens", None)
        return sent, self._estimates.total(sent, most)

    def _learn(self, call: Held, usage: Usage) -> None:
        if call.sent:
            self._estimates.learn(call.sent, usage)


def _around(chain: Any, inner: Any, model: Any) -> Any:
    """Return a chain with another model in it: in its bindings, also those in its steps."""
    if chain is inner:
        return model
    if (bound := getattr(chain, "bound", None)) is not None:
        return chain.model_copy(update={"bound": _around(bound, inner, model)})
    if isinstance(chain, RunnableSequence):
        return RunnableSequence(*[_around(step, inner, model) for step in chain.steps], name=chain.name)
    if isinstance(chain, RunnableParallel):
        return RunnableParallel({name: _around(step, inner, model) for name, step in chain.steps__.items()})
    return chain


def _result(found: Any) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=found)])


def _chunk(found: Any) -> ChatGenerationChunk:
    calls = [
        {
            "name": call["name"],
            "args": json.dumps(call["args"]),
            "id": call["id"],
            "index": k,
            "type": "tool_call_chunk",
        }
        for k, call in enumerate(found.tool_calls)
    ]
    fields = {name: value for name, value in found.model_dump().items() if name in AIMessageChunk.model_fields}
    fields |= {"type": "AIMessageChunk", "tool_call_chunks": calls}
    return ChatGenerationChunk(message=AIMessageChunk(**fields))


def _tell(asked: _Asked, tries: Tries, step: Try, waited_s: float = 0.0) -> None:
    waited_s += tries.rested_s
    tell_try(asked.run_manager, step.choice.model, tries.first.model, step.number, waited_s, tries.failures)


def _go_on(tries: Tries, step: Try, call: Held | None, error: Exception) -> None:
    """Choose what comes after a try that failed, and tell of it.

    Raises:
        Exception: The error, where nothing else is tried; or somebody has heard a part of the reply.
        BudgetError: Another try is more than the budget around it allows.
    """
    if call is None:  # somebody else's try, of the same question
        tries.failed(error)
        return
    if call.said:
        raise error
    waited_s, first = tries.rested_s + call.waited_s, tries.first.model
    tries.failed(error)
    events.report(
        events.ModelCalled(
            origin_of(step.choice.model).name,
            time.perf_counter() - call.began,
            purpose=events.purpose.get(),
            error=error,
            messages=events.Messages(call.messages),
            attempt=step.number,
            waited_s=waited_s,
            instead_of="" if step.choice.model is first else model_name(first),
        )
    )
    check_budget()


def _timed(choice: Choice, wait: Callable[[], T]) -> T:
    try:
        return wait()
    except TooLateError as late:
        seconds = choice.idle_timeout_s if late.idle else choice.timeout_s
        raise ModelTimeoutError(model_name(choice.model), seconds or 0.0, idle=late.idle) from None


@asynccontextmanager
async def _time_limit(choice: Choice, left_s: float | None, idle_s: float | None = None) -> AsyncIterator[None]:
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
        seconds = idle_s if idle else choice.timeout_s
        raise ModelTimeoutError(model_name(choice.model), seconds or 0.0, idle=idle) from None
