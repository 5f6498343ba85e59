"""Where this process runs, and whether a person is there: a kernel with a front end, a terminal, or neither."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from linus_nb.errors import NobodyToAskError

WIDGET = "application/vnd.jupyter.widget-view+json"
LONGEST_STALL_S = 5.0


def kernel() -> Any:
    """Return the Jupyter kernel that runs in this process, or None."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else getattr(ipython.get_ipython(), "kernel", None)


def needs_person(kernel: Any, tool: str) -> None:
    """Check that a person can answer a question about a tool.

    Raises:
        NobodyToAskError: nobody sits at this kernel (nbclient, papermill, a CI job), or at a terminal.
    """
    if kernel is None:
        if not _is_terminal(sys.stdin):
            raise NobodyToAskError(tool, "there is neither a notebook nor a terminal")
    elif not is_attended(kernel):
        raise NobodyToAskError(tool, "the notebook is being run without anybody at it")


def is_attended(kernel: Any) -> bool:
    """Return whether a person is there who runs the cell of the moment."""
    # a front end says with each cell whether a person is there to type; a message of a widget says nothing of it
    return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin", True))


def _is_terminal(stream: Any) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


async def free_loop(kernel: Any, tool: str) -> asyncio.AbstractEventLoop:
    """Return the kernel's event loop, which hears the widgets; called in another loop, when that one is not blocked.

    Raises:
        NobodyToAskError: a call in a cell blocks it, so that no click would arrive.
    """
    loop: asyncio.AbstractEventLoop = kernel.io_loop.asyncio_loop
    if loop is not asyncio.get_running_loop():
        sign_of_life = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(sign_of_life), LONGEST_STALL_S)
        except TimeoutError:
            raise NobodyToAskError(
                tool, "the cell blocks while it waits, so that no click would arrive (await the call instead)"
            ) from None
    return loop
