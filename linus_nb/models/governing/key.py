"""What a question is known by in a cache: all that its reply depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from linus_nb.models.prices import origin_of

NOT_SAID = ("id", "response_metadata", "usage_metadata", "example")  # of a message: no provider reads them


def key_of(model: Any, messages: Sequence[Any], stop: list[str] | None, options: dict[str, Any]) -> str | None:
    """Return the key of a question, or None where what it depends on cannot be written down.

    Args:
        model: The chat model that is asked, unbound.
        messages: LangChain's messages.
        stop: What ends a reply.
        options: What is bound to the model: tools, a schema.
    """
    origin = origin_of(model)
    asked = {
        "model": [origin.name, origin.provider, origin.url, f"{type(model).__module__}.{type(model).__qualname__}"],
        "settings": {k: v for k, v in model._get_invocation_params(stop=stop).items() if k not in ("stream", "n")},
        "options": {k: v for k, v in options.items() if k not in ("stream", "stream_usage", "stream_options")},
        "stop": stop,
        "messages": [
            {k: v for k, v in message.model_dump().items() if k not in NOT_SAID} | {"class": type(message).__name__}
            for message in messages
        ],
    }
    try:
        text = json.dumps(asked, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()
