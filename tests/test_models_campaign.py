"""A few of the random runs; ``python -m benchmarks.models.campaign`` makes hundreds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from linus_nb.models import real_models_allowed
from tests.model_campaign import campaign


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real clients, which talk to the loopback only; pauses between tries are short."""
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.01)
    with real_models_allowed():
        yield


@pytest.mark.parametrize("seed", range(12))
def test_whatever_servers_do_each_try_is_seen_and_every_place_comes_back(seed):
    came = campaign(seed)
    assert sum(came.values()) == 13
