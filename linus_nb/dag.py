"""`AgentDAG`: the one mutable builder of graphs. Await it, and it runs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from linus_nb.configuration import settings
from linus_nb.display import Drawn, view
from linus_nb.engine.executor import DAGExecutor, checked
from linus_nb.engine.gates import Schedule
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.run import Run
from linus_nb.engine.view import Reducers
from linus_nb.errors import GraphError
from linus_nb.events import GraphShape
from linus_nb.graph.builder import Builder, Named, several


class AgentDAG(Builder, Drawn):
    """A graph of agents and functions.

    Args:
        name: shown in pictures and messages.
        reducers: ``{"key": fold}``: how several values written under one key become one, like ``operator.add``.

    >>> from linus_nb import AgentNode
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
        super().__init__(name)
        self.reducers: Reducers = dict(reducers or {})

    # -- asking ---------------------------------------------------------------------------------------------------

    def shape(self) -> GraphShape:
        """Return what a picture needs of this graph."""
        return self.plan().shape()

    def _drawn(self) -> tuple[GraphShape, None]:
        return self.shape(), None

    def get_execution_order(self) -> list[list[str]]:
        """Return the levels: lists of names that may run at the same time, in order."""
        return self.plan().levels()

    def validate(
        self, initial_state: Mapping[str, Any] | None = None, overrides: Mapping[str, Any] | None = None
    ) -> AgentDAG:
        """Return this graph if it can run with these initial keys; nothing runs.

        Args:
            initial_state: only its keys count.
            overrides: only its names count: of nodes that will not run, nothing is asked.

        Raises:
            ValidationError: with all problems in one report.
            UnknownNodeError: ``overrides`` names what is no node.
        """
        checked(self, initial_state or {}, _Unlimited(), overrides)
        return self

    def subgraph(self, *names: Named, ancestors: bool = False, descendants: bool = False) -> AgentDAG:
        """Return a new graph of these nodes and the edges between them; a change to either does not touch the other.

        Args:
            *names: nodes, by name or by the function they hold.
            ancestors: all nodes from which a path leads to them, too.
            descendants: all nodes to which a path leads from them, too.

        Raises:
            UnknownNodeError: a name that no node bears.
            GraphError: no name is given.

        >>> from linus_nb import AgentNode
        >>> dag = AgentDAG("sums")
        >>> for name in ("one", "two", "three"):
        ...     dag = dag.add_node(AgentNode(name, lambda: 0))
        >>> dag.add_edge("one", "two").add_edge("two", "three").subgraph("two", ancestors=True).get_execution_order()
        [['one'], ['two']]
        """
        if not names:
            raise GraphError(f"{self.name!r}: a subgraph of no nodes; name at least one: dag.subgraph('name')")
        asked = [self._name_of(name) for name in names]
        chosen = set(asked)
        if ancestors:
            chosen |= self._edges.reach(asked, up=True)
        if descendants:
            chosen |= self._edges.reach(asked, up=False)
        part = AgentDAG(f"{self.name} (part)", reducers=self.reducers)
        self._copy_to(part, chosen)
        return part

    # -- running --------------------------------------------------------------------------------------------------

    def start(
        self,
        initial_state: Mapping[str, Any] | None = None,
        schedule: Schedule = "levels",
        *,
        overrides: Mapping[str, Any] | None = None,
    ) -> Run:
        """Start a run in the background of the running event loop and return its handle."""
        return DAGExecutor(self).start(initial_state, schedule, overrides=overrides)

    async def __call__(
        self, initial_state: Mapping[str, Any] | None = None, *, overrides: Mapping[str, Any] | None = None
    ) -> ExecutionResult:
        """Run level by level and return the result: ``await dag({"topic": "…"})``.

        Args:
            initial_state: what the nodes may read from the start.
            overrides: results by node, like ``{"search": [...]}``: such a node does not run, nor do those that only it
                needed.
        """
        executor = DAGExecutor(self)
        return await (executor.watch if settings.live else executor.aexecute)(initial_state, overrides=overrides)

    async def watch(
        self,
        initial_state: Mapping[str, Any] | None = None,
        schedule: Schedule = "levels",
        *,
        overrides: Mapping[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run, and show the run while it goes on: ``await dag.watch({"topic": "…"})``. See `DAGExecutor.watch`.

        ``linus_nb.settings.live = True`` makes ``await dag`` do the same.
        """
        return await DAGExecutor(self).watch(initial_state, schedule, overrides=overrides)

    async def run_until(
        self,
        node: Named | Iterable[Named],
        initial_state: Mapping[str, Any] | None = None,
        *,
        schedule: Schedule = "levels",
        overrides: Mapping[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a node, or several, and what comes before, and return the result: ``await dag.run_until("review")``.

        Args:
            node: a name, or the function that the node holds; or a list of them.
            initial_state: what the nodes may read from the start.
            schedule: as in `DAGExecutor.aexecute`.
            overrides: results by node, as in a call of the graph; those of nodes that are not in this part are not
                needed.

        Raises:
            UnknownNodeError: a name that no node bears.
            ValidationError: this part of the graph cannot run; nothing has.
        """
        part = self.subgraph(*several(node), ancestors=True)
        if isinstance(overrides, Mapping):
            idle = self._nodes.keys() - part._nodes.keys()
            overrides = {name: value for name, value in overrides.items() if name not in idle}
        return await DAGExecutor(part).aexecute(initial_state, schedule=schedule, overrides=overrides)

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
