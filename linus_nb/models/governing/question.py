"""One question and what a cache knows of it: the reply, or somebody who asks the same at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from linus_nb.models.facts import model_name
from linus_nb.models.governing.cache import ResponseCache
from linus_nb.models.governing.choice import Choice
from linus_nb.models.governing.flights import Flight
from linus_nb.models.governing.key import key_of


class Question:
    """A question to one model. Where nothing is found it is asked inside the ``with`` block, others wait for its end.

    Args:
        choice: The model, and the cache that holds its replies, if it has one.
        messages: What is asked.
        stop: What ends a reply.
        options: What is bound to the model.
    """

    def __init__(
        self, choice: Choice, messages: Sequence[Any], stop: list[str] | None, options: dict[str, Any]
    ) -> None:
        self._choice = choice
        self._cache: ResponseCache | None = choice.cache
        self._key = key_of(choice.model, messages, stop, options) if self._cache is not None else None
        self._flies = False
        self._reply: dict[str, Any] | None = None

    def find(self) -> Any | None:
        """Return the reply as a message, waiting for whoever asks at this moment; None where it has to be asked.

        Raises:
            Exception: What whoever asked got instead.
        """
        if self._cache is None or self._key is None:
            return None
        while (reply := self._cache.get(self._key)) is None:
            flight, self._flies = self._cache.flights.join(self._key)
            if self._flies or flight.is_own(blocking=True):
                return None
            reply = flight.reply.result()
            if reply is not None:
                break
        return _found(reply)

    async def afind(self) -> Any | None:
        """Return the reply, awaiting it. Otherwise as `find`."""
        if self._cache is None or self._key is None:
            return None
        while (reply := await asyncio.to_thread(self._cache.get, self._key)) is None:
            flight, self._flies = self._cache.flights.join(self._key)
            if self._flies or flight.is_own(blocking=False):
                return None
            reply = await _landed(flight)
            if reply is not None:
                break
        return _found(reply)

    def keep(self, parts: Sequence[Any]) -> None:
        """Keep the reply that came, in one message or in the chunks of one."""
        self._reply = _kept(parts)
        if self._cache is not None and self._key is not None and self._reply is not None:
            self._cache.put(self._key, model_name(self._choice.model), self._reply)

    async def akeep(self, parts: Sequence[Any]) -> None:
        """Keep the reply, away from the loop. Otherwise as `keep`."""
        if self._cache is not None and self._key is not None:
            await asyncio.to_thread(self.keep, parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if self._flies and self._cache is not None and self._key is not None:
            self._flies = False
            # one that was cancelled, or not heard to its end, says nothing about the others
            self._cache.flights.land(self._key, self._reply, error if isinstance(error, Exception) else None)


async def _landed(flight: Flight) -> Any:
    return await asyncio.shield(asyncio.wrap_future(flight.reply))  # whoever gives up waiting ends no one else's


def _kept(parts: Sequence[Any]) -> dict[str, Any] | None:
    """Return a reply as plain data, or None for one that says nothing."""
    from langchain_core.messages import AIMessageChunk, message_chunk_to_message, messages_to_dict

    if not parts:
        return None
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    if not (whole.content or getattr(whole, "tool_calls", None)):
        return None
    message = message_chunk_to_message(whole) if isinstance(whole, AIMessageChunk) else whole
    kept: dict[str, Any] = messages_to_dict([message])[0]
    return kept


def _found(reply: dict[str, Any]) -> Any:
    """Return a kept reply as a message that says where it comes from, as those of LangChain's own cache do."""
    from langchain_core.messages import messages_from_dict

    (message,) = messages_from_dict([reply])
    used: Any = getattr(message, "usage_metadata", None) or {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    return message.model_copy(update={"id": None, "usage_metadata": {**used, "total_cost": 0}})
