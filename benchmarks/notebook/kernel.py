"""A real Jupyter kernel, and cells to run in it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from jupyter_client.manager import start_new_kernel


@contextlib.contextmanager
def started() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class Kernel:
    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    def run(self, source: str) -> str:
        """Run a cell and return what it printed."""
        printed = ""
        for kind, content in self._messages(self.client.execute(source)):
            if kind == "error":
                raise RuntimeError("\n".join(content["traceback"]))
            if kind == "stream":
                printed += content["text"]
        return printed

    def stop(self, source: str, sign: str, after_s: float) -> tuple[float, str]:
        """Run a cell, press Stop some time after it printed ``sign``; return seconds to idle, and the error's name."""
        pressed, error = 0.0, ""
        for kind, content in self._messages(self.client.execute(source)):
            if kind == "stream" and sign in content["text"]:
                time.sleep(after_s)
                pressed = time.perf_counter()
                self.manager.interrupt_kernel()
            elif kind == "error":
                error = content["ename"]
        return time.perf_counter() - pressed, error

    def _messages(self, identity: str) -> Iterator[tuple[str, Any]]:
        """Yield what a cell says, until the kernel idles again."""
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != identity:
                continue
            kind, content = message["msg_type"], message["content"]
            yield kind, content
            if kind == "status" and content["execution_state"] == "idle":
                return
