"""What a mapped node runs for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from linus_nb.engine.view import StateView
from linus_nb.errors import MissingInputError

if TYPE_CHECKING:
    from linus_nb.engine.ledger import Ledger


def items_of(run: Ledger, i: int) -> list[Any]:
    """Return the items that mapped node ``i`` runs for.

    Raises:
        MissingInputError: the key was not written in this run.
        TypeError: its value is no list, or the like.
    """
    node = run.plan.nodes[i]
    assert node.map_over is not None
    view = StateView(run.values, i)
    if node.map_over not in view:
        raise MissingInputError(node.name, node.map_over, view)
    value = view[node.map_over]
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(
            f"{node.name!r} runs once per item of {node.map_over!r}, which is a {type(value).__name__}; "
            "write a list to that key (of a dict: list(d.items()))"
        )
    values = list(value)
    run.reads.note_items(i, values, value)
    return values
