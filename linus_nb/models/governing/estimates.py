"""How many tokens a call will take, learned from what calls took."""

from __future__ import annotations

from linus_nb.models.usage import Usage

USUAL_REPLY = 200  # tokens, as long as no reply has come
FORGOTTEN = 0.05  # how much of its distance to what came a guess that was too high loses at each reply


class Estimates:
    """Guesses that are rather too high: what is reserved in vain is free again with the reply, what is missing is not.

    >>> estimates = Estimates()
    >>> estimates.total(sent=100, most=None), estimates.total(sent=100, most=50)
    (300, 150)
    >>> estimates.learn(100, Usage(130, 400))
    >>> estimates.total(sent=100, most=None)
    530
    """

    def __init__(self) -> None:
        self._reply: float = USUAL_REPLY
        self._per_sent = 1.0  # tokens that a provider counts for one that was counted here

    def total(self, sent: int, most: int | None) -> int:
        """Return about how many tokens a call will take.

        Args:
            sent: Tokens of the prompt, as counted here.
            most: Tokens that its reply may have, if anything bounds that.
        """
        reply = self._reply if most is None else min(self._reply, most)
        return round(sent * self._per_sent + reply)

    def learn(self, sent: int, usage: Usage) -> None:
        """Learn from a call for which ``sent`` tokens were counted here."""
        self._reply = _nearer(self._reply, usage.output_tokens)
        if sent and not usage.estimated:
            self._per_sent = _nearer(self._per_sent, usage.input_tokens / sent)


def _nearer(guess: float, came: float) -> float:
    return max(came, guess - FORGOTTEN * (guess - came))
