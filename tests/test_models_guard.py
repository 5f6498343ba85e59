from __future__ import annotations

import threading

import pytest

from linus_nb.errors import NoModelError
from linus_nb.models import default_model, guard, local
from linus_nb.models.guard import forbid_real_models, real_models_allowed, require_real_models


@pytest.fixture(autouse=True)
def switch_off(monkeypatch):
    monkeypatch.setattr(guard, "_allowed", None)
    monkeypatch.delenv(guard.ENV, raising=False)


def test_real_models_are_allowed_unless_somebody_says_otherwise():
    assert require_real_models("a model") is None


@pytest.mark.parametrize("build", [local, default_model])
def test_forbidden_models_are_refused_and_the_sentence_names_the_switch(build):
    with (
        forbid_real_models(),
        pytest.raises(NoModelError, match=r"switched off by forbid_real_models\(\); use a scripted model"),
    ):
        build()


def test_the_environment_forbids_too_and_zero_means_no(monkeypatch):
    monkeypatch.setenv(guard.ENV, "0")
    require_real_models("a model")
    monkeypatch.setenv(guard.ENV, "1")
    with pytest.raises(NoModelError, match=r"the local model was asked for.*LINUS_NB_NO_MODELS='1'"):
        local()


def test_the_block_lifts_both_switches_also_for_threads_and_only_inside(monkeypatch):
    monkeypatch.setenv(guard.ENV, "1")
    seen: list[None] = []
    with forbid_real_models(), real_models_allowed():
        thread = threading.Thread(target=lambda: seen.append(require_real_models("a model")))
        thread.start()
        thread.join()
    assert seen == [None]
    with pytest.raises(NoModelError):
        require_real_models("a model")
