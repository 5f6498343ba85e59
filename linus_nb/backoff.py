"""How long to wait before something is tried again."""

from __future__ import annotations


def backoff_s(attempt: int) -> float:
    """Return the seconds to wait after a failed attempt: 0.5, 1, 2, 4 … up to 30, each with up to 1 s of jitter.

    tenacity's wait strategies are pure functions of the retry state; the waiting is ours.
    """
    from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    return wait_exponential(multiplier=0.5, max=30)(state) + wait_random(0, 1)(state)
