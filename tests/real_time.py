"""A bound in real time for what might hang: a test that fails is better than one that never ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


def in_time(work: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return what ``work`` returns, or raise what it raises; fail if it has not ended after ``seconds``."""
    box: list[Any] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            box.append(work())
        except BaseException as error:  # noqa: BLE001  carried to the test, which raises it
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise AssertionError(f"it had not ended after {seconds:g} s")
    if errors:
        raise errors[0]
    return box[0]
