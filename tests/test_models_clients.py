from __future__ import annotations

import asyncio
import gc
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import certifi
import pytest

from linus_nb.models.clients import PerLoop, async_client, overheard_async_client, overheard_client


class Thing:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed_on: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed_on = asyncio.get_running_loop()


def test_tasks_of_one_loop_share_one_thing():
    things = PerLoop(Thing, Thing.close)

    async def ask() -> set[Thing]:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(things.here()) for _ in range(5)]
        return {task.result() for task in asked}

    assert len(asyncio.run(ask())) == 1


def test_each_loop_has_its_own_and_it_is_closed_on_that_loop_when_the_loop_ends():
    things = PerLoop(Thing, Thing.close)
    first, second = asyncio.run(things.here()), asyncio.run(things.here())
    assert first is not second
    assert [thing.closed_on for thing in (first, second)] == [first.loop, second.loop]
    assert len(things) == 0


def test_a_loop_that_was_closed_without_shutdown_is_forgotten_later():
    things = PerLoop(Thing, Thing.close)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(things.here())
    loop.close()
    assert len(things) == 1
    asyncio.run(things.here())
    assert len(things) == 0


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    block_on_close = False  # connections that the clients keep open must not hold up the end


@pytest.fixture
def url():
    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def get(client, url) -> str:
    request = client.build_request("GET", url)
    return (await client.send(request)).text


def test_one_client_answers_on_loops_in_a_row_and_leaves_no_connection_behind(url):
    client = async_client(trust_env=False)
    assert [asyncio.run(get(client, url)) for _ in range(3)] == ["ok"] * 3
    gc.collect()  # an open connection would warn here, and warnings are errors
    assert len(client.per_loop) == 0


def test_one_client_answers_on_loops_in_threads_at_once(url):
    client = async_client(trust_env=False)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(asyncio.run(get(client, url)))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["ok"] * 5


def test_one_client_answers_on_a_loop_that_stays_and_beside_it(url):
    client = async_client(trust_env=False)
    with asyncio.Runner() as stays:
        assert stays.run(get(client, url)) == "ok"
        beside: list[str] = []
        thread = threading.Thread(target=lambda: beside.append(asyncio.run(get(client, url))))
        thread.start()
        thread.join()
        assert beside == ["ok"]
        assert stays.run(get(client, url)) == "ok"


def test_certificates_are_read_once_and_again_where_the_environment_names_others(url, monkeypatch, tmp_path):
    """Reading them takes tens of milliseconds: for each client, and on each loop, that would hold up the notebook."""
    read: list[ssl.SSLContext] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *args, **kwargs):
        read.append(context)
        return load(context, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    monkeypatch.setenv("NO_PROXY", "*")
    end = "-----END CERTIFICATE-----\n"
    certificates = certifi.contents().split(end)
    for count in (1, 2):
        path = tmp_path / f"{count}.pem"
        path.write_text(end.join([*certificates[:count], ""]))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        for _ in range(3):
            client = async_client()
            overheard_client(None, print), overheard_async_client(None, print)
            assert [asyncio.run(get(client, url)) for _ in range(2)] == ["ok"] * 2
        assert [len(context.get_ca_certs()) for context in read] == [1, 2][:count]
