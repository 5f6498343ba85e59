"""Nodes and edges: descriptions, checked when they are made. Nothing of a run lives on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from linus_nb.brief import Brief
from linus_nb.errors import GraphError, nearest
from linus_nb.graph.target import Target, understand

OnError = Literal["fail", "skip", "continue"]
Trigger = Literal["any", "all", "always"]
Condition = Callable[[Mapping[str, Any]], Any]

_ON_ERROR = ("fail", "skip", "continue")
_ANY_ERROR: tuple[type[BaseException], ...] = (Exception,)
_TRIGGERS = ("any", "all", "always")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AgentNode(Brief):
    """One step of a graph: a name and what to call.

    Args:
        name: unique in its graph.
        agent: an `Agent`, any object with ``run`` and/or ``arun``, a LangChain Runnable, a plain or async function,
            or another `AgentDAG`.
        description: shown as the node's tooltip.
        input_mapping: ``{"agent_key": "state_key"}`` gives the agent a dict of just these; ``{}`` gives it nothing;
            None (the default) lets it see the initial state and what its ancestors wrote.
        output_key: the key under which the result is written to the state; None keeps it in ``node_results`` only.
        on_error: ``"fail"`` (descendants are skipped), ``"skip"`` (this node counts as skipped) or ``"continue"``
            (its result is None); in the latter two the run goes on and keeps the error.
        retry_count: attempts after the first, with exponential backoff and jitter.
        retry_on: the exceptions worth another attempt.
        timeout_seconds: for each attempt.
        trigger: ``"any"`` (one live edge is enough, and no source failed), ``"all"`` (every edge is live) or
            ``"always"`` (whatever happened, once its sources have ended).
        priority: among the nodes that are ready, higher ones start first.
        resources: amounts that the node needs of the executor's ``resources``, like ``{"gpu": 1}``.
        map_over: a key that holds a list: the node runs once per item, and its result is the list of results, in order.
            Retries and timeouts are per item. An item that fails, fails the node once all items have ended
            (``"fail"``), is left out of the results (``"skip"``) or leaves None in its place (``"continue"``).
        map_item: what the agent calls the item; a function's first parameter, unless said. Other agents get the bare
            item, or with a name a mapping in which the item stands beside all else; a graph gets it as ``"item"``.
        map_concurrency: how many items run at once, within the executor's limits.
        by_name: each required parameter of a function must be a key; otherwise a lone one that is not gets the whole
            mapping.

    Raises:
        GraphError: a value makes no sense; the message says which are allowed.

    >>> AgentNode("double", lambda x: 2 * x, output_key="doubled").on_error
    'fail'
    >>> AgentNode("double", lambda x: 2 * x, on_error="ignore")
    Traceback (most recent call last):
        ...
    linus_nb.errors.GraphError: node 'double': on_error is 'ignore'; choose one of 'fail', 'skip', 'continue'
    """

    name: str
    agent: Any
    _: KW_ONLY
    description: str = ""
    input_mapping: Mapping[str, str] | None = None
    output_key: str | None = None
    on_error: OnError = "fail"
    retry_count: int = 0
    retry_on: tuple[type[BaseException], ...] = _ANY_ERROR
    timeout_seconds: float | None = None
    trigger: Trigger = "any"
    priority: int = 0
    resources: Mapping[str, float] | None = None
    map_over: str | None = None
    map_item: str | None = None
    map_concurrency: int = 8
    by_name: bool = False
    target: Target = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise GraphError(f"a node's name is a non-empty string, not {self.name!r}")
        self._choice("on_error", self.on_error, _ON_ERROR)
        self._choice("trigger", self.trigger, _TRIGGERS)
        if isinstance(self.retry_count, bool) or not isinstance(self.retry_count, int) or self.retry_count < 0:
            self._refuse("retry_count", self.retry_count, "give a whole number from 0")
        if self.timeout_seconds is not None and not _positive(self.timeout_seconds):
            self._refuse("timeout_seconds", self.timeout_seconds, "give seconds above 0, or None for no limit")
        if self.output_key is not None and (not isinstance(self.output_key, str) or not self.output_key):
            self._refuse("output_key", self.output_key, "give a non-empty string, or None to write nothing")
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            self._refuse("priority", self.priority, "give a whole number; higher goes first")
        if not isinstance(self.description, str):
            self._refuse("description", self.description, "give a string")
        if self.retry_on is not _ANY_ERROR:
            self._check_retry_on()
        if self.input_mapping is not None:
            self._check_mapping(self.input_mapping)
        if self.resources is not None:
            self._check_resources(self.resources)
        object.__setattr__(self, "target", understand(self.agent))
        if self.resources and self.target.graph is not None:
            self._refuse("resources", self.resources, "it holds a graph: give them to the nodes of that graph")
        self._check_map()

    def _check_retry_on(self) -> None:
        kinds = (self.retry_on,) if isinstance(self.retry_on, type) else self.retry_on
        if not isinstance(kinds, tuple | list | set | frozenset) or not all(
            isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds
        ):
            self._refuse(
                "retry_on", self.retry_on, "give an exception type, or several: (ConnectionError, TimeoutError)"
            )
        object.__setattr__(self, "retry_on", tuple(kinds))

    def _check_resources(self, resources: Any) -> None:
        if not isinstance(resources, Mapping) or not all(isinstance(name, str) for name in resources):
            self._refuse("resources", resources, "give a dict like {'gpu': 1}")
        for resource, amount in resources.items():
            if not _positive(amount) or amount == math.inf:
                self._refuse("resources", {resource: amount}, "give amounts above 0, and not infinite")

    def _check_map(self) -> None:
        if self.map_over is None:
            if self.map_item is not None:
                self._refuse("map_item", self.map_item, "say whose items: map_over='key of a list'")
            return
        if not isinstance(self.map_over, str) or not self.map_over:
            self._refuse("map_over", self.map_over, "give the key of a list")
        if isinstance(self.map_concurrency, bool) or not isinstance(self.map_concurrency, int):
            self._refuse("map_concurrency", self.map_concurrency, "give a whole number from 1")
        if self.map_concurrency < 1:
            self._refuse("map_concurrency", self.map_concurrency, "give a whole number from 1")
        parameters = self.target.parameters
        if parameters is None:
            if self.target.graph is not None and self.map_item is None:
                object.__setattr__(self, "map_item", "item")
            return
        names = parameters.required + parameters.optional
        if not names:
            self._refuse("map_over", self.map_over, "its function takes no parameter; give it one for the item")
        if self.map_item is None:
            object.__setattr__(self, "map_item", names[0])
        self._choice("map_item", self.map_item, names)

    def _check_mapping(self, mapping: Any) -> None:
        fits = isinstance(mapping, Mapping) and all(
            isinstance(a, str) and isinstance(s, str) for a, s in mapping.items()
        )
        if not fits:
            self._refuse("input_mapping", mapping, "give a dict like {'agent_key': 'state_key'}")

    def _choice(self, what: str, value: object, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            shown = ", ".join(map(repr, allowed))
            self._refuse(what, value, f"{nearest(str(value), allowed)}choose one of {shown}")

    def _refuse(self, what: str, value: object, remedy: str) -> None:
        raise GraphError(f"node {self.name!r}: {what} is {value!r}; {remedy}")


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and not math.isnan(value)


@dataclass(frozen=True, slots=True)
class Edge:
    """An order between two nodes. With a ``condition``, the edge is live only when that answers true."""

    source: str
    target: str
    condition: Condition | None = None

    @property
    def label(self) -> str:
        """The condition's name where it has one worth reading, else an empty string."""
        name = getattr(self.condition, "__name__", "")
        return "" if name == "<lambda>" else name
