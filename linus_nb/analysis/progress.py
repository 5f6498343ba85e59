"""A progress bar, in a terminal as in a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from linus_nb.display import current_cell
from linus_nb.masking import masked

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(total: int, unit: str, shown: bool, title: str = "") -> tqdm[Any]:
    """Return a bar to be used with ``with``; it is moved on with ``update()``.

    Args:
        total: how many units there are.
        unit: what is counted, in the singular: "run", "case".
        shown: whether it is drawn at all.
        title: what stands before it.
    """
    from tqdm import tqdm

    # in a kernel stderr is shown on red ground, as if something had gone wrong; there the bar stays, as one line
    in_kernel = current_cell() is not None
    bar: tqdm[Any] = tqdm(
        total=total,
        unit=unit,
        desc=masked(title),
        file=sys.stdout if in_kernel else sys.stderr,
        leave=in_kernel,
        disable=not shown,
    )
    return bar
