"""``linus-nb demo``: the quickstart notebook, run in a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import IO, Any

from linus_nb.cli.doctor import model_findings
from linus_nb.cli.kernel import own_kernel, running_kernel
from linus_nb.cli.lab import QUICKSTART, notebooks_folder
from linus_nb.errors import LinusError

MOST_LINES = 14  # of a cell's text; the whole stands in the notebook

# what the demo adds to the quickstart: its picture as files of their own, and its table for the terminal
EXPORT = """\
import pandas as pd
from linus_nb.rendering.draw import png, svg

record = result.record
with open("graph.svg", "w", encoding="utf-8") as file:
    file.write(svg(record.graph, record))
picture = png(record.graph, record)
if picture is not None:
    with open("graph.png", "wb") as file:
        file.write(picture)
with pd.option_context("display.max_columns", None, "display.width", 200, "display.precision", 3):
    print(timings[["runs", "median_s", "min_s", "speedup", "critical_path_s", "efficiency", "status"]])
"""


def demo(folder: str) -> int:
    """Execute the quickstart in ``folder`` and print its table; return 0, or 1 where a cell failed.

    Progress goes to stderr, the timing table to stdout. ``folder`` then holds the executed notebook and the picture
    of the run (``graph.svg``, and ``graph.png`` where it can be made).
    """
    import nbformat

    _have_model()
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LinusError(f"cannot write to {folder!r} ({error}); name another with --folder") from error
    notebook = nbformat.read(notebooks_folder() / QUICKSTART, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    _say(f"running {QUICKSTART}, {len(code)} cells (each mode is timed once: on a local model every run costs seconds)")
    _say(f"on {next(model_findings()).found}")
    started = time.perf_counter()
    try:
        table = asyncio.run(_execute(notebook, target))
    finally:
        nbformat.write(notebook, target / QUICKSTART)
    if table is None:
        _say(f"a cell failed; its error stands above and in {str(target / QUICKSTART)!r}")
        return 1
    print(table, end="")
    written = ", ".join(sorted(p.name for p in target.iterdir() if p.suffix in (".svg", ".png", ".ipynb")))
    _say(f"done in {time.perf_counter() - started:.0f} s; written to {target.resolve()}: {written}")
    return 0


def _have_model() -> None:
    """Fetch the weights here, where their progress bar can be seen, or say that there is no model to be had."""
    from linus_nb.models import default_model, local_status, weights_file

    status = local_status()
    if status.runtime is None:
        default_model()  # raises, unless the environment names one
    elif not any(os.environ.get(name) for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL")):
        weights_file()


async def _execute(notebook: Any, folder: Path) -> str | None:
    """Run every code cell, saying what it does; return what the last one printed, or None if a cell failed."""
    from nbclient import NotebookClient

    client = NotebookClient(
        notebook,
        km=own_kernel(),
        timeout=600,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    # what the kernel itself says (that it listens on this machine, say) is no part of the demo
    with (folder / "kernel.log").open("w", encoding="utf-8") as log:
        return await _run_cells(client, notebook, log)


async def _run_cells(client: Any, notebook: Any, log: IO[str]) -> str | None:
    import nbformat
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    async with running_kernel(client, log):
        number = 0
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            number += 1
            _say(f"[{number}] {_last_line(cell.source)}")
            began = time.perf_counter()
            try:
                await client.async_execute_cell(cell, index)
            except CellExecutionError as error:
                _say(f"{error.ename}: {error.evalue}")
                return None
            except DeadKernelError as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise asyncio.CancelledError from None  # nbclient takes Ctrl-C for the kernel's death
                raise LinusError(f"the kernel died in cell [{number}]; {log.name!r} may say why") from error
            for line in _text(cell)[:MOST_LINES]:
                _say(f"      {line}")
            _say(f"      ({time.perf_counter() - began:.1f} s)")
        export = nbformat.v4.new_code_cell(EXPORT)
        notebook.cells.append(export)
        try:
            await client.async_execute_cell(export, len(notebook.cells) - 1)
        finally:
            notebook.cells.remove(export)  # it is the demo's, not the quickstart's
        return "".join(o.text for o in export.outputs if o.output_type == "stream" and o.name == "stdout")


def _last_line(source: str) -> str:
    return next((line for line in reversed(source.splitlines()) if line.strip()), "")


def _text(cell: Any) -> list[str]:
    """Return the lines of a cell's plain-text outputs."""
    lines: list[str] = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            lines += output.text.rstrip().split("\r")[-1].splitlines()
        elif "data" in output:
            lines += output.data.get("text/plain", "").splitlines()
    return lines


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
