"""What becomes of a run of an agent whose budget is spent: the steps that ended are its response."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from linus_nb.agent.agent_run import COMPLETED, AgentRun
from linus_nb.agent.response import AgentResponse
from linus_nb.budget import Spending
from linus_nb.errors import BudgetError


def out_of_budget(run: AgentRun, error: BudgetError) -> AgentResponse:
    """Return the response of a run that may not go on: the latest result, and why there is no more.

    Raises:
        BudgetError: That error, where no step gave a result, or an answer of a given type is wanted.
    """
    so_far = run.so_far(error.reason)
    done = [step for step in so_far.execution_history if step.status == COMPLETED]
    if not done or run.output is not None:
        raise error
    run.history = so_far.execution_history
    return run.finished(done[-1].text, error.reason)


@asynccontextmanager
async def time_left(spending: Spending | None) -> AsyncIterator[None]:
    """End what is awaited in the block when its time is over, where the budget wants it ended at once.

    Raises:
        BudgetError: The time is over.
    """
    ends = spending is not None and spending.budget.on_limit == "stop" and spending.left_s < math.inf
    try:
        async with asyncio.timeout(spending.left_s if spending is not None and ends else None) as timer:
            yield
    except TimeoutError:
        if not timer.expired():
            raise
        assert spending is not None
        raise BudgetError(spending.reason()) from None
