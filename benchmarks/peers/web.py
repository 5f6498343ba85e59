"""An HTTP server in a process of its own, which counts what it serves, and the least client that can call it.

    python -m benchmarks.peers.web SECONDS IN_FLIGHT

The server prints its port, answers ``GET /7`` with 8 after so many seconds, refuses a call beyond the limit with
status 429, answers ``GET /count`` with what it served since it was last asked, and ends when its standard input ends.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.workloads import WrongResultError

END_OF_HEAD = b"\r\n\r\n"


class Server:
    """Counts calls in flight, and their largest number."""

    def __init__(self, seconds: float, in_flight: int) -> None:
        self.seconds = seconds
        self.limit = in_flight
        self.in_flight = self.peak = self.served = 0

    async def answer(self, path: str) -> tuple[str, str]:
        """The status line's end and the body."""
        if path == "/count":
            counted = f"{self.served} {self.peak}"
            self.served = self.peak = 0
            return "200 OK", counted
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            if self.in_flight > self.limit:
                return "429 Too Many Requests", f"{self.in_flight} calls in flight, the limit is {self.limit}"
            await asyncio.sleep(self.seconds)
            self.served += 1
            return "200 OK", str(1 + int(path[1:]))
        finally:
            self.in_flight -= 1

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's calls until it hangs up."""
        try:
            while True:
                head = await reader.readuntil(END_OF_HEAD)
                status, body = await self.answer(head.split(b" ", 2)[1].decode())
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):  # the client or the server ends
            writer.close()


class Client:
    """Calls the server over connections that are kept and used again; it has no limit of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str) -> str:
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await reader.readuntil(END_OF_HEAD)).decode()
        body = (await reader.readexactly(int(head.rstrip().rpartition(" ")[2]))).decode()
        self._idle.append((reader, writer))
        if not head.startswith("HTTP/1.1 200"):
            raise WrongResultError(f"the server refused a call: {body}")
        return body

    async def fetch(self, i: int) -> int:
        return int(await self.get(f"/{i}"))

    async def check(self, calls: int, in_flight: int) -> None:
        """Raise `WrongResultError` unless the server has just served so many calls within the limit."""
        served, peak = map(int, (await self.get("/count")).split())
        if served != calls or peak > in_flight:
            raise WrongResultError(
                f"the server had {served} calls of {calls}, {peak} at once; the limit is {in_flight}"
            )

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


@contextmanager
def server(seconds: float, in_flight: int) -> Iterator[int]:
    """A server in a process of its own; the port."""
    command = [sys.executable, "-m", __name__, str(seconds), str(in_flight)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.communicate()  # ends its standard input, and with it the server


async def main(seconds: float, in_flight: int) -> None:
    serving = await asyncio.start_server(Server(seconds, in_flight).connection, "127.0.0.1", 0)
    print(serving.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    serving.close()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2])))
