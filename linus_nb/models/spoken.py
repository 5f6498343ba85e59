"""What was said to a model, and by it, as text: from LangChain's messages, dicts, texts, or pairs of role and text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "function": "tool", "developer": "system"}


def spoken(messages: Sequence[Any]) -> list[tuple[str, str]]:
    """Return each message as its role and its text. The calls of tools that a message asks for are lines of its text.

    Pictures and other media are named, not quoted.

    >>> spoken([("system", "Be brief."), {"role": "user", "content": "6 * 7?"}, "And 7 * 6?"])
    [('system', 'Be brief.'), ('user', '6 * 7?'), ('user', 'And 7 * 6?')]
    """
    return [_said(message) for message in messages]


def _said(message: Any) -> tuple[str, str]:
    try:
        return _role(message), "\n".join(filter(None, _lines(message)))
    except Exception as error:  # noqa: BLE001  what cannot be read as a message must not cost the run it is told of
        return "user", f"<{type(message).__name__}: it could not be read, {type(error).__name__}>"


def _role(message: Any) -> str:
    if isinstance(message, str):
        return "user"
    role = message[0] if isinstance(message, tuple) else _fact(message, "role") or _fact(message, "type")
    return _ROLES.get(str(role), str(role))


def _lines(message: Any) -> Iterator[str]:
    content = message[1] if isinstance(message, tuple) else _fact(message, "content", message)
    blocks = content if isinstance(content, list | tuple) else [content]
    yield "".join(map(_block, blocks))
    for name in ("tool_calls", "invalid_tool_calls"):
        for call in _fact(message, name) or ():
            yield f"→ {_fact(call, 'name') or ''}({_json(_fact(call, 'args'))})"


def _block(block: Any) -> str:
    if isinstance(block, Mapping):
        said = "".join(str(block.get(name) or "") for name in ("text", "thinking", "reasoning"))
        kind = str(block.get("type") or "something")
        # a call stands in the message's own list of calls, too
        return said or ("" if kind in ("tool_use", "tool_call", "text") else f"[{kind}]")
    return "" if block is None else str(block)


def _fact(thing: Any, name: str, otherwise: Any = None) -> Any:
    return thing.get(name, otherwise) if isinstance(thing, Mapping) else getattr(thing, name, otherwise)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
