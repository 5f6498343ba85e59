"""What the server answers. An answer is a row of steps, which the server takes one by one; some answers spoil others.

[Status(429, retry_after=0.2), Reply("42")]  # the first request is refused, all others get a reply
lambda request: Silent() if request.number == 3 else Reply(request.asked)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Literal, Protocol

from tests.misbehaving import protocol
from tests.misbehaving.counted import Received

# -- steps: a piece of the body is bytes ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The status line and the headers; without a content-length, the body is sent in chunks."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class HangUp:
    """The connection is closed here; with ``reset``, as a crashed or overloaded peer does it (RST)."""

    reset: bool = False


Step = Head | bytes | Wait | HangUp


class Answer(Protocol):
    def steps(self, request: Received) -> Iterator[Step]: ...

    def tokens(self, request: Received) -> int:
        """What the provider would charge."""
        ...


# -- answers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """A good reply, streamed if the request wants that; tokens are counted unless ``usage`` gives them."""

    text: str = "ok"
    finish: str | None = "stop"
    usage: tuple[int, int] | None = None  # tokens read and written
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = True  # a stream ends with [DONE]

    def steps(self, request: Received) -> Iterator[Step]:
        facts = (request.number, request.body, self.text, self.finish, self._usage(request))
        if request.body.get("stream"):
            yield Head(200, {**protocol.SSE, **self.headers})
            for chunk in protocol.chunks(*facts):
                yield protocol.event(chunk)
            if self.done:
                yield protocol.DONE
        else:
            whole = protocol.as_json(protocol.completion(*facts))
            yield from Page(whole, headers={**protocol.JSON, **self.headers}).steps(request)

    def tokens(self, request: Received) -> int:
        return self._usage(request)["total_tokens"]

    def _usage(self, request: Received) -> dict[str, int]:
        counted = (protocol.prompt_tokens(request.body), protocol.tokens_in(self.text))
        return protocol.usage(*(self.usage or counted))


class _Free:
    def tokens(self, request: Received) -> int:
        return 0


@dataclass(frozen=True)
class Page(_Free):
    """Any body at all, well framed: HTML of a proxy, nothing, half a JSON."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/html"})

    def steps(self, request: Received) -> Iterator[Step]:
        yield Head(self.status, {**self.headers, "content-length": str(len(self.body))})
        yield self.body


@dataclass(frozen=True)
class Status(_Free):
    """A refusal with an error object, as OpenAI sends it.

    ``retry_after`` is in seconds, or a moment, which is sent as an HTTP date. ``remaining`` and ``reset`` fill the
    headers ``x-ratelimit-remaining-requests``, ``x-ratelimit-reset-tokens`` and so on.
    """

    code: int
    retry_after: float | datetime | None = None
    retry_after_ms: float | None = None
    remaining: Mapping[str, int] = field(default_factory=dict)
    reset: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "refused by the script of the test"

    def steps(self, request: Received) -> Iterator[Step]:
        body = protocol.as_json(protocol.error(self.code, self.message))
        yield from Page(body, self.code, {**protocol.JSON, **self._hints(), **self.headers}).steps(request)

    def _hints(self) -> dict[str, str]:
        hints = {f"x-ratelimit-remaining-{what}": str(count) for what, count in self.remaining.items()}
        hints |= {f"x-ratelimit-reset-{what}": text for what, text in self.reset.items()}
        if isinstance(self.retry_after, datetime):
            hints["retry-after"] = format_datetime(self.retry_after, usegmt=True)
        elif self.retry_after is not None:
            hints["retry-after"] = f"{self.retry_after:g}"
        if self.retry_after_ms is not None:
            hints["retry-after-ms"] = f"{self.retry_after_ms:g}"
        return hints


@dataclass(frozen=True)
class Silent(_Free):
    """The request is taken, and nothing is ever said."""

    def steps(self, request: Received) -> Iterator[Step]:
        yield Wait(math.inf)


@dataclass(frozen=True)
class Dropped(_Free):
    """The connection is closed before a word was said."""

    reset: bool = False

    def steps(self, request: Received) -> Iterator[Step]:
        yield HangUp(self.reset)


# -- answers that spoil others ----------------------------------------------------------------------------------------


class _Spoilt:
    answer: Answer

    def tokens(self, request: Received) -> int:
        return self.answer.tokens(request)


@dataclass(frozen=True)
class Later(_Spoilt):
    """Nothing is said for some seconds, then the answer comes."""

    seconds: float
    answer: Answer = field(default_factory=Reply)

    def steps(self, request: Received) -> Iterator[Step]:
        yield Wait(self.seconds)
        yield from self.answer.steps(request)


@dataclass(frozen=True)
class Drip(_Spoilt):
    """The body comes a piece (an event of a stream), or ``size`` bytes, every few seconds."""

    answer: Answer
    every_s: float
    size: int | None = None

    def steps(self, request: Received) -> Iterator[Step]:
        for step in self.answer.steps(request):
            if isinstance(step, bytes):
                for start in range(0, len(step), self.size or len(step) or 1):
                    yield Wait(self.every_s)
                    yield step[start : start + (self.size or len(step))]
            else:
                yield step


@dataclass(frozen=True)
class Cut(_Spoilt):
    """After some pieces of the body and half of the next one, nothing more comes; one of fewer pieces comes unspoilt.

    A whole reply is one piece, and each event of a stream. ``then`` says how it ends: the connection is closed or
    reset, or stays open in silence; or the half is all there is to it ("end"), well framed.
    """

    answer: Answer
    after: int = 0
    then: Literal["close", "reset", "silence", "end"] = "close"

    def steps(self, request: Received) -> Iterator[Step]:
        seen = 0
        for step in self.answer.steps(request):
            if isinstance(step, Head) and self.then == "end":
                step = Head(
                    step.status, {name: text for name, text in step.headers.items() if name != "content-length"}
                )
            if isinstance(step, bytes):
                seen += 1
                if seen > self.after:
                    yield step[: len(step) // 2]
                    yield from self._end()
                    return
            yield step

    def _end(self) -> Iterator[Step]:
        match self.then:
            case "close" | "reset":
                yield HangUp(reset=self.then == "reset")
            case "silence":
                yield Wait(math.inf)


@dataclass(frozen=True)
class ErrorInside(_Spoilt):
    """After some events of a stream an error object comes, and the stream ends; a whole reply is but the error object.

    The status is 200 all the same: it was sent before the provider failed.
    """

    answer: Answer
    after: int = 2
    message: str = "the engine is overloaded"

    def steps(self, request: Received) -> Iterator[Step]:
        error = protocol.error(503, self.message)
        if not request.body.get("stream"):
            yield from Page(protocol.as_json(error), headers=protocol.JSON).steps(request)
            return
        seen = 0
        for step in self.answer.steps(request):
            seen += isinstance(step, bytes)
            if seen > self.after:
                break
            yield step
        yield protocol.event(error)


# -- scripts ----------------------------------------------------------------------------------------------------------

Script = Answer | Sequence[Answer] | Callable[[Received], Answer]
"""One answer for all, one for each request in turn (the last one stays), or what a function makes of the request."""


def answer_to(script: Script, request: Received) -> Answer:
    if isinstance(script, Sequence):
        return script[min(request.number, len(script)) - 1]
    return script(request) if callable(script) else script
