"""Governed models against a server that misbehaves: what is tried again and what is not, and what the server saw."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.rate_limiters import InMemoryRateLimiter
from pydantic import BaseModel

from linus_nb import Agent, AgentDAG, DAGExecutor
from linus_nb.engine.record import walk
from linus_nb.errors import ModelTimeoutError
from linus_nb.events import ModelCalled
from linus_nb.models import Limits, governed, real_models_allowed
from linus_nb.testing import ScriptedModel
from tests.asked_models import Way, awaited, chat, every_way, invoked, streamed, streamed_later
from tests.misbehaving import Cut, Drip, Dropped, MisbehavingServer, Page, Reply, Silent, Status

AGAIN = [
    Status(429),
    Status(429, retry_after=0.01),
    Status(500),
    Status(503),
    Status(408),
    Dropped(),
    Cut(Reply()),
]
FINAL = [Status(400), Status(401), Status(404), Status(422)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real clients, which talk to the loopback only; pauses between tries are short."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.001)
    with real_models_allowed():
        yield


# -- tries ------------------------------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("trouble", AGAIN, ids=repr)
def test_what_may_pass_is_tried_again(ask: Way, trouble: Any) -> None:
    with MisbehavingServer([trouble, trouble, Reply("well")]) as server:
        assert ask(governed(chat(server))) == "well"
        assert len(server.counted) == 3


@every_way
@pytest.mark.parametrize("trouble", FINAL, ids=repr)
def test_what_is_the_callers_fault_is_raised_at_once(ask: Way, trouble: Any) -> None:
    with MisbehavingServer([trouble, Reply()]) as server:
        with pytest.raises(openai.APIStatusError) as caught:
            ask(governed(chat(server)))
        assert caught.value.status_code == trouble.code
        assert len(server.counted) == 1


@every_way
def test_after_the_last_try_its_error_is_raised_and_the_clients_own_retries_are_off(ask: Way) -> None:
    with MisbehavingServer([Status(503)]) as server:
        with pytest.raises(openai.InternalServerError):
            ask(governed(chat(server, max_retries=5), retries=1))
        assert len(server.counted) == 2


@every_way
def test_no_retries_means_one_request(ask: Way) -> None:
    with MisbehavingServer([Dropped()]) as server:
        with pytest.raises(openai.APIConnectionError):
            ask(governed(chat(server), retries=0))
        assert len(server.counted) == 1


def test_a_quota_that_is_used_up_is_not_asked_for_again() -> None:
    broke = Page(
        b'{"error": {"message": "pay", "type": "insufficient_quota", "code": "insufficient_quota"}}',
        429,
        {"content-type": "application/json"},
    )
    with MisbehavingServer(broke) as server:
        with pytest.raises(openai.RateLimitError):
            invoked(governed(chat(server)))
        assert len(server.counted) == 1


@pytest.mark.parametrize("ask", [streamed, streamed_later])
def test_a_stream_that_breaks_off_is_not_sent_again_behind_what_was_heard(ask: Way) -> None:
    with MisbehavingServer([Cut(Reply("one two three four"), after=3), Reply("again")]) as server:
        heard: list[str] = []
        llm = governed(chat(server))

        async def later() -> None:
            async for chunk in llm.astream("hello"):
                heard.append(chunk.text)

        def now() -> None:
            for chunk in llm.stream("hello"):
                heard.append(chunk.text)

        with pytest.raises((openai.APIConnectionError, OSError, Exception), match=r"(?i)connection|incomplete|peer"):
            now() if ask is streamed else asyncio.run(later())
        assert "".join(heard).split() == ["one", "two"]
        assert len(server.counted) == 1


@pytest.mark.parametrize("ask", [streamed, streamed_later])
def test_a_stream_that_breaks_off_before_its_first_word_is_tried_again(ask: Way) -> None:
    with MisbehavingServer([Cut(Reply("one two"), after=1), Reply("one two")]) as server:
        assert ask(governed(chat(server))) == "one two"
        assert len(server.counted) == 2


@pytest.mark.parametrize("ask", [streamed, streamed_later])
def test_a_stream_without_a_word_ends_without_one(ask: Way) -> None:
    with MisbehavingServer(Reply("", usage=(7, 0))) as server:
        assert ask(governed(chat(server))) == ""
        assert len(server.counted) == 1


def test_it_waits_as_long_as_the_server_asks_for() -> None:
    with MisbehavingServer([Status(429, retry_after=0.3), Reply()]) as server:
        invoked(governed(chat(server)))
        first, second = server.counted.requests
        assert second.at_s - first.at_s >= 0.3


@every_way
def test_something_else_than_a_reply_is_an_error_and_not_a_loop(ask: Way) -> None:
    with MisbehavingServer([Page(b"<html>it works</html>")]) as server:
        with pytest.raises(Exception, match=r".+"):
            ask(governed(chat(server)))
        assert len(server.counted) <= 3


# -- models to fall back on -------------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("trouble", [Status(503), Status(401), Dropped()], ids=repr)
def test_the_next_model_has_its_turn_when_one_has_failed(ask: Way, trouble: Any) -> None:
    with MisbehavingServer([trouble]) as broken, MisbehavingServer([Reply("I can")]) as sound:
        llm = governed(chat(broken, "first"), fallbacks=[chat(sound, "second")], retries=1)
        assert ask(llm) == "I can"
        assert len(sound.counted) == 1
        assert len(broken.counted) == (1 if trouble == Status(401) else 2)


@every_way
def test_where_all_fail_the_last_ones_error_is_raised(ask: Way) -> None:
    with (
        MisbehavingServer([Status(503)]) as one,
        MisbehavingServer([Status(404)]) as other,
        pytest.raises(openai.NotFoundError),
    ):
        ask(governed(chat(one), fallbacks=[chat(other)], retries=0))


def test_each_try_is_in_the_record() -> None:
    with MisbehavingServer([Status(503)]) as broken, MisbehavingServer([Reply("I can")]) as sound:
        llm = governed(chat(broken, "first"), fallbacks=[chat(sound, "second")], retries=1)
        dag = AgentDAG("asks")
        dag.node(Agent(llm=llm, strategy="tools"), name="ask", input_mapping={"text": "topic"})
        result = DAGExecutor(dag).execute({"topic": "barriers"})
        assert result.status == "success", result.errors
        calls = [call for step in walk(result.record) for _, call in step.record.calls if isinstance(call, ModelCalled)]
        assert [type(call.error).__name__ for call in calls[:2]] == ["OpenAIAPIError"] * 2
        assert [call.model for call in calls[:2]] == ["first", "first"]
        assert calls[2].error is None
        assert len(calls) == 3


# -- time -------------------------------------------------------------------------------------------------------------


@every_way
def test_a_model_that_never_answers_is_given_up(ask: Way) -> None:
    with MisbehavingServer([Silent()]) as server:
        began = time.monotonic()
        with pytest.raises(
            ModelTimeoutError, match=r"'test' gave no whole reply within 0.2 s; give it more with timeout"
        ):
            ask(governed(chat(server), timeout_s=0.2, retries=0))
        assert time.monotonic() - began < 5


@every_way
def test_one_that_is_late_once_is_asked_again(ask: Way) -> None:
    with MisbehavingServer([Silent(), Reply("well")]) as server:
        assert ask(governed(chat(server), timeout_s=1.0)) == "well"


@pytest.mark.parametrize("ask", [streamed, streamed_later])
def test_a_stream_that_falls_silent_is_given_up(ask: Way) -> None:
    with MisbehavingServer([Cut(Reply("one two three four"), after=3, then="silence")]) as server:
        with pytest.raises(
            ModelTimeoutError, match=r"'test' said nothing more within 0.2 s; give it more with idle_timeou"
        ):
            ask(governed(chat(server), idle_timeout_s=0.2))
        assert len(server.counted) == 1


@pytest.mark.parametrize("ask", [streamed, streamed_later])
def test_a_stream_that_goes_on_is_not_silent(ask: Way) -> None:
    with MisbehavingServer([Drip(Reply("a b c d e f"), 0.05)]) as server:
        assert ask(governed(chat(server), idle_timeout_s=1.0)).replace(" ", "") == "abcdef"


@pytest.mark.parametrize("ask", [invoked, awaited])
def test_an_answer_that_drips_is_given_up_as_a_whole(ask: Way) -> None:
    with MisbehavingServer([Drip(Reply(), 0.02, size=1)]) as server, pytest.raises(ModelTimeoutError):
        ask(governed(chat(server), timeout_s=0.3, retries=0))


def test_a_cancelled_call_leaves_at_once_and_its_place_is_free() -> None:
    limits = Limits(max_concurrency=1)
    with MisbehavingServer([Silent(), Reply("well")]) as server:
        llm = governed(chat(server), limits=limits)

        async def main() -> str:
            task = asyncio.create_task(llm.ainvoke("hello"))
            await asyncio.to_thread(server.counted.wait_until, lambda counted: len(counted) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return str((await llm.ainvoke("hello")).text)

        assert asyncio.run(main()) == "well"
    assert (limits.in_flight, limits.waiting) == (0, 0)


# -- whose client it is -----------------------------------------------------------------------------------------------


def test_one_model_works_from_many_loops_in_a_row_and_leaves_no_connection_open() -> None:
    with MisbehavingServer() as server:
        llm = governed(chat(server))
        for _ in range(3):
            assert awaited(llm) == "ok"
            assert streamed_later(llm) == "ok"
        server.counted.wait_until(lambda counted: counted.open_connections == 0)


def test_the_model_itself_stays_as_it_is() -> None:
    with MisbehavingServer() as server:
        llm = chat(server, max_retries=4)
        governed(llm, retries=1)
        assert llm.max_retries == 4
        assert llm.root_client.max_retries == 4


# -- what is refused --------------------------------------------------------------------------------------------------


def test_limits_in_the_wrong_place_are_an_error() -> None:
    llm = ScriptedModel(["hello"])
    with pytest.raises(TypeError, match=r"limits is a int; give Limits\(requests_per_minute=...\), shared by all"):
        governed(llm, limits=5)  # type: ignore[arg-type]  # the mistake
    limited = ScriptedModel(["hello"], rate_limiter=InMemoryRateLimiter(requests_per_second=1))
    with pytest.raises(ValueError, match="has a rate_limiter of its own"):
        governed(limited)
    with pytest.raises(TypeError, match="Binding is no chat model that can be governed"):
        governed(llm.bind(stop=["x"]))  # type: ignore[arg-type]  # likewise


@pytest.mark.parametrize(
    ("option", "value"), [("retries", -1), ("retries", 1.5), ("timeout_s", 0), ("idle_timeout_s", -1)]
)
def test_numbers_that_make_no_sense_are_refused(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{option}={value}: give"):
        governed(ScriptedModel(["hello"]), **{option: value})


# -- as other code uses it --------------------------------------------------------------------------------------------


class City(BaseModel):
    """A city."""

    name: str


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize("include_raw", [False, True])
def test_structured_output_is_governed_as_the_model_makes_it(method: Any, include_raw: bool) -> None:
    def script(request: Any) -> Any:
        return Status(503) if request.number == 1 else Reply('{"name": "Rome"}')

    with MisbehavingServer(script) as server:
        chain = governed(chat(server)).with_structured_output(City, method=method, include_raw=include_raw)
        plain = chat(server).with_structured_output(City, method=method, include_raw=include_raw)
        found: Any = chain.invoke("Where, in json?")
        assert len(server.counted) == 2
        if method != "function_calling":  # this server calls no tools
            assert (found["parsed"] if include_raw else found) == City(name="Rome")
        plain.invoke("Where, in json?")
        one, other = (server.counted.requests[k].body for k in (1, 2))
        assert one == other


def test_a_copy_shares_its_limits() -> None:
    limits = Limits(max_concurrency=1)
    assert copy.deepcopy({"of": limits})["of"] is limits


def test_a_provider_that_wants_a_day_is_not_waited_for() -> None:
    with MisbehavingServer(Status(429, retry_after=86_400)) as daily, MisbehavingServer(Reply("well")) as other:
        with pytest.raises(openai.RateLimitError):
            governed(chat(daily), limits=Limits(max_concurrency=1)).invoke("hello")
        assert len(daily.counted) == 1
        assert invoked(governed(chat(daily), fallbacks=[chat(other)])) == "well"


def test_refusals_that_name_no_time_make_all_wait_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.1 * attempt)
    with MisbehavingServer([Status(429), Status(429), Reply("well")]) as server:
        assert invoked(governed(chat(server), limits=Limits(max_concurrency=4))) == "well"
        first, second, third = (request.at_s for request in server.counted.requests)
        assert second - first >= 0.1
        assert third - second >= 0.2
