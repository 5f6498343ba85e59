"""Agents and graphs of agents that you await in a notebook cell, watch while they run, and compare in a table.

>>> from linus_nb import AgentDAG, AgentNode, DAGExecutor
>>> dag = AgentDAG("square").add_node(AgentNode("square", lambda x: x * x, output_key="squared"))
>>> DAGExecutor(dag).execute({"x": 12}).final_state["squared"]
144
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linus_nb import models, testing
    from linus_nb.agent import Agent, AgentMetrics, AgentResponse
    from linus_nb.agent.kept import last_response
    from linus_nb.agent.memory import Memory
    from linus_nb.analysis.comparing.benchmark import benchmark, benchmark_agents, benchmark_sync, last_benchmark
    from linus_nb.analysis.evaluating.evaluation import evaluate, evaluate_sync, last_evaluation
    from linus_nb.analysis.runs.diff import diff
    from linus_nb.analysis.runs.many import runs_to_frame
    from linus_nb.budget import Budget
    from linus_nb.configuration import settings
    from linus_nb.dag import AgentDAG
    from linus_nb.engine.executor import DAGExecutor
    from linus_nb.engine.history import last_run
    from linus_nb.engine.jsonl import JsonLines
    from linus_nb.engine.result import ExecutionResult
    from linus_nb.engine.saved import load_run
    from linus_nb.errors import LinusError
    from linus_nb.events import NodeStatus
    from linus_nb.graph.node import AgentNode, Edge
    from linus_nb.graph.state import SharedState, StateManager
    from linus_nb.models import Limits, ResponseCache, default_model, governed
    from linus_nb.notebook.nesting import enable_nesting

__version__ = "0.1.0"

# where each public name lives; loaded when first asked for, so that importing the package costs next to nothing
_HOMES = {
    "Agent": "linus_nb.agent",
    "AgentDAG": "linus_nb.dag",
    "AgentMetrics": "linus_nb.agent",
    "AgentNode": "linus_nb.graph.node",
    "AgentResponse": "linus_nb.agent",
    "Budget": "linus_nb.budget",
    "DAGExecutor": "linus_nb.engine.executor",
    "Edge": "linus_nb.graph.node",
    "ExecutionResult": "linus_nb.engine.result",
    "JsonLines": "linus_nb.engine.jsonl",
    "Limits": "linus_nb.models.governing.limits",
    "LinusError": "linus_nb.errors",
    "Memory": "linus_nb.agent.memory",
    "NodeStatus": "linus_nb.events",
    "ResponseCache": "linus_nb.models.governing.cache",
    "SharedState": "linus_nb.graph.state",
    "StateManager": "linus_nb.graph.state",
    "benchmark": "linus_nb.analysis.comparing.benchmark",
    "benchmark_agents": "linus_nb.analysis.comparing.benchmark",
    "benchmark_sync": "linus_nb.analysis.comparing.benchmark",
    "default_model": "linus_nb.models",
    "diff": "linus_nb.analysis.runs.diff",
    "enable_nesting": "linus_nb.notebook.nesting",
    "evaluate": "linus_nb.analysis.evaluating.evaluation",
    "evaluate_sync": "linus_nb.analysis.evaluating.evaluation",
    "governed": "linus_nb.models.governing.make",
    "last_benchmark": "linus_nb.analysis.comparing.benchmark",
    "last_evaluation": "linus_nb.analysis.evaluating.evaluation",
    "last_response": "linus_nb.agent.kept",
    "last_run": "linus_nb.engine.history",
    "load_run": "linus_nb.engine.saved",
    "runs_to_frame": "linus_nb.analysis.runs.many",
    "models": "",
    "settings": "linus_nb.configuration",
    "testing": "",
}

__all__ = [
    "Agent",
    "AgentDAG",
    "AgentMetrics",
    "AgentNode",
    "AgentResponse",
    "Budget",
    "DAGExecutor",
    "Edge",
    "ExecutionResult",
    "JsonLines",
    "Limits",
    "LinusError",
    "Memory",
    "NodeStatus",
    "ResponseCache",
    "SharedState",
    "StateManager",
    "benchmark",
    "benchmark_agents",
    "benchmark_sync",
    "default_model",
    "diff",
    "enable_nesting",
    "evaluate",
    "evaluate_sync",
    "governed",
    "last_benchmark",
    "last_evaluation",
    "last_response",
    "last_run",
    "load_run",
    "models",
    "runs_to_frame",
    "settings",
    "testing",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'linus_nb' has no attribute {name!r}")
    value = getattr(import_module(home), name) if home else import_module(f"linus_nb.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def load_ipython_extension(ipython: Any) -> None:
    """Register the magics: ``%load_ext linus_nb``."""
    from linus_nb.notebook.magics import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Take the magics away: ``%unload_ext linus_nb``."""
    from linus_nb.notebook.magics import unload

    unload(ipython)
