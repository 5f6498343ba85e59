"""What an error of a model call means: worth another try, a refusal that all should heed, or final.

Told by what the error carries, not by its class: each provider's client has classes of its own, and they are not loaded
here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

TRIED_AGAIN = (408, 409, 429)  # and 5xx
CONNECTION = ("APIConnectionError", "APITimeoutError", "TransportError")  # of openai, anthropic; of httpx
PAID_UP = ("insufficient_quota", "billing_hard_limit_reached")  # a 429 that no waiting mends
PATIENT_S = 300.0  # a provider that asks for more, as for a quota by the day, is not waited for: it is an error
_SPAN = re.compile(r"([\d.]+)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means.

    ``refused``: the provider has too many calls; ``after_s``: when it wants to be asked again.
    """

    again: bool
    refused: bool = False
    after_s: float | None = None


def meaning_of(error: BaseException) -> Meaning:
    """Return what an error of a model call means.

    >>> meaning_of(ConnectionError("reset")), meaning_of(ValueError("no"))
    (Meaning(again=True, refused=False, after_s=None), Meaning(again=False, refused=False, after_s=None))
    """
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if isinstance(status, int):
        refused = status == 429 and not any(code in str(getattr(error, "body", "")) for code in PAID_UP)
        again = refused or (status in TRIED_AGAIN and status != 429) or status >= 500
        after_s = retry_after_s(getattr(response, "headers", None) or {}) if again else None
        return Meaning(False) if after_s is not None and after_s > PATIENT_S else Meaning(again, refused, after_s)
    names = {kind.__name__ for kind in type(error).__mro__}
    return Meaning(isinstance(error, ConnectionError | TimeoutError) or not names.isdisjoint(CONNECTION))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a reply's headers ask for, or None: as seconds, milliseconds, or a date.

    >>> retry_after_s({"retry-after": "1.5"}), retry_after_s({"retry-after-ms": "200"}), retry_after_s({})
    (1.5, 0.2, None)
    """
    milliseconds, said = _number(headers.get("retry-after-ms")), headers.get("retry-after")
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = _number(said)
    if seconds is not None or said is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - _wall_clock())
    except ValueError:
        return None


def quota_left(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until there is any quota again, where a reply's headers say that none is left.

    None for more than ``PATIENT_S``: then the next call hears the refusal.

    >>> quota_left({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m30s"})
    150.0
    >>> quota_left({"x-ratelimit-remaining-tokens": "17"})
    """
    waits = [
        _span_s(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if _number(headers.get(f"x-ratelimit-remaining-{what}")) == 0
    ]
    longest = max(waits, default=None)
    return longest if longest is not None and longest <= PATIENT_S else None


def _span_s(text: str) -> float:
    found = sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text))
    return found or _number(text) or 0.0


def _number(text: Any) -> float | None:
    try:
        return max(0.0, float(text))
    except (TypeError, ValueError):
        return None


def _wall_clock() -> float:
    return time.time()  # noqa: TID251  a date is compared with the date of today
