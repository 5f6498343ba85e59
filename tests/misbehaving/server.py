"""The socket side: HTTP/1.1 by hand, as a server that obeys a library could not misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.misbehaving.answers import REASONS, Answer, Hangup, Reply, Status
from tests.misbehaving.counted import Counted, Received

Script = Sequence[Answer] | Callable[[Received], Answer]
MOST_REQUESTS = 5_000
LONGEST_S = 60.0


@dataclass
class Enforced:
    """Limits that the server holds its clients to, with 429: requests and tokens in a window, requests at once."""

    requests: int | None = None
    tokens: int | None = None
    at_once: int | None = None
    window_s: float = 60.0
    retry_after: float | None = None


class MisbehavingServer:
    """Listens on a free port, in a thread of its own. ``with MisbehavingServer([Status(429), Reply()]) as server:``.

    Args:
        script: What to answer, in order, the last for all that follow; or a function of the request.
        enforced: Limits beyond which it refuses, whatever the script says.
    """

    def __init__(self, script: Script | None = None, enforced: Enforced | None = None) -> None:
        self.script = [Reply()] if script is None else script
        self.enforced = enforced
        self.counted = Counted()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="misbehaving server")
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._now = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        talking: set[asyncio.Task[Any]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talking.add(task)
            self.counted.connections += 1
            self.counted.open_connections += 1
            try:
                await _Connection(self, reader, writer, self.counted.connections).talk()
            except asyncio.CancelledError:
                pass  # the server ends
            finally:
                talking.discard(task)
                self.counted.open_connections -= 1
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                await self._stop.wait()
        server.close()
        for task in talking:
            task.cancel()
        if talking:
            await asyncio.wait(set(talking))

    def answer_to(self, request: Received) -> Answer:
        """Return what a request is answered."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        if callable(self.script):
            return self.script(request)
        return self.script[min(request.number, len(self.script) - 1)]

    def _refused(self, request: Received) -> Answer | None:
        rules = self.enforced
        if rules is None:
            return None
        recent = [r for r in self.counted.requests if r.at_s > request.at_s - rules.window_s and r.status != 429]
        over = (
            (rules.requests is not None and len(recent) > rules.requests)
            or (rules.tokens is not None and sum(r.tokens for r in recent) > rules.tokens)
            or (rules.at_once is not None and self._now > rules.at_once)
        )
        return Status(429, rules.retry_after) if over else None


class _Connection:
    """A connection, over which one request comes after another."""

    def __init__(
        self, server: MisbehavingServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.number = number
        self._chunked = False
        self._request: Received | None = None

    async def talk(self) -> None:
        """Answer requests until one of both has had enough."""
        while (read := await self._read()) is not None:
            headers, body = read
            counted = self.server.counted.requests
            if len(counted) >= MOST_REQUESTS:
                return
            request = Received(len(counted), time.monotonic(), body, headers, self.number, tokens=_tokens(body))
            counted.append(request)
            self._request = request
            self.server._now += 1
            try:
                if not await self._give(self.server.answer_to(request), request):
                    return
            finally:
                self.server._now -= 1
                request.ended_s = time.monotonic()

    async def _give(self, answer: Answer, request: Received) -> bool:
        """Answer, unless the client hangs up meanwhile; return whether the connection goes on."""
        giving = asyncio.ensure_future(answer.give(self, request.body))
        gone = asyncio.ensure_future(self.reader.read(1))  # nobody sends a second request before the first is answered
        try:
            await asyncio.wait([giving, gone], return_when=asyncio.FIRST_COMPLETED)
            if not giving.done():
                request.hung_up = True
                return False
            try:
                giving.result()
                if self._chunked:
                    self.writer.write(b"0\r\n\r\n")
                await self.writer.drain()
            except (Hangup, ConnectionError) as error:
                request.hung_up = isinstance(error, ConnectionError)
                return False
            return not gone.done()
        finally:
            for task in (giving, gone):
                task.cancel()
            await asyncio.wait([giving, gone])

    async def _read(self) -> tuple[Mapping[str, str], Mapping[str, Any]] | None:
        try:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return headers, json.loads(body or b"{}")

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the first lines of an answer; one whose length nobody knows goes in chunks."""
        assert self._request is not None
        self._request.status = status
        self._chunked = "content-length" not in headers
        more = {"transfer-encoding": "chunked"} if self._chunked else {}
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}", *(f"{k}: {v}" for k, v in {**headers, **more}.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.writer.drain()

    async def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
        await self.writer.drain()


def _tokens(body: Mapping[str, Any]) -> int:
    """Return how large a request says it is: the number in its last message, like "7: 120 tokens", or none."""
    words = str((body.get("messages") or [{}])[-1].get("content", "")).split()
    return int(words[-2]) if len(words) >= 2 and words[-1] == "tokens" and words[-2].isdigit() else 0
