"""How the scripted model streams: words, tool calls and usage, in time, and with an end in the middle."""

from __future__ import annotations

import asyncio
import operator
from functools import reduce

import pytest
from langchain_core.messages import AIMessage

from linus_nb.errors import ModelError
from linus_nb.models.usage import usage_of
from linus_nb.testing import BreaksOff, ScriptedModel, ToolCalls
from tests.virtual_time import run

SAID = "It is 42,\nI think."


async def gathered(model):
    """Stream a reply, and return its chunks with the times at which they came, and what it raised."""
    loop, chunks = asyncio.get_running_loop(), []
    try:
        async for chunk in model.astream("x"):
            chunks.append((loop.time(), chunk))
    except ConnectionError as error:
        return chunks, error
    return chunks, None


def test_a_reply_comes_in_words_and_its_usage_with_the_last_chunk():
    chunks = list(ScriptedModel([SAID], usage=(12, 5)).stream("x"))
    assert [chunk.text for chunk in chunks] == ["It ", "is ", "42,\n", "I ", "think.", ""]
    assert [chunk.usage_metadata is not None for chunk in chunks] == [False] * 5 + [True]
    whole = reduce(operator.add, chunks)
    assert (whole.text, whole.usage_metadata["total_tokens"]) == (SAID, 17)
    assert chunks[-1].chunk_position == "last"


@pytest.mark.parametrize("text", ["", " ", "a", "  a\n\n b  ", "a\u2003b"])
def test_the_pieces_of_a_text_are_the_text(text):
    assert "".join(chunk.text for chunk in ScriptedModel([text]).stream("x")) == text


def test_the_latency_is_spread_over_the_words():
    chunks, _ = run(gathered(ScriptedModel([SAID], latency_s=10.0)))
    assert [at for at, _ in chunks] == pytest.approx([2, 4, 6, 8, 10, 10])


@pytest.mark.parametrize("reply", ["", AIMessage([]), ConnectionError("down")])
def test_a_reply_without_words_takes_as_long(reply):
    async def timed():
        await gathered(ScriptedModel([reply], latency_s=10.0))
        return asyncio.get_running_loop().time()

    assert run(timed()) == pytest.approx(10)


def test_a_stream_breaks_off_after_the_chunk_that_it_was_told():
    model = ScriptedModel([SAID, "again"], latency_s=10.0, errors={1: BreaksOff(2, ConnectionError("lost"))})
    chunks, error = run(gathered(model))
    assert [(at, chunk.text) for at, chunk in chunks] == [(2, "It "), (4, "is ")]
    assert str(error) == "lost"
    again, _ = run(gathered(model))
    assert "".join(chunk.text for _, chunk in again) == "again"
    assert [(call.reply, call.error is error, call.streamed) for call in model.calls] == [
        (None, True, True),
        ("again", False, True),
    ]


def test_a_stream_that_should_break_off_after_its_end_has_no_last_chunk():
    model = ScriptedModel([SAID], errors={1: BreaksOff(99, ConnectionError)}, usage=(1, 1))
    chunks, error = run(gathered(model))
    assert len(chunks) == 5
    assert isinstance(error, ConnectionError)
    assert not any(chunk.usage_metadata for _, chunk in chunks)


def test_unstreamed_a_call_that_breaks_off_just_raises():
    model = ScriptedModel(["x"], errors={1: BreaksOff(0, ConnectionError("lost"))})
    with pytest.raises(ConnectionError, match="lost"):
        model.invoke("x")
    assert model.calls[0].reply is None


def test_a_plain_error_and_an_empty_script_come_before_the_first_chunk():
    model = ScriptedModel([ConnectionError("down")])
    assert run(gathered(model))[0] == []
    with pytest.raises(ModelError, match="call 2 came"):
        list(model.stream("x"))


def test_tool_calls_come_in_pieces_that_add_up():
    calls = [("calculator", {"expression": "40 + 2 + 0 + 0 + 0"}), ("clock", {})]
    model = ScriptedModel([ToolCalls(calls, "Let me see.")] * 2)
    chunks = list(model.stream("x"))
    assert sum(len(chunk.tool_call_chunks) for chunk in chunks) > 4
    whole, at_once = reduce(operator.add, chunks), model.invoke("x")
    assert [(c["name"], c["args"]) for c in whole.tool_calls] == calls
    assert [(c["name"], c["args"]) for c in at_once.tool_calls] == calls
    assert [c["id"] for c in whole.tool_calls] == ["call_1_1", "call_1_2"]
    assert whole.text == "Let me see."


def test_more_than_ten_tool_calls_keep_their_order():
    calls = [(f"tool_{k}", {"k": k}) for k in range(12)]
    whole = reduce(operator.add, ScriptedModel([ToolCalls(calls)]).stream("x"))
    assert [c["name"] for c in whole.tool_calls] == [name for name, _ in calls]


def test_blocks_of_a_message_are_streamed_one_by_one():
    blocks = [{"type": "text", "text": "a", "index": 0}, {"type": "text", "text": "b", "index": 1}]
    chunks = list(ScriptedModel([AIMessage(blocks)]).stream("x"))
    assert len(chunks) == 3
    assert reduce(operator.add, chunks).text == "ab"


def test_a_stream_that_is_left_early_is_on_record_without_a_reply():
    model = ScriptedModel([SAID])
    stream = model.stream("x")
    next(stream)
    stream.close()
    assert [(call.reply, call.error) for call in model.calls] == [(None, None)]


def test_a_cancelled_stream_stops_at_once():
    async def go():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await gathered(ScriptedModel([SAID], latency_s=10.0))
        return asyncio.get_running_loop().time()

    assert run(go()) == pytest.approx(5)


def test_events_of_langchain_carry_the_words():
    async def words():
        events = [event async for event in ScriptedModel([SAID]).astream_events("x", version="v2")]
        return [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]

    assert asyncio.run(words())[:3] == ["It ", "is ", "42,\n"]


def test_tokens_of_a_stream_are_taken_from_its_last_chunk_or_estimated_where_it_broke_off():
    chunks = list(ScriptedModel([SAID], usage=(12, 5)).stream("x"))
    assert usage_of(chunks, []).total_tokens == 17
    cut = usage_of(chunks[:3], [])
    assert (cut.output_tokens, cut.estimated) == (4, True)
