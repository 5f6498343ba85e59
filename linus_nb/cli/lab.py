"""``linus-nb lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from linus_nb.errors import LinusError

QUICKSTART = "01_quickstart.ipynb"
COPIES = "linus-nb-notebooks"  # made where one works without a clone


def notebooks_folder() -> Path:
    """Return the project's notebooks: those of the clone that this is run in or from, else those of the wheel.

    Raises:
        LinusError: there are none.
    """
    package = Path(__file__).parents[1]
    for folder in (Path.cwd() / "notebooks", package.parent / "notebooks", package / "notebooks"):
        if (folder / QUICKSTART).is_file():
            return folder
    raise LinusError("this installation has no notebooks; install it again, or work in a clone of the project")


def working_folder() -> Path:
    """Return notebooks that may be changed: a clone's own, or copies of the wheel's, made once, here."""
    found = notebooks_folder()
    if found.parent != Path(__file__).parents[1]:
        return found
    copies = Path(COPIES)
    try:
        copies.mkdir(exist_ok=True)
        for notebook in found.glob("*.ipynb"):
            if not (copies / notebook.name).exists():
                shutil.copy(notebook, copies)
    except OSError as error:
        raise LinusError(f"cannot write to {COPIES!r} ({error}); name a folder of your own with --folder") from error
    return copies


def lab(folder: str | None, arguments: Sequence[str]) -> int:
    """Open JupyterLab and return its exit code when it ends."""
    root = working_folder() if folder is None else Path(folder)
    if not root.is_dir():
        raise LinusError(f"{str(root)!r} is no folder; name one that is there: linus-nb lab --folder FOLDER")
    first = sorted(root.glob("*.ipynb"))
    opened = [f"--LabApp.default_url=/lab/tree/{first[0].name}"] if first else []
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root.resolve()}", *opened, *arguments]
    return subprocess.call(command)
