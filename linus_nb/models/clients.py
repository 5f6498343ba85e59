"""HTTP clients that outlive event loops.

An asynchronous HTTP client keeps connections that belong to the loop it was first used on, and LangChain keeps one
client per process: a second ``asyncio.run``, or another thread's loop, ends in "Event loop is closed". A client of
this module holds one inner client for each running loop, so that the same model object works from a notebook's loop,
from several ``asyncio.run`` in a row, and from loops in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.request import getproxies

if TYPE_CHECKING:
    import ssl

    import openai

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One ``T`` for each event loop that asks, closed when its loop shuts down.

    Args:
        make: Makes a ``T``; called on the loop that it is for.
        close: Closes one; awaited on its own loop.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._kept: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T, None]]] = {}
        self._lock = threading.Lock()

    async def here(self) -> T:
        """Return the one of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            kept = self._kept.get(loop)
        if kept is None:
            keeper = self._keep(loop)
            kept = (await anext(keeper), keeper)  # does not wait, so no other task of this loop comes between
            with self._lock:
                for ended in [other for other in self._kept if other.is_closed()]:
                    del self._kept[ended]
                self._kept[loop] = kept
        return kept[0]

    async def _keep(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[T, None]:
        # Why a generator: loops know the asynchronous generators that were started on them, and `asyncio.run` closes
        # those before it closes the loop. Nothing else tells us in time that a loop is about to end.
        kept = self._make()
        try:
            yield kept
        finally:
            with self._lock:
                self._kept.pop(loop, None)
            await self._close(kept)

    def close_everywhere(self) -> None:
        """Have all closed, each on its own loop, as far as that still runs. Safe in any thread, and in a collection."""
        for loop, (_, keeper) in list(self._kept.items()):
            if loop.is_running():
                with contextlib.suppress(RuntimeError):  # it was closed just now, and all with it
                    loop.call_soon_threadsafe(_start_to_close, loop, keeper)

    def __len__(self) -> int:
        return len(self._kept)


def _start_to_close(loop: asyncio.AbstractEventLoop, keeper: AsyncGenerator[Any, None]) -> None:
    closing: Any = keeper.aclose()  # asyncio's own hook makes a task of it, too
    loop.create_task(closing)


def surroundings() -> tuple[tuple[str, str | None], ...]:
    """Return what the environment says to HTTP clients when they are made: whom to trust, and by which proxies."""
    certificates = [(name, os.environ.get(name)) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    return (*certificates, *sorted(getproxies().items()))


def _trust(use_environment: bool = True) -> ssl.SSLContext:
    """Return which certificates HTTP clients trust. Reading them takes tens of milliseconds, so that is done once."""
    return _trust_of(use_environment, surroundings() if use_environment else ())


@lru_cache(maxsize=4)
def _trust_of(use_environment: bool, _: object) -> ssl.SSLContext:
    import openai

    library: Any = sys.modules[openai.DefaultHttpxClient.__base__.__module__]  # httpx, or httpx2 of late
    trusted: ssl.SSLContext = library.create_ssl_context(trust_env=use_environment)
    return trusted


Heard = Callable[[Mapping[str, str]], object]


def async_client(*, heard: Heard | None = None, **options: Any) -> openai.DefaultAsyncHttpxClient:
    """Return an HTTP client for ``ChatOpenAI(http_async_client=...)`` that works from any loop.

    Args:
        heard: Told of the headers of each response.
        **options: For the inner clients, as ``openai.DefaultAsyncHttpxClient`` takes them.
    """
    import openai

    options = {"verify": _trust(options.get("trust_env", True)), **options}

    class AnyLoopClient(openai.DefaultAsyncHttpxClient):
        """Builds requests itself, and sends each with the client of the running loop."""

        def __init__(self) -> None:
            super().__init__(**options)
            self.per_loop = PerLoop(
                make=lambda: openai.DefaultAsyncHttpxClient(**options),
                close=lambda inner: inner.aclose(),
            )

        async def send(self, *args: Any, **kwargs: Any) -> Any:
            inner = await self.per_loop.here()
            response = await inner.send(*args, **kwargs)
            if heard is not None:
                heard(response.headers)
            return response

    client = AnyLoopClient()
    # a loop that outlives the client (the background loop, a notebook's) would keep its connections open
    weakref.finalize(client, client.per_loop.close_everywhere).atexit = False
    return client


def overheard_client(inner: Any, heard: Heard) -> openai.DefaultHttpxClient:
    """Return an HTTP client that sends with another one, and tells of the headers of each response."""
    import openai

    class OverheardClient(openai.DefaultHttpxClient):
        """Builds requests itself, and sends each with the other client."""

        def send(self, *args: Any, **kwargs: Any) -> Any:
            response = inner.send(*args, **kwargs)
            heard(response.headers)
            return response

        def close(self) -> None:
            """Leave the other client open: it is somebody else's."""

    return OverheardClient(verify=_trust())


def overheard_async_client(inner: Any, heard: Heard) -> openai.DefaultAsyncHttpxClient:
    """Return an HTTP client that sends with another one, awaiting it. Otherwise as `overheard_client`."""
    import openai

    class OverheardAsyncClient(openai.DefaultAsyncHttpxClient):
        """Builds requests itself, and sends each with the other client."""

        async def send(self, *args: Any, **kwargs: Any) -> Any:
            response = await inner.send(*args, **kwargs)
            heard(response.headers)
            return response

        async def aclose(self) -> None:
            """Leave the other client open: it is somebody else's."""

    return OverheardAsyncClient(verify=_trust())


def any_loop_options(**options: Any) -> dict[str, Any]:
    """Return the arguments that let one ``ChatOpenAI`` be used from any loop, and be cancelled on all of them.

    Args:
        **options: For the HTTP clients, as ``openai.DefaultAsyncHttpxClient`` takes them.
    """
    return {
        "http_async_client": async_client(**options),
        # LangChain waits for each streamed chunk with `asyncio.wait_for`, which on Python 3.11 loses a cancellation
        # that comes together with a chunk: Stop is ignored, and the stream goes on to its end. Timeouts are for nodes.
        "stream_chunk_timeout": None,
        # once it is given one client, LangChain tunes the sockets of the other in a way that loses the user's proxy
        "http_socket_options": (),
    }
