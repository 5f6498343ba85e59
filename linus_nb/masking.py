"""Secrets are masked where something is written to be read or saved: reprs, cards, pictures, tables, logs, JSON lines.

What a program gets in Python (results, states, arguments) stays as it is. Three things are secret: what has the shape
of a well-known key, the values of environment variables with names like ``…_API_KEY`` (and what was handed to
`keep_secret`), and what stands in a field of `settings.secret_fields`.

The shapes are few and cheap on purpose. Scanners for whole repositories know hundreds, and guess by entropy, too: they
report hashes and ids, which results are full of, and a person sorts those out; here nobody would.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from linus_nb.configuration import settings

MASK = "••••"
LONGEST_SECRET = 8192  # characters; a text that is cut is searched this far beyond the cut

Match = re.Match[str]

# -- shapes -------------------------------------------------------------------------------------------------------

_B = "[A-Za-z0-9_-]"  # of a key
_SHAPES: list[tuple[str, str]] = [
    # (what it begins with: looked for first, as that is fast; what follows). Never one that can try a character twice.
    ("sk-", rf"(?:proj-|ant-|svcacct-|admin-|or-|lf-)?+(?=[A-Za-z_-]{{0,60}}+\d){_B}{{16,}}+"),  # OpenAI and its likes
    ("AIza", rf"{_B}{{30,}}+"),  # Google
    ("ya29.", rf"{_B}{{20,}}+"),
    ("ghp_", r"[A-Za-z0-9]{20,}+"),  # GitHub
    ("gho_", r"[A-Za-z0-9]{20,}+"),
    ("ghu_", r"[A-Za-z0-9]{20,}+"),
    ("ghs_", r"[A-Za-z0-9]{20,}+"),
    ("ghr_", r"[A-Za-z0-9]{20,}+"),
    ("github_pat_", r"\w{20,}+"),
    ("glpat-", rf"{_B}{{16,}}+"),  # GitLab
    ("AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),  # Amazon
    ("ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("xox", r"[abeoprs]-[A-Za-z0-9-]{10,}+"),  # Slack
    ("hooks.slack.com/services/", r"[A-Za-z0-9/]{20,}+"),
    ("hf_", r"[A-Za-z0-9]{30,}+"),  # Hugging Face
    ("gsk_", r"[A-Za-z0-9]{30,}+"),  # Groq
    ("xai-", r"[A-Za-z0-9]{30,}+"),
    ("pplx-", r"[A-Za-z0-9]{30,}+"),
    ("tvly-", rf"{_B}{{20,}}+"),
    ("lsv2_", r"(?:pt|sk)_\w{20,}+"),  # LangSmith
    ("r8_", r"[A-Za-z0-9]{30,}+"),  # Replicate
    ("sk_live_", r"[A-Za-z0-9]{16,}+"),  # Stripe
    ("sk_test_", r"[A-Za-z0-9]{16,}+"),
    ("rk_live_", r"[A-Za-z0-9]{16,}+"),
    ("SG.", rf"{_B}{{16,}}+\.{_B}{{16,}}+"),  # SendGrid
    ("npm_", r"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("pypi-", rf"AgE{_B}{{20,}}+"),
    ("eyJ", rf"{_B}{{8,}}+\.{_B}{{8,}}+\.{_B}{{8,}}+"),  # JSON web tokens
]


def _shape(start: str, rest: str) -> re.Pattern[str]:
    # the literal comes first, so that `re` can search for it; only then is it asked what stands before it
    return re.compile(rf"({re.escape(start)})(?<![A-Za-z0-9_]{re.escape(start)})({rest})")


@lru_cache(maxsize=1)
def _shapes() -> list[tuple[str, re.Pattern[str]]]:
    """Return the shapes; they are compiled when something is shown for the first time."""
    return [(start, _shape(start, rest)) for start, rest in _SHAPES]


_PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z ]{0,30}PRIVATE KEY)-----(?! •)"
    r"(?:[A-Za-z0-9+/=\s:,\\]|-(?!----END))*+(?:-----END [A-Z ]{0,30}+-----)?"
)
_ADDRESS = re.compile(r"(://[^\s/:@\"'<>]{0,64}+:)(?!•)([^\s/@\"'<>]{1,200}+)(?=@)")  # https://user:password@host
_SIGNED = re.compile(
    r"([?&](?:sig|signature|x-amz-signature|x-goog-signature)=)([A-Za-z0-9%+/=_-]{8,}+)", re.IGNORECASE
)
_SCHEME = re.compile(r"\s{1,3}+(?=[A-Za-z._~+/=-]{0,200}+\d)([A-Za-z0-9._~+/=-]{16,}+)")  # Bearer …, Basic …


def _tail(secret: str) -> str:
    """Return the end of a long secret, by which providers' pages tell keys apart; nothing of a short one."""
    return secret[-4:] if len(secret) >= 24 else ""


