"""A Jupyter kernel of the Python that runs this."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
