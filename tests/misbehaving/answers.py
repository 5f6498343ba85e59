"""Ways to answer a chat request, most of them wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 422: "Unprocessable Entity",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
}  # fmt: skip


class Hangup(Exception):
    """The server closes the connection now."""


class Wire(Protocol):
    """A connection to a client that has asked something."""

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the first lines."""

    async def send(self, data: bytes) -> None:
        """Send a piece of the body."""


class Answer(Protocol):
    """A way to answer."""

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        """Answer a request."""


@dataclass(frozen=True)
class Reply:
    """A right answer; a stream has a chunk for each word, and its usage at the end where that was asked for."""

    text: str = "ok"
    latency_s: float = 0.0
    usage: tuple[int, int] = (10, 5)
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0  # before each chunk of a stream

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        await asyncio.sleep(self.latency_s)
        if body.get("stream"):
            await wire.head(200, {"content-type": "text/event-stream", **self.headers})
            for chunk in self.chunks(body):
                await asyncio.sleep(self.pause_s)
                await wire.send(chunk)
        else:
            data = json.dumps(self.whole(body)).encode()
            await wire.head(200, {"content-type": "application/json", "content-length": str(len(data)), **self.headers})
            await wire.send(data)

    def whole(self, body: Mapping[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {**_head(body, "chat.completion"), "choices": [choice], "usage": self._usage()}

    def chunks(self, body: Mapping[str, Any]) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": word} for word in self.text.split(" ")]
        parts: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
        ]
        parts.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            parts.append({"choices": [], "usage": self._usage()})
        head = _head(body, "chat.completion.chunk")
        return [*(_event(json.dumps({**head, **part})) for part in parts), _event("[DONE]")]

    def _usage(self) -> dict[str, int]:
        given, made = self.usage
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


@dataclass(frozen=True)
class Status:
    """A refusal, as JSON. ``retry_after`` is a header: seconds, or an HTTP date."""

    code: int
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float = 0.0

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        await asyncio.sleep(self.latency_s)
        error = {"message": REASONS.get(self.code, "error"), "type": "test", "code": None}
        data = json.dumps({"error": error}).encode()
        after = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        common = {"content-type": "application/json", "content-length": str(len(data))}
        await wire.head(self.code, {**common, **after, **self.headers})
        await wire.send(data)


@dataclass(frozen=True)
class Dropped:
    """The connection is closed: before anything was said, or after so many chunks of a stream."""

    after_chunks: int | None = None

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        if self.after_chunks is not None:
            await wire.head(200, {"content-type": "text/event-stream"})
            for chunk in Reply("one two three four five").chunks(body)[: self.after_chunks]:
                await wire.send(chunk)
        raise Hangup


@dataclass(frozen=True)
class Half:
    """The first half of a JSON answer, under the whole one's length or under its own."""

    honest: bool = True  # about its length

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        data = json.dumps(Reply().whole(body)).encode()
        half = data[: len(data) // 2]
        length = len(half if self.honest else data)
        await wire.head(200, {"content-type": "application/json", "content-length": str(length)})
        await wire.send(half)
        if not self.honest:
            raise Hangup


@dataclass(frozen=True)
class Silent:
    """Nothing is said, or nothing more after so many chunks, and the connection stays open."""

    after_chunks: int | None = None

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        if self.after_chunks is not None:
            await wire.head(200, {"content-type": "text/event-stream"})
            for chunk in Reply("one two three four five").chunks(body)[: self.after_chunks]:
                await wire.send(chunk)
        await asyncio.Event().wait()  # until the client hangs up, or the server ends


@dataclass(frozen=True)
class Strange:
    """Something else than a chat reply: a page, an empty body, an error within a stream."""

    body: bytes = b"<html>it works</html>"
    content_type: str = "text/html"

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        await wire.head(200, {"content-type": self.content_type, "content-length": str(len(self.body))})
        await wire.send(self.body)


@dataclass(frozen=True)
class Slow:
    """A right answer, byte by byte."""

    text: str = "ok"
    pause_s: float = 0.01

    async def give(self, wire: Wire, body: Mapping[str, Any]) -> None:
        data = json.dumps(Reply(self.text).whole(body)).encode()
        await wire.head(200, {"content-type": "application/json", "content-length": str(len(data))})
        for k in range(len(data)):
            await wire.send(data[k : k + 1])
            await asyncio.sleep(self.pause_s)


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": body.get("model", "test")}


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()
