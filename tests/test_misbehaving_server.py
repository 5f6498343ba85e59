"""The server of the tests does what it says, seen by httpx and by ChatOpenAI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI

from linus_nb.models import real_models_allowed
from linus_nb.models.clients import any_loop_options
from tests.misbehaving import Dropped, Enforced, Half, MisbehavingServer, Reply, Silent, Slow, Status, Strange


@pytest.fixture(autouse=True)
def real_models() -> Iterator[None]:
    """They talk to the loopback only."""
    with real_models_allowed():
        yield


def model(server: MisbehavingServer, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model="test", base_url=server.url, api_key="none", max_retries=0, **any_loop_options(), **options)  # type: ignore[arg-type]  # a text will do


def test_a_reply_comes_whole_awaited_and_streamed_with_its_usage():
    with MisbehavingServer([Reply("one two", usage=(7, 3))]) as server:
        llm = model(server, stream_usage=True)

        async def streamed() -> Any:
            whole: Any = None
            async for chunk in llm.astream("hello"):
                whole = chunk if whole is None else whole + chunk
            return whole

        replies = [llm.invoke("hello"), asyncio.run(llm.ainvoke("hello")), asyncio.run(streamed())]
        assert [reply.text.replace(" ", "") for reply in replies] == ["onetwo"] * 3
        assert [reply.usage_metadata["total_tokens"] for reply in replies] == [10] * 3
        assert [request.status for request in server.counted.requests] == [200] * 3


CASES = [
    (Status(429, retry_after=3), openai.RateLimitError),
    (Status(500), openai.InternalServerError),
    (Status(503), openai.InternalServerError),
    (Status(400), openai.BadRequestError),
    (Status(401), openai.AuthenticationError),
    (Status(404), openai.NotFoundError),
    (Dropped(), openai.APIConnectionError),
    (Half(honest=False), openai.APIConnectionError),
    (Half(), Exception),
    (Strange(), Exception),
]


@pytest.mark.parametrize(("answer", "error"), CASES, ids=[repr(answer)[:40] for answer, _ in CASES])
def test_what_goes_wrong_is_raised_after_one_request(answer, error):
    with MisbehavingServer([answer]) as server:
        llm = model(server)
        with pytest.raises(error):
            llm.invoke("hello")
        with pytest.raises(error):
            asyncio.run(llm.ainvoke("hello"))
        assert len(server.counted) == 2


def test_headers_are_what_was_ordered():
    with MisbehavingServer([Status(429, retry_after=2.5, headers={"x-ratelimit-remaining-requests": "0"})]) as server:
        with pytest.raises(openai.RateLimitError) as caught:
            model(server).invoke("hello")
        headers = caught.value.response.headers
        assert (headers["retry-after"], headers["x-ratelimit-remaining-requests"]) == ("2.5", "0")


def test_a_stream_breaks_off_where_it_was_told_to():
    with MisbehavingServer([Dropped(after_chunks=3)]) as server:
        chunks = model(server).stream("hello")
        assert "".join(next(chunks).text for _ in range(3)) == "onetwo"
        with pytest.raises((httpx.RemoteProtocolError, openai.APIConnectionError)):  # as its client was, and is
            next(chunks)


def test_a_client_that_gives_up_is_noticed():
    with MisbehavingServer([Silent()]) as server:

        async def hang_up() -> None:
            async with asyncio.timeout(0.2):
                await model(server).ainvoke("hello")

        with pytest.raises(TimeoutError):
            asyncio.run(hang_up())
        deadline = time.monotonic() + 5
        while not server.counted.requests[0].hung_up and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.counted.requests[0].hung_up


def test_a_slow_answer_takes_its_time():
    with MisbehavingServer([Slow("ok", pause_s=0.001)]) as server:
        began = time.monotonic()
        assert model(server).invoke("hello").text == "ok"
        assert time.monotonic() - began > 0.15


def test_what_came_at_once_and_in_a_window_is_counted():
    with MisbehavingServer([Reply(latency_s=0.1)]) as server:

        async def ask() -> None:
            llm = model(server)
            async with asyncio.TaskGroup() as group:
                for k in range(40):
                    group.create_task(llm.ainvoke(f"{k}: 30 tokens"))

        asyncio.run(ask())
        counted = server.counted
        assert len(counted) == 40
        assert counted.sent_twice() == []
        assert counted.most_requests_in(60.0) == 40
        assert counted.most_tokens_in(60.0) == 1200
        assert 10 < counted.most_at_once() <= 40


def test_limits_are_enforced():
    with MisbehavingServer([Reply()], Enforced(requests=3, retry_after=1)) as server:
        llm = model(server)
        for _ in range(3):
            llm.invoke("hello")
        with pytest.raises(openai.RateLimitError):
            llm.invoke("hello")
        assert [request.status for request in server.counted.requests] == [200, 200, 200, 429]
