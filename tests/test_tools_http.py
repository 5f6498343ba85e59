"""Fetching from a real web server on the loopback, within bounds."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import zlib

import pytest

from linus_nb.agent.tool_calls import acall, call
from linus_nb.errors import ToolConnectionError, ToolError, ToolTimeoutError
from linus_nb.tools import http_fetch
from tests.real_time import in_time
from tests.web_server import named, serving


@pytest.fixture
def web():
    with serving() as server:
        yield server


@pytest.fixture
def fetch():
    return http_fetch(["127.0.0.1"], max_bytes=1000)


# -- what is fetched -------------------------------------------------------------------------------------------------


def test_a_page_is_fetched_in_every_way(web, fetch):
    web.page("/a?b=1", b"hello")
    given = {"url": web.url("/a?b=1")}

    async def inside_a_loop():
        return fetch(web.url("/a?b=1")), await fetch.awaiting(given), await acall(fetch, given)

    assert fetch(given["url"]) == fetch.blocking(given) == call(fetch, given) == "hello"
    assert asyncio.run(inside_a_loop()) == ("hello",) * 3
    assert len(web.seen) == 6


def test_a_request_carries_its_host_and_nothing_of_the_machine(web, fetch, monkeypatch):
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    web.page("/first", b"", status=302, Set_Cookie="a=1", Location="/second")
    web.page("/second", b"done")
    assert fetch(web.url("/first")) == "done"
    for _, headers in web.seen:
        assert headers["Host"] == f"127.0.0.1:{web.port}"
        assert headers["User-Agent"] == "linus_nb http_fetch"
        assert not headers.keys() & {"Cookie", "Authorization", "Referer"}


@pytest.mark.parametrize(
    "kind",
    ["text/html; charset=utf-8", "text/csv", "Application/JSON", "application/xml", "application/atom+xml",
     "application/vnd.api+json", "text/xml"],
)  # fmt: skip
def test_text_json_and_xml_are_taken(web, fetch, kind):
    web.page("/", "ä".encode(), kind)
    assert fetch(web.url("/")) == "ä"


@pytest.mark.parametrize(
    ("kind", "told"),
    [("image/png", "image/png"), ("application/octet-stream", "octet-stream"), (None, "of no named type"),
     ("", "of no named type"), ("application/pdf; a=text/plain", "application/pdf")],
)  # fmt: skip
def test_other_types_are_refused(web, fetch, kind, told):
    web.page("/", b"data", kind)
    with pytest.raises(ToolError, match=f"{told}; only text, JSON and XML can be fetched"):
        fetch(web.url("/"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("Größe".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        ("Größe".encode("latin-1"), 'text/plain; charset="latin-1"'),
        ("Größe".encode(), "text/plain"),
        ("Größe".encode(), "text/plain; charset=nonsense"),
        *(("Größe".encode(), f"text/plain; charset={c}") for c in ("hex", "rot13", "idna", "punycode", "undefined")),
        ("Größe".encode(), "text/plain; charset=unicode_escape"),
        ("Größe".encode("utf-16"), "text/plain"),
        ("Größe".encode("utf-8-sig"), "text/plain; charset=latin-1"),
        (b'<meta charset="latin-1">' + "Größe".encode("latin-1"), "text/html"),
        (b'<?xml version="1.0" encoding="latin-1"?>' + "Größe".encode("latin-1"), "text/xml"),
    ],
)
def test_text_is_decoded_as_the_server_or_the_text_says(web, fetch, body, kind):
    web.page("/", body, kind)
    assert fetch(web.url("/")).endswith("Größe")


def test_what_is_no_text_in_its_encoding_does_not_fail(web, fetch):
    web.page("/", b"a\xffb")
    assert fetch(web.url("/")) == "a�b"


# -- bounds ----------------------------------------------------------------------------------------------------------


def test_a_big_body_is_cut_with_a_note(web, fetch):
    web.page("/", "ä".encode() * 5000)
    web.page("/just", b"x" * 1000)
    assert fetch(web.url("/")) == "ä" * 500 + "\n[cut: these are the first 1000 bytes of 10000]"
    assert http_fetch(["127.0.0.1"], max_bytes=3)(web.url("/")).startswith("ä\n[cut: these are the first 3 bytes")
    assert fetch(web.url("/just")) == "x" * 1000


def test_a_body_without_end_is_cut(web, fetch):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")
        handler.end_headers()
        while True:
            handler.wfile.write(b"y" * 4096)

    web.pages["/"] = endless
    assert in_time(lambda: fetch(web.url("/"))) == "y" * 1000 + "\n[cut: these are the first 1000 bytes]"


@pytest.mark.parametrize(("packing", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_packed_text_is_unpacked_within_the_bound(web, fetch, packing, pack):
    web.page("/", pack(b"hello"), Content_Encoding=packing)
    web.page("/bomb", pack(b"0" * 50_000_000), Content_Encoding=packing)
    assert fetch(web.url("/")) == "hello"
    assert fetch(web.url("/bomb")) == "0" * 1000 + "\n[cut: these are the first 1000 bytes]"


def test_what_cannot_be_unpacked_is_an_error(web, fetch):
    web.page("/br", b"hello", Content_Encoding="br")
    web.page("/broken", b"hello", Content_Encoding="gzip")
    with pytest.raises(ToolError, match="packed as 'br'; only gzip and deflate"):
        fetch(web.url("/br"))
    with pytest.raises(ToolError, match="cannot be unpacked"):
        fetch(web.url("/broken"))


@pytest.mark.parametrize("part", ["headers", "body", "nothing"])
def test_the_time_limit_holds_for_a_server_that_drips(web, part):
    over = threading.Event()

    def drip(handler):
        if part == "body":
            handler.send_response(200)
            handler.send_header("Content-Type", "text/plain")
            handler.end_headers()
        elif part == "headers":
            handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        while not over.wait(0.02):
            if part != "nothing":
                handler.wfile.write(b"z")

    web.pages["/"] = drip
    slow = http_fetch(["127.0.0.1"], timeout_seconds=0.3, name="slow")
    try:
        for way in (slow, lambda url: asyncio.run(slow.awaiting({"url": url}))):
            with pytest.raises(ToolTimeoutError, match=r"'slow' gave no answer in 0\.3 s"):
                in_time(lambda way=way: way(web.url("/")))
    finally:
        over.set()


def test_a_cancelled_fetch_ends_at_once(web, fetch):
    arrived, over = threading.Event(), threading.Event()

    def wait(_):
        arrived.set()
        over.wait(10)

    async def main():
        task = asyncio.create_task(acall(fetch, {"url": web.url("/")}))
        await asyncio.to_thread(arrived.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return over.is_set()

    web.pages["/"] = wait
    try:
        assert in_time(lambda: asyncio.run(main())) is False
    finally:
        over.set()


def test_the_loop_goes_on_while_a_name_is_looked_up(monkeypatch, fetch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])

    async def main():
        slow = http_fetch(["slow.test"], timeout_seconds=0.2)
        with pytest.raises(ToolTimeoutError):
            await slow.awaiting({"url": "http://slow.test/"})

    try:
        in_time(lambda: asyncio.run(main()))
    finally:
        release.set()


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "example", "example.org/page", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http:///x",
     "//127.0.0.1/", "http://exa\tmple.org/", "http://[::1/", "http://127.0.0.1:port/", "javascript:alert(1)", "http://１２７.0.0.1/",
     "http://" + "a" * 70_000],
)  # fmt: skip
def test_what_is_no_web_address_is_told_so(fetch, url):
    with pytest.raises(ToolError, match="is no web address"):
        fetch(url)


@pytest.mark.parametrize(
    "url",
    ["http://localhost/", "http://127.0.0.2/", "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/",
     "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://127.0.0.1.example.org/", "https://example.org/"],
)  # fmt: skip
def test_hosts_that_are_not_allowed_are_refused_with_those_that_are(fetch, monkeypatch, url):
    looked_up = named(monkeypatch)
    with pytest.raises(ToolError, match=r"is not allowed; allowed hosts: 127\.0\.0\.1$"):
        fetch(url)
    assert looked_up == []


def test_a_user_name_in_an_address_is_refused(fetch):
    with pytest.raises(ToolError, match="holds a user name"):
        fetch("http://example.org@127.0.0.1/")


@pytest.mark.parametrize("way", ["wildcard", "everything"])
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0"])
def test_a_name_that_leads_into_the_local_network_is_refused(web, monkeypatch, way, address):
    named(monkeypatch, www_site_test=address)
    fetch = http_fetch(["*.site.test" if way == "wildcard" else "*"])
    with pytest.raises(ToolError, match=r"'www\.site\.test' is at .*, no public address; to allow it all the same"):
        fetch(web.url("/", host="www.site.test"))
    assert web.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "127.1", "localhost"])
def test_everything_does_not_stand_for_this_machine(web, host):
    with pytest.raises(ToolError, match="no public address"):
        http_fetch(["*"])(web.url("/", host=host))
    assert web.seen == []


def test_a_local_host_that_is_named_in_full_is_reached_at_the_address_that_was_checked(web, monkeypatch):
    looked_up = named(monkeypatch, box_site_test="127.0.0.1")
    web.page("/", b"inside")
    assert http_fetch(["box.site.test"])(web.url("/", host="Box.Site.test")) == "inside"
    assert looked_up == ["box.site.test"]  # once: what it would be the second time does not matter
    assert web.seen[0][1]["Host"] == f"box.site.test:{web.port}"


def test_a_link_local_address_must_be_named_itself(monkeypatch):
    named(monkeypatch, box_site_test="169.254.169.254")
    with pytest.raises(ToolError, match="no public address"):
        http_fetch(["box.site.test"])("http://box.site.test/latest/meta-data")


def test_only_the_reachable_ones_of_several_addresses_are_used(web, monkeypatch):
    named(monkeypatch, box_site_test=("169.254.169.254", "127.0.0.2", "127.0.0.1"))
    web.page("/", b"inside")  # nobody listens at 127.0.0.2
    assert http_fetch(["box.site.test"])(web.url("/", host="box.site.test")) == "inside"


def test_an_allowed_port_is_the_only_one(web):
    web.page("/", b"open")
    assert http_fetch([f"127.0.0.1:{web.port}"])(web.url("/")) == "open"
    with pytest.raises(ToolError, match=r"is not allowed; allowed hosts: 127\.0\.0\.1:1"):
        http_fetch(["127.0.0.1:1"])(web.url("/"))


# -- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(web, fetch, status):
    web.page("/a", b"", status=status, Location="b/c?d#e")
    web.page("/b/c?d", b"there")
    assert fetch(web.url("/a")) == "there"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://localhost:1/x", "is not allowed; allowed hosts"),
        ("http://169.254.169.254/latest", "is not allowed; allowed hosts"),
        ("//evil.test/", "is not allowed; allowed hosts"),
        ("http://a@127.0.0.1/", "holds a user name"),
        ("file:///etc/passwd", "is no web address"),
    ],
)
def test_a_redirect_is_checked_as_the_first_address_was(web, fetch, location, told):
    web.page("/a", b"", status=302, Location=location)
    with pytest.raises(ToolError, match=f"/a' leads to .*{told}"):
        fetch(web.url("/a"))
    assert len(web.seen) == 1


def test_a_redirect_to_a_name_in_the_local_network_is_refused(web, monkeypatch):
    named(monkeypatch, box_site_test="127.0.0.1", evil_other_test="127.0.0.1")
    web.page("/a", b"", status=302, Location=web.url("/b", host="evil.other.test"))
    with pytest.raises(ToolError, match=r"leads to .*'evil\.other\.test' is at 127\.0\.0\.1, no public address"):
        http_fetch(["box.site.test", "*.other.test"])(web.url("/a", host="box.site.test"))
    assert [path for path, _ in web.seen] == ["/a"]


@pytest.mark.parametrize("location", ["http://127.0.0.1:port/", "http://exa\tmple.org/", "", "http://１２７.0.0.1/"])
def test_a_redirect_to_what_is_no_address_is_a_tool_error(web, fetch, location):
    web.page("/a", b"", status=302, Location=location.encode().decode("latin-1"))
    with pytest.raises(ToolError):
        fetch(web.url("/a"))


def test_redirects_without_end_are_an_error(web, fetch):
    web.page("/a", b"", status=302, Location="/a")
    with pytest.raises(ToolError, match="more than 5 redirects"):
        fetch(web.url("/a"))
    assert len(web.seen) == 6


# -- what servers answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "told"), [(404, "404 Not Found; try another"), (403, "403 Forbidden"), (304, "304"), (499, "499; try")]
)
def test_a_refusal_is_a_tool_error(web, fetch, status, told):
    web.page("/", b"", status=status)
    with pytest.raises(ToolError, match=told) as raised:
        fetch(web.url("/"))
    assert not fetch.retries(raised.value)


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_server_that_is_out_of_order_may_be_asked_again(web, fetch, status):
    web.page("/", b"", status=status)
    with pytest.raises(ToolConnectionError, match=f"answered {status} .*; try again later") as raised:
        fetch(web.url("/"))
    assert fetch.retries(raised.value)


def test_a_host_that_cannot_be_reached_is_a_connection_error(fetch):
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        with pytest.raises(ToolConnectionError, match="cannot be reached"):
            fetch(f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/")


def test_a_name_that_is_not_known_is_a_connection_error(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ToolConnectionError, match=r"the host 'nowhere\.test' cannot be found"):
        http_fetch(["nowhere.test"])("http://nowhere.test/")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"])
def test_an_answer_that_is_no_http_is_a_connection_error(web, fetch, answer):
    web.pages["/"] = lambda handler: handler.wfile.write(answer)
    with pytest.raises(ToolConnectionError, match="gave no proper answer"):
        fetch(web.url("/"))


# -- the tool --------------------------------------------------------------------------------------------------------


def test_the_model_is_told_what_is_allowed(web):
    made = http_fetch(["*.example.org", "::1"], name="get_page")
    assert made.name == "get_page"
    assert "allowed hosts: *.example.org, ::1" in made.description
    assert made.examples[0].arguments == {"url": "https://www.example.org/"}
    assert http_fetch(["::1"]).examples[0].arguments == {"url": "https://[::1]/"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"timeout_seconds": 0}, "timeout_seconds is 0"), ({"max_bytes": 0}, "max_bytes is 0"), ({"name": "a b"}, "name")],
)
def test_bounds_that_make_no_sense_are_refused(settings, told):
    with pytest.raises(ToolError, match=told):
        http_fetch(["example.org"], **settings)
