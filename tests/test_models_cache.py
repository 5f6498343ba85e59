"""The cache of replies: what is found, what is not, who waits for whom; against a server that counts."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from linus_nb import Agent, AgentDAG, AgentNode, Budget, DAGExecutor
from linus_nb.errors import CacheFileError
from linus_nb.events import ModelCalled
from linus_nb.models import Limits, ResponseCache, governed, real_models_allowed
from linus_nb.testing import ScriptedModel, ToolCalls
from tests.asked_models import WAYS, awaited, chat, every_way, invoked, streamed
from tests.misbehaving import Dropped, Later, MisbehavingServer, Reply, Status
from tests.real_time import in_time


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real clients, which talk to the loopback only; pauses between tries are short."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.01)
    with real_models_allowed():
        yield


@pytest.fixture(params=["file", "memory"])
def cache(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[ResponseCache]:
    made = ResponseCache(tmp_path / "deep" / "replies.db" if request.param == "file" else None)
    yield made
    made.close()


async def together(calls: list[Any]) -> list[Any]:
    """Await all, and return what each gave or raised."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.wait(tasks)
    return [task.exception() or task.result() for task in tasks]


# -- what is found ----------------------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("again", WAYS)
def test_what_was_asked_before_is_not_sent_again_however_it_is_asked(cache, ask, again):
    with MisbehavingServer(lambda request: Reply(f"reply {request.number}")) as server:
        llm = governed(chat(server), cache=cache)
        assert [ask(llm), again(llm), again(llm)] == ["reply 1"] * 3
        assert len(server.counted) == 1
        assert len(cache) == 1


def test_a_file_is_found_by_another_cache_and_process_of_another_day(tmp_path):
    with MisbehavingServer(lambda request: Reply(f"reply {request.number}")) as server:
        for _ in range(3):
            kept = ResponseCache(tmp_path / "replies.db")
            assert invoked(governed(chat(server), cache=kept)) == "reply 1"
            kept.close()


class Weather(BaseModel):
    city: str


def lookup(city: str) -> str:
    """Return the weather."""
    return city


DIFFERENT: list[Callable[[MisbehavingServer, ResponseCache], Any]] = [
    lambda server, cache: governed(chat(server), cache=cache),
    lambda server, cache: governed(chat(server, "other"), cache=cache),
    lambda server, cache: governed(chat(server, temperature=0.5), cache=cache),
    lambda server, cache: governed(chat(server, max_tokens=7), cache=cache),
    lambda server, cache: governed(chat(server, seed=1), cache=cache),
    lambda server, cache: governed(chat(server), cache=cache).bind(stop=["x"]),
    lambda server, cache: governed(chat(server), cache=cache).bind_tools([lookup]),
    lambda server, cache: governed(chat(server), cache=cache).bind(response_format={"type": "json_object"}),
]


def test_another_model_setting_tool_or_schema_is_another_question(cache):
    with MisbehavingServer(lambda request: Reply(f'"reply {request.number}"')) as server:
        first = [make(server, cache).invoke("hello").text for make in DIFFERENT]
        assert len(set(first)) == len(DIFFERENT)
        assert [make(server, cache).invoke("hello").text for make in DIFFERENT] == first


def test_other_messages_are_another_question_and_ids_are_not(cache):
    asked: list[Any] = [
        "hello",
        [HumanMessage("hello ")],
        [SystemMessage("hello")],
        [SystemMessage("be brief"), HumanMessage("hello")],
        [HumanMessage("hello"), AIMessage("hi"), HumanMessage("hello")],
    ]
    with MisbehavingServer(lambda request: Reply(f"reply {request.number}")) as server:
        llm = governed(chat(server), cache=cache)
        first = [invoked(llm, messages) for messages in asked]
        assert len(set(first)) == len(asked)
        assert [invoked(llm, messages) for messages in asked] == first
        assert invoked(llm, [HumanMessage("hello", id="another")]) == first[0]


def test_another_address_is_another_model(cache):
    with MisbehavingServer(Reply("one")) as one, MisbehavingServer(Reply("two")) as other:
        assert [invoked(governed(chat(server), cache=cache)) for server in (one, other)] == ["one", "two"]


@every_way
def test_tool_calls_come_back_whole(cache, ask):
    llm = governed(ScriptedModel([ToolCalls([("lookup", {"city": "Rome"})])]), cache=cache).bind_tools([lookup])
    ask(llm)
    whole: Any = None
    for chunk in llm.stream("hello"):
        whole = chunk if whole is None else whole + chunk
    for message in (llm.invoke("hello"), whole):
        assert [(call["name"], call["args"]) for call in message.tool_calls] == [("lookup", {"city": "Rome"})]


def test_a_typed_answer_comes_back(cache):
    llm = governed(ScriptedModel([{"city": "Rome"}]), cache=cache)
    agent = Agent(llm=llm, output_schema=Weather)
    assert [agent.run("Where?").result for _ in range(3)] == [Weather(city="Rome")] * 3


