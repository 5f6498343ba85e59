"""One connection: h11 knows HTTP, asyncio moves the bytes, and it can be dropped at any of them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct

import h11


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER)
        self._unsent = b""

    async def request(self) -> tuple[h11.Request, bytes] | None:
        """Return the next request and its body; None if the client has hung up, or says what is no HTTP."""
        head: h11.Request | None = None
        body = b""
        try:
            while True:
                match self._http.next_event():
                    case h11.Request() as request:
                        head = request
                    case h11.Data(data=data):
                        body += data
                    case h11.EndOfMessage():
                        assert head is not None
                        return head, body
                    case h11.ConnectionClosed():
                        return None
                    case h11.NEED_DATA:
                        self._http.receive_data(await self._read())
        except h11.RemoteProtocolError:
            return None

    def send(self, event: h11.Event) -> None:
        """Say something; it goes out with all that is said before the next pause."""
        self._unsent += self._http.send(event) or b""

    def flush(self) -> None:
        """Let out what was said."""
        self._writer.write(self._unsent)
        self._unsent = b""

    def may_go_on(self) -> bool:
        """Get ready for another request, unless one of the two wants to close."""
        if {self._http.our_state, self._http.their_state} != {h11.DONE}:
            return False
        self._http.start_next_cycle()
        return True

    async def hung_up_within(self, seconds: float) -> bool:
        """Wait; return whether the client hung up, as soon as it did. What it sends meanwhile is kept."""
        self.flush()
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                while data := await self._read():
                    self._http.receive_data(data)
        except TimeoutError:
            return False
        return True

    def hang_up(self, *, reset: bool) -> None:
        """Close in the midst of it; with ``reset``, the client is told that the connection broke."""
        self.flush()
        if reset:
            lingering = struct.pack("ii", 1, 0)  # on, and for no time: RST in place of FIN
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        self.abort()

    def close(self) -> None:
        """Close when what was let out has gone."""
        self._writer.close()

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Close at once, if it is not closed, and wait until its socket is."""
        self.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(1 << 16)
        except ConnectionError:
            return b""
