"""A daemon thread for one call: the interpreter exits without it, whatever the call waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_daemon(function: Callable[[], T]) -> Future[T]:
    """Start a call in a daemon thread and return the future of its result."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # whoever waits may give up; the call goes on

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  handed to whoever waits
            future.set_exception(error)

    threading.Thread(target=work, name="linus_nb tool", daemon=True).start()
    return future
