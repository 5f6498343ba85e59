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
from tests.misbehaving import (
    Cut,
    Drip,
    Dropped,
    ErrorInside,
    Later,
    Limited,
    MisbehavingServer,
    Page,
    Reply,
    Silent,
    Status,
)


@pytest.fixture(autouse=True)
def real_models() -> Iterator[None]:
    """They talk to the loopback only."""
    with real_models_allowed():
        yield


def model(server: MisbehavingServer, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model="test", base_url=server.url, api_key="none", max_retries=0, **any_loop_options(), **options)  # type: ignore[arg-type]  # a text will do


def test_a_reply_comes_whole_awaited_and_streamed_with_its_usage():
    with MisbehavingServer(Reply("one two", usage=(7, 3))) as server:
        llm = model(server, stream_usage=True)

        async def streamed() -> Any:
            whole: Any = None
            async for chunk in llm.astream("hello"):
                whole = chunk if whole is None else whole + chunk
            return whole

        replies = [llm.invoke("hello"), asyncio.run(llm.ainvoke("hello")), asyncio.run(streamed())]
        assert [reply.text for reply in replies] == ["one two"] * 3
        assert [reply.usage_metadata["total_tokens"] for reply in replies] == [10] * 3
        assert [request.status for request in server.counted.requests] == [200] * 3


REFUSED = [
    (Status(429, retry_after=3), openai.RateLimitError),
    (Status(500), openai.InternalServerError),
    (Status(503), openai.InternalServerError),
    (Status(400), openai.BadRequestError),
    (Status(401), openai.AuthenticationError),
    (Status(404), openai.NotFoundError),
    (Dropped(), openai.APIConnectionError),
    (Dropped(reset=True), openai.APIConnectionError),
    (Cut(Reply("one two")), openai.APIConnectionError),
    (Cut(Reply("one two"), then="end"), Exception),  # half a JSON: what a client makes of it differs
    (Page(b"<html>busy</html>"), Exception),
]


@pytest.mark.parametrize(("answer", "error"), REFUSED, ids=[repr(answer)[:40] for answer, _ in REFUSED])
def test_what_goes_wrong_is_raised_after_one_request(answer, error):
    with MisbehavingServer(answer) as server:
        llm = model(server)
        with pytest.raises(error):
            llm.invoke("hello")
        with pytest.raises(error):
            asyncio.run(llm.ainvoke("hello"))
        assert len(server.counted) == 2


def test_headers_are_what_was_ordered():
    refusal = Status(429, retry_after=2.5, remaining={"requests": 0}, reset={"requests": "6m0s"})
    with MisbehavingServer(refusal) as server:
        with pytest.raises(openai.RateLimitError) as caught:
            model(server).invoke("hello")
        headers = caught.value.response.headers
        assert headers["retry-after"] == "2.5"
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert headers["x-ratelimit-reset-requests"] == "6m0s"


@pytest.mark.parametrize("broken", [Cut(Reply("one two"), after=3), ErrorInside(Reply("one two"), after=3)])
def test_a_stream_breaks_off_where_it_was_told_to(broken):
    with MisbehavingServer(broken) as server:
        heard = []
        with pytest.raises((httpx.RemoteProtocolError, openai.APIError)):
            heard.extend(chunk.text for chunk in model(server).stream("hello"))
        assert len(server.counted) == 1
        assert heard == [] or "one two".startswith("".join(heard))


def test_a_client_that_gives_up_is_noticed():
    with MisbehavingServer(Silent()) as server:

        async def hang_up() -> None:
            async with asyncio.timeout(0.2):
                await model(server).ainvoke("hello")

        with pytest.raises(TimeoutError):
            asyncio.run(hang_up())
        server.counted.wait_until(lambda counted: counted.requests[0].outcome == "client hung up")


def test_slow_answers_take_their_time():
    for slow in (Later(0.15), Drip(Reply("ok"), every_s=0.01, size=30)):
        with MisbehavingServer(slow) as server:
            began = time.monotonic()
            assert model(server).invoke("hello").text == "ok"
            assert time.monotonic() - began > 0.1


def test_what_came_at_once_and_in_a_window_is_counted():
    with MisbehavingServer(Later(0.1, Reply(usage=(20, 10)))) as server:

        async def ask() -> None:
            llm = model(server)
            async with asyncio.TaskGroup() as group:
                for k in range(40):
                    group.create_task(llm.ainvoke(f"question {k}"))

        asyncio.run(ask())
        counted = server.counted
        assert len(counted) == 40
        assert counted.sent_twice() == {}
        assert counted.most_requests_in(60.0) == 40
        assert counted.most_tokens_in(60.0) == 1200
        assert 10 < counted.peak <= 40


def test_what_is_sent_twice_is_seen():
    with MisbehavingServer() as server:
        for text in ("a", "b", "a"):
            model(server).invoke(text)
        assert server.counted.sent_twice() == {"a": 2}


def test_limits_are_enforced():
    with MisbehavingServer(Limited(requests=3)) as server:
        llm = model(server)
        for _ in range(3):
            llm.invoke("hello")
        with pytest.raises(openai.RateLimitError) as caught:
            llm.invoke("hello")
        assert 50 < float(caught.value.response.headers["retry-after"]) <= 60
        assert [request.status for request in server.counted.requests] == [200, 200, 200, 429]


def test_one_request_too_many_ends_the_server_and_is_raised():
    def ask(server: MisbehavingServer) -> None:
        for _ in range(2):
            model(server).invoke("hello")
        with pytest.raises(openai.APIConnectionError):
            model(server).invoke("hello")

    server = MisbehavingServer(most_requests=2)
    server.__enter__()
    ask(server)
    with pytest.raises(AssertionError, match="more than 2 requests"):
        server.__exit__(None, None, None)
