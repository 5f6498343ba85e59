"""Tokens of a call: what the provider names, and what is estimated where it names nothing."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

from linus_nb.models.usage import TOKENS_PER_IMAGE, TOKENS_PER_MESSAGE, Usage, estimated_tokens, is_from_cache, usage_of

ASKED = [("system", "Be brief."), ("user", "6 * 7?")]


def named(given_, written, **details):
    return {"input_tokens": given_, "output_tokens": written, "total_tokens": given_ + written, **details}


def test_what_the_provider_names_is_taken_as_it_is():
    message = AIMessage("42", usage_metadata=named(1200, 34))
    assert usage_of(message, ASKED) == Usage(1200, 34)
    assert usage_of(message, ASKED).total_tokens == 1234


def test_zero_tokens_that_were_named_are_not_estimated():
    assert usage_of(AIMessage("a long reply", usage_metadata=named(0, 0)), ASKED) == Usage(0, 0)


@pytest.mark.parametrize("tier", ["", "priority_"])
def test_cached_and_reasoning_tokens_are_told_apart_with_and_without_a_service_tier(tier):
    details = {
        "input_token_details": {f"{tier}cache_read": 800, "audio": 3},
        "output_token_details": {f"{tier}reasoning": 20, "audio": 3},
    }
    usage = usage_of(AIMessage("42", usage_metadata=named(1200, 34, **details)), ASKED)
    assert usage == Usage(1200, 34, cached_tokens=800, reasoning_tokens=20)


def test_tokens_put_in_a_cache_are_told_also_where_their_time_is():
    details = {"input_token_details": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 4}}
    message = AIMessage("42", usage_metadata=named(100, 1, **details))
    assert usage_of(message, ASKED).cache_write_tokens == 34


@pytest.mark.parametrize(
    ("metadata", "cached"),
    [(named(1, 1, total_cost=0), True), (named(1, 1), False), (named(1, 1, total_cost=0.0), False), (None, False)],
    ids=["as LangChain marks it", "named by a provider", "a model that is free", "nothing named"],
)
def test_a_reply_out_of_a_cache_is_known_by_langchains_mark_alone(metadata, cached):
    assert is_from_cache(AIMessage("42", usage_metadata=metadata)) is cached
    assert not is_from_cache("42")


@pytest.mark.parametrize(
    "facts",
    [
        {"token_usage": {"prompt_tokens": 12, "completion_tokens": 5}},
        {"usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}},
        {"usage": {"input_tokens": 12, "output_tokens": 5}},
        {"model": "llama3", "prompt_eval_count": 12, "eval_count": 5},
    ],
)
def test_counts_of_integrations_that_leave_them_elsewhere_are_found(facts):
    assert usage_of(AIMessage("42", response_metadata=facts), ASKED) == Usage(12, 5)


@pytest.mark.parametrize("facts", [{"token_usage": None}, {"usage": {"input_tokens": None}}, {"usage": "12"}])
def test_counts_that_say_nothing_are_estimated(facts):
    assert usage_of(AIMessage("42", response_metadata=facts), ASKED).estimated


def test_a_stream_may_name_its_input_first_and_its_output_last():
    chunks = [
        AIMessageChunk(content="It ", usage_metadata=named(12, 0)),
        AIMessageChunk(content="is 42."),
        AIMessageChunk(content="", usage_metadata=named(0, 5)),
    ]
    assert usage_of(chunks, ASKED) == Usage(12, 5)
    assert usage_of(chunks[:2], ASKED) == Usage(12, 4, estimated=True)  # it ended early


def test_without_usage_all_is_estimated_and_says_so():
    usage = usage_of(AIMessage("abcdefgh"), [SystemMessage("abcd"), HumanMessage("abcde")])
    assert usage == Usage(2 * TOKENS_PER_MESSAGE + 1 + 2, 2, estimated=True)


def test_chunks_are_counted_together_however_they_were_cut():
    whole = "What the tides do to a harbour."
    chunks = [AIMessageChunk(content=letter) for letter in whole]
    assert usage_of(chunks, []).output_tokens == usage_of(whole, []).output_tokens == estimated_tokens(whole)


def test_tool_calls_count_once_in_a_message_and_in_its_chunks():
    call = {"name": "calculator", "args": {"expression": "2 + 2"}, "id": "1"}
    message = AIMessage("", tool_calls=[call])
    pieces = [("calculator", ""), (None, '{"expression"'), (None, ': "2 + 2"}')]
    chunks = [
        AIMessageChunk(content="", tool_call_chunks=[{"name": n, "args": a, "id": "1", "index": 0}]) for n, a in pieces
    ]
    assert usage_of(message, []).output_tokens == usage_of(chunks, []).output_tokens == 12


def test_thoughts_and_images_count_and_an_images_data_does_not():
    blocks = [{"type": "text", "text": "abcd"}, {"type": "thinking", "thinking": "abcd"}]
    assert usage_of(AIMessage(blocks), []).output_tokens == 2
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    asked = [HumanMessage([{"type": "text", "text": "What is it?"}, image])]
    assert usage_of("", asked).input_tokens == TOKENS_PER_MESSAGE + 3 + TOKENS_PER_IMAGE


def test_a_schema_and_tools_that_are_sent_along_are_part_of_the_prompt():
    alone, along = usage_of("", ASKED), usage_of("", ASKED, sent_along={"type": "object"})
    assert along.input_tokens - alone.input_tokens == estimated_tokens('{"type": "object"}')


def test_messages_of_every_shape_are_counted():
    asked = [("user", "abcd"), HumanMessage("abcd"), {"role": "user", "content": "abcd"}, ToolMessage("abcd", tool_call_id="1")]  # fmt: skip  # noqa: E501
    assert usage_of(None, asked) == Usage(4 * (TOKENS_PER_MESSAGE + 1), 0, estimated=True)


def test_usages_add_up_and_one_estimate_makes_the_sum_one():
    total = Usage(1, 2, cached_tokens=1) + Usage(3, 4, estimated=True, cache_write_tokens=2, reasoning_tokens=5)
    assert total == Usage(4, 6, True, 1, 2, 5)


@given(st.text(), st.text())
def test_estimates_never_fall_as_a_text_grows(first, more):
    assert estimated_tokens(first) <= estimated_tokens(first + more) <= estimated_tokens(first) + estimated_tokens(more)


COUNTED = {  # tokens by SmolLM2, which has one for each digit, and by GPT-4o, which has one for up to three
    "Hi there, could you tell me what the weather in Rome is going to be like tomorrow? I would like a walk.": (25, 25),
    '{"tasks": [{"tool": "calculator", "description": "Multiply 42 by 17", "depends_on": []}]}': (35, 27),
    '[{"id": 831204, "price": 120.5, "active": true, "tags": ["new", "red"], "at": "2026-05-01T12:30:00Z"}]': (62, 49),
    '{\n  "name": "Ann",\n  "age": 42,\n  "town": null,\n  "scores": {\n    "maths": 1.5\n  }\n}': (40, 39),
    '{"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}': (26, 26),
    "def shout(text: str) -> str:\n    return text.upper() + '!'\n": (20, 17),
}


@pytest.mark.parametrize("text", COUNTED)
def test_estimates_of_english_json_and_code_lie_near_what_tokenizers_count(text):
    small, large = COUNTED[text]
    assert 0.75 * small <= estimated_tokens(text) <= 1.2 * large


def test_no_estimate_needs_a_network(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    assert usage_of(AIMessage("abcdefgh"), ASKED).output_tokens == 2
