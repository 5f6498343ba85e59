"""A small web server on the loopback whose answers a test writes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Page = Callable[[BaseHTTPRequestHandler], None]


class Web(ThreadingHTTPServer):
    """Pages by path; ``seen`` are the requests that arrived."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, body: bytes, kind: str | None = "text/plain", status: int = 200, **headers: str) -> None:
        named = {"Content-Type": kind, "Content-Length": str(len(body))} if kind else {}

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in (named | {k.replace("_", "-"): v for k, v in headers.items()}).items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = answer

    def handle_error(self, *_: Any) -> None:
        """A client that went away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
        else:
            page(self)

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@contextmanager
def serving() -> Iterator[Web]:
    with Web() as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            thread.join()


def named(monkeypatch: pytest.MonkeyPatch, **addresses: str | tuple[str, ...]) -> list[str]:
    """Let names have these addresses, and note which were looked up."""
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        looked_up.append(host)
        known = addresses.get(str(host).replace(".", "_"), host)
        return [found for a in ([known] if isinstance(known, str) else known) for found in real(a, port, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked_up
