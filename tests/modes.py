"""The four ways of running a graph, as one function each, in virtual time where there is a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from linus_nb import AgentDAG, DAGExecutor, ExecutionResult
from tests.virtual_time import run

Mode = Callable[..., ExecutionResult]


def blocking(dag: AgentDAG, state: Any = None, /, **options: Any) -> ExecutionResult:
    return DAGExecutor(dag, **options).execute(state)


def sequential(dag: AgentDAG, state: Any = None, /, **options: Any) -> ExecutionResult:
    return run(DAGExecutor(dag, **options).aexecute(state, parallel=False))


def levels(dag: AgentDAG, state: Any = None, /, **options: Any) -> ExecutionResult:
    return run(DAGExecutor(dag, **options).aexecute(state))


def dataflow(dag: AgentDAG, state: Any = None, /, **options: Any) -> ExecutionResult:
    return run(DAGExecutor(dag, **options).aexecute(state, schedule="dataflow"))


every_mode = pytest.mark.parametrize("mode", [blocking, sequential, levels, dataflow])
AWAITED = [sequential, levels, dataflow]
