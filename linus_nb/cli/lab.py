"""``linus-nb lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from linus_nb.errors import LinusError


def notebooks_folder() -> Path:
    """Return the folder of the project's notebooks: beside the package in a clone, within it in an installed wheel.

    Raises:
        LinusError: there is neither.
    """
    package = Path(__file__).parents[1]
    for folder in (package.parent / "notebooks", package / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise LinusError("this installation has no notebooks; install it again, or work in a clone of the project")


def lab(folder: str | None, arguments: Sequence[str]) -> int:
    """Open JupyterLab and return its exit code when it ends."""
    root = notebooks_folder() if folder is None else Path(folder)
    if not root.is_dir():
        raise LinusError(f"{str(root)!r} is no folder; name one that is there: linus-nb lab --folder FOLDER")
    first = sorted(root.glob("*.ipynb"))
    opened = [f"--LabApp.default_url=/lab/tree/{first[0].name}"] if first else []
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root.resolve()}", *opened, *arguments]
    return subprocess.call(command)
