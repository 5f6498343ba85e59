"""Random graphs as plain data, and the `AgentDAG` that each describes.

A node's result is a short mark of who made it and of what it saw, so that equal results mean equal inputs. What a node
does at each visit is kept in a `Trace`, which the oracle fills in the same way.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode

ITEMS = ["x0", "x1", "x2"]
INITIAL = {"given": 0, "xs": ITEMS, "folded": "start"}
CAPACITIES = {"cpu": 3, "gpu": 1}
ALWAYS = 99  # attempts that break


@dataclass(frozen=True)
class NodeSpec:
    """A node as data. ``edges`` are (source's number, kind of condition)."""

    name: str
    kind: str = "work"  # "work", "hangs", "items", "graph" or "graphs" (a graph for each item)
    is_async: bool = True
    milliseconds: int = 0
    breaks: int = 0  # so many visits of a place fail
    retries: int = 0
    on_error: str = "fail"
    trigger: str = "any"
    priority: int = 0
    resources: tuple[tuple[str, float], ...] = ()
    key: str | None = None
    reads: tuple[str, ...] | None = None  # None: the whole view
    needs: str | None = None  # a key without which it fails
    over: str = "xs"
    width: int = 2
    edges: tuple[tuple[int, str], ...] = ()
    inner: tuple[NodeSpec, ...] = ()

    @property
    def mapped(self) -> bool:
        return self.kind in ("items", "graphs")

    @property
    def mapping(self) -> dict[str, str] | None:
        """The node's ``input_mapping``."""
        if self.needs is not None:
            return {"needed": self.needs}
        return None if self.reads is None else {key: key for key in self.reads}


Graph = tuple[NodeSpec, ...]


class Trace:
    """What happened at each place of a run: how often it was visited, and what each visit saw."""

    def __init__(self) -> None:
        self.visits: Counter[str] = Counter()
        self.saw: defaultdict[str, list[str]] = defaultdict(list)

    def clear(self) -> None:
        self.visits.clear()
        self.saw.clear()

    def visit(self, path: str, spec: NodeSpec, saw: Mapping[str, Any]) -> str:
        """Return the mark of a visit, or raise if this visit breaks."""
        seen = repr(sorted(saw.items()))
        self.visits[path] += 1
        self.saw[path].append(seen)
        if spec.kind == "items" and spec.over != "xs":  # its items may be equal, so that visits cannot be told apart
            breaks = spec.breaks and zlib.crc32(str(saw["item"]).encode()) % 2
        else:
            breaks = self.visits[path] <= spec.breaks
        if breaks:
            raise ValueError(f"{path} broke on {{purpose}}")
        return f"{path}#{zlib.crc32(seen.encode()):08x}"

    def sorted_saw(self) -> dict[str, list[str]]:
        return {path: sorted(seen) for path, seen in self.saw.items()}


def place_of(prefix: str, name: str, saw: Mapping[str, Any]) -> str:
    """Return how a visit is known: by its node, and by its item where there is one."""
    return f"{prefix}{name}[{saw['item']}]" if "item" in saw else f"{prefix}{name}"


# -- from data to a graph -----------------------------------------------------------------------------------------


def join(first: Any, second: Any) -> str:
    """The reducer of the key ``folded``: not commutative, so that a wrong order is seen."""
    return f"{first}|{second}"


def build(specs: Graph, trace: Trace, name: str = "random", prefix: str = "") -> AgentDAG:
    """Return the graph that ``specs`` describe; its nodes note their visits in ``trace``."""
    dag = AgentDAG(name, reducers={"folded": join})
    for spec in specs:
        options: dict[str, Any] = {}
        if spec.mapped:
            options |= {"map_over": spec.over, "map_concurrency": spec.width}
            if spec.reads is None or spec.kind == "graphs":
                options["map_item"] = "item"
        if spec.kind == "hangs":
            options["timeout_seconds"] = 0.01
        dag.add_node(
            AgentNode(
                spec.name,
                _agent(spec, trace, prefix),
                input_mapping=spec.mapping,
                output_key=spec.key,
                on_error=spec.on_error,  # type: ignore[arg-type]  # drawn from the values it may have
                retry_count=spec.retries,
                trigger=spec.trigger,  # type: ignore[arg-type]  # as above
                priority=spec.priority,
                resources=dict(spec.resources),
                **options,
            )
        )
    for spec in specs:
        for source, kind in spec.edges:
            dag.add_edge(specs[source].name, spec.name, condition(kind, specs[source]))
    return dag


def _agent(spec: NodeSpec, trace: Trace, prefix: str) -> Any:
    if spec.inner:
        return build(spec.inner, trace, f"in {spec.name}", f"{prefix}{spec.name}/")

    def visit(saw: Mapping[str, Any]) -> str:
        return trace.visit(place_of(prefix, spec.name, saw), spec, saw)

    async def visit_later(saw: Mapping[str, Any]) -> str:
        seen = dict(saw)
        # real milliseconds where there is no virtual loop
        await asyncio.sleep(3600 if spec.kind == "hangs" else spec.milliseconds / 1000)
        return visit(seen)

    if spec.mapped and spec.reads is None:
        return _AsyncAgent(visit_later) if spec.is_async else _Agent(visit)
    return _function(spec, visit_later if spec.is_async else visit)


def _function(spec: NodeSpec, visit: Any) -> Any:
    """Return a function of the kind that takes what the node's ``input_mapping`` gives."""
    if spec.mapped:

        async def later_item(item: Any, **saw: Any) -> Any:
            return await visit({"item": item, **saw})

        def item(item: Any, **saw: Any) -> Any:
            return visit({"item": item, **saw})

        return later_item if spec.is_async else item
    if spec.needs is not None:

        async def later_needs(needed: Any) -> Any:
            return await visit({"needed": needed})

        def needs(needed: Any) -> Any:
            return visit({"needed": needed})

        return later_needs if spec.is_async else needs
    if spec.reads is not None:

        async def later_reads(**saw: Any) -> Any:
            return await visit(saw)

        def reads(**saw: Any) -> Any:
            return visit(saw)

        return later_reads if spec.is_async else reads

    async def later_all(whole: Mapping[str, Any]) -> Any:
        return await visit(dict(whole))

    def all_(whole: Mapping[str, Any]) -> Any:
        return visit(dict(whole))

    return later_all if spec.is_async else all_


class _Agent:
    def __init__(self, visit: Any) -> None:
        self.visit = visit

    def run(self, task: Mapping[str, Any]) -> Any:
        return self.visit(dict(task))


class _AsyncAgent(_Agent):
    run = None  # type: ignore[assignment]  # it can be awaited only

    async def arun(self, task: Mapping[str, Any]) -> Any:
        return await self.visit(dict(task))


def condition(kind: str, source: NodeSpec) -> Any:
    """Return a condition: "plain" is none; "true", "false", "raises" and "wrote" are asked at once, or "later"."""
    if kind == "plain":
        return None

    def ask(view: Any) -> bool:
        if kind.endswith("raises"):
            raise ZeroDivisionError(f"after {source.name}")
        if kind.endswith("wrote"):
            return bool(view.has(source.key or "nothing"))
        return kind.endswith("true")

    async def ask_later(view: Any) -> bool:
        await asyncio.sleep(0.001)
        return ask(view)

    return ask_later if kind.startswith("later") else ask


# -- strategies ---------------------------------------------------------------------------------------------------

CONDITIONS = ["plain"] * 6 + ["true", "false", "raises", "wrote", "later true", "later false", "later raises"]
KINDS = ["work"] * 7 + ["items"] * 2 + ["graph", "graphs", "hangs"]


@st.composite
def graphs(draw: st.DrawFn, max_size: int = 8, kinds: tuple[str, ...] = tuple(KINDS), limits: bool = True) -> Graph:
    """Draw a graph whose nodes see `INITIAL`.

    Args:
        draw: given by hypothesis.
        max_size: of the graph; those inside have up to three nodes.
        kinds: of nodes, as often as named.
        limits: False draws no resources.
    """
    return _graph(draw, max_size, kinds, frozenset(INITIAL), limits=limits)


def _graph(
    draw: st.DrawFn, max_size: int, kinds: tuple[str, ...], initial: frozenset[str], *, limits: bool,
    inside: str = "",
) -> Graph:  # fmt: skip
    specs: list[NodeSpec] = []
    above: list[set[int]] = []
    for k in range(draw(st.integers(1, max_size))):
        sources = draw(st.lists(st.integers(0, k - 1), unique=True, max_size=3)) if k else []
        above.append(set(sources).union(*(above[s] for s in sources)))
        seen = initial | {specs[a].key for a in above[k] if specs[a].key}
        kind = draw(st.sampled_from(kinds))
        spec = NodeSpec(
            name=f"n{k}",
            kind=kind,
            is_async=kind == "hangs" or draw(st.booleans()),
            milliseconds=draw(st.integers(0, 2)),
            breaks=draw(st.sampled_from([0, 0, 0, 1, 2, ALWAYS])),
            retries=draw(st.sampled_from([0, 0, 1, 2])) if kind != "hangs" else 0,
            on_error=draw(st.sampled_from(["fail", "skip", "continue"])),
            trigger=draw(st.sampled_from(["any", "any", "all", "always"])),
            priority=draw(st.integers(0, 2)),
            key=draw(st.sampled_from(_keys(k, specs, above[k], inside))),
            edges=tuple((s, draw(st.sampled_from(CONDITIONS))) for s in sources),
        )
        if kind == "items":
            lists = [
                specs[a].key for a in above[k] if specs[a].kind == "items" and specs[a].key not in (None, "folded")
            ]
            spec = replace(spec, over=draw(st.sampled_from(["xs", *sorted(set(lists))])), width=draw(st.integers(1, 3)))
        if limits and kind in ("work", "items", "hangs"):
            demands = [(), (), (("cpu", 1),), (("cpu", 2),), (("cpu", 1), ("gpu", 1)), (("gpu", 1), ("cpu", 1))]
            spec = replace(spec, resources=draw(st.sampled_from(demands)))
        specs.append(_with_inputs(draw, spec, seen, limits=limits, inside=inside))
    return tuple(specs)


def _keys(k: int, specs: list[NodeSpec], above: set[int], inside: str) -> list[str | None]:
    """Return what node ``k`` may write: ``shared`` is open to those that come after all who write it already."""
    writers = {s for s, spec in enumerate(specs) if spec.key == "shared"}
    own: list[str | None] = [f"k{k}"] if inside != "work" else [f"i{k}", f"k{k}"]  # also what hides a key outside
    return [*own, *own, None, "folded", *(["shared"] if writers <= above else [])]


def _with_inputs(
    draw: st.DrawFn, spec: NodeSpec, seen: frozenset[str] | set[str], *, limits: bool, inside: str
) -> NodeSpec:
    if seen:
        some = st.lists(st.sampled_from(sorted(seen)), unique=True, max_size=3).map(tuple)
        spec = replace(spec, reads=draw(st.one_of(st.none(), some)))
        if inside == "graphs" and spec.reads is not None:  # so that its visits can be told apart
            spec = replace(spec, reads=tuple(dict.fromkeys((*spec.reads, "item"))))
        if spec.kind == "graphs" and spec.reads is not None and "item" in spec.reads:
            spec = replace(spec, reads=None)
        if spec.kind == "work" and inside != "graphs" and draw(st.integers(0, 4)) == 0:
            spec = replace(spec, needs=draw(st.sampled_from(sorted(seen))))
    if spec.kind in ("graph", "graphs"):
        known = seen if spec.reads is None else frozenset(spec.reads)
        if spec.kind == "graphs":
            inner = _graph(draw, 3, ("work",), frozenset(known) | {"item"}, limits=limits, inside="graphs")
        else:
            kinds = ("work", "work", "items") if "xs" in known else ("work",)
            inner = _graph(draw, 3, kinds, frozenset(known), limits=limits, inside="work")
        spec = replace(spec, inner=inner)
    return spec
