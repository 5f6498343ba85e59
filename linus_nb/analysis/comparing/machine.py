"""What a timing depends on besides the graph: machine, Python, event loop, versions."""

from __future__ import annotations

import asyncio
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("linus-nb", "pandas", "langchain-core", "langchain-openai", "ipykernel")


def machine_facts(loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """Return what a reader of a timing should know, as plain values that fit JSON.

    Keys: ``python``, ``platform``, ``cpu_count`` (that this process may use), ``load_1min`` (processes that wanted to
    run, over the last minute; None on Windows), ``loop`` (its class), ``loop_debug``, ``asyncio_patched``, ``versions``
    (of the installed ones among `PACKAGES`) and ``wall_time`` (ISO 8601, UTC).
    """
    kind = type(loop)
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cpu_count": usable_cpus(),
        "load_1min": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "loop": f"{kind.__module__}.{kind.__qualname__}",
        "loop_debug": loop.get_debug(),
        "asyncio_patched": asyncio_patched(),
        "versions": installed_versions(),
        "wall_time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def asyncio_patched() -> bool:
    """Return whether nest_asyncio (or its fork) has replaced asyncio's tasks for the whole process.

    That makes every task 1.4 to 2.7 times as expensive, so that figures taken with and without do not compare.
    """
    return hasattr(asyncio, "_nest_patched")


def usable_cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that matter to a timing, without importing them."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
