"""How a graph is built: node by node and edge by edge, or from functions whose parameters name what they read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar, overload

from linus_nb.errors import CycleError, DuplicateError, GraphError, ReadsCycleError, UnknownNodeError
from linus_nb.graph.declare import declared, keys_read
from linus_nb.graph.edges import Edges, Origin
from linus_nb.graph.keys import Keys
from linus_nb.graph.node import AgentNode, Condition, Edge
from linus_nb.graph.plan import Plan
from linus_nb.graph.target import Graph

F = TypeVar("F")
Self = TypeVar("Self", bound="Builder")
Named = str | Callable[..., Any]  # a node, by its name or by the function it holds
Around = dict[tuple[str, str], tuple[Edge, Origin]]  # the edges at a node


class Builder:
    """The nodes and edges of a graph, and every way to change them.

    A change that is refused leaves all as it was.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: dict[str, AgentNode] = {}
        self._edges = Edges()
        self._keys = Keys()
        self._plan: Plan | None = None

    @property
    def nodes(self) -> Mapping[str, AgentNode]:
        """The nodes by name, in the order of adding."""
        return dict(self._nodes)

    @property
    def edges(self) -> Sequence[Edge]:
        """The edges in the order of adding."""
        return list(self._edges.by_pair.values())

    def plan(self) -> Plan:
        """Return the graph compiled for running; made anew after each change."""
        if self._plan is None:
            self._plan = Plan(self.name, list(self._nodes.values()), list(self._edges.by_pair.values()))
        return self._plan

    # -- node by node, edge by edge -------------------------------------------------------------------------------

    def add_node(self: Self, node: AgentNode) -> Self:
        """Add a node and return this graph.

        It comes before the nodes of `node` that read its ``output_key``; other edges are up to `add_edge`.

        Raises:
            DuplicateError: there is a node of that name.
        """
        if not isinstance(node, AgentNode):
            raise GraphError(f"add_node() takes an AgentNode, not {node!r}; write AgentNode('name', {node!r})")
        if node.name in self._nodes:
            raise DuplicateError(
                f"there is a node {node.name!r} already; give this one another name, or replace that one with @dag.node"
            )
        self._refuse_itself(node)
        if self._keys.is_read(node.output_key):
            self._define(node, None)
        else:  # no edge comes with it
            self._let_in(node, None)
        return self

    def add_edge(self: Self, source: str, target: str, condition: Condition | None = None) -> Self:
        """Let ``target`` come after ``source`` and return this graph.

        An edge that is there because a function reads what another writes becomes this one.

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
        if condition is not None and not callable(condition):
            raise GraphError(
                f"the condition of {source!r} -> {target!r} is {condition!r}; give a function of the state"
            )
        pair = (source, target)
        if pair in self._edges.by_pair:
            self._refuse_second(source, target)
            self._edges.put(Edge(source, target, condition), "made")
        elif self._edges.order.admit_edge(source, target):
            self._edges.add(pair, Edge(source, target, condition))
        else:
            raise self._cycle([source, *self._edges.path([target], [source])])
        self._plan = None
        return self

    def _refuse_second(self, source: str, target: str) -> None:
        """Raise if the edge that is there was asked for."""
        origin = self._edges.origin(source, target)
        if origin == "made":
            raise DuplicateError(f"there is an edge {source!r} -> {target!r} already; leave this one out")
        if origin == "after":
            raise DuplicateError(
                f"there is an edge {source!r} -> {target!r} already, as {target!r} is defined with after={source!r}; "
                "leave this one out, or give its condition there as when="
            )

    def remove_node(self: Self, name: str) -> Self:
        """Remove a node and its edges (that of a cell which was renamed, say) and return this graph.

        Raises:
            UnknownNodeError: no node has that name.
        """
        if name not in self._nodes:
            raise UnknownNodeError(name, list(self._nodes))
        self._keys.leave(self._nodes.pop(name))
        self._edges.leave(name)
        self._plan = None
        return self

    # -- from functions -------------------------------------------------------------------------------------------

    @overload
    def node(
        self,
        agent: None = None,
        /,
        *,
        name: str | None = None,
        after: Named | Iterable[Named] = (),
        when: Condition | None = None,
        **options: Any,
    ) -> Callable[[F], F]: ...

    @overload
    def node(
        self,
        agent: F,
        /,
        *,
        name: str | None = None,
        after: Named | Iterable[Named] = (),
        when: Condition | None = None,
        **options: Any,
    ) -> F: ...

    def node(
        self,
        agent: Any = None,
        /,
        *,
        name: str | None = None,
        after: Named | Iterable[Named] = (),
        when: Condition | None = None,
        **options: Any,
    ) -> Any:
        """Make a node of a function, whose parameters name the keys it reads, and return the function unchanged.

        An edge comes from every node that writes one of these keys, also from those that are defined later. A function
        that reads and writes the same key refines it: it comes after the writers that were defined before it. A second
        definition of a name replaces the first in its place, so that a cell can be run again; edges made with
        `add_edge` stay. Agents, Runnables and graphs can be given, too: ``dag.node(agent, name="review",
        after="draft")``; of these only ``input_mapping`` and ``map_over`` say what they read.

        Args:
            agent: a plain or async function, or what else an `AgentNode` may hold.
            name: the node's name; the function's, unless said.
            after: a name or a function, or several, that come first, whether it reads what they write or not.
            when: a condition on the edges from ``after``, asked when such a node has ended (see `add_edge`). The
                node's ``trigger`` is then ``"all"``, unless said, so that no other edge lets it run.
            **options: of `AgentNode`, like ``retry_count``. ``output_key`` is the node's name, unless said (None
                writes nothing); ``description`` is the first line of the function's docstring.

        Raises:
            GraphError: an option makes no sense, or there is no name to use; in all cases nothing has changed.
            UnknownNodeError: ``after`` names what is no node.
            DuplicateError: ``when`` is given for an edge that was made with `add_edge`.
            CycleError: the node would read, directly or not, what it writes itself.

        >>> from linus_nb import AgentDAG
        >>> dag = AgentDAG("tea")
        >>> @dag.node
        ... def essay(topic, outline):
        ...     return f"{topic}: {', '.join(outline)}"
        >>> @dag.node
        ... async def outline(topic):
        ...     return [f"what {topic} is", f"why {topic} matters"]
        >>> @dag.node(after="outline", when=lambda state: len(state["outline"]) > 5)
        ... def shorten(essay):
        ...     return essay[:80]
        >>> dag.get_execution_order()
        [['outline'], ['essay'], ['shorten']]
        >>> dag.run({"topic": "tea"})["essay"]
        'tea: what tea is, why tea matters'
        """
        if agent is None:
            return lambda thing: self.node(thing, name=name, after=after, when=when, **options)
        if when is not None:
            options = {"trigger": "all", **options}
        node = declared(agent, name, options)
        self._refuse_itself(node)
        sources = [self._name_of(one, node) for one in several(after)]
        if when is not None and not (sources and callable(when)):
            remedy = "give a function of the state" if sources else "say after which node it is asked: after='name'"
            raise GraphError(f"node {node.name!r}: when is {when!r}; {remedy}")
        self._define(node, keys_read(node), [Edge(source, node.name, when) for source in sources])
        return agent

    def map(self, key: str, *, item: str | None = None, max_concurrency: int = 8, **options: Any) -> Callable[[F], F]:
        """Make a node of a function that runs once per item of a list: a decorator, short for ``node(map_over=key)``.

        Args:
            key: the key that holds the list.
            item: the parameter that gets the item; the first, unless said.
            max_concurrency: how many items run at once.
            **options: as `node` takes them.

        >>> from linus_nb import AgentDAG
        >>> dag = AgentDAG("sizes")
        >>> @dag.map("words")
        ... def sizes(word):
        ...     return len(word)
        >>> dag.nodes["sizes"].map_over
        'words'
        """
        if not isinstance(key, str):
            raise GraphError(f"dag.map() takes the key of a list, not {key!r}; write @dag.map('key')")
        return self.node(map_over=key, map_item=item, map_concurrency=max_concurrency, **options)

    def _name_of(self, one: Named, defined: AgentNode | None = None) -> str:
        """Return the name of a node that is given by it, or by what the node holds.

        Args:
            one: a name, a function or an agent.
            defined: a node that is about to come in.
        """
        if defined is not None and (one == defined.name or one is defined.agent):
            return defined.name
        if isinstance(one, str):
            name = one
        else:
            name = getattr(one, "__name__", repr(one))
            if name not in self._nodes or self._nodes[name].agent is not one:
                held_by = [node.name for node in self._nodes.values() if node.agent is one]
                if len(held_by) > 1:
                    shown = ", ".join(map(repr, held_by))
                    raise GraphError(f"several nodes hold {name!r}; give the name of one of them: {shown}")
                name = held_by[0] if held_by else name
        if name not in self._nodes:
            raise UnknownNodeError(name, list(self._nodes))
        return name

    # -- what a definition brings with it -------------------------------------------------------------------------

    def _define(self, node: AgentNode, reads: tuple[str, ...] | None, after: Iterable[Edge] = ()) -> None:
        """Let a node in, or replace that of its name in its place, with all the edges that this brings."""
        name = node.name
        around = self._lasting(name) if name in self._nodes else {}
        for edge in after:
            pair = edge.source, name
            if pair not in around:
                around[pair] = (edge, "after")
            elif around[pair][1] == "made" and edge.condition is not None:
                raise DuplicateError(
                    f"there is an edge {edge.source!r} -> {name!r} already, made with add_edge, so when= cannot be put "
                    f"on it; leave out when=, or that edge (dag.remove_node({name!r}) takes it away)"
                )
        for pair in self._keys.implied(node, reads, self._edges.position):
            if pair not in around:
                around[pair] = (Edge(*pair), "reads")
        sources = [source for source, target in around if target == name]
        targets = [target for source, target in around if source == name]
        if name in sources:
            raise self._cycle([name, name], node, around)
        if not self._edges.order.admit_node(name, sources, targets):
            path = self._edges.path(targets, sources, avoiding=name)
            raise self._cycle([name, *path, name], node, around)

        if name in self._nodes:
            self._keys.leave(self._nodes[name])
        self._let_in(node, reads)
        self._edges.replace_around(name, around.values())

    def _let_in(self, node: AgentNode, reads: tuple[str, ...] | None) -> None:
        self._nodes[node.name] = node
        self._edges.enter(node.name)
        self._keys.enter(node, reads)
        self._plan = None

    def _refuse_itself(self, node: AgentNode) -> None:
        """Raise if a node holds this graph, or one that holds it, and so on."""
        seen: dict[int, Graph] = {}
        stack = [node.target.graph]
        while stack:
            graph = stack.pop()
            if graph is None or id(graph) in seen:
                continue
            if id(graph) == id(self):
                raise GraphError(
                    f"node {node.name!r} holds {self.name!r} itself, or a graph that does; give it another"
                )
            seen[id(graph)] = graph
            stack += [inner.target.graph for inner in graph.plan().nodes]

    def _lasting(self, name: str) -> Around:
        """Return the edges at a node which it did not bring itself, so that another definition of it leaves them."""
        lasting: Around = {}
        for pair in self._edges.around(name):
            origin = self._edges.origin(*pair)
            if origin == "made" or (origin == "after" and pair[0] == name):
                lasting[pair] = (self._edges.by_pair[pair], origin)
        return lasting

    def _cycle(self, cycle: Sequence[str], node: AgentNode | None = None, around: Around | None = None) -> CycleError:
        """Return the error for a cycle that closes when ``node`` comes in with the edges ``around`` it."""
        reasons = []
        for source, target in pairwise(cycle):
            _, origin = (around or {}).get((source, target), (None, self._edges.origin(source, target)))
            if origin == "reads":
                writer = node if node is not None and node.name == source else self._nodes[source]
                reasons.append(f"{target!r} reads {writer.output_key!r} from {source!r}")
        return ReadsCycleError(cycle, reasons) if reasons else CycleError(cycle)

    def _copy_to(self, part: Builder, names: set[str]) -> None:
        """Copy the nodes of these names, and the edges between them, to an empty graph."""
        for name, node in self._nodes.items():
            if name in names:
                part._let_in(node, self._keys.reads.get(name))
        for pair, edge in self._edges.by_pair.items():
            if names.issuperset(pair):
                part._edges.put(edge, self._edges.origin(*pair))


def several(names: Named | Iterable[Named]) -> list[Named]:
    """Return a list of what may be one name or function, or several."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        return [names]
    return list(names)
