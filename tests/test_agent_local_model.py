"""The agent on the real embedded model."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.small_tasks import table
from benchmarks.small_tasks.asking import asked
from benchmarks.small_tasks.tasks import HELD_OUT, TUNED
from linus_nb.agent import Agent
from linus_nb.tools import calculator

pytestmark = pytest.mark.local_model


def test_the_embedded_model_calculates_42_times_17_with_the_calculator(real_model):
    response = asyncio.run(Agent([calculator], llm=real_model).arun("Calculate 42 * 17"))
    assert [(step.tool, step.result) for step in response.execution_history] == [("calculator", 714)]
    assert "714" in response.result
    assert response.metrics.task_completed
    assert response.metrics.total_tokens > 0


FIRST_OF_EACH_KIND = tuple({task.kind: task for task in reversed(HELD_OUT)}.values())


@pytest.mark.parametrize(
    ("strategy", "tasks"),
    [
        ("reasoning", FIRST_OF_EACH_KIND),
        ("tools", FIRST_OF_EACH_KIND[:3]),  # the embedded model cannot call tools by itself, and says much instead
    ],
)
def test_each_small_task_ends_in_a_response_or_in_an_error_that_can_be_read(strategy, tasks, real_model, capsys):
    """Whatever else a task ended in would escape here. The rate is printed, and all of it is not asked for."""
    outcomes = [asked(task, "held out", real_model, strategy) for task in tasks]
    with capsys.disabled():
        print(f"\n{strategy}\n{table.rates(outcomes)}")  # noqa: T201  the rate is recorded
    assert all(outcome.calls > 0 or outcome.error for outcome in outcomes)
    if strategy == "reasoning":
        assert any(outcome.right for outcome in outcomes)


def test_both_halves_of_the_small_tasks_have_the_same_kinds():
    assert [task.kind for task in HELD_OUT if task.kind != "memory"] == [t.kind for t in TUNED if t.kind != "memory"]
    assert len(TUNED) == len(HELD_OUT) == 15
