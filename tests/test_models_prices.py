"""What calls cost, by the price list that is installed; nothing is guessed, and nothing is fetched."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from linus_nb.events import ModelCalled
from linus_nb.models.prices import Origin, cost_of, cost_of_call, load_prices, origin_of, total_cost
from linus_nb.models.usage import Usage
from linus_nb.testing import ScriptedModel

USAGE = Usage(1000, 100)


@pytest.fixture
def openai_env(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def openai(model="gpt-4o", **options):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=model, api_key="x", **options)


def answered(**facts):
    from langchain_core.messages import AIMessage

    return AIMessage("42", response_metadata=facts)


# -- by name --------------------------------------------------------------------------------------------------------


def test_a_known_model_costs_its_tokens_times_its_prices():
    assert cost_of("gpt-4o", USAGE) == pytest.approx(1000 * 2.5e-6 + 100 * 10e-6)
    assert cost_of("gpt-4o-2024-08-06", USAGE, provider="openai") == cost_of("gpt-4o", USAGE)
    assert cost_of("gpt-4o", Usage()) == 0.0


def test_cached_tokens_cost_less_and_never_more_of_them_than_there_were():
    cached = cost_of("gpt-4o", Usage(1000, 100, cached_tokens=400))
    assert cached == pytest.approx(600 * 2.5e-6 + 400 * 1.25e-6 + 100 * 10e-6)
    odd = Usage(1000, 100, cached_tokens=5000, cache_write_tokens=5000)
    assert cost_of("gpt-4o", odd) == pytest.approx(1000 * 1.25e-6 + 100 * 10e-6)


def test_tokens_put_in_a_cache_cost_what_the_provider_takes_for_them():
    plain, written = (cost_of("claude-sonnet-4-5", Usage(1000, 0, cache_write_tokens=n)) for n in (0, 1000))
    assert written == pytest.approx(plain * 1.25)


@pytest.mark.parametrize("model", ["gpt-99-ultra", "smollm2", "", "scripted"])
def test_an_unknown_model_has_no_cost(model):
    assert cost_of(model, USAGE) is None


def test_an_unknown_seller_has_no_cost_whatever_the_model_is_called():
    assert cost_of("gpt-4o", USAGE, provider="ollama") is None
    assert cost_of("gpt-4o", USAGE, url="https://llm.example.com/v1") is None


def test_the_address_tells_the_seller():
    routed = cost_of("openai/gpt-4o", USAGE, url="https://openrouter.ai/api/v1")
    assert routed == pytest.approx(cost_of("gpt-4o", USAGE))


# -- of a chat model ------------------------------------------------------------------------------------------------


def test_a_providers_model_costs_what_the_provider_takes(openai_env):
    assert origin_of(openai()) == Origin("gpt-4o", "openai", "https://api.openai.com/v1/", runs_here=False)
    assert cost_of_call(openai(), USAGE) == cost_of("gpt-4o", USAGE)
    assert cost_of_call(openai().bind(stop=["."]), USAGE) == cost_of("gpt-4o", USAGE)


def test_the_model_that_answered_goes_before_the_one_that_was_asked(openai_env):
    assert cost_of_call(openai("my-alias"), USAGE) is None
    assert cost_of_call(openai("my-alias"), USAGE, answered(model_name="gpt-4o")) == cost_of("gpt-4o", USAGE)
    assert cost_of_call(openai(), USAGE, answered(model_name="something-else")) == cost_of("gpt-4o", USAGE)


def test_the_service_tier_of_the_answer_counts(openai_env):
    usual = cost_of_call(openai("o3"), USAGE, answered(model_name="o3", service_tier="default"))
    assert cost_of_call(openai("o3"), USAGE, answered(model_name="o3", service_tier="flex")) == pytest.approx(usual / 2)


@pytest.mark.parametrize("url", ["http://localhost:11434/v1", "http://127.0.0.1:8000/v1", "http://[::1]:8080/v1"])
def test_a_model_that_runs_on_this_machine_costs_nothing(url):
    assert origin_of(openai("llama3.2", base_url=url)).runs_here
    assert cost_of_call(openai("openai/gpt-oss-20b", base_url=url), USAGE) == 0.0


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-5.4", "o3-mini", "claude-sonnet-4-5", "gpt-oss:120b-cloud"])
def test_what_nobody_can_run_here_is_sold_by_a_gateway_whose_price_is_not_known(model):
    assert cost_of_call(openai(model, base_url="http://localhost:4000/v1"), USAGE) is None


def test_a_server_elsewhere_that_no_price_list_knows_has_no_cost(openai_env, monkeypatch):
    assert cost_of_call(openai(base_url="https://llm.example.com/v1"), USAGE) is None
    monkeypatch.setenv("OPENAI_BASE_URL", "https://llm.example.com/v1")
    assert cost_of_call(openai(), USAGE) is None


class Ollama:
    """As LangChain's own integration tells of itself."""

    model = "llama3.2"
    base_url = None

    def _get_ls_params(self):
        return {"ls_provider": "ollama"}


def test_ollama_is_this_machine_unless_it_is_told_of_another():
    assert cost_of_call(Ollama(), USAGE) == 0.0
    remote = Ollama()
    remote.base_url = "http://gpu.example.com:11434"
    assert cost_of_call(remote, USAGE) is None


def test_something_that_tells_nothing_but_a_name_has_no_cost():
    class Bare:
        model_name = "gpt-4o"

    assert cost_of_call(Bare(), USAGE) is None


def test_a_scripted_model_costs_nothing_unless_it_stands_for_one_that_does():
    assert cost_of_call(ScriptedModel(), USAGE) == 0.0
    assert cost_of_call(ScriptedModel(model="gpt-4o", provider="openai"), USAGE) == cost_of("gpt-4o", USAGE)
    assert cost_of_call(ScriptedModel(model="gpt-4o", provider="nobody"), USAGE) is None


# -- sums -----------------------------------------------------------------------------------------------------------


def call(cost, error=None):
    return ModelCalled("m", 0.1, cost=cost, error=error)


@pytest.mark.parametrize(
    ("calls", "total"),
    [
        ([], 0.0),
        ([call(0.5), call(0.25)], 0.75),
        ([call(0.5), call(None)], None),
        ([call(0.5), call(None, TimeoutError())], 0.5),
        ([call(None, TimeoutError())], 0.0),
    ],
)
def test_a_sum_with_an_unknown_part_is_unknown_and_failed_calls_are_left_out(calls, total):
    assert total_cost(calls) == total


# -- how it is loaded -----------------------------------------------------------------------------------------------


def test_prices_are_loaded_when_they_are_needed_and_never_for_a_model_that_runs_here():
    program = (
        "import sys; import linus_nb.models.prices as p; from linus_nb.testing import ScriptedModel;"
        "p.load_prices(ScriptedModel()); assert 'genai_prices' not in sys.modules;"
        "p.load_prices(ScriptedModel(provider='openai')); assert 'genai_prices' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_no_price_needs_a_network(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.setattr(socket, "create_connection", None)
    load_prices(ScriptedModel(provider="openai"))
    assert cost_of("gpt-4o", USAGE) == 0.0035
    assert cost_of("nobody-knows-it", USAGE) is None
