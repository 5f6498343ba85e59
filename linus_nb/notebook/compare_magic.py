"""``%%compare``: the statements of a cell, timed against each other."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from linus_nb.analysis.comparing.benchmark import benchmark
from linus_nb.errors import GraphError
from linus_nb.notebook.cell_magic import (
    CellMagic,
    awaited_or_blocking,
    checked_variable,
    magic_options,
    usage_error,
)
from linus_nb.notebook.statements import functions_of_statements

LATEST = "_compared"


def compare_magic(shell: Any) -> CellMagic:
    """Return the magic for a shell."""
    options = _options()

    def compare(line: str, cell: str) -> Coroutine[Any, Any, None] | None:
        from IPython.display import display

        given = options.parse_argstring(line)
        checked_variable(given.to)
        functions = functions_of_statements(shell.transform_cell(cell), shell.user_ns)

        async def compared() -> None:
            try:
                table = await benchmark(functions, repeats=given.repeats, warmup=given.warmup, seed=given.seed)
            except GraphError as error:
                raise usage_error(str(error)) from None
            shell.push({given.to: table})
            display(table)  # type: ignore[no-untyped-call]  # IPython has no types

        return awaited_or_blocking(given, compared())

    compare.__doc__ = options.format_help()  # what %%compare? shows
    return compare


def _options() -> Any:
    parser = magic_options(
        "compare",
        "Time the statements of the cell against each other. They take turns in random order within each repeat, and "
        "the first is what the others are compared with. A statement like name = ... is called by that name, and the "
        "name holds afterwards what the last run gave. Stop ends the one under way and keeps what was measured: "
        "linus_nb.last_benchmark(). One that awaits nothing blocks the notebook while it runs, as in any cell.",
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each statement; 5 unless given")
    parser.add_argument("--warmup", type=int, default=1, help="runs of each before those; 1 unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which they take turns")
    parser.add_argument(
        "--to", metavar="VARIABLE", default=LATEST, help=f"where the table is kept; {LATEST} unless given"
    )
    return parser
