"""Real Jupyter kernels: what a cell shows, prints and raises, how fast Stop ends it, and widgets that are clicked."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel


@contextmanager
def started_kernel() -> Iterator[Any]:
    """Start a kernel, and end it; its client knows its ``manager``, for Stop."""
    manager, client = start_new_kernel(kernel_name="python3")
    client.manager = manager
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@dataclass
class Outcome:
    """What a cell came to.

    ``result`` is the MIME bundle of its last expression, ``shown`` those of what it displayed and of each update, in
    order; ``printed`` its text; ``raised`` and ``said`` the name of the error and its words. ``stopped_after_s``:
    seconds from Stop to the moment when the kernel idled.
    """

    result: dict[str, Any] = field(default_factory=dict)
    shown: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""
    raised: str = ""
    said: str = ""
    stopped_after_s: float = 0.0


StopAt = str | Callable[["Outcome"], bool]


def outcome(client: Any, source: str, *, stop_at: StopAt | None = None) -> Outcome:
    """Run a cell; press Stop once it has printed, or shown, ``stop_at``, or that says so of what came so far."""
    return outcome_of(client, client.execute(source), source, stop_at)


def outcome_of(client: Any, request: str, what: str = "", stop_at: StopAt | None = None) -> Outcome:
    """Wait for the end of what was asked of a kernel; ``request`` is the id of the message that asked."""
    found = Outcome()
    stopped = 0.0
    while True:
        try:
            message = client.get_iopub_msg(timeout=60)
        except queue.Empty:
            pytest.fail(f"no answer from the kernel to {what!r}")
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            found.raised, found.said = content["ename"], "\n".join(content["traceback"])
        elif kind == "execute_result":
            found.result = content["data"]
        elif kind in ("display_data", "update_display_data"):
            found.shown.append(content["data"])
        elif kind == "stream":
            found.printed += content["text"]
        elif kind == "status" and content["execution_state"] == "idle":
            if stop_at is not None and not stopped:
                pytest.fail(f"{what!r} ended before it had shown {stop_at!r}: {found}")
            found.stopped_after_s = time.monotonic() - stopped if stopped else 0.0
            return found
        so_far = found.printed + "".join(bundle.get("text/plain", "") for bundle in found.shown)
        if stop_at is None or stopped:
            continue
        if stop_at in so_far if isinstance(stop_at, str) else stop_at(found):
            stopped = time.monotonic()
            client.manager.interrupt_kernel()


def run_cell(client: Any, source: str) -> dict[str, Any]:
    """Return the MIME bundle of a cell's last expression; an error in the cell fails the test."""
    found = outcome(client, source)
    if found.raised:
        pytest.fail(found.said)
    return found.result


def text_of(client: Any, source: str) -> str:
    """Return the plain text of a cell's last expression."""
    text: str = run_cell(client, source)["text/plain"]
    return text


def click(client: Any, button: str, *, stop_at: str | None = None) -> Outcome:
    """Click the button that a variable of the kernel holds, as a front end would."""
    model = text_of(client, f"{button}.model_id").strip("'")
    content = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
    message = client.session.msg("comm_msg", content)
    client.shell_channel.send(message)
    return outcome_of(client, message["header"]["msg_id"], f"a click on {button}", stop_at)
