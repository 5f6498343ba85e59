"""The embedded model: a small language model that runs on this machine, with no key and no account."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from linus_nb.models.clients import any_loop_options
from linus_nb.models.guard import require_real_models
from linus_nb.models.server import ServerSettings, require_runtime, shared_server
from linus_nb.models.weights import gguf_file, weights_file

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def local(
    path: str | os.PathLike[str] | None = None,
    *,
    temperature: float = 0.0,
    max_tokens: int = 256,
    slots: int = 2,
    context_tokens: int = 2048,
    threads: int = 0,
    progress: bool = True,
    **options: Any,
) -> BaseChatModel:
    """Return a LangChain chat model that runs here, starting its server on first use.

    The first call on a machine fetches the weights (93 MB, once); the first call in a process starts the server,
    which takes about a second, and blocks until it is ready. All models of a process with the same file, ``slots``,
    ``context_tokens`` and ``threads`` share one server, which ends with the process.

    The default is SmolLM2-135M-Instruct: it classifies, extracts and chooses from lists when shown examples; it does
    not know facts and cannot add.

    Args:
        path: A GGUF file of your own; the embedded model without it.
        temperature: 0 for the likeliest token each time.
        max_tokens: The longest reply, in tokens. JSON that is cut here is not valid.
        slots: Calls that are worked on at once; others wait in the server.
        context_tokens: Tokens of prompt and reply together, for each slot. A longer prompt is refused.
        threads: Threads that read prompts; half of them write replies. 0 for one per core and at most four, from
            where a small model gains nothing.
        progress: Draw a progress bar on stderr while the weights are fetched.
        **options: Further arguments of ``ChatOpenAI``.

    Raises:
        MissingPackageError: The runtime is not installed (``pip install 'linus-nb[local]'``).
        WeightsError: The weights did not arrive or do not match.
        ModelError: The server did not get ready; the message holds the end of its log.
    """
    require_real_models("the local model")
    require_runtime()
    file = gguf_file(path) if path is not None else weights_file(progress=progress)
    server = shared_server(ServerSettings(file, slots, context_tokens, threads))

    import openai
    from langchain_openai import ChatOpenAI

    # plain HTTP to this machine: no proxy, no certificates, and a new connection costs less than one left open
    direct: dict[str, Any] = {"trust_env": False, "verify": False, "headers": {"Connection": "close"}}
    settings: dict[str, Any] = {
        "model": file.stem,
        "base_url": server.base_url,
        "api_key": server.api_key,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "max_retries": 0,  # retries are the nodes' business
        "stream_usage": True,
        "use_responses_api": False,
        "http_client": openai.DefaultHttpxClient(**direct),
    }
    return ChatOpenAI(**settings | any_loop_options(**direct) | options)
