"""`enable_nesting`: lets ``asyncio.run(main())`` work in a cell, at a price that it names."""

from __future__ import annotations

import asyncio
import warnings
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from linus_nb.errors import LinusError, MissingPackageError

FORK, ORIGINAL = "nest_asyncio2", "nest_asyncio"
FIRST_GOOD = (1, 7, 3)  # of the fork: with ipykernel 7, earlier ones lose messages as the original does


def enable_nesting() -> None:
    """Let an event loop run inside a running one, so that ``asyncio.run(main())`` works unchanged in a cell.

    None of linus_nb needs it: `await` works in a cell, and so do `Agent.run` and `DAGExecutor.execute`. It is for code
    that calls ``asyncio.run`` itself. It changes asyncio for the whole process, until that ends, and prints what it
    did; a second call changes nothing. It takes nest_asyncio2, or nest_asyncio where that is missing.

    Raises:
        NestingError: the running loop is not asyncio's own (uvloop's, say): nothing was changed.
        MissingPackageError: neither package is installed.

    Warns:
        RuntimeWarning: it had to take nest_asyncio or an old nest_asyncio2, or found one at work already: current
            ipykernels lose messages with those, so that "Run All" stops halfway.
    """
    loop = asyncio._get_running_loop()
    _refuse_foreign(loop)
    found = _applied()
    package = found or _installed()
    if package == ORIGINAL or _version_of_fork() < FIRST_GOOD:
        warnings.warn(_doubt(package, found is not None), RuntimeWarning, stacklevel=2)
    if found is None or not _is_patched(loop):
        import_module(package).apply(loop)
    print(_sentence(package, found is not None))  # noqa: T201  whoever reads the notebook should know


def _applied() -> str | None:
    """Return which of the two has changed asyncio already; the first one wins, silently."""
    if not hasattr(asyncio, "_nest_patched"):
        return None
    return FORK if hasattr(asyncio, "_nest_asyncio2") else ORIGINAL


def _installed() -> str:
    for package in (FORK, ORIGINAL):
        if find_spec(package) is not None:
            return package
    raise MissingPackageError("nest-asyncio2", "nesting event loops")


def _is_patched(loop: asyncio.AbstractEventLoop | None) -> bool:
    return loop is None or hasattr(loop, "_nest_patched")


def _refuse_foreign(loop: asyncio.AbstractEventLoop | None) -> None:
    """Check, before anything is changed, that the loop can be changed: both packages would stop halfway.

    Raises:
        NestingError: it cannot.
    """
    whose: Any = loop
    if loop is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # policies, from Python 3.14
            whose = asyncio.get_event_loop_policy()
        if type(whose).__module__.partition(".")[0] != "uvloop":
            return
    elif isinstance(loop, asyncio.BaseEventLoop):
        return
    raise NestingError(f"{type(whose).__module__}.{type(whose).__qualname__}")


def _version_of_fork() -> tuple[int, ...]:
    return tuple(int(part) for part in version(FORK).split(".") if part.isdecimal())


def _doubt(package: str, was_there: bool) -> str:
    found = "was at work already, and stays" if was_there else "is all that is installed"
    return (
        f"{_named(package)} {found}; with current ipykernels, 'Run All' stops halfway with it: "
        "pip install 'nest-asyncio2>=1.7.3', restart the kernel, and call linus_nb.enable_nesting() first"
    )


def _sentence(package: str, was_there: bool) -> str:
    did = "asyncio.run() works in cells already" if was_there else "asyncio.run() works in cells from now on"
    # Python 3.14's tasks stay as they are
    slower = asyncio.tasks.Task is getattr(asyncio.tasks, "_PyTask", None)
    price = ", and all asyncio tasks of this process are Python ones, about twice as slow" if slower else ""
    return f"{did} ({_named(package)}){price}."


def _named(package: str) -> str:
    return f"{package.replace('_', '-')} {version(package)}"


class NestingError(LinusError, ValueError):
    """An event loop inside which no other can run."""

    def __init__(self, loop: str) -> None:
        self.loop = loop
        super().__init__(
            f"no event loop can run inside {loop!r}; await the coroutine, or start Python without that loop policy"
        )
