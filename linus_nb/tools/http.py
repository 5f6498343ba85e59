"""Fetching text from the web, as a tool that a person hands out: hosts, addresses, time and size are bounded."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from linus_nb.errors import ToolConnectionError, ToolError, ToolTimeoutError
from linus_nb.tools.bodies import read_body
from linus_nb.tools.checks import name_checked, seconds_checked, whole_checked
from linus_nb.tools.daemon import in_daemon
from linus_nb.tools.hosts import Address, AllowList, address_of
from linus_nb.tools.tool import Example, Tool

if TYPE_CHECKING:
    import httpx

MOST_REDIRECTS = 5
MOST_ADDRESSES = 4  # of one host that are tried
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 429)  # and all from 500: another attempt may be answered


def http_fetch(
    allow: Iterable[str], *, timeout_seconds: float = 10.0, max_bytes: int = 200_000, name: str = "http_fetch"
) -> Tool:
    """Return a tool that fetches the text at http(s) addresses of the allowed hosts, and of no others.

    It only ever sends GET requests, without cookies or credentials, and follows up to 5 redirects, each checked as the
    first address was. Names are looked up once, the addresses found are checked, and the connection goes to just these:
    a name that changes its address in between (DNS rebinding) gains nothing. Proxies in the environment are not used,
    as they would look names up themselves. What it cannot prevent: a model may write what it knows into the address
    that it asks an allowed host for.

    Args:
        allow: hosts: ``"example.org"``, ``"*.example.org"`` (all below it), ``"127.0.0.1"``, ``"localhost:8000"`` (that
            port only), ``"*"``. What a ``*`` stands for must be in the public network; a host that is named in full
            may be local. Link-local addresses must be named themselves.
        timeout_seconds: for the whole of a fetch, redirects and body included.
        max_bytes: of a body; a longer one is cut, with a note that says so.
        name: what the model calls it.

    Raises:
        ToolError: a bound that makes no sense. The tool's own calls raise it for what they refuse, `ToolTimeoutError`
            when the time is over, and `ToolConnectionError` where a host cannot be reached or is out of order.

    >>> fetch = http_fetch(["example.org"])
    >>> fetch("http://localhost:8888/api/contents")
    Traceback (most recent call last):
        ...
    linus_nb.errors.ToolError: 'http://localhost:8888/api/contents' is not allowed; allowed hosts: example.org
    """
    fetcher = Fetcher(
        name_checked(name),
        AllowList(allow),
        seconds_checked(timeout_seconds, repr(name)),
        whole_checked(max_bytes, f"{name!r}: max_bytes", least=1),
    )
    return Tool(
        name=name,
        description=f"fetch the text at a web address (allowed hosts: {fetcher.allowed})",
        schema={
            "type": "object",
            "properties": {
                "url": {"type": "string", "description": "the full address, with http:// or https://", "maxLength": 500}
            },
            "required": ["url"],
            "additionalProperties": False,
        },
        blocking=lambda arguments: fetcher.fetch(str(arguments["url"])),
        awaiting=lambda arguments: fetcher.afetch(str(arguments["url"])),
        examples=_examples(fetcher.allowed),
        wrapped=fetcher.fetch,
    )


def _examples(allowed: AllowList) -> tuple[Example, ...]:
    first = allowed.entries[0].host
    host = "example.org" if first == "*" else first.replace("*", "www")
    host = f"[{host}]" if ":" in host else host
    return (
        Example(f"What does https://{host}/ say?", {"url": f"https://{host}/"}),
        Example(f"Fetch https://{host}/news.html", {"url": f"https://{host}/news.html"}),
        Example(f"Summarise the page {host}/about", {"url": f"https://{host}/about"}),
        Example(f"Get http://{host}/data.json", {"url": f"http://{host}/data.json"}),
    )


class _Visit(NamedTuple):
    """One request that may be made: to these addresses and no others."""

    url: httpx.URL
    addresses: list[Address]


class Fetcher:
    """Fetches texts within its bounds; see `http_fetch`."""

    def __init__(self, name: str, allowed: AllowList, limit_s: float, max_bytes: int) -> None:
        self.name = name
        self.allowed = allowed
        self.limit_s = limit_s
        self.max_bytes = max_bytes

    def fetch(self, url: str) -> str:
        """Fetch while the calling thread waits, whether or not an event loop runs in it."""
        return in_daemon(lambda: asyncio.run(self.afetch(url))).result()

    async def afetch(self, url: str) -> str:
        """Fetch, following redirects.

        Raises:
            ToolError: see `http_fetch`.
        """
        try:
            async with asyncio.timeout(self.limit_s):
                return await self._followed(url)
        except TimeoutError as error:
            if isinstance(error, ToolTimeoutError):
                raise
            raise ToolTimeoutError(self.name, self.limit_s) from None

    async def _followed(self, address: str) -> str:
        current, came_from = address, ""
        for _ in range(MOST_REDIRECTS + 1):
            # in a thread: looking up names blocks, and so does loading the client and the certificates
            visit = await asyncio.wrap_future(in_daemon(lambda: self._checked(current, came_from)))  # noqa: B023
            answer = await self._answer(visit)
            if isinstance(answer, str):
                return answer
            came_from, current = f"{current!r} leads to ", str(answer)
        raise ToolError(f"{address!r} leads on and on: more than {MOST_REDIRECTS} redirects; try another address")

    def _checked(self, address: str, came_from: str) -> _Visit:
        """Return what may be requested for an address.

        Raises:
            ToolError: it is malformed, or not allowed; ``came_from`` tells in the message what redirected to it.
        """
        import httpx

        try:
            url = httpx.URL(address)
            port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        except (httpx.InvalidURL, ValueError) as error:
            raise ToolError(f"{came_from}{address!r} is no web address: {error}") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ToolError(f"{came_from}{address!r} is no web address; write it in full, as https://example.org/page")
        if url.userinfo:
            raise ToolError(f"{came_from}{address!r} holds a user name; write the address without it")
        host = url.raw_host.decode("ascii")
        entry = self.allowed.entry(host, port)
        if entry is None:
            raise ToolError(f"{came_from}{address!r} is not allowed; allowed hosts: {self.allowed}")
        found = _looked_up(host, port)
        reachable = [a for a in found if entry.reaches(a)]
        if not reachable:
            raise ToolError(
                f"{came_from}{address!r} is not allowed: {host!r} is at {found[0]}, no public address; to allow it all "
                f"the same, its owner writes it out in allow=[...] (allowed hosts: {self.allowed})"
            )
        _certificates()
        return _Visit(url, reachable[:MOST_ADDRESSES])

    async def _answer(self, visit: _Visit) -> str | httpx.URL:
        """Return the text, or where the answer redirects to."""
        import httpx

        url, addresses = visit
        each_s = self.limit_s / len(addresses)
        for address in addresses:
            try:
                return await self._request(url, address, httpx.Timeout(self.limit_s, connect=each_s))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if address == addresses[-1]:
                    raise ToolConnectionError(f"{str(url)!r} cannot be reached: {error or 'no answer'}") from error
            except httpx.TimeoutException:
                raise ToolTimeoutError(self.name, self.limit_s) from None
            except httpx.TransportError as error:
                raise ToolConnectionError(f"{str(url)!r} gave no proper answer: {error}") from error
        raise AssertionError("a visit has addresses")

    async def _request(self, url: httpx.URL, address: Address, timeout: httpx.Timeout) -> str | httpx.URL:
        """Send the request to one address; the name goes into its header and is what the certificate must show."""
        import httpx

        headers: Mapping[str, Any] = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": "linus_nb http_fetch",
            "Accept": "text/*, application/json, application/xml",
            "Accept-Encoding": "gzip, deflate",
        }
        async with (
            httpx.AsyncClient(verify=_certificates(), trust_env=False, timeout=timeout) as client,
            client.stream(
                "GET",
                url.copy_with(host=str(address)),
                headers=headers,
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            ) as response,
        ):
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return _joined(url, response.headers["location"])
            _check_status(url, response.status_code)
            return await read_body(response, str(url), self.max_bytes)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Return what TLS connections are checked against; reading it takes some 50 ms."""
    import httpx

    return httpx.create_ssl_context()


def _looked_up(host: str, port: int) -> list[Address]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ToolConnectionError(f"the host {host!r} cannot be found: {error}") from error
    found = [address_of(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in answers]
    return list(dict.fromkeys(address for address in found if address is not None))


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    import httpx

    try:
        return url.join(location)
    except httpx.InvalidURL as error:
        raise ToolError(f"{str(url)!r} leads to {location!r}, which is no web address: {error}") from None


def _check_status(url: httpx.URL, status: int) -> None:
    if 200 <= status < 300:
        return
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    told = f"{str(url)!r} answered {status} {phrase}".rstrip()
    if status >= 500 or status in _PASSING:
        raise ToolConnectionError(f"{told}; try again later")
    raise ToolError(f"{told}; try another address")