@every_way
@pytest.mark.parametrize("trouble", [Status(401), Reply("")], ids=["error", "nothing said"])
def test_errors_and_empty_replies_are_not_kept(cache, ask, trouble):
    with MisbehavingServer([trouble, Reply("well")]) as server:
        llm = governed(chat(server), cache=cache)
        try:
            assert ask(llm) == ""
        except openai.AuthenticationError:
            assert trouble == Status(401)
        assert ask(llm) == "well"


def test_a_stream_that_nobody_hears_to_its_end_is_not_kept(cache):
    with MisbehavingServer(Reply("one two three")) as server:
        llm = governed(chat(server), cache=cache)
        stream = llm.stream("hello")
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        assert len(cache) == 0
        assert streamed(llm) == "one two three"
        assert len(server.counted) == 2


@every_way
def test_who_stood_in_is_asked_for_by_its_own_name(cache, ask):
    with MisbehavingServer([Dropped(), Reply("first")]) as first, MisbehavingServer(Reply("second")) as second:
        llm = governed(chat(first, "a"), fallbacks=[chat(second, "b")], retries=0, cache=cache)
        assert [ask(llm), ask(llm), ask(llm)] == ["second", "first", "first"]
        assert invoked(governed(chat(second, "b"), cache=cache)) == "second"
        assert (len(first.counted), len(second.counted)) == (2, 1)


def test_clear_forgets_and_what_cannot_be_written_down_is_asked_each_time(cache):
    llm = governed(ScriptedModel(["one", "two", "three", "four"]), cache=cache)
    assert invoked(llm) == "one"
    cache.clear()
    assert invoked(llm) == "two"
    odd = llm.bind(callback=object())
    assert [invoked(odd), invoked(odd)] == ["three", "four"]


# -- what it is worth -------------------------------------------------------------------------------------------------


def test_hits_are_free_in_the_metrics_and_marked_and_take_no_place():
    limits = Limits(requests_per_minute=2)
    llm = governed(
        ScriptedModel(lambda *_: "Hello!", usage=(1000, 100), model="gpt-4o", provider="openai"),
        cache=ResponseCache(),
        limits=limits,
    )
    agent = Agent(llm=llm)
    first, *others = [in_time(lambda: agent.run("Say hello")) for _ in range(4)]
    assert first.metrics.total_tokens == 1100
    assert first.metrics.cost
    for response in others:
        metrics = response.metrics
        assert (metrics.llm_calls, metrics.cached_replies, metrics.total_tokens, metrics.cost) == (1, 1, 0, 0.0)


def test_hits_in_functions_are_marked_and_spend_no_budget():
    llm = governed(ScriptedModel(lambda *_: "hi", usage=(60, 40)), cache=ResponseCache())
    dag = AgentDAG("asks")
    for k in range(5):
        dag.add_node(AgentNode(f"n{k}", lambda: llm.invoke("hello").text))
    result = asyncio.run(DAGExecutor(dag, budget=Budget(calls=2, tokens=500)).aexecute(parallel=False))
    assert result.status == "success"
    calls = [call for node in result.record.nodes.values() for _, call in node.calls]
    assert [call.served_from for call in calls if isinstance(call, ModelCalled)] == ["script", *["cache"] * 4]
    assert list(result.to_frame("calls")["input_tokens"]) == [60, 0, 0, 0, 0]


# -- at the same time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_the_same_question_is_sent_once_at_a_time_over_loops_and_threads(cache, stream):
    with MisbehavingServer(lambda request: Later(0.3, Reply(f"reply {request.number}"))) as server:
        llm = governed(chat(server), cache=cache)

        async def many() -> list[str]:
            async def one() -> str:
                if stream:
                    return "".join([chunk.text async for chunk in llm.astream("hello")])
                return str((await llm.ainvoke("hello")).text)

            return await together([one() for _ in range(20)])

        ask = streamed if stream else invoked
        with ThreadPoolExecutor(10) as pool:
            loops = [pool.submit(lambda: asyncio.run(many())) for _ in range(3)]
            threads = [pool.submit(lambda: [ask(llm)]) for _ in range(7)]
            said = [text for future in [*loops, *threads] for text in future.result(20)]
        assert said == ["reply 1"] * 67
        assert len(server.counted) == 1


def test_different_questions_are_sent_at_the_same_time(cache):
    with MisbehavingServer(Later(0.2)) as server:
        llm = governed(chat(server), cache=cache)

        async def many() -> None:
            await together([llm.ainvoke(f"question {k}") for k in range(10)])

        asyncio.run(many())
        assert server.counted.peak > 3


