"""What the cell magics share: how their options are read, and how what they await is run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from keyword import iskeyword
from typing import Any

from linus_nb.engine.background import run_blocking

CellMagic = Callable[[str, str], Coroutine[Any, Any, None] | None]
AWAITED = "--awaited"  # written by `linus_nb.notebook.magics.awaiting` where the cell awaits the magic


def magic_options(name: str, description: str) -> Any:
    """Return a parser of a magic's first line; what it cannot read is an error without a traceback."""
    from IPython.core.magic_arguments import MagicArgumentParser

    parser: Any = MagicArgumentParser(f"%{name}", description=description)  # type: ignore[no-untyped-call]  # IPython has no types here
    parser.add_argument(AWAITED, action="store_true", help=argparse.SUPPRESS)
    return parser


def awaited_or_blocking(given: Any, coroutine: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None] | None:
    """Return what the cell awaits; where it does not, wait for its end here."""
    return coroutine if given.awaited else run_blocking(coroutine)


def checked_variable(name: str) -> None:
    """Raise if ``--to`` names what cannot be a variable."""
    if not name.isidentifier() or iskeyword(name):
        raise usage_error(f"--to {name!r} is no name for a variable")


def usage_error(sentence: str) -> Exception:
    """Return the error that IPython shows without a traceback."""
    from IPython.core.error import UsageError

    error: Exception = UsageError(sentence)
    return error
