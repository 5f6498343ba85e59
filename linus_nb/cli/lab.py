"""``linus-nb lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from linus_nb.errors import LinusError


def notebooks_folder() -> Path:
    """Return the notebooks beside the package (a clone), else those below the current folder.

    Raises:
        LinusError: there are none.
    """
    beside = Path(__file__).parents[2] / "notebooks"
    for folder in (beside, Path.cwd() / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise LinusError(
        f"no notebooks in {str(beside)!r} or {str(Path.cwd() / 'notebooks')!r}; run this in a clone of the project, "
        "or name a folder: linus-nb lab --folder FOLDER"
    )


def lab(folder: str | None, arguments: Sequence[str]) -> int:
    """Open JupyterLab and return its exit code when it ends."""
    root = notebooks_folder() if folder is None else Path(folder)
    if not root.is_dir():
        raise LinusError(f"{str(root)!r} is no folder; name one that is there: linus-nb lab --folder FOLDER")
    first = sorted(root.glob("*.ipynb"))
    opened = [f"--LabApp.default_url=/lab/tree/{first[0].name}"] if first else []
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root.resolve()}", *opened, *arguments]
    return subprocess.call(command)
