"""The four ways of running a graph, as one function each, in virtual time where there is a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from linus_nb import AgentDAG, DAGExecutor, ExecutionResult
from tests.virtual_time import run

Mode = Callable[..., ExecutionResult]


def blocking(dag: AgentDAG, state: Any = None, /, overrides: Any = None, **options: Any) -> ExecutionResult:
    return DAGExecutor(dag, **options).execute(state, overrides=overrides)


def sequential(dag: AgentDAG, state: Any = None, /, overrides: Any = None, **options: Any) -> ExecutionResult:
    return run(DAGExecutor(dag, **options).aexecute(state, parallel=False, overrides=overrides))


def levels(dag: AgentDAG, state: Any = None, /, overrides: Any = None, **options: Any) -> ExecutionResult:
    return run(DAGExecutor(dag, **options).aexecute(state, overrides=overrides))


def dataflow(dag: AgentDAG, state: Any = None, /, overrides: Any = None, **options: Any) -> ExecutionResult:
    return run(DAGExecutor(dag, **options).aexecute(state, schedule="dataflow", overrides=overrides))


AWAITED: list[Mode] = [sequential, levels, dataflow]
EVERY: list[Mode] = [blocking, *AWAITED]
every_mode = pytest.mark.parametrize("mode", EVERY)
