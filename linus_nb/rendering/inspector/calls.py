"""Calls to models and tools as the inspector lists them."""

from __future__ import annotations

from typing import Any

from linus_nb.events import Call, ModelCalled
from linus_nb.models.spoken import spoken
from linus_nb.rendering import labels
from linus_nb.rendering.inspector.values import Held, held
from linus_nb.rendering.type_setting import printable
from linus_nb.rendering.waits import later


def call_of(call: Call, end_s: float, by_s: float) -> dict[str, Any]:
    """Return a call that ended at ``end_s``, by a clock that began ``by_s`` after the run."""
    is_model = isinstance(call, ModelCalled)
    facts: dict[str, Any] = {
        "kind": "model" if is_model else "tool",
        "name": printable(call.model if isinstance(call, ModelCalled) else call.tool),
        "purpose": "",
        "start_s": later(end_s - call.duration_s, by_s),
        "end_s": later(end_s, by_s),
        "input_tokens": 0,
        "output_tokens": 0,
        "estimated": False,
        "cost": None,
        "served_from": "model",
        "attempt": 1,
        "waited_s": 0.0,
        "instead_of": "",
        "error": "" if call.error is None else printable(labels.error_line(call.error)),
        "messages": [],
        "reply": None,
        "arguments": None,
        "result": None,
    }
    return facts | (_said(call) if isinstance(call, ModelCalled) else _did(call))


def _said(call: ModelCalled) -> dict[str, Any]:
    reply = [Held(text) for _, text in spoken(call.reply)]
    return {
        "purpose": printable(call.purpose) if call.purpose else "",
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "estimated": call.estimated,
        "cost": call.cost,
        "served_from": call.served_from,
        "attempt": call.attempt,
        "waited_s": call.waited_s,
        "instead_of": printable(call.instead_of) if call.instead_of else "",
        "messages": [{"role": printable(role), "text": Held(text)} for role, text in spoken(call.messages)],
        "reply": reply[0] if reply else None,
    }


def _did(call: Any) -> dict[str, Any]:
    return {
        "arguments": held("", call.arguments) if call.arguments else None,
        "result": Held(call.result) if call.error is None else None,
    }
