"""What all tests share: no real model unless asked for, and no skips where everything is installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

import linus_nb.testing  # noqa: F401  it makes every chat model ask the guard, also those that users make
from linus_nb.models import guard


def pytest_configure() -> None:
    """Hear interrupts, as the tests of Stop send them: a shell that starts us in the background has them ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_real_models(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make real model calls impossible, but for tests that are marked ``local_model``."""
    if request.node.get_closest_marker("local_model"):
        yield
        return
    with guard.forbid_real_models():
        yield


@pytest.fixture(params=[True, False], ids=["straight", "full"])
def straight_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a property of the engine with its shortened path and without it."""
    monkeypatch.setattr("linus_nb.engine.run.Run.straight_path", request.param)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts follow each other at once, so that retries take no time in the blocking mode either."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda _: 0.0)


@pytest.fixture(scope="session")
def real_model() -> Any:
    """The real embedded model; only for tests marked ``local_model``."""
    from linus_nb.models import local

    return local()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Where LINUS_NB_NO_SKIPS is set (CI), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("LINUS_NB_NO_SKIPS") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be: {report.longrepr}"
    return report
