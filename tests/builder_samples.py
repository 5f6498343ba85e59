"""Functions that read given keys, and what tests ask of a graph made of them."""

from __future__ import annotations

from typing import Any

from linus_nb import AgentDAG


def reading(*keys: str, optional: tuple[str, ...] = ()) -> Any:
    """A function with these parameters that returns the list of what it was given."""
    parameters = ", ".join([*keys, *(f"{key}=None" for key in optional)])
    return eval(f"lambda {parameters}: [{', '.join([*keys, *optional])}]")


def pairs(dag: AgentDAG) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in dag.edges}


def snapshot(dag: AgentDAG) -> tuple[Any, ...]:
    return list(dag.nodes.items()), list(dag.edges), dag.get_execution_order()


def essay() -> AgentDAG:
    """outline -> draft -> review, in which outline and draft read the topic."""
    dag = AgentDAG("essay")
    dag.node(reading("topic"), name="outline")
    dag.node(reading("topic", "outline"), name="draft")
    dag.node(reading("draft"), name="review")
    return dag
