"""The callback handlers by which LangChain tells of model calls; imported only once LangChain has been."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler  # noqa: TID253  this module is imported inside functions only
from langchain_core.messages import AIMessage  # noqa: TID253  likewise
from langchain_core.outputs import LLMResult  # noqa: TID253  likewise
from langchain_core.tracers.context import register_configure_hook  # noqa: TID253  likewise

from linus_nb import events
from linus_nb.budget import Spending, enter_call, leave_call
from linus_nb.errors import BudgetError
from linus_nb.models.doubles import is_test_double
from linus_nb.models.prices import URL_NAMES, Origin, cost_at, origin_told, prepare_price
from linus_nb.models.usage import Usage, is_from_cache, usage_of


@dataclass(frozen=True, slots=True)
class Tried:
    """What a governed model tells of the try that goes on: at which model, since when, and what came before it."""

    origin: Origin
    is_double: bool
    at: float  # of `time.perf_counter`
    attempt: int
    waited_s: float
    instead_of: str
    failures: int = 0  # tries of this call before it


@dataclass(frozen=True, slots=True)
class Heard:
    """A model call that has ended: which model was asked, and where the reply came from.

    ``tried`` is the last try, where the model was a governed one.
    """

    origin: Origin
    served_from: events.ServedFrom
    tried: Tried | None = None


@dataclass(frozen=True, slots=True)
class _Begun:
    """A model call that has begun."""

    at: float
    origin: Origin
    is_double: bool
    request: Sequence[Any]  # the messages
    sent_along: Any  # tools, or a schema
    purpose: str
    receiver: Any  # the sink of the place that makes it
    tried: Tried | None = None  # the try that goes on, of a governed model
    entered: tuple[Spending, ...] = ()  # the budgets that wait for what it takes


class Listener(BaseCallbackHandler):
    """Matches what LangChain tells of the beginnings and the ends of model calls. One serves many threads."""

    run_inline = True  # it only takes notes: not worth a thread

    def __init__(self) -> None:
        self._begun: dict[UUID, _Begun] = {}

    def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: UUID, **facts: Any) -> None:
        """Note that a chat model is asked."""
        self._begin(run_id, serialized or {}, messages[0], facts)

    def on_llm_start(self, serialized: Any, prompts: Any, *, run_id: UUID, **facts: Any) -> None:
        """Note that a model for texts is asked."""
        self._begin(run_id, serialized or {}, prompts, facts)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """Tell of a call that gave a reply."""
        if begun := self._begun.pop(run_id, None):
            self.ended(begun, _message(response), None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **facts: Any) -> None:
        """Tell of a call that raised; of a stream that nobody wanted to hear to its end, as of one that ended."""
        if (begun := self._begun.pop(run_id, None)) is None:
            return
        if isinstance(error, GeneratorExit):
            self.ended(begun, _message(facts.get("response")), None)
        else:
            self.ended(begun, None, error)

    def tried(self, run_id: UUID, tried: Tried) -> None:
        """Hear from a governed model which model it asks now."""
        if begun := self._begun.get(run_id):
            self._begun[run_id] = replace(
                begun, at=tried.at, origin=tried.origin, is_double=tried.is_double, tried=tried
            )

    def ended(self, begun: _Begun, message: AIMessage | None, error: BaseException | None) -> None:
        """Take a call that has ended."""
        raise NotImplementedError

    def _begin(self, run_id: UUID, serialized: Mapping[str, Any], request: Sequence[Any], facts: Any) -> None:
        asked, told = facts.get("invocation_params") or {}, facts.get("metadata") or {}
        origin = _origin(serialized, asked, told)
        self._begun[run_id] = _Begun(
            time.perf_counter(),
            origin,
            is_test_double(str(asked.get("_type") or "")),
            request,
            asked.get("tools") or asked.get("response_format"),
            str(told.get("langgraph_node") or ""),
            events.sink.get(),
        )


class Noter(Listener):
    """Notes calls in a list, in the order of their ends."""

    def __init__(self, noted: list[Heard]) -> None:
        super().__init__()
        self._noted = noted

    def ended(self, begun: _Begun, message: AIMessage | None, error: BaseException | None) -> None:  # noqa: ARG002  one that raised, too
        """Note a call."""
        self._noted.append(Heard(begun.origin, _served_from(begun, message), begun.tried))


class Reporter(Listener):
    """Reports calls to the place that makes them, with their tokens and their cost."""

    def __init__(self) -> None:
        super().__init__()
        self._telling = threading.RLock()  # parts of a chain that run in threads end at the same time

    raise_error = True  # that of a budget; no other is raised here

    def _begin(self, run_id: UUID, serialized: Mapping[str, Any], request: Sequence[Any], facts: Any) -> None:
        if events.sink.get() is not None:
            entered = enter_call()
            super()._begin(run_id, serialized, request, facts)
            self._begun[run_id] = replace(self._begun[run_id], entered=entered)
            prepare_price(self._begun[run_id].origin)

    def ended(self, begun: _Begun, message: AIMessage | None, error: BaseException | None) -> None:
        """Report a call."""
        if isinstance(error, BudgetError):  # what was to be tried again was not
            leave_call(begun.entered)
            return
        duration_s = time.perf_counter() - begun.at
        served_from = _served_from(begun, message)
        usage, cost = Usage(), None
        if served_from == "cache":
            cost = 0.0
        elif error is None:
            usage = usage_of(message or "", begun.request, sent_along=begun.sent_along)
            cost = cost_at(begun.origin, usage, message)
        receive, place = begun.receiver
        with self._telling:
            receive(
                place,
                events.ModelCalled(
                    begun.origin.name,
                    duration_s,
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.estimated,
                    begun.purpose,
                    error,
                    cost,
                    served_from,
                    usage.cached_tokens,
                    events.Messages(begun.request),
                    events.Messages(() if message is None else (message,)),
                    **tried_facts(begun.tried),
                ),
            )
        leave_call(begun.entered)


def tried_facts(tried: Tried | None) -> dict[str, Any]:
    """Return what `ModelCalled` says of a try."""
    if tried is None:
        return {}
    return {"attempt": tried.attempt, "waited_s": tried.waited_s, "instead_of": tried.instead_of}


def _served_from(begun: _Begun, message: AIMessage | None) -> events.ServedFrom:
    if is_from_cache(message):
        return "cache"
    return "script" if begun.is_double else "model"


def _message(response: LLMResult | None) -> AIMessage | None:
    """Return the reply that LangChain tells of; of a model for texts, as a message."""
    found = response.generations[0] if response is not None and response.generations else []
    if not found:
        return None
    message = getattr(found[0], "message", None)
    if message is None:
        return AIMessage(found[0].text, response_metadata=(response and response.llm_output) or {})
    return message if isinstance(message, AIMessage) else None


def _origin(serialized: Mapping[str, Any], asked: Mapping[str, Any], told: Mapping[str, Any]) -> Origin:
    """Return where a model's answers come from, by what LangChain tells of it: the model itself is not shown."""
    held = serialized.get("kwargs") or {}
    provider = told.get("ls_provider")
    url = next((str(held[name]) for name in URL_NAMES if "://" in str(held.get(name))), None)
    if url is None and provider == "openai":
        url = os.environ.get("OPENAI_BASE_URL")  # which OpenAI's client reads, and LangChain does not tell of
    named = (told.get("ls_model_name"), asked.get("model_name"), asked.get("model"))
    name = next((name for name in named if isinstance(name, str) and name), None)
    path = serialized.get("id") or ["a model"]
    pretends = is_test_double(str(asked.get("_type") or "")) and (name is None or is_test_double(str(provider)))
    return origin_told(name or str(path[-1]), provider, url, runs_here=True if pretends else None)


class _Quiet(logging.Filter):
    """LangChain logs what a handler raises as a mistake of the handler's, and a budget's refusal is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged."""
        return BudgetError.__name__ not in record.getMessage()


logging.getLogger("langchain_core.callbacks.manager").addFilter(_Quiet())

listener: ContextVar[Listener | None] = ContextVar("linus_nb_listener", default=None)
# not inherited by the parts of a chain: they ask the context variable themselves, and another may hear them
register_configure_hook(listener, inheritable=False)
