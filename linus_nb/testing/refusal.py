"""The switch of `linus_nb.models.guard` for models that somebody has built already, by whatever way they are called.

A callback handler that LangChain asks before every model call: ``invoke``, ``stream``, ``batch``, ``generate``, events,
sync and async, inside chains, of every class.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from linus_nb.models.doubles import is_test_double
from linus_nb.models.guard import require_real_models


class Refusal(BaseCallbackHandler):
    """Raises before a real model is called while the switch is on."""

    raise_error = True
    run_inline = True  # a global variable is looked up: not worth a thread for each token

    def on_chat_model_start(self, serialized: Any, messages: Any, **facts: Any) -> None:
        """Refuse, or let through."""
        _refuse(serialized, facts)

    def on_llm_start(self, serialized: Any, prompts: Any, **facts: Any) -> None:
        """Refuse, or let through."""
        _refuse(serialized, facts)


# the default of a context variable is what every thread and every context sees
_watching: ContextVar[Any] = ContextVar("linus_nb_refusal", default=Refusal())  # noqa: B039  it holds nothing


@cache
def watch_model_calls() -> None:
    """Make the switch hold for calls too, in all threads, for the rest of the process.

    While the switch is off, calls go through as ever. Test doubles are always let through: LangChain's own, and every
    model whose ``_llm_type`` has "scripted" or "fake" in it.

    LangChain logs a warning of each refusal, and of refused ``astream_events`` leaves a coroutine that nobody awaits.
    """
    register_configure_hook(_watching, inheritable=True)


def _refuse(serialized: Any, facts: dict[str, Any]) -> None:
    parameters = facts.get("invocation_params") or {}
    llm_type = str(parameters.get("_type") or "")
    if is_test_double(llm_type):
        return
    path = (serialized or {}).get("id") or [llm_type or "a model"]
    name = parameters.get("model") or parameters.get("model_name")
    require_real_models(f"a call of {path[-1]}" + (f" ({name})" if name else ""))
