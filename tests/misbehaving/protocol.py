"""The JSON of OpenAI's chat completions, as a provider writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

PATH = "/v1/chat/completions"
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
DONE = b"data: [DONE]\n\n"

_CREATED = 1_800_000_000
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def event(value: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + as_json(value) + b"\n\n"


def tokens_in(text: str) -> int:
    """A token for four characters, the last ones included: easy to foretell in a test."""
    return -(-len(text) // 4)


def prompt_tokens(body: Mapping[str, Any]) -> int:
    return sum(tokens_in(text_of(message)) for message in body["messages"])


def text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def problem_with(body: Any) -> str | None:
    """What a provider would refuse with 400."""
    if not isinstance(body, dict):
        return "the body is no JSON object"
    missing = [name for name in ("model", "messages") if not body.get(name)]
    return f"missing: {', '.join(missing)}" if missing else None


def completion(number: int, body: Mapping[str, Any], text: str, finish: str | None, usage: Any) -> dict[str, Any]:
    """A whole reply."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return _named(number, body, "chat.completion") | {"choices": [choice], "usage": usage}


def chunks(number: int, body: Mapping[str, Any], text: str, finish: str | None, usage: Any) -> Iterator[dict[str, Any]]:
    """A streamed reply: the role, a chunk for each word, the finish, and the usage if it was asked for."""
    named = _named(number, body, "chat.completion.chunk")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in re.findall(r"\s*\S+|\s+$", text)]
    for delta in deltas:
        yield named | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield named | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield named | {"choices": [], "usage": usage}


def usage(given: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def error(status: int, message: str) -> dict[str, Any]:
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = "rate_limit_exceeded" if status == 429 else None
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _named(number: int, body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": _CREATED, "model": body["model"]}
