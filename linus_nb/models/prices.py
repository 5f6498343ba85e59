"""What model calls cost, in US dollars, by the price lists of ``genai-prices``: no network, and no guesses.

A model that runs on this machine costs nothing (0.0); one whose price is not known has no cost (None).
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from linus_nb.events import ModelCalled
from linus_nb.models.doubles import is_test_double
from linus_nb.models.facts import model_name
from linus_nb.models.usage import Usage

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
RUN_HERE = ("ollama", "llamacpp", "llamafile", "mlx", "gpt4all")  # providers that are this machine, unless a URL is set
URL_NAMES = ("openai_api_base", "base_url", "anthropic_api_url", "endpoint")  # attributes of models that hold one
SOLD_ONLY = re.compile(r"(^|/)((chat)?gpt-(?!oss)|o\d\b|claude|gemini|grok)|[:-]cloud$", re.IGNORECASE)
"""Names of models whose weights nobody has: what answers to them on this machine is a gateway or a stand-in."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a chat model's answers come from.

    Attributes:
        name: The model's name.
        provider: Who sells it (``"openai"``), where the model's class tells.
        url: The address that is called, where the model has one.
        runs_here: It runs on this machine, and nobody sends a bill.
    """

    name: str
    provider: str | None = None
    url: str | None = None
    runs_here: bool = False


def cost_of(
    name: str, usage: Usage, *, provider: str | None = None, url: str | None = None, tier: str | None = None
) -> float | None:
    """Return what a call costs in US dollars, or None where no price is known.

    Args:
        name: The model, as it is asked for or as it names itself: ``"gpt-4o"``, ``"gpt-4o-2024-08-06"``.
        usage: The tokens.
        provider: Who sells it; found by the name without it.
        url: The address that is called; it tells the provider, and goes before ``provider``.
        tier: OpenAI's service tier, as the response names it (``"flex"``, ``"priority"``).

    >>> cost_of("gpt-4o", Usage(1000, 100))
    0.0035
    >>> cost_of("nobody-knows-it", Usage(1000, 100)) is None
    True
    """
    import genai_prices

    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        cache_write_tokens=min(usage.cache_write_tokens, max(usage.input_tokens - usage.cached_tokens, 0)),
    )
    sold_by: dict[str, Any] = {"provider_api_url": url} if url else {"provider_id": provider}
    if tier:
        sold_by["price_context"] = {"service_tier": tier}
    try:
        price = genai_prices.calc_price(tokens, name, **sold_by)
    except LookupError:
        return None
    return float(price.total_price)


def cost_of_call(llm: Any, usage: Usage, message: Any = None) -> float | None:
    """Return what a call of a chat model cost in US dollars: 0.0 where it runs here, None where no price is known.

    Args:
        llm: The chat model, also one that is bound or configured.
        usage: The tokens of the call.
        message: What it answered; where it names the model that answered, that one's price is taken.
    """
    return cost_at(origin_of(llm), usage, message)


def cost_at(origin: Origin, usage: Usage, message: Any = None) -> float | None:
    """Return what a call of the model at ``origin`` cost in US dollars. Otherwise as `cost_of_call`."""
    if origin.runs_here:
        return 0.0
    if origin.url is None and origin.provider is None:
        return None  # a name alone would be a guess: anybody may serve anything under it
    facts = getattr(message, "response_metadata", None) or {}
    tier = facts.get("service_tier")
    for name in (facts.get("model_name") or facts.get("model"), origin.name):
        if isinstance(name, str) and name:
            cost = cost_of(
                name, usage, provider=origin.provider, url=origin.url, tier=tier if isinstance(tier, str) else None
            )
            if cost is not None:
                return cost
    return None


def load_prices(llm: Any) -> None:
    """Load what the cost of this model's calls will need, where it is not there yet.

    That takes 50 ms, and 0.4 s where Python has to compile the price lists first: too long for an event loop, so
    await it in a thread before the first call.
    """
    cost_of_call(llm, Usage())


@cache
def prepare_price(origin: Origin) -> None:
    """Begin to load, in a thread, what the cost of a call will need: the call that has begun takes longer than that."""
    if not origin.runs_here and "genai_prices" not in sys.modules:
        threading.Thread(target=cost_at, args=(origin, Usage()), name="linus_nb prices", daemon=True).start()


def origin_of(llm: Any) -> Origin:
    """Return where a chat model's answers come from, told by its attributes; nothing is called.

    A model says itself that it runs here with an attribute ``runs_here``; else its URL tells, or its class's provider.
    """
    name = model_name(llm)
    while (inner := getattr(llm, "bound", None)) is not None:
        llm = inner
    url = _url_of(llm)
    describe = getattr(llm, "_get_ls_params", None)  # what LangChain's models say of themselves to LangSmith
    provider = describe().get("ls_provider") if callable(describe) else None
    said = getattr(llm, "runs_here", None)
    if not isinstance(said, bool):
        said = True if is_test_double(str(getattr(llm, "_llm_type", ""))) else None
    return origin_told(name, provider, url, runs_here=said)


def origin_told(name: str, provider: str | None, url: str | None, *, runs_here: bool | None) -> Origin:
    """Return where answers come from; whether the model runs here is told by the rest where it does not say so."""
    if runs_here is None and SOLD_ONLY.search(name):
        runs_here = False
    if runs_here is None:
        runs_here = urlsplit(url).hostname in LOOPBACK if url else provider in RUN_HERE
    return Origin(name, provider, url, runs_here)


def total_cost(calls: Iterable[ModelCalled]) -> float | None:
    """Return the cost of several calls in US dollars, or None where that of one is not known.

    Calls that failed are left out, as their tokens are: whether a provider charges for them nobody tells.
    """
    costs = [call.cost for call in calls if call.error is None or call.cost is not None]
    known = [cost for cost in costs if cost is not None]
    return sum(known, 0.0) if len(known) == len(costs) else None


def _url_of(llm: Any) -> str | None:
    """Return the address that a model calls; OpenAI's client knows best, as it also reads the environment."""
    addresses = [getattr(getattr(llm, "root_client", None), "base_url", None)]
    addresses += [getattr(llm, name, None) for name in URL_NAMES]
    return next((str(address) for address in addresses if address and "://" in str(address)), None)
