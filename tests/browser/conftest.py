"""A browser and a JupyterLab for each test of this folder; where there is no chromium, the skip says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import CHROMIUM_OPTIONS, Lab, chromium, jupyterlab

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with jupyterlab(tmp_path) as running:
        yield running


@pytest.fixture
def page() -> Iterator[Any]:
    executable = chromium()
    if executable is None:
        pytest.skip("no chromium on PATH; install it to run the browser tests (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        try:
            yield browser.new_page(viewport={"width": 1280, "height": 1600})
        finally:
            browser.close()


@pytest.fixture
def screenshots() -> Path:
    """A folder that git ignores."""
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS
