"""`governed`: the one place where it is said how a model's calls are governed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from linus_nb.models.governing.cache import ResponseCache
from linus_nb.models.governing.choice import Choice
from linus_nb.models.governing.limits import Limits
from linus_nb.models.governing.prepared import prepared

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def governed(
    model: BaseChatModel,
    *,
    limits: Limits | None = None,
    retries: int = 2,
    timeout_s: float | None = None,
    idle_timeout_s: float | None = None,
    fallbacks: Sequence[BaseChatModel] = (),
    cache: ResponseCache | None = None,
) -> BaseChatModel:
    """Return a chat model that asks another one, within limits, and again where that may help.

    It can be used wherever the model can, at the same time, from any thread and event loop. A call is tried again after
    connection errors, time limits, 429 and 5xx, with growing pauses or as long as the provider asks for (up to five
    minutes), and never after a part of the reply has been handed on. Each try is in the record of the run. Retries of
    the client's own are off: nothing is sent twice unseen.

    Args:
        model: A LangChain chat model.
        limits: How many calls, of how many tokens, and how many at once; shared by all that are given the same object.
        retries: Tries after the first, for each model.
        timeout_s: Seconds for a whole reply, without the time that the call waits for its turn.
        idle_timeout_s: Seconds between two pieces of a streamed reply.
        fallbacks: Models that are asked in turn when the tries of those before them have failed. What is said here
            holds for them, too, but for those that are governed themselves: another provider has other limits.
            They get the same tools, schema and options, and should know them.
        cache: Where replies are kept and found again; the same question is asked once at a time.

    Raises:
        TypeError: Something is no LangChain chat model, or ``limits`` or ``cache`` are something else.
        ValueError: A number is out of range, or a model has a ``rate_limiter`` of its own.

    >>> from linus_nb.testing import ScriptedModel
    >>> shaky = ScriptedModel(lambda *_: "hello", errors={1: ConnectionError("reset")})
    >>> governed(shaky, limits=Limits(max_concurrency=4)).invoke("hi").text
    'hello'
    """
    from langchain_core.language_models import BaseChatModel

    from linus_nb.models.governing.governed import GovernedModel

    if isinstance(model, GovernedModel):
        raise TypeError("this model is governed already; give limits, retries and fallbacks to one governed()")
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits is a {type(limits).__name__}; give Limits(requests_per_minute=...), shared by all")
    if cache is not None and not isinstance(cache, ResponseCache):
        raise TypeError(f"cache is a {type(cache).__name__}; give ResponseCache('replies.db')")
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ValueError(f"retries={retries!r}: give a whole number from 0")
    for name, seconds in (("timeout_s", timeout_s), ("idle_timeout_s", idle_timeout_s)):
        if seconds is not None and not seconds > 0:
            raise ValueError(f"{name}={seconds!r}: give seconds above 0, or leave it out")
    if isinstance(fallbacks, BaseChatModel):
        raise TypeError(f"fallbacks is one {type(fallbacks).__name__}; give a list of models")
    choices: list[Choice] = []
    for one in (model, *fallbacks):
        if isinstance(one, GovernedModel):
            choices += one.choices
        else:
            choices.append(Choice(prepared(one, limits), limits, retries, timeout_s, idle_timeout_s, cache))
    return GovernedModel(bound=choices[0].model, choices=tuple(choices))
