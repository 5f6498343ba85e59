"""What is secret is masked wherever it is written, and what is not is left alone."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, masking, settings
from linus_nb.errors import RunFailedError
from linus_nb.masking import MASK, keep_secret, masked, masked_field

# Made up, and put together here, so that no scanner takes them for keys that somebody lost.
K = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"  # 36 characters
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".dozjgNryP4J3jVmNHl0w5N"

SECRET = {
    "openai": ("Incorrect API key provided: sk-" + K, K),
    "openai project": (f"key=sk-proj-{K}_-{K}", K),
    "openai in repr": (f"OpenAI(api_key='sk-{K}', n=1)", K),
    "anthropic": (f"x-api-key: sk-ant-api03-{K}-{K}AA", K),
    "openrouter": (f"sk-or-v1-{K}", K),
    "google": (f"GET https://example.org/v1?key=AIza{K[:35]}", K[:35]),
    "google oauth": (f"ya29.{K}", K),
    "github": (f"remote: ghp_{K}", K),
    "github app": (f"ghs_{K}", K),
    "github fine-grained": (f"github_pat_11A{K}_{K}", K),
    "gitlab": (f"glpat-{K[:20]}", K[:20]),
    "amazon id": ("creds AKIA" + "IOSFODNN7EXAMPLE used", "IOSFODNN7EXAMPLE"),
    "amazon secret": (f"aws_secret_access_key = {K}/+{K[:4]}", K),
    "slack": (f"xoxb-1234567890-{K}", K),
    "slack hook": (f"https://hooks.slack.com/services/T0123/B4567/{K}", K),
    "hugging face": (f"hf_{K[:34]}", K[:34]),
    "groq": (f"gsk_{K}", K),
    "langsmith": (f"lsv2_pt_{K}_1234", K),
    "stripe": (f"sk_live_{K}", K),
    "sendgrid": (f"SG.{K[:22]}.{K}", K),
    "json web token": (f"cookie {JWT}", JWT),
    "bearer": (f"Authorization: Bearer {K}", K),
    "bearer alone": (f"sent 'Bearer {K}' to it", K),
    "bearer in a header dict": (f"{{'Authorization': 'Bearer {K}'}}", K),
    "basic": ("authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
    "opaque header": ("Authorization: abcdefghijkl", "abcdefghijkl"),
    "address": ("postgresql://ada:lovelace@db:5432/x", "lovelace"),
    "address with signs": ("redis://:p%40ss!w0rd@host/0", "p%40ss!w0rd"),
    "query": ("https://example.org/?q=tides&api_key=abcdef", "abcdef"),
    "signed": ("https://blob.example.org/a?sv=1&sig=abc%2Fdefghij%3D", "abc%2Fdefghij"),
    "password in a sentence": ("password: hunter2 is what I use", "hunter2"),
    "password on a line of its own": ("user: ada\npassword: correcthorse\nport: 1", "correcthorse"),
    "password in code": ("connect(password='open sesame')", "open sesame"),
    "password in a dict": ("{'user': 'ada', 'password': 'x'}", "'x'"),
    "password in JSON": ('{"db_password":"s3cret!"}', "s3cret!"),
    "password in JSON in JSON": (r'"{\"password\": \"s3cret!\"}"', "s3cret!"),
    "environment file": (f"export OPENAI_API_KEY={K}", K),
    "header": ("X-Api-Key: 12ab34cd", "12ab34cd"),
    "key in words": ("API key: 12ab34cd", "12ab34cd"),
    "private key": (f"-----BEGIN RSA PRIVATE KEY-----\n{K}\n{K}\n-----END RSA PRIVATE KEY-----", K),
    "private key cut off": (f"-----BEGIN PRIVATE KEY-----\\n{K}\\n{K}", K),
}


@pytest.mark.parametrize("name", SECRET)
def test_what_looks_like_a_secret_is_masked(name: str) -> None:
    text, secret = SECRET[name]
    shown = masked(text)
    assert secret not in shown
    assert MASK in shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    "name", [n for n in SECRET if n not in ("private key cut off", "password on a line of its own")]
)
def test_what_stands_around_a_secret_stays(name: str) -> None:
    shown = masked(f"before it, {SECRET[name][0]} and after")
    assert shown.startswith("before")
    assert shown.endswith("after")


PLAIN = [
    "token count: 12",
    "tokens: 5000",
    "9,120 tokens, $0.012",
    "max_tokens=4096, token=12",
    "the secret: a pinch of salt",
    "secret santa: Ada gives to Bob",
    "Secret: nobody knows",
    "{'token': 'The', 'pos': 'DET'}",
    "{'eos_token': '<|endoftext|>', 'pad_token': '[PAD]'}",
    "{'next_page_token': 'abcdefghijklmnop', 'tokens': ['a']}",
    "password: must be at least 8 characters",
    "Password: required",
    "the password is wrong",
    "{'password': {'type': 'string'}}",
    "password=None, api_key=None, token=True",
    "api_key = os.environ['OPENAI_API_KEY']",
    "api_key=os.getenv('OPENAI_API_KEY')",
    "ChatOpenAI(api_key=api_key, password=password)",
    "api_key='YOUR_API_KEY'",
    "api_key='<your key>', token='...'",
    "openai_api_key=SecretStr('**********')",
    "set OPENAI_API_KEY to the key",
    "Authorization is needed",
    "authorization: none",
    "Bearer of good tidings and of bad",
    "Basic understanding of thermodynamics",
    "basic internationalization-considerations",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "550e8400-e29b-41d4-a716-446655440000",
    "run 018f4d3e-7c1a-7b3e-9c2d-0123456789ab",
    "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "sk-learn-based-classification-of-things",
    "task-1234567890123456789012345",
    "risk-a1b2c3d4e5f6g7h8i9j0k1",
    "locale sk-SK",
    "hf_hub_download, hf_transformers",
    "AKIAtic, ASIA PACIFIC, xox, ghp_",
    "eyJ is how base64 of an object begins",
    "https://example.org:8080/path?page=2&sort=key",
    "http://localhost:8888/lab/tree/a@b",
    "mail ada@example.org: hello",
    "see note: at 12:30@home",
    "tokenizer='bert-base-uncased-2018-10-18'",
    "secretary: Ada Lovelace 1815",
    "passwordless: True",
    "key: value",
    "ValueError: no such city",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert masked(text) == text


def test_whose_key_it_is_and_how_it_ends_can_still_be_read() -> None:
    assert masked("sk-ant-api03-" + K) == f"sk-{MASK}q7R8"
    assert masked("password=hunter2") == f"password={MASK}"


FIELDS = [
    ("password", "x"),
    ("password", 123456),
    ("db_password", "hunter2"),
    ("api_key", "abc"),
    ("API-Key", "abc"),
    ("apiKey", "abc"),
    ("X-Api-Key", "abc"),
    ("OPENAI_API_KEY", "abc"),
    ("accessToken", "abc"),
    ("token", "abcdefghijkl"),
    ("secret", "the butler did it"),
    ("client_secret", "x"),
    ("password", ["a", "b"]),
    ("secret", {"a": 1}),
]
FREE = [
    ("token", "The"),
    ("token", 12),
    ("tokens", "abcdefghijkl"),
    ("eos_token", "<|endoftext|>"),
    ("secret", "santa"),
    ("secretary", "Ada Lovelace"),
    ("password", None),
    ("password", True),
    ("password", ""),
    ("password", MASK),
    ("password_hint", "the name of my first pet"),
    ("key", "abcdefghijkl"),
    ("city", "Paris"),
    (7, "abcdefghijkl"),
]


@pytest.mark.parametrize(("name", "value"), FIELDS)
def test_the_value_of_a_secret_field_is_masked(name: str, value: object) -> None:
    assert masked_field(name, value) == MASK


@pytest.mark.parametrize(("name", "value"), FREE)
def test_the_value_of_another_field_is_left_alone(name: object, value: object) -> None:
    assert masked_field(name, value) is None


def test_fields_can_be_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "{'iban': 'DE02', 'password': 'hunter2'} and IBAN: DE0212030000"
    assert "DE02" in masked(text)
    monkeypatch.setattr(settings, "secret_fields", {"iban"})
    assert masked(text) == f"{{'iban': '{MASK}', 'password': 'hunter2'}} and IBAN: {MASK}"
    monkeypatch.setattr(settings, "secret_fields", set())
    assert masked(text) == text


def test_values_of_the_environment_are_masked_wherever_they_occur(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "no user plover-41 at production, 12345678"
    assert masked(text) == text
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "plover-41")
    monkeypatch.setenv("APP_SECRET", "production")  # a word: it would vanish from every sentence
    monkeypatch.setenv("PIN_PASSWORD", "12345678")
    monkeypatch.setenv("HOME_TOWN", "no user")
    assert masked(text) == f"no user {MASK} at production, 12345678"
    monkeypatch.delenv("SOME_SERVICE_TOKEN")
    assert masked(text) == text


def test_a_secret_that_was_handed_over_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_kept", set())
    keep_secret(SecretStr("open-sesame-41"))
    keep_secret("abc")
    assert masked("wrong key open-sesame-41 for abc") == f"wrong key {MASK} for abc"


def test_the_key_of_an_agents_model_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __init__(self) -> None:
            self.openai_api_key = SecretStr("plugh-plover-41")

        def invoke(self) -> None: ...
        def ainvoke(self) -> None: ...

    monkeypatch.setattr(masking, "_kept", set())
    assert Agent(llm=Model()).llm is not None  # type: ignore[arg-type]  # as much of a model as is asked for
    assert masked("no access with plugh-plover-41") == f"no access with {MASK}"


def test_a_failure_that_is_raised_is_masked_and_its_cause_is_the_error_itself() -> None:
    def fail() -> None:
        raise PermissionError(f"sk-{K}")

    result = DAGExecutor(AgentDAG("g").add_node(AgentNode("fail", fail))).execute()
    with pytest.raises(RunFailedError, match=f"PermissionError: sk-{MASK}q7R8") as caught:
        result.raise_for_failure()
    assert str(caught.value.__cause__) == f"sk-{K}"


def test_a_text_is_cut_after_it_is_masked() -> None:
    text = f"{'x' * 90} sk-{K}"
    assert len(masked(text, 100)) <= 100
    assert K[:4] not in masked(text, 100)
    assert masked("short", 100) == "short"
    assert masked("x" * 200, 100) == "x" * 99 + "…"


HOSTILE = ["sk-", "sk-a", "eyJ", "eyJ.", "a.", "password", "password=", "password='", "token: ", "://a:", "Bearer ",
           "authorization:", "\\", "-----BEGIN PRIVATE KEY-----", "A", "0", "api_",
           "?sig=", "= ", "'\""]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_megabyte_takes_no_more_than_a_moment_whatever_it_is_made_of(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    masked(text)
    assert time.process_time() - started < 3.0  # linear: about 0.1 s; anything quadratic would take hours


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> object:
    handler = Lines()
    logger = logging.getLogger("linus_nb")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


def test_log_records_are_masked_message_and_traceback(lines: list[str]) -> None:
    logger = logging.getLogger("linus_nb")
    logger.warning("no access with %s", f"sk-{K}")
    try:
        raise PermissionError(f"no access with sk-{K}")
    except PermissionError:
        logger.exception("failed for %d of %s", 1, f"sk-{K}")
    said = "\n".join(lines)
    assert K not in said
    assert said.count(MASK) == 3
    assert "Traceback" in said
    assert "PermissionError" in said


def test_a_record_without_a_secret_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("linus_nb").warning("%d nodes", 3)
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%d nodes", (3,))


def test_every_module_that_logs_brings_the_mask_along() -> None:
    package = Path(masking.__file__).parent
    logging_ones = [
        "linus_nb." + ".".join(path.relative_to(package).with_suffix("").parts)
        for path in package.rglob("*.py")
        if "logger." in path.read_text(encoding="utf-8") and path.name != "masking.py"
    ]
    assert "linus_nb.display" in logging_ones
    code = (
        "import sys, logging, importlib\n"
        "for name in sys.argv[1:]:\n"
        "    for loaded in [m for m in sys.modules if m.startswith('linus_nb')]: del sys.modules[loaded]\n"
        "    logging.getLogger('linus_nb').filters.clear()\n"
        "    importlib.import_module(name)\n"
        "    assert logging.getLogger('linus_nb').filters, name\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *logging_ones], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
