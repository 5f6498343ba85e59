"""Chat models as they can be governed: without retries of their own, and for any event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linus_nb.models.clients import async_client, overheard_async_client, overheard_client
from linus_nb.models.facts import model_name
from linus_nb.models.governing.limits import Limits
from linus_nb.models.governing.refusals import quota_left


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

    def heard(headers: Mapping[str, str]) -> None:
        wait_s = quota_left(headers)
        if wait_s and limits is not None:
            limits.pause(wait_s)

    own, given = openai.http_async_client, openai.http_client
    client = client.with_options(max_retries=0)
    if given is None:
        client = client.with_options(http_client=overheard_client(client._client, heard))
    async_one = async_one.with_options(max_retries=0)
    if openai.openai_proxy:
        async_one = async_one.with_options(http_client=async_client(heard=heard, proxy=openai.openai_proxy))
    elif own is None:
        async_one = async_one.with_options(http_client=async_client(heard=heard))
    elif hasattr(own, "per_loop"):  # of ours
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
