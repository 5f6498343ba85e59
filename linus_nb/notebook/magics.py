"""The magics of ``%load_ext linus_nb``.

IPython calls a magic as a plain function; while one waits for a model, no widget hears a click and no other task of the
notebook goes on. So a cell that begins with a magic of ours is read as ``await …``, and is then like any other that
awaits. Where that cannot be (under ``%%time`` or ``%%capture``, outside a kernel), the magic blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linus_nb.notebook.agent_magic import agent_magic
from linus_nb.notebook.cell_magic import AWAITED, CellMagic
from linus_nb.notebook.compare_magic import compare_magic
from linus_nb.notebook.surroundings import kernel

MAGICS: dict[str, Callable[[Any], CellMagic]] = {"agent": agent_magic, "compare": compare_magic}


def load(shell: Any) -> None:
    """Register the magics; a second time changes nothing."""
    for name, magic in MAGICS.items():
        shell.register_magic_function(magic(shell), "cell", name)
    if awaiting not in shell.input_transformers_post:
        shell.input_transformers_post.append(awaiting)


def unload(shell: Any) -> None:
    """Take the magics away."""
    for name in MAGICS:
        shell.magics_manager.magics["cell"].pop(name, None)
    if awaiting in shell.input_transformers_post:
        shell.input_transformers_post.remove(awaiting)


def awaiting(lines: list[str]) -> list[str]:
    """Return the one line that IPython reads a cell of ours as, awaited, where the cell can await; others unchanged."""
    for name in MAGICS:
        call = f"get_ipython().run_cell_magic({name!r}, "
        if len(lines) == 1 and lines[0].startswith(call) and _cell_can_await(name):
            return [f"await {call}'{AWAITED} ' {lines[0].removeprefix(call)}"]
    return lines


def _cell_can_await(name: str) -> bool:
    running = kernel()
    if running is None or not running.shell.autoawait:
        return False
    # the text that another magic runs is read here, too; the cell as it was sent tells whether it is ours
    sent = running.get_parent("shell").get("content", {}).get("code", "")
    return bool(sent.lstrip().startswith(f"%%{name}"))
