"""What a scripted model may be told to do besides writing text: call tools, and break off."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call

ARGUMENT_PIECE = 12  # characters of a tool call's arguments in one chunk


@dataclass(frozen=True)
class ToolCalls:
    """A reply that calls tools, all in one turn.

    Args:
        calls: A name and the arguments of each call. Arguments that are text stand as the model wrote them: an object
            in JSON, or something broken, which becomes an invalid tool call.
        text: What the model says beside it.

    >>> message = ToolCalls([("calculator", {"expression": "2+2"}), ("clock", "{broken")]).message(1)
    >>> message.tool_calls[0]["name"], message.invalid_tool_calls[0]["name"]
    ('calculator', 'clock')
    """

    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = field(default_factory=list)
    text: str = ""

    def message(self, number: int) -> AIMessage:
        """Return the message of call ``number``; the ids of the tool calls are made from it."""
        valid, invalid = [], []
        for k, (name, given) in enumerate(self.calls, start=1):
            arguments, problem = _read(given)
            if problem:
                invalid.append(invalid_tool_call(name=name, args=str(given), id=f"call_{number}_{k}", error=problem))
            else:
                valid.append(tool_call(name=name, args=arguments, id=f"call_{number}_{k}"))
        return AIMessage(content=self.text, tool_calls=valid, invalid_tool_calls=invalid)


@dataclass(frozen=True)
class BreaksOff:
    """An error that comes in the middle of a streamed reply: after ``after`` chunks. Unstreamed, nothing arrives."""

    after: int
    error: BaseException | type[BaseException]


def _read(given: Mapping[str, Any] | str) -> tuple[dict[str, Any], str]:
    """Return a tool's arguments, or what is wrong with them."""
    if not isinstance(given, str):
        return dict(given), ""
    try:
        read = json.loads(given)
    except ValueError as error:
        return {}, f"the arguments are not JSON: {error}"
    return (read, "") if isinstance(read, dict) else ({}, "the arguments are no object")


def chunks_of(message: AIMessage) -> list[AIMessageChunk]:
    """Return a message in pieces as a provider streams it: words, then tool calls, then the usage.

    >>> [chunk.text for chunk in chunks_of(AIMessage("It is 42."))]
    ['It ', 'is ', '42.', '']
    """
    if isinstance(message.content, str):
        chunks = [AIMessageChunk(content=piece) for piece in re.findall(r"\s*\S+\s?|\s+", message.content)]
    else:
        chunks = [AIMessageChunk(content=[block]) for block in message.content]
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    for index, call in enumerate(calls):
        arguments = call["args"] if isinstance(call["args"], str) else json.dumps(call["args"], ensure_ascii=False)
        chunks.append(_call_chunk(call["name"], "", call["id"], index))
        pieces = [arguments[k : k + ARGUMENT_PIECE] for k in range(0, len(arguments), ARGUMENT_PIECE)]
        chunks += [_call_chunk(None, piece, None, index) for piece in pieces]
    last = AIMessageChunk(
        content="" if isinstance(message.content, str) else [],
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )
    return [*chunks, last]


def _call_chunk(name: str | None, arguments: str, identity: str | None, index: int) -> AIMessageChunk:
    piece = ToolCallChunk(name=name, args=arguments, id=identity, index=index, type="tool_call_chunk")
    return AIMessageChunk(content="", tool_call_chunks=[piece])
