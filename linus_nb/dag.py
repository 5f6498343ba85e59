"""`AgentDAG`: the one mutable builder of graphs. Await it, and it runs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from linus_nb.display import Shown, view
from linus_nb.engine.executor import DAGExecutor, checked
from linus_nb.engine.gates import Schedule
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.run import Run
from linus_nb.engine.view import Reducers
from linus_nb.errors import CycleError, DuplicateError, GraphError, UnknownNodeError
from linus_nb.events import GraphShape
from linus_nb.graph.node import AgentNode, Condition, Edge
from linus_nb.graph.plan import Plan


class AgentDAG(Shown):
    """A graph of agents and functions.

    Args:
        name: shown in pictures and messages.
        reducers: ``{"key": fold}``: how several values written under one key become one, like ``operator.add``.

    >>> dag = AgentDAG("greet")
    >>> dag = dag.add_node(AgentNode("hello", lambda who: f"Hello, {who}", output_key="greeting"))
    >>> dag = dag.add_node(AgentNode("shout", lambda greeting: greeting.upper(), output_key="loud"))
    >>> dag = dag.add_edge("hello", "shout")
    >>> dag.get_execution_order()
    [['hello'], ['shout']]
    >>> DAGExecutor(dag).execute({"who": "Ada"}).final_state["loud"]
    'HELLO, ADA'

    In a notebook: ``await dag({"who": "Ada"})``.
    """

    _view = "linus_nb.rendering.bundle:dag_bundle"

    def __init__(self, name: str = "AgentDAG", *, reducers: Reducers | None = None) -> None:
        for key, fold in (reducers or {}).items():
            if not callable(fold):
                raise GraphError(
                    f"the reducer of {key!r} is {fold!r}; give a function of two values, like operator.add"
                )
        self.name = name
        self.reducers: Reducers = dict(reducers or {})
        self._nodes: dict[str, AgentNode] = {}
        self._edges: dict[tuple[str, str], Edge] = {}
        self._position: dict[str, int] = {}
        self._after: dict[str, list[str]] = {}
        self._before: dict[str, list[str]] = {}
        self._all_forward = True  # every edge so far runs in the order of adding, so none can close a circle
        self._plan: Plan | None = None

    # -- building -------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> Mapping[str, AgentNode]:
        """The nodes by name, in the order of adding."""
        return dict(self._nodes)

    @property
    def edges(self) -> Sequence[Edge]:
        """The edges in the order of adding."""
        return list(self._edges.values())

    def add_node(self, node: AgentNode) -> AgentDAG:
        """Add a node and return this graph.

        Raises:
            DuplicateError: there is a node of that name.
        """
        if not isinstance(node, AgentNode):
            raise GraphError(f"add_node() takes an AgentNode, not {node!r}; write AgentNode('name', {node!r})")
        if node.name in self._nodes:
            raise DuplicateError(f"there is a node {node.name!r} already; give this one another name")
        self._position[node.name] = len(self._nodes)
        self._nodes[node.name] = node
        self._after[node.name] = []
        self._before[node.name] = []
        self._plan = None
        return self

    def add_edge(self, source: str, target: str, condition: Condition | None = None) -> AgentDAG:
        """Let ``target`` come after ``source`` and return this graph.

        Args:
            source: the name of the node that comes first.
            target: the name of the node that waits for it.
            condition: a sync or async function of a read-only mapping (what the source saw and wrote); the edge is
                live only when it answers true.

        Raises:
            UnknownNodeError: a name that no node bears.
            DuplicateError: there is such an edge.
            CycleError: the edge would close a circle.
            GraphError: the condition is not a function.
        """
        for name in (source, target):
            if name not in self._nodes:
                raise UnknownNodeError(name, list(self._nodes))
        if (source, target) in self._edges:
            raise DuplicateError(f"there is an edge {source!r} -> {target!r} already; leave this one out")
        if condition is not None and not callable(condition):
            raise GraphError(
                f"the condition of {source!r} -> {target!r} is {condition!r}; give a function of the state"
            )
        forward = self._position[source] < self._position[target]
        if not (self._all_forward and forward):
            self._refuse_cycle(source, target)
        self._all_forward = self._all_forward and forward
        self._edges[source, target] = Edge(source, target, condition)
        self._after[source].append(target)
        self._before[target].append(source)
        self._plan = None
        return self

    def _refuse_cycle(self, source: str, target: str) -> None:
        """Raise if a path leads from ``target`` back to ``source``.

        Searches from both ends in turn and stops when either has nowhere left to go, so that a chain added in
        reverse costs a step for each edge.
        """
        if source == target:
            raise CycleError([source, source])
        down, up = [target], [source]
        below, above = {target}, {source}
        while down and up:
            for name in self._after[down.pop()]:
                if name in above:
                    raise CycleError(self._path(target, source, closing=source))
                if name not in below:
                    below.add(name)
                    down.append(name)
            for name in self._before[up.pop()]:
                if name in below:
                    raise CycleError(self._path(target, source, closing=source))
                if name not in above:
                    above.add(name)
                    up.append(name)

    def _path(self, first: str, last: str, closing: str) -> list[str]:
        """Return the names on a shortest path from ``first`` to ``last``, after ``closing``."""
        came_from: dict[str, str] = {first: closing}
        queue = [first]
        for name in queue:  # grows while it is walked
            for following in self._after[name]:
                if following not in came_from:
                    came_from[following] = name
                    queue.append(following)
        path = [last]
        while path[-1] != first:
            path.append(came_from[path[-1]])
        return [closing, *reversed(path)]

    # -- asking ---------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return the graph compiled for running; made anew after each change."""
        if self._plan is None:
            self._plan = Plan(self.name, list(self._nodes.values()), list(self._edges.values()))
        return self._plan

    def shape(self) -> GraphShape:
        """Return what a picture needs of this graph."""
        return self.plan().shape()

    def get_execution_order(self) -> list[list[str]]:
        """Return the levels: lists of names that may run at the same time, in order."""
        return self.plan().levels()

    def validate(self, initial_state: Mapping[str, Any] | None = None) -> AgentDAG:
        """Return this graph if it can run with these initial keys; nothing runs.

        Raises:
            ValidationError: with all problems in one report.
        """
        checked(self, initial_state or {}, _Unlimited())
        return self

    # -- running --------------------------------------------------------------------------------------------------

    def start(self, initial_state: Mapping[str, Any] | None = None, schedule: Schedule = "levels") -> Run:
        """Start a run in the background of the running event loop and return its handle."""
        return DAGExecutor(self).start(initial_state, schedule)

    async def __call__(self, initial_state: Mapping[str, Any] | None = None) -> ExecutionResult:
        """Run level by level and return the result: ``await dag({"topic": "…"})``."""
        return await DAGExecutor(self).aexecute(initial_state)

    def __await__(self) -> Generator[Any, None, ExecutionResult]:
        return self().__await__()

    def run(self, initial_state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run as a node of another graph: blocking; return what was written, or raise if the run failed."""
        return self._written(DAGExecutor(self).execute(initial_state))

    async def arun(self, initial_state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run as a node of another graph: awaited; return what was written, or raise if the run failed."""
        return self._written(await self(initial_state))

    def _written(self, result: ExecutionResult) -> dict[str, Any]:
        result.raise_for_failure()
        return {key: value for key, value in result.final_state.items() if key in self.plan().writers}

    def __len__(self) -> int:
        return len(self._nodes)

    def __bool__(self) -> bool:
        return True  # an empty graph is still a graph

    def __repr__(self) -> str:
        text: str = view("linus_nb.rendering.text:graph_text")(self.shape())
        return text


class _Unlimited(dict[str, float]):
    """Resources without end: what a graph alone cannot know of is checked by the executor."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002
        return float("inf")
