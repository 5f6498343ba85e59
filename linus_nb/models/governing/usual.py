"""How an agent asks a model that nobody governed: from any event loop, and with retries that are seen."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import Any

_SENDERS = "BaseChatOpenAI"  # whose client tries again by itself, and belongs to one loop
_USUAL_RETRIES = 2  # of OpenAI's client, where the model does not say
_made: dict[int, tuple[weakref.ref[Any], Any]] = {}
_lock = threading.Lock()


def as_asked(model: Any) -> Any:
    """Return the model to ask in place of one that somebody gave.

    OpenAI's client keeps connections that belong to the loop it was first used on, and sends again by itself, unseen.
    So a model with that client is asked through a governed one, with as many retries; all others are asked as they are.
    """
    if type(model).__name__ == "GovernedModel":
        return model
    if not any(kind.__name__ == _SENDERS for kind in type(model).__mro__):
        inner = getattr(model, "bound", None)
        asked = None if inner is None else as_asked(inner)
        return model if asked is inner else model.model_copy(update={"bound": asked})
    if model.rate_limiter is not None:
        return model
    with _lock:
        kept = _made.get(id(model))
        if kept is None or kept[0]() is not model:
            from linus_nb.models.governing.make import governed

            retries = _USUAL_RETRIES if model.max_retries is None else model.max_retries
            kept = weakref.ref(model, partial(_forget, id(model))), governed(model, retries=retries)
            _made[id(model)] = kept
        return kept[1]


def _forget(key: int, _: Any) -> None:
    _made.pop(key, None)
