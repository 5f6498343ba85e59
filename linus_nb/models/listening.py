"""Whether the model calls that LangChain makes are heard, and by whom: chains, graphs, functions that call a model.

LangChain tells a callback handler that a context variable names of every call of every model, however it is wrapped.
One handler hears a call, the innermost one, so that nothing counts twice: an agent reports its calls itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linus_nb.models.listeners import Heard

NEEDED = "langchain_core.language_models.base"  # no model of LangChain's is there before this module is


def report_model_calls() -> None:
    """Have the model calls of this context, from now on, reported as `ModelCalled` to its `linus_nb.events.sink`.

    Where LangChain has not been loaded nothing happens, and it is not loaded: a function that loads it later, by its
    own first import, is not heard in this context.
    """
    if NEEDED in sys.modules:
        from linus_nb.models.listeners import Reporter, listener

        listener.set(Reporter())


@contextmanager
def reported_calls() -> Iterator[None]:
    """As `report_model_calls`, while the block goes on."""
    if NEEDED not in sys.modules:
        yield
        return
    from linus_nb.models.listeners import Reporter, listener

    token = listener.set(Reporter())
    try:
        yield
    finally:
        listener.reset(token)


@contextmanager
def noted_calls() -> Iterator[list[Heard]]:
    """Note the model calls that are made inside the block, and report none of them.

    The list grows as calls end, also in the threads and tasks that the block starts. It stays empty for a model that
    is none of LangChain's.
    """
    noted: list[Heard] = []
    if NEEDED not in sys.modules:
        yield noted
        return
    from linus_nb.models.listeners import Noter, listener

    token = listener.set(Noter(noted))
    try:
        yield noted
    finally:
        listener.reset(token)
