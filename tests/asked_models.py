"""Models that ask the misbehaving server, and the four ways to ask them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_openai import ChatOpenAI

from tests.misbehaving import MisbehavingServer

Way = Callable[..., str]


def chat(server: MisbehavingServer, name: str = "test", **options: Any) -> ChatOpenAI:
    """Return a model as a user makes it: with the client's own retries, and its own HTTP clients."""
    return ChatOpenAI(model=name, base_url=server.url, api_key="none", **options)  # type: ignore[arg-type]  # a text will do


def invoked(llm: Any, asked: Any = "hello") -> str:
    return str(llm.invoke(asked).text)


def awaited(llm: Any, asked: Any = "hello") -> str:
    return str(asyncio.run(llm.ainvoke(asked)).text)


def streamed(llm: Any, asked: Any = "hello") -> str:
    return "".join(chunk.text for chunk in llm.stream(asked))


def streamed_later(llm: Any, asked: Any = "hello") -> str:
    async def whole() -> str:
        return "".join([chunk.text async for chunk in llm.astream(asked)])

    return asyncio.run(whole())


WAYS: list[Way] = [invoked, awaited, streamed, streamed_later]
every_way = pytest.mark.parametrize("ask", WAYS)
