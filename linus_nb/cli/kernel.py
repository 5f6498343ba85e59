"""A Jupyter kernel of the Python that runs this, for as long as a notebook is executed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager


def own_kernel() -> AsyncKernelManager:
    """Return the manager of a kernel that is not started yet, and that will run this very Python.

    The name ``python3`` alone may lead elsewhere: a kernel of that name in the user's folders, or along
    ``JUPYTER_PATH``, comes before the one that ipykernel itself brings, and may lack this package.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


@asynccontextmanager
async def running_kernel(client: Any, log: IO[str]) -> AsyncIterator[None]:
    """Start the kernel of an nbclient ``NotebookClient`` that was made with ``km=own_kernel()``, and end it.

    What the kernel itself says goes to ``log``. (nbclient's own ``async_setup_kernel`` takes Ctrl-C for itself, and
    ends the kernel under the cell that runs; here it cancels the caller, as everywhere in asyncio.)
    """
    kernel = client.km
    try:
        await client.async_start_new_kernel(stderr=log)
        await client.async_start_new_kernel_client()
        yield
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if kernel.has_kernel:
            await kernel.shutdown_kernel()
        await kernel.cleanup_resources()
