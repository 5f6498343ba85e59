"""The test server in a process of its own, so that it takes no time from those who ask it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SERVE = """
import sys
from tests.misbehaving import Later, MisbehavingServer, Reply
with MisbehavingServer(Later({latency_s!r}, Reply("ok", usage=(60, 40))), most_requests=10**6, most_s=600) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def serving(latency_s: float) -> Iterator[str]:
    """Serve replies that take ``latency_s`` seconds; yields the address."""
    command = [sys.executable, "-c", _SERVE.format(latency_s=latency_s)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()