def _with_start(match: Match) -> str:
    """Keep what says whose key it is, and its end."""
    return f"{match[1]}{MASK}{_tail(match[2])}"


# -- fields -------------------------------------------------------------------------------------------------------

_NEVER_AN_END = ("token", "authorization")  # an ``eos_token`` is no secret
_LEAST = {"token": 12, "secret": 8, "authorization": 8}  # characters: these are words of prose and of language, too
_SAYS_NOTHING = re.compile(
    r"(?:[•*…<\[{$%]|\.\.|x{3,}$|(?:SecretStr|None|null|true|false|nan)\b|your[-_ ])", re.IGNORECASE
)
_NO_VALUE = (
    "required optional string str text none null true false yes no hidden missing invalid wrong incorrect expired empty"
    " masked redacted unknown changed reset set unset ok here below above"
)


def _plain(field: str) -> str:
    """Return the name of a field as it is compared: ``X-Api-Key`` and ``apiKey`` are ``x_api_key`` and ``api_key``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-\s]+", "_", field).lower()


_VALUE = re.compile(  # what follows the name of a field, and is its value
    r"\\{0,3}+[\"']?+\s{0,3}+(?P<is>:|=>?)\s{0,3}+(?:"
    r"\\{0,3}+(?:\"(?:(?:Bearer|Basic|Token)\s{1,3}+)?+(?P<double>[^\"\n]++)|'(?:(?:Bearer|Basic|Token)\s{1,3}+)?+(?P<single>[^'\n]++))"
    r"|(?:(?:Bearer|Basic|Token)\s{1,3}+)?+(?P<bare>[^\s\"'<>,;&(){}\[\]]{4,}+)(?![(\[]))",
    re.IGNORECASE,
)


class _Fields:
    """How fields with certain names are found, in mappings and in texts."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = frozenset(_plain(name) for name in names if name)
        self.ends = tuple(f"_{name}" for name in self.names if name not in _NEVER_AN_END)

    def find(self, name: str) -> str | None:
        """Return the secret field that a key is, or None."""
        if len(name) > 200:
            return None
        plain = _plain(name)
        if plain in self.names:
            return plain
        return next((end[1:] for end in self.ends if plain.endswith(end)), None)

    def masked(self, text: str, plain: str) -> str:
        """Return a text with the values of its fields masked; ``plain`` is the text as names are compared."""
        spans = [span for name in self.names if name in plain for span in self._spans(name, text, plain)]
        return _with_gaps(text, spans) if spans else text

    def _spans(self, name: str, text: str, plain: str) -> Iterator[tuple[int, int]]:
        """Yield where the values of a field stand."""
        done = 0
        for start, end in _places(name, plain):
            if start < done:  # within a value: each character is looked at once
                continue
            before = text[start - 1 : start]
            if before.isalnum() or (before in ("_", "-") and name in _NEVER_AN_END):
                continue
            found = _VALUE.match(text, end)
            if found is None:
                continue
            group, done = found.lastgroup or "", found.end()
            value = found[group].rstrip("\\")  # of an escaped closing quote
            if _is_secret(name, value) and (group != "bare" or _is_alone(name, value, found, start)):
                yield found.start(group), found.start(group) + len(value)


def _is_alone(name: str, value: str, found: Match, start: int) -> bool:
    """Return whether a value without quotes is one, and no word of a sentence or name in a program."""
    if value.lower() in _NO_VALUE.split():
        return False
    if name == "authorization" or (len(value) >= 6 and re.search(r"\d", value)):
        return True
    text, end = found.string, found.end()
    if "=" in found["is"] and text[start - 1 : start] in ("?", "&"):
        return True  # a query
    before = text[max(0, start - 40) : start]
    return (
        found["is"] == ":"
        and len(before) < 40
        and not before.rpartition("\n")[2].strip()
        and text[end : end + 1] in ("", "\n")
    )  # a line of its own


def _places(word: str, plain: str) -> Iterator[tuple[int, int]]:
    """Yield where a word begins and ends. Much faster than a pattern that does not care for capitals."""
    at = plain.find(word)
    while at >= 0:
        yield at, at + len(word)
        at = plain.find(word, at + len(word))


