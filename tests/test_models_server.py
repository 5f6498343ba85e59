"""The server's process, with a small program in the place of the real one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from linus_nb.errors import MissingPackageError, ModelError
from linus_nb.models import server
from linus_nb.models.server import LocalServer, ServerSettings, shared_server, stop_servers
from tests.ports import port_is_open

# opens a port, tells it, and ends when its stdin does: what the real program promises
STAND_IN = """
import json, os, socket, sys
assert os.environ["LINUS_NB_SERVER_KEY"] not in " ".join(sys.argv)
listening = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"address": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
sys.stdin.buffer.read()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LINUS_NB_CACHE", str(tmp_path))
    monkeypatch.setattr(server, "RUNTIME", "json")  # any module that is there
    monkeypatch.setattr(server, "_servers", {})
    use(monkeypatch, STAND_IN)
    yield
    stop_servers()


def use(monkeypatch, program: str) -> None:
    monkeypatch.setattr(server, "_command", lambda settings: [sys.executable, "-c", program])


SETTINGS = ServerSettings(Path("model.gguf"))


def test_the_same_settings_share_a_server_and_others_get_their_own():
    first = shared_server(SETTINGS)
    assert shared_server(ServerSettings(Path("model.gguf"))) is first
    assert shared_server(ServerSettings(Path("model.gguf"), slots=3)) is not first


def test_threads_that_ask_together_share_a_server():
    found: list[LocalServer] = []
    threads = [threading.Thread(target=lambda: found.append(shared_server(SETTINGS))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5
    assert len(set(map(id, found))) == 1


def test_a_server_that_died_is_replaced():
    first = shared_server(SETTINGS)
    first._process.kill()
    first._process.wait()
    second = shared_server(SETTINGS)
    assert second is not first
    assert port_is_open(second.base_url)


def test_stopping_ends_the_process_and_removes_its_log():
    running = shared_server(SETTINGS)
    assert port_is_open(running.base_url)
    assert running.log.exists()
    stop_servers()
    assert not running.is_running()
    assert not port_is_open(running.base_url)
    assert not running.log.exists()


def test_each_server_has_a_key_of_its_own():
    first, second = LocalServer(SETTINGS), LocalServer(SETTINGS)
    first.stop()
    second.stop()
    assert len(first.api_key) >= 32
    assert first.api_key != second.api_key


def test_a_server_that_does_not_get_ready_shows_the_end_of_its_log(monkeypatch):
    use(monkeypatch, "import sys; print('no such tensor', file=sys.stderr); sys.exit(4)")
    with pytest.raises(ModelError, match=r"'model.gguf' did not get ready \(exit code 4\)") as caught:
        shared_server(SETTINGS)
    assert "the end of it: no such tensor" in str(caught.value)


def test_a_server_that_never_gets_ready_is_ended(monkeypatch):
    use(monkeypatch, "import sys; sys.stdin.buffer.read()")
    monkeypatch.setattr(server, "_READY_WITHIN_S", 0.05)
    with pytest.raises(ModelError, match="did not get ready"):
        shared_server(SETTINGS)


def test_a_server_that_will_not_end_is_killed(monkeypatch):
    use(monkeypatch, STAND_IN + "import threading; threading.Event().wait()")
    monkeypatch.setattr(server, "_STOP_WITHIN_S", 0.05)
    running = shared_server(SETTINGS)
    running.stop()
    assert not running.is_running()


def test_only_the_latest_logs_of_bad_ends_are_kept(monkeypatch, tmp_path):
    use(monkeypatch, "raise SystemExit('bad end')")
    for _ in range(server._KEPT_LOGS + 3):
        with pytest.raises(ModelError):
            shared_server(SETTINGS)
    assert len(list((tmp_path / "logs").iterdir())) == server._KEPT_LOGS + 1


@pytest.mark.parametrize(("name", "value"), [("slots", 0), ("context_tokens", 1), ("threads", -1)])
def test_settings_that_make_no_sense_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; give"):
        ServerSettings(Path("model.gguf"), **{name: value})


def test_a_missing_runtime_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(server, "RUNTIME", "no_such_runtime")
    with pytest.raises(
        MissingPackageError, match=r"'no_such_runtime'; install it with: pip install 'linus-nb\[local\]'"
    ):
        shared_server(SETTINGS)


FORKING = f"""
import os, sys
from pathlib import Path
from linus_nb.models import server
server.RUNTIME = "json"
server._command = lambda settings: [sys.executable, "-c", {STAND_IN!r}]
settings = server.ServerSettings(Path("model.gguf"))
ours = server.shared_server(settings)
if (child := os.fork()) == 0:
    theirs = server.shared_server(settings)
    different = theirs.pid != ours.pid
    server.stop_servers()
    os._exit(0 if different else 1)
assert os.waitpid(child, 0)[1] == 0, "the child took the parent's server"
assert ours.is_running(), "the child's end stopped the parent's server"
print(ours.base_url, flush=True)
if os.fork() == 0:  # a child that outlives its parent does not keep the parent's server
    sys.stdin.read()
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_leaves_the_parents_server_alone_and_does_not_keep_it_alive(tmp_path):
    environment = os.environ | {"LINUS_NB_CACHE": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        url = parent.stdout.readline().strip()
        assert parent.wait(30) == 0
        assert not port_is_open(url)
        parent.stdin.close()
