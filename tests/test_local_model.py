"""The real embedded model, in its real process. Nothing here is a stand-in."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from linus_nb.models import local, model_name
from linus_nb.models.server import ServerSettings, shared_server
from linus_nb.models.weights import weights_file
from tests.ports import port_is_open

pytestmark = pytest.mark.local_model


def test_it_answers_and_counts_its_tokens(real_model):
    reply = real_model.invoke("Say hello.", max_tokens=8)
    assert reply.content.strip()
    assert 0 < reply.usage_metadata["output_tokens"] <= 8
    assert reply.usage_metadata["input_tokens"] > 0
    assert model_name(real_model) == "SmolLM2-135M-Instruct.Q4_1"


def test_the_same_prompt_gives_the_same_reply(real_model):
    assert len({real_model.invoke("Name a colour.", max_tokens=12).content for _ in range(3)}) == 1


def test_it_streams_tokens_and_then_their_count(real_model):
    async def stream():
        return [chunk async for chunk in real_model.astream("Count to five.", max_tokens=12)]

    chunks = asyncio.run(stream())
    assert sum(bool(chunk.content) for chunk in chunks) > 3
    assert sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata) > 3


def test_a_reply_keeps_to_a_json_schema(real_model):
    schema = {
        "type": "object",
        "properties": {"tool": {"enum": ["calculator", "search"]}, "why": {"type": "string", "maxLength": 20}},
        "required": ["tool", "why"],
        "additionalProperties": False,
    }
    bound = real_model.bind(
        response_format={"type": "json_schema", "json_schema": {"name": "choice", "schema": schema, "strict": True}},
        max_tokens=64,
    )
    choice = json.loads(bound.invoke("Which tool computes 42 * 17?").content)
    assert choice["tool"] in ("calculator", "search")
    assert len(choice["why"]) <= 20


def test_one_model_object_works_in_several_asyncio_run_in_a_row(real_model):
    async def ask() -> str:
        return (await real_model.ainvoke("Say hello.", max_tokens=4)).content

    assert len({asyncio.run(ask()) for _ in range(3)}) == 1
    gc.collect()  # a connection that was left open would warn, and warnings are errors


def test_one_model_object_works_in_a_loop_of_a_thread_while_another_loop_runs(real_model):
    def in_a_loop_of_its_own() -> str:
        return asyncio.run(real_model.ainvoke("Say hello.", max_tokens=4)).content

    async def both() -> tuple[str, str]:
        there = asyncio.create_task(asyncio.to_thread(in_a_loop_of_its_own))
        here = (await real_model.ainvoke("Say hello.", max_tokens=4)).content
        return here, await there

    here, there = asyncio.run(both())
    assert here == there


def test_threads_share_it(real_model):
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: real_model.invoke("Say hello.", max_tokens=4).content, range(8)))
    assert len(replies) == 8
    assert all(replies)


def test_two_calls_are_worked_on_at_once(real_model):
    """The short call ends while the long one still streams: they are in two slots, not in a queue."""

    async def run() -> tuple[int, bool]:
        begun = asyncio.Event()

        async def long() -> int:
            tokens = 0
            async for _ in real_model.astream("Write a long story about the sea.", max_tokens=200):
                tokens += 1
                begun.set()
            return tokens

        streaming = asyncio.create_task(long())
        await begun.wait()
        await real_model.ainvoke("Say hello.", max_tokens=2)
        still_streaming = not streaming.done()
        return await streaming, still_streaming

    tokens, short_came_first = asyncio.run(run())
    assert tokens > 20
    assert short_came_first


def test_cancelling_a_call_frees_its_slot():
    model = local(slots=1)

    async def run() -> str:
        begun = asyncio.Event()

        async def endless() -> None:
            async for _ in model.astream("Write a very long story.", max_tokens=1900):
                begun.set()

        streaming = asyncio.create_task(endless())
        await begun.wait()
        streaming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await streaming
        # one slot: this would wait for the rest of 1900 tokens, half a minute and more
        async with asyncio.timeout(20):
            return (await model.ainvoke("Say hello.", max_tokens=2)).content

    assert asyncio.run(run())


def test_a_prompt_that_is_too_long_is_refused_with_the_numbers(real_model):
    import openai

    with pytest.raises(openai.BadRequestError, match="exceeds the available context size"):
        real_model.invoke("word " * 3000)


def test_nobody_without_the_key_is_answered():
    import openai

    server = shared_server(ServerSettings(weights_file()))
    with (
        openai.OpenAI(base_url=server.base_url, api_key="guessed", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="any", messages=[{"role": "user", "content": "hello"}])


def test_models_of_a_process_share_a_server_also_when_threads_ask_together():
    bases: list[str] = []
    threads = [threading.Thread(target=lambda: bases.append(local().openai_api_base)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bases) == 3
    assert len(set(bases)) == 1


PROGRAM = """
import os, sys
from linus_nb.models import local, model_name
model = local()
model.invoke("Say hello.", max_tokens=2)
print(model.openai_api_base, flush=True)
sys.stdin.readline()
if sys.argv[1] == "crashes":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("end", ["returns", "crashes"])
def test_the_server_ends_when_its_process(end):
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, end], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        base_url = process.stdout.readline().strip()
        assert port_is_open(base_url)
        process.stdin.close()
        assert process.wait(30) == (0 if end == "returns" else -9)
    # a crash leaves nobody who waits for the server, so wait here
    for _ in range(200):
        if not port_is_open(base_url):
            break
        threading.Event().wait(0.05)
    assert not port_is_open(base_url)