def _with_gaps(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with the mask in place of parts of it."""
    parts, done = [], 0
    for start, end in sorted(spans):
        if start >= done:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _schemes(text: str, plain: str) -> list[tuple[int, int]]:
    """Return where there are credentials after a word like Bearer."""
    found = [_SCHEME.match(text, end) for word in ("bearer", "basic") for _, end in _places(word, plain)]
    return [match.span(1) for match in found if match is not None]


def _is_secret(field: str, value: str) -> bool:
    return len(value) >= _LEAST.get(field, 1) and not _SAYS_NOTHING.match(value)


@lru_cache(maxsize=4)
def _fields_named(names: frozenset[str]) -> _Fields:
    return _Fields(names)


def _fields() -> _Fields:
    return _fields_named(frozenset(settings.secret_fields))


# -- values known to be secret --------------------------------------------------------------------------------------

_SECRET_NAME = re.compile(
    r"(?:(?:API|ACCESS|SECRET|PRIVATE)_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE)$", re.IGNORECASE
)
_kept: set[str] = set()
_environment: tuple[Any, frozenset[str]] = (None, frozenset())


def keep_secret(value: Any) -> None:
    """Mask a value from now on, wherever it occurs; a `SecretStr` is asked for what it holds. Short ones are left."""
    reveal = getattr(value, "get_secret_value", None)
    text = str(value if reveal is None else reveal())
    if _long_enough(text):
        _kept.add(text)


def keep_secrets_of(model: object) -> None:
    """Mask the keys that an object such as a chat model holds in fields of its own, each of them a `SecretStr`."""
    for value in getattr(model, "__dict__", {}).values():
        if hasattr(type(value), "get_secret_value"):
            keep_secret(value)


def _long_enough(value: str) -> bool:
    """Return whether a value is no word or number that might occur by chance."""
    return len(value) >= 16 or (len(value) >= 8 and not (value.isalpha() and value.islower()) and not value.isdecimal())


def _known() -> frozenset[str]:
    """Return the values to look for: the environment's are read anew when it has changed."""
    global _environment
    # os.environ decodes whatever is asked of it, 50 µs for all; the dict below it can be compared in 1 µs
    raw = getattr(os.environ, "_data", None)
    if raw is None or raw != _environment[0]:
        found = (value for name, value in os.environ.items() if _SECRET_NAME.search(name))
        _environment = (None if raw is None else dict(raw), frozenset(filter(_long_enough, found)))
    return _environment[1] | _kept if _kept else _environment[1]


# -- masking ------------------------------------------------------------------------------------------------------


def masked(text: str, limit: int | None = None) -> str:
    """Return ``text`` with its secrets masked, and no more than its first ``limit`` characters, the last an ellipsis.

    What is masked already stays as it is.

    >>> masked("Incorrect API key provided: sk-proj-a1b2c3d4e5f6a7b8c9d0e1f2")
    'Incorrect API key provided: sk-••••e1f2'
    >>> masked("https://ada:lovelace@example.org/?token=3f786850e387550f&page=2")
    'https://ada:••••@example.org/?token=••••&page=2'
    >>> masked("2 tokens, the secret: a token count of 12")
    '2 tokens, the secret: a token count of 12'
    """
    if limit is None:
        return _masked(text)
    shown = _masked(text[: limit + LONGEST_SECRET])
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _masked(text: str) -> str:
    if len(text) < 8:
        return text  # too short for any of them; and names are many
    for value in _known():
        if value in text:
            text = text.replace(value, MASK + _tail(value))
    for start, pattern in _shapes():
        if start in text:
            text = pattern.sub(_with_start, text)
    if "PRIVATE KEY-----" in text:
        text = _PRIVATE_KEY.sub(lambda match: f"-----BEGIN {match[1]}----- {MASK}", text)
    if "://" in text:
        text = _SIGNED.sub(rf"\g<1>{MASK}", _ADDRESS.sub(rf"\g<1>{MASK}", text))
    if ":" in text or "=" in text or "earer" in text or "asic" in text:
        text = _masked_names(text)
    return text


def _masked_names(text: str) -> str:
    plain = _comparable(text)
    text = _with_gaps(text, schemes) if (schemes := _schemes(text, plain)) else text
    return _fields().masked(text, _comparable(text) if schemes else plain)


def _comparable(text: str) -> str:
    """Return a text in which the names of fields are written as `_plain` writes them, of the same length."""
    plain = text.lower()
    if len(plain) != len(text):  # some capitals have two small letters
        plain = text.translate(_SMALL)
    return plain.replace("-", "_").replace(" ", "_")


_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def masked_field(name: object, value: Any) -> str | None:
    """Return what stands for a value because of the field it is in, or None for one that may be seen.

    >>> masked_field("password", "hunter2"), masked_field("city", "Paris"), masked_field("token", "The")
    ('••••', None, None)
    """
    if value is None or isinstance(value, bool) or not isinstance(name, str):
        return None
    field = _fields().find(name)
    if field is None:
        return None
    if isinstance(value, str | int | float) and not _is_secret(field, str(value)):
        return None
    return MASK


class _MaskRecords(logging.Filter):
    """Masks what is logged: message, traceback and all."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        shown = masked(said)
        if shown != said:
            record.msg, record.args = shown, None
        if record.exc_info and not record.exc_text:
            trace = _FORMATTER.formatException(record.exc_info)
            hidden = masked(trace)
            if hidden != trace:  # what a handler would make of the exception itself would not be masked
                record.exc_text, record.exc_info = hidden, None
        return True


_FORMATTER = logging.Formatter()
logger = logging.getLogger("linus_nb")  # of the whole package
logger.addFilter(_MaskRecords())
