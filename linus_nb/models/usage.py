"""Tokens of a model call: what the provider says, or else a count made here, which is marked as estimated.

Nothing here needs a network: LangChain's own counter fetches its encoding, so it is not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BYTES_PER_TOKEN = 4  # of UTF-8: four letters of English, two of Russian, one and a third of Chinese
_TWICE = re.compile(r"[!-/:-@[-^`{-~\n]")  # two of these are a token: JSON and code have many
_DIGITS = re.compile(r"[0-9]")  # a token each for some models, a third of one for others: three quarters here
TOKENS_PER_MESSAGE = 4  # the marks around a message, and its role
TOKENS_PER_IMAGE = 800  # providers count 85 to 1600, by size


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one model call, or of several that were added up.

    Attributes:
        input_tokens: Tokens of the prompt, those read from a cache included.
        output_tokens: Tokens of the reply, those of its reasoning included.
        estimated: Some of them were counted here, not by the provider.
        cached_tokens: Input tokens that the provider read from its cache.
        cache_write_tokens: Input tokens that it put there.
        reasoning_tokens: Output tokens that were thought and not said.

    >>> Usage(12, 5) + Usage(8, 1, estimated=True)
    Usage(input_tokens=20, output_tokens=6, estimated=True, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0)
    """

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated or other.estimated,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


def usage_of(reply: Any, request: Iterable[Any], *, sent_along: Any = None) -> Usage:
    """Return the tokens of a call.

    What the provider names is taken as it is. Where it names nothing, all is estimated; where it names the input only,
    as in a stream that ended early, the output is.

    Args:
        reply: A LangChain message, a list of the chunks of one (all that came, also of a stream that was cut), or the
            bare text.
        request: The messages that were sent: LangChain messages, or pairs of a role and a text.
        sent_along: What else the prompt holds and the provider turns into tokens: a JSON schema, a list of tools.

    >>> usage_of("It is 42.", [("system", "Be brief."), ("user", "6 * 7?")])
    Usage(input_tokens=14, output_tokens=4, estimated=True, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0)
    """
    parts: Sequence[Any] = list(reply) if isinstance(reply, (list, tuple)) else [reply]
    named = [usage for part in parts if (usage := _named(part)) is not None]
    if not named:
        return Usage(_request_tokens(request, sent_along), _tokens_of(parts), estimated=True)
    usage = sum(named, Usage())
    if usage.input_tokens and not usage.output_tokens and (written := _tokens_of(parts)):
        return usage + Usage(output_tokens=written, estimated=True)
    return usage


def is_from_cache(message: Any) -> bool:
    """Return whether a reply comes out of LangChain's cache of replies, which marks it so: no model was asked.

    >>> class Reply:
    ...     usage_metadata = {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17, "total_cost": 0}
    >>> is_from_cache(Reply())
    True
    """
    cost = (getattr(message, "usage_metadata", None) or {}).get("total_cost")
    return type(cost) is int and cost == 0  # a price that a provider names is no whole number


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has: a quarter of its bytes; punctuation counts twice, a digit three times.

    Within a quarter for English, code and most JSON, against the tokenizers of SmolLM2 (a token for each digit) and
    GPT-4o (one for three of them); columns of numbers are up to a third more for the former. Small models cut other
    languages into two or three times as many.

    >>> estimated_tokens("12345678"), estimated_tokens("что это"), estimated_tokens('{"a": 1}'), estimated_tokens("")
    (6, 4, 4, 0)
    """
    return -(-token_quarters(text) // BYTES_PER_TOKEN)


def token_quarters(text: str) -> int:
    """Return how many quarters of a token a text has: `estimated_tokens` before it is rounded up.

    >>> token_quarters("four") + token_quarters(", 5") == token_quarters("four, 5")
    True
    """
    return len(text.encode("utf-8", "replace")) + len(_TWICE.findall(text)) + 2 * len(_DIGITS.findall(text))


# -- what the provider names -----------------------------------------------------------------------------------------


def _named(message: Any) -> Usage | None:
    usage = getattr(message, "usage_metadata", None)
    if usage:
        given, written = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
        return Usage(
            _count(usage, "input_tokens"),
            _count(usage, "output_tokens"),
            cached_tokens=_ending_in(given, "cache_read"),
            cache_write_tokens=_ending_in(given, "cache_creation")
            or _ending_in(given, "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
            reasoning_tokens=_ending_in(written, "reasoning"),
        )
    return _named_by_older(getattr(message, "response_metadata", None) or {})


_OLDER = (
    ("token_usage", "prompt_tokens", "completion_tokens"),
    ("usage", "prompt_tokens", "completion_tokens"),
    ("usage", "input_tokens", "output_tokens"),
    ("", "prompt_eval_count", "eval_count"),
)
"""Where integrations that do not fill ``usage_metadata`` leave the counts: a key, and the names under it."""


def _named_by_older(facts: Mapping[str, Any]) -> Usage | None:
    for key, given, written in _OLDER:
        usage = facts.get(key) if key else facts
        if isinstance(usage, Mapping) and (_count(usage, given) or _count(usage, written)):
            return Usage(_count(usage, given), _count(usage, written))
    return None


def _count(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    return max(int(count), 0) if isinstance(count, int) else 0


def _ending_in(details: Mapping[str, Any], *names: str) -> int:
    """Return the sum of the counts whose names end so: LangChain puts OpenAI's service tier before some of them."""
    return sum(_count(details, key) for key in details if key.endswith(names))


# -- estimates -------------------------------------------------------------------------------------------------------


def _request_tokens(request: Iterable[Any], sent_along: Any) -> int:
    tokens = sum(TOKENS_PER_MESSAGE + _tokens_of([message]) for message in request)
    return tokens + (estimated_tokens(_json(sent_along)) if sent_along else 0)


def _tokens_of(parts: Iterable[Any]) -> int:
    """Return the tokens of a message; those of its chunks are counted together, as words are cut anywhere."""
    found = [_text_and_images(part) for part in parts]
    text = "".join(said for said, _ in found)
    return estimated_tokens(text) + TOKENS_PER_IMAGE * sum(images for _, images in found)


def _text_and_images(message: Any) -> tuple[str, int]:
    """Return what a message says, its tool calls included, and how many images it holds."""
    if isinstance(message, tuple):  # a role and a text
        message = message[1]
    content = message.get("content") if isinstance(message, Mapping) else getattr(message, "content", message)
    blocks = [content] if isinstance(content, (str, Mapping)) else list(content or ())
    texts = [block if isinstance(block, str) else _block_text(block) for block in blocks]
    images = sum(isinstance(block, Mapping) and "image" in str(block.get("type")) for block in blocks)
    # of a chunk, the pieces only: LangChain also shows what they come to
    for name in ("tool_call_chunks",) if hasattr(message, "tool_call_chunks") else ("tool_calls", "invalid_tool_calls"):
        for call in getattr(message, name, None) or ():
            arguments = call.get("args")
            texts += [call.get("name") or "", arguments if isinstance(arguments, str) else _json(arguments)]
    return "".join(texts), images


def _block_text(block: Mapping[str, Any]) -> str:
    return "".join(str(block.get(name) or "") for name in ("text", "thinking", "reasoning"))


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
