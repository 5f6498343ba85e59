"""Nodes from functions: what ``@dag.node`` makes of a function and its options, and which keys such a node reads."""

from __future__ import annotations

from dataclasses import fields
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from linus_nb.errors import GraphError, nearest
from linus_nb.graph.node import AgentNode

_OPTIONS = tuple(f.name for f in fields(AgentNode) if f.init and f.name not in ("name", "agent"))


def declared(thing: Any, name: str | None, options: dict[str, Any]) -> AgentNode:
    """Return the node that ``@dag.node`` makes of a function, an agent, a Runnable or a graph.

    Raises:
        GraphError: an option is unknown or its value makes no sense, or there is no name to use.
    """
    if isinstance(thing, str):
        raise GraphError(f"dag.node() takes a function or an agent, not {thing!r}; write @dag.node(name={thing!r})")
    name = _name_of(thing) if name is None else name
    for option in options:
        if option not in _OPTIONS:
            shown = ", ".join(("name", "after", "when", *_OPTIONS))
            raise GraphError(f"node {name!r}: no option {option!r}; {nearest(option, _OPTIONS)}(options: {shown})")
    usual: dict[str, Any] = {"output_key": name, "by_name": True, "description": _summary(thing)}
    node = AgentNode(name, thing, **usual | options)
    parameters = node.target.parameters
    if parameters is not None and parameters.by_position_only and node.input_mapping is None:
        nameless = [p for p in parameters.required if p != node.map_item]
        if nameless:
            raise GraphError(
                f"node {name!r}: its parameter {nameless[0]!r} cannot be given by name, so no key can be passed to it; "
                "call it in a def whose parameters have the keys' names"
            )
    return node


def keys_read(node: AgentNode) -> tuple[str, ...]:
    """Return the keys that a declared node reads, each once.

    >>> keys_read(AgentNode("review", lambda paper, tone="dry": None, map_over="papers"))
    ('tone', 'papers')
    """
    parameters = node.target.parameters
    keys: list[str] = []
    if node.input_mapping is not None:
        keys += node.input_mapping.values()
    elif parameters is not None:
        keys += (name for name in parameters.required + parameters.optional if name != node.map_item)
    if node.map_over is not None:
        keys.append(node.map_over)
    return tuple(dict.fromkeys(keys))


def _name_of(thing: Any) -> str:
    name = getattr(thing, "__name__", None)
    if isinstance(name, str) and name.isidentifier() and name != "_":
        return name
    what = "a lambda" if name == "<lambda>" else repr(thing)
    raise GraphError(f"{what} has no name to call its node by; write dag.node(..., name='…')")


def _summary(thing: Any) -> str:
    """Return the first line of a function's docstring; an object has only that of its class, which says too little."""
    if not isinstance(thing, FunctionType | MethodType | BuiltinFunctionType):
        return ""
    return (thing.__doc__ or "").strip().partition("\n")[0].rstrip()
