"""The agent on the real embedded model."""

from __future__ import annotations

import asyncio

import pytest

from linus_nb.agent import Agent
from linus_nb.tools import calculator

pytestmark = pytest.mark.local_model


def test_the_embedded_model_calculates_42_times_17_with_the_calculator(real_model):
    response = asyncio.run(Agent([calculator], llm=real_model).arun("Calculate 42 * 17"))
    assert [(step.tool, step.result) for step in response.execution_history] == [("calculator", 714)]
    assert "714" in response.result
    assert response.metrics.task_completed
    assert response.metrics.total_tokens > 0
