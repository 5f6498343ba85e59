"""Model servers of this process: one subprocess for each model file and settings, shared by all who ask for it."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from linus_nb.errors import MissingPackageError, ModelError
from linus_nb.models import serve_local
from linus_nb.models.cache import cache_folder

RUNTIME = "xllamacpp"
_READY_WITHIN_S = 300.0  # a large file of the user's own, from a slow disk
_STOP_WITHIN_S = 5.0
_KEPT_LOGS = 10


@dataclass(frozen=True)
class ServerSettings:
    """What makes a server: the GGUF file, calls at once, tokens of context for each, threads (0: up to four)."""

    model: Path
    slots: int = 2
    context_tokens: int = 2048
    threads: int = 0

    def __post_init__(self) -> None:
        for name, least in (("slots", 1), ("context_tokens", 64), ("threads", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)!r}; give {least} or more")


class LocalServer:
    """A running server: its ``base_url`` (ending in ``/v1``), its ``api_key``, its ``pid`` and its ``log`` file.

    Making one starts the process and returns when the model is loaded. It ends with ``stop()``, or with this process,
    however that ends.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.api_key = secrets.token_urlsafe(24)
        self.log = _new_log()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                _command(settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {serve_local.KEY_ENV: self.api_key},
                # Ctrl-C and a notebook's Stop are signals to a whole group, and are not meant for the server
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        try:
            self.base_url = f"{self._address()}/v1"
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process; its log is removed if it ended as it should."""
        self.release()
        try:
            code = self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code == 0:
            self.log.unlink(missing_ok=True)

    def release(self) -> None:
        """Close our end of the pipes; the server ends when no process holds the end of its stdin any more."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _address(self) -> str:
        """Wait for the line that says where the server listens."""
        assert self._process.stdout
        overdue = threading.Timer(_READY_WITHIN_S, self._process.kill)  # ends the wait: the line comes to its end
        overdue.daemon = True
        overdue.start()
        try:
            line = self._process.stdout.readline()
        finally:
            overdue.cancel()
        if not line:
            code = self._process.wait()
            raise ModelError(
                f"the server of '{self.settings.model.name}' did not get ready (exit code {code}); "
                f"its log is '{self.log}', the end of it: {_tail(self.log)}"
            )
        return str(json.loads(line)["address"])


_servers: dict[ServerSettings, LocalServer] = {}
_of_the_parent: list[LocalServer] = []
_lock = threading.Lock()
_numbers = count(1)


def shared_server(settings: ServerSettings) -> LocalServer:
    """Return this process's server with these settings, starting it if there is none, or if it has died.

    Raises:
        MissingPackageError: The runtime is not installed.
        ModelError: It did not get ready.
    """
    require_runtime()
    with _lock:
        server = _servers.get(settings)
        if server is None or not server.is_running():
            if server:
                server.release()
            _servers[settings] = server = LocalServer(settings)
        return server


def runtime_is_installed() -> bool:
    """Tell whether the package that runs models is installed, without loading it."""
    return importlib.util.find_spec(RUNTIME) is not None


def require_runtime() -> None:
    """Return when models can run here.

    Raises:
        MissingPackageError: The runtime is not installed.
    """
    if not runtime_is_installed():
        raise MissingPackageError(RUNTIME, "the embedded model", extra="local")


@atexit.register
def stop_servers() -> None:
    """Stop every server of this process; the next call of ``shared_server`` starts a new one."""
    with _lock:
        servers = list(_servers.values())
        _servers.clear()
    for server in servers:
        server.release()  # all of them first, so that they end together
    for server in servers:
        server.stop()


def _forget_after_fork() -> None:
    """In a forked child: the servers are the parent's, and must end with the parent and not with us."""
    global _lock
    _lock = threading.Lock()  # the old one may be held by a thread that this process does not have
    _of_the_parent.extend(_servers.values())
    _servers.clear()
    for server in _of_the_parent:
        server.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _command(settings: ServerSettings) -> list[str]:
    # by its path, so that it starts without this package, wherever the user's process found it
    program = [sys.executable, "-P", str(Path(serve_local.__file__))]
    numbers = {"--slots": settings.slots, "--context-tokens": settings.context_tokens, "--threads": settings.threads}
    return [*program, "--model", str(settings.model), *(str(part) for pair in numbers.items() for part in pair)]


def _new_log() -> Path:
    """Return the path of a new log file, and drop the oldest logs that servers which ended badly have left."""
    folder = cache_folder() / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("server-*.log"), key=lambda log: log.stat().st_mtime)[:-_KEPT_LOGS]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(
            f"the model server's log cannot be written to '{folder}' ({error}); set LINUS_NB_CACHE to another folder"
        ) from error
    return folder / f"server-{os.getpid()}-{next(_numbers)}.log"


def _tail(log: Path, lines: int = 8) -> str:
    said = log.read_text(errors="replace").strip().splitlines()
    return "\n".join(said[-lines:]) or "nothing"