def test_whoever_waits_for_one_that_was_cancelled_asks_itself(cache):
    with MisbehavingServer([Later(20), Reply("well")]) as server:
        llm = governed(chat(server), cache=cache)

        async def main() -> str:
            first = asyncio.create_task(llm.ainvoke("hello"))
            await asyncio.to_thread(server.counted.wait_until, len)
            second = asyncio.create_task(llm.ainvoke("hello"))
            await asyncio.sleep(0.05)
            first.cancel()
            return str((await second).text)

        assert in_time(lambda: asyncio.run(main())) == "well"


def test_one_that_gives_up_waiting_ends_no_other(cache):
    with MisbehavingServer(Later(0.4, Reply("well"))) as server:
        llm = governed(chat(server), cache=cache)

        async def main() -> str:
            first = asyncio.create_task(llm.ainvoke("hello"))
            await asyncio.to_thread(server.counted.wait_until, len)
            second = asyncio.create_task(llm.ainvoke("hello"))
            await asyncio.sleep(0.05)
            second.cancel()
            return str((await first).text)

        assert in_time(lambda: asyncio.run(main())) == "well"
        assert len(server.counted) == 1


def test_an_error_is_that_of_all_who_waited_for_it(cache):
    with MisbehavingServer(Later(0.2, Status(401))) as server:
        llm = governed(chat(server), cache=cache)

        async def main() -> list[Any]:
            return await together([llm.ainvoke("hello") for _ in range(5)])

        assert all(isinstance(error, openai.AuthenticationError) for error in asyncio.run(main()))
        assert len(server.counted) < 5


def test_trouble_that_passes_is_tried_again_by_one_for_all(cache):
    with MisbehavingServer([Later(0.1, Status(503)), Later(0.1, Reply("well"))]) as server:
        llm = governed(chat(server), cache=cache)

        async def main() -> list[str]:
            return [message.text for message in await together([llm.ainvoke("hello") for _ in range(8)])]

        assert in_time(lambda: asyncio.run(main())) == ["well"] * 8
        assert len(server.counted) == 2


@pytest.mark.parametrize("blocking", [False, True])
def test_nobody_waits_for_itself(cache, blocking):
    """The same question inside a loop over its own stream, and one that blocks the loop which it would wait for."""
    with MisbehavingServer(Reply("one two three")) as server:
        llm = governed(chat(server), cache=cache)

        async def main() -> list[str]:
            said = []
            async for _ in llm.astream("hello"):
                said.append(llm.invoke("hello").text if blocking else (await llm.ainvoke("hello")).text)
                break
            return said

        def within() -> list[str]:
            for _ in llm.stream("hello"):
                return [llm.invoke("hello").text]
            return []

        assert in_time(lambda: asyncio.run(main())) == ["one two three"]
        cache.clear()
        assert in_time(within) == ["one two three"]


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path):
    other = tmp_path / "notes.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    text = tmp_path / "notes.txt"
    text.write_text("my notes " * 200)
    for path in (other, text):
        before = path.read_bytes()
        with pytest.raises(CacheFileError, match=rf"{path.name} cannot be a cache: .*; give ResponseCache\(\) another"):
            ResponseCache(path)
        assert path.read_bytes() == before
    with pytest.raises(CacheFileError):
        ResponseCache(tmp_path)


def test_a_cache_that_breaks_down_loses_no_reply(tmp_path, caplog):
    path = tmp_path / "replies.db"
    kept = ResponseCache(path)
    kept.close()
    llm = governed(ScriptedModel(["one", "two"]), cache=kept)
    assert [invoked(llm), awaited(llm)] == ["one", "two"]
    assert "cannot be read, and the model is asked" in caplog.text
    assert "cannot be written, and the reply is not kept" in caplog.text


def test_a_reply_that_was_damaged_in_the_file_is_asked_again(tmp_path):
    kept = ResponseCache(tmp_path / "replies.db")
    llm = governed(ScriptedModel(["one", "two", "three", "four"]), cache=kept)
    invoked(llm)
    said = []
    for damage in ("{", "[]", "{}"):
        with sqlite3.connect(tmp_path / "replies.db") as connection:
            connection.execute("UPDATE replies SET reply = ?", (damage,))
        connection.close()
        said.append(invoked(llm))
    assert said == ["two", "three", "four"]


def test_two_caches_of_one_file_write_at_the_same_time(tmp_path):
    caches = [ResponseCache(tmp_path / "replies.db") for _ in range(2)]
    errors: list[Exception] = []

    def write(kept: ResponseCache, prefix: str) -> None:
        try:
            for k in range(100):
                kept.put(f"{prefix}{k}", "m", {"k": k})
        except Exception as error:  # noqa: BLE001  the test fails with it
            errors.append(error)

    threads = [threading.Thread(target=write, args=(kept, str(n))) for n, kept in enumerate(caches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(caches[0]) == 200


def test_something_else_than_a_cache_is_refused():
    with pytest.raises(TypeError, match=r"cache is a str; give ResponseCache\('replies.db'\)"):
        governed(ScriptedModel(["hello"]), cache="replies.db")  # type: ignore[arg-type]  # the mistake
