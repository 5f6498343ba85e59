"""``linus-nb doctor``: what is there, and how to get what is not."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from linus_nb import __version__


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``remedy`` says how to get what is missing; ``needed`` that nothing works without it."""

    what: str
    found: str
    remedy: str = ""
    needed: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether there is something to get."""
        return bool(self.remedy)


def findings() -> Iterator[Finding]:
    """Yield what is there, without starting, fetching or writing anything."""
    yield _python()
    yield Finding("linus-nb", __version__)
    for package, purpose in (("ipykernel", "kernel"), ("jupyterlab", "JupyterLab"), ("ipywidgets", "widgets")):
        yield _package(package, purpose)
    yield _renderer()
    yield from model_findings()
    yield _asyncio()


def _python() -> Finding:
    return Finding("Python", f"{platform.python_version()} ({platform.system()} {platform.machine()})")


def _package(package: str, purpose: str) -> Finding:
    try:
        return Finding(purpose, f"{package} {version(package)}")
    except PackageNotFoundError:
        return Finding(purpose, "missing", f"pip install {package}", needed=True)


def _renderer() -> Finding:
    from linus_nb.rendering.draw import renderer

    found = renderer()
    if found.startswith("dot"):
        return Finding("Graphviz", found)
    return Finding("Graphviz", f"no dot; pictures are laid out by: {found}")


def model_findings() -> Iterator[Finding]:
    """Yield what an agent takes by default, then what the embedded model has here."""
    from linus_nb.models import local_status

    status = local_status()
    served = [name for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL") if os.environ.get(name)]
    if served:
        yield Finding("default model", f"ChatOpenAI (set in the environment: {', '.join(served)})")
    elif status.runtime is not None:
        yield Finding("default model", "the embedded model (neither OPENAI_API_KEY nor OPENAI_BASE_URL is set)")
    else:
        remedy = "set OPENAI_API_KEY, or OPENAI_BASE_URL, or: pip install 'linus-nb[local]'"
        yield Finding("default model", "none", remedy, needed=True)
    if status.runtime is None:
        yield Finding("embedded model", "its runtime is missing", "pip install 'linus-nb[local]'")
    elif status.weights is not None:
        yield Finding("embedded model", f"ready ({status.weights}, {status.size_bytes / 1e6:.0f} MB)")
    else:
        how = f"fetched at first use by {status.installer}" if status.installer else "nothing here can fetch them"
        remedy = "" if status.installer else "put a GGUF file somewhere and set LINUS_NB_WEIGHTS to its path"
        yield Finding("embedded model", f"weights to come ({status.size_bytes / 1e6:.0f} MB, {how})", remedy)


def _asyncio() -> Finding:
    from linus_nb.analysis.comparing.machine import asyncio_patched

    patched = "patched by nest_asyncio: timings are slower" if asyncio_patched() else "as Python ships it (not patched)"
    return Finding("asyncio", patched)


def doctor() -> int:
    """Print the report; return 0, or 1 where something is missing that nothing works without."""
    found = list(findings())
    width = max(len(f.what) for f in found)
    for finding in found:
        print(f"{'✕' if finding.is_missing else '✓'} {finding.what:<{width}}  {finding.found}")
        if finding.is_missing:
            print(f"  {'':<{width}}  to get it: {finding.remedy}")
    return int(any(f.needed and f.is_missing for f in found))
