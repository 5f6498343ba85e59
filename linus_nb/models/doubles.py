"""Test doubles among chat models: those that only pretend to be one."""

from __future__ import annotations


def is_test_double(llm_type: str) -> bool:
    """Return whether a model with this ``_llm_type`` only pretends to be one: ours, and LangChain's own fakes.

    >>> is_test_double("generic-fake-chat-model"), is_test_double("openai-chat")
    (True, False)
    """
    return "scripted" in llm_type or "fake" in llm_type
