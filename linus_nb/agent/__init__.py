"""Agents: a chat model that plans, uses tools, checks what it did and answers; awaited or called.

The loop is written once, as a generator of requests (`loop`); two drivers answer it (`drivers`).
"""

from __future__ import annotations

from linus_nb.agent.agent import Agent
from linus_nb.agent.metrics import AgentMetrics
from linus_nb.agent.response import AgentResponse, ExecutionStep

__all__ = ["Agent", "AgentMetrics", "AgentResponse", "ExecutionStep"]
