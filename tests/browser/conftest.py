"""A browser and a JupyterLab for the tests of this folder; where there is no chromium, the skip says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.browser.lab import CHROMIUM_OPTIONS, Lab, chromium, jupyterlab

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def lab(server: Lab) -> Iterator[Lab]:
    """The server, seen from a folder of the test's own; tidied after the test."""
    yield server.within(f"test-{uuid4().hex[:8]}")
    server.tidy()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A browser; it ends with this folder, as Playwright keeps an event loop running in this thread meanwhile."""
    executable = chromium()
    if executable is None:
        pytest.skip("no chromium on PATH; install it to run the browser tests (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that knows nothing of those before it."""
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture
def screenshots() -> Path:
    """A folder that git ignores."""
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS
