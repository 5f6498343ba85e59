"""A real HTTP server on the loopback that takes the steps of a script: sockets, and nothing of what is said.

Not uvicorn and its like: they send a reply whole, mend what is half, and hide whether the client hung up.
"""

from __future__ import annotations

import asyncio
import json
import threading
from types import TracebackType
from typing import Any

import h11

from tests.misbehaving import protocol
from tests.misbehaving.connection import Connection
from tests.misbehaving.counted import Counted, Outcome, Received
from tests.misbehaving.script import Answer, HangUp, Head, Reply, Script, Status, Wait, answer_to

_BACKLOG = 1024


class MisbehavingServer:
    """A server that runs in a thread of its own while the ``with`` block goes on.

    ``url`` is the base URL for the client, ``counted`` is what came in. What goes wrong in the server itself or in its
    script, or passes a bound, ends the server and is raised when the block ends.

    Args:
        script: What is answered; see `tests.misbehaving.script`.
        most_requests: One more than these is one too many.
        most_s: Seconds after which the server is gone, whatever is still open.

    >>> with MisbehavingServer([Status(429, retry_after=0.2), Reply("42")]) as server:
    ...     len(server.counted)
    0
    """

    def __init__(self, script: Script | None = None, *, most_requests: int = 2000, most_s: float = 30.0) -> None:
        self.script: Script = Reply() if script is None else script
        self.most_requests = most_requests
        self.most_s = most_s
        self.counted = Counted()
        self._port = 0
        self._error: BaseException | None = None
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="misbehaving server", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> MisbehavingServer:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.call_soon_threadsafe(self._end.set)
        except RuntimeError:  # it has ended by itself
            assert self._loop.is_closed()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    # -- on the server's own thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._loop, self._end = runner.get_loop(), asyncio.Event()
                runner.run(self._serve())
        finally:
            self._listens.set()  # it never will, if that failed: do not wait for it

    async def _serve(self) -> None:
        tasks = set[asyncio.Task[None]]()
        connections: list[Connection] = []

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = Connection(reader, writer)
            connections.append(connection)
            task = asyncio.create_task(self._converse(connection))
            tasks.add(task)
            task.add_done_callback(lambda task: ended(task, connection))

        def ended(task: asyncio.Task[None], connection: Connection) -> None:
            tasks.discard(task)
            if task.cancelled():
                connection.abort()
            else:
                connection.close()
                self._failed(task.exception())

        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=_BACKLOG)
        self._port = server.sockets[0].getsockname()[1]
        self._listens.set()
        try:
            async with asyncio.timeout(self.most_s):
                await self._end.wait()
        except TimeoutError:
            self._failed(AssertionError(f"the server was up for {self.most_s:g} s; does a test hang?"))
        server.close()
        while tasks:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for connection in connections:
            await connection.gone()
        await server.wait_closed()

    def _failed(self, error: BaseException | None) -> None:
        if error is not None:
            self._error = self._error or error
            self._end.set()

    async def _converse(self, connection: Connection) -> None:
        """Answer the requests of one connection in turn."""
        number = self.counted.connected()
        try:
            while (asked := await connection.request()) is not None:
                request = self._arrived(*asked, number)
                outcome: Outcome = "stopped"
                try:
                    outcome = await self._answer(connection, request)
                finally:
                    self.counted.ended(request, outcome)
                if outcome != "answered" or not connection.may_go_on():
                    break
        finally:
            self.counted.disconnected()

    def _arrived(self, head: h11.Request, body: bytes, connection: int) -> Received:
        try:
            parsed: Any = json.loads(body)
        except ValueError:
            parsed = None  # refused below
        headers = {name.decode(): text.decode("latin-1") for name, text in head.headers}
        return self.counted.arrived(head.target.decode(), headers, parsed, connection)

    async def _answer(self, connection: Connection, request: Received) -> Outcome:
        if request.number > self.most_requests:
            raise AssertionError(f"more than {self.most_requests} requests came; does a client retry without end?")
        answer = self._chosen(request)
        request.tokens = answer.tokens(request)
        for step in answer.steps(request):
            match step:
                case Head():
                    request.status = step.status
                    connection.send(h11.Response(status_code=step.status, headers=list(step.headers.items())))
                case bytes():
                    connection.send(h11.Data(data=step))
                case Wait():
                    if await connection.hung_up_within(step.seconds):
                        return "client hung up"
                case HangUp():
                    connection.hang_up(reset=step.reset)
                    return "dropped"
        connection.send(h11.EndOfMessage())
        connection.flush()
        return "answered"

    def _chosen(self, request: Received) -> Answer:
        if request.path != protocol.PATH:
            return Status(404, message=f"there is nothing at {request.path}")
        if problem := protocol.problem_with(request.body):
            return Status(400, message=problem)
        return answer_to(self.script, request)
