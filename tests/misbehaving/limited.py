"""A provider's own limits: what is too much gets 429, and is told when to come back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.misbehaving.counted import Received
from tests.misbehaving.script import Answer, Head, Reply, Script, Status, Step, answer_to

_SOON_S = 0.05  # until one of those that are open may have ended


class Limited:
    """A script under limits: requests and tokens in any window, and requests at once.

    Every answer says in its headers what remains. The tokens of a request are those of its answer.

    Args:
        script: What those that are let in are answered.
        requests: The most in any window.
        tokens: The most in any window; an answer that is larger is never let in.
        at_once: The most that are open.
        per_s: Seconds that a window lasts.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        requests: float = math.inf,
        tokens: float = math.inf,
        at_once: float = math.inf,
        per_s: float = 60.0,
    ) -> None:
        self.script: Script = Reply() if script is None else script
        self.requests, self.tokens, self.at_once, self.per_s = requests, tokens, at_once, per_s
        self.let_in: list[Received] = []
        self.refused: list[str] = []  # what there was too much of

    def __call__(self, request: Received) -> Answer:
        """Called on the server's thread only."""
        # the script sees those that are let in, numbered without gaps
        answer = answer_to(self.script, replace(request, number=len(self.let_in) + 1))
        wanted = {"requests": 1, "tokens": answer.tokens(request)}
        recent = [other for other in self.let_in if other.at_s > request.at_s - self.per_s]
        free = {"requests": self.requests - len(recent), "tokens": self.tokens - sum(other.tokens for other in recent)}
        reset_s = recent[0].at_s + self.per_s - request.at_s if recent else 0.0
        short = [what for what, amount in wanted.items() if free[what] < amount]
        if short:
            self.refused.append(short[0])
            return self._refusal(_headers(free, reset_s), reset_s)
        if sum(other.is_open for other in self.let_in) >= self.at_once:
            self.refused.append("at once")
            return self._refusal(_headers(free, reset_s), _SOON_S)
        self.let_in.append(request)
        return _Hinted(answer, _headers({what: free[what] - amount for what, amount in wanted.items()}, reset_s))

    def _refusal(self, headers: dict[str, str], retry_s: float) -> Answer:
        # whole seconds and exact milliseconds, as OpenAI says both
        retry_ms = math.ceil(retry_s * 1000)
        return _Hinted(Status(429, retry_after=math.ceil(retry_s), retry_after_ms=retry_ms), headers)


def _headers(free: dict[str, float], reset_s: float) -> dict[str, str]:
    limited = {what: max(amount, 0) for what, amount in free.items() if amount < math.inf}
    remaining = {f"x-ratelimit-remaining-{what}": f"{amount:.0f}" for what, amount in limited.items()}
    return remaining | {f"x-ratelimit-reset-{what}": f"{math.ceil(reset_s * 1000)}ms" for what in limited}


@dataclass(frozen=True)
class _Hinted:
    """An answer with more headers."""

    answer: Answer
    headers: dict[str, str]

    def steps(self, request: Received) -> Iterator[Step]:
        for step in self.answer.steps(request):
            yield Head(step.status, {**step.headers, **self.headers}) if isinstance(step, Head) else step

    def tokens(self, request: Received) -> int:
        return self.answer.tokens(request)
