"""Chat models as they can be governed: without retries of their own, and for any event loop."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from linus_nb.models.clients import Heard, async_client, overheard_async_client, overheard_client, surroundings
from linus_nb.models.facts import model_name
from linus_nb.models.governing.limits import Limits
from linus_nb.models.governing.refusals import quota_left

_senders: WeakValueDictionary[tuple[object, ...], Any] = WeakValueDictionary()
_lock = threading.Lock()


def prepared(model: Any, limits: Limits | None) -> Any:
    """Return a model whose client sends each request once, from whatever loop, and tells the limits of its quota.

    The model itself stays as it is. HTTP clients that it was given are used as they are: an asynchronous one works on
    its owner's loop only, and of what their responses say of a quota nothing is heard.

    Raises:
        TypeError: It is no LangChain chat model.
        ValueError: It has a limiter of its own, which would not hear of the others.
    """
    from langchain_core.language_models import BaseChatModel

    if not isinstance(model, BaseChatModel):
        raise TypeError(
            f"{type(model).__name__} is no chat model that can be governed; give one of LangChain's, like "
            "ChatOpenAI(...), and bind tools or schemas to what governed() returns"
        )
    if model.rate_limiter is not None:
        raise ValueError(
            f"{model_name(model)!r} has a rate_limiter of its own, which knows nothing of other models' calls; leave "
            "it out and give governed(limits=Limits(requests_per_minute=...))"
        )
    openai: Any = model
    client, async_one = getattr(model, "root_client", None), getattr(model, "root_async_client", None)
    if client is None or async_one is None:
        return model

    heard = None if limits is None else partial(_hear, limits)
    own, given = openai.http_async_client, openai.http_client
    client, async_one = client.with_options(max_retries=0), async_one.with_options(max_retries=0)
    if heard is not None and given is None:
        client = client.with_options(http_client=overheard_client(client._client, heard))
    if openai.openai_proxy or own is None:
        async_one = async_one.with_options(http_client=_sender(openai.openai_proxy, limits, heard))
    elif heard is not None and hasattr(own, "per_loop"):  # of ours
        async_one = async_one.with_options(http_client=overheard_async_client(own, heard))
    return model.model_copy(
        update={
            "max_retries": 0,
            "root_client": client,
            "client": client.chat.completions,
            "root_async_client": async_one,
            "async_client": async_one.chat.completions,
            "stream_chunk_timeout": None,  # it may lose a cancellation on Python 3.11; see `models.clients`
        }
    )


def _hear(limits: Limits, headers: Mapping[str, str]) -> None:
    wait_s = quota_left(headers)
    if wait_s:
        limits.pause(wait_s)


def _sender(proxy: str | None, limits: Limits | None, heard: Heard | None) -> Any:
    """Return a client that models share while there are any, so that fifty agents need not connect fifty times."""
    with _lock:
        key = proxy, id(limits), surroundings()  # the limits live as long as the client does
        sender = _senders.get(key)
        if sender is None:
            options = {"proxy": proxy} if proxy else {}
            sender = _senders[key] = async_client(heard=heard, **options)
        return sender
