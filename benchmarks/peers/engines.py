"""The engines by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from benchmarks.peers import bare, hamilton_, langgraph_, ours, pydantic_graph_
from benchmarks.peers.workloads import Kind, Prepared, Work, Workload

INSTALL = "pip install -e '.[peers]'"


class Engine(NamedTuple):
    """How an engine is prepared, and the distribution that it comes in."""

    name: str
    prepare: Callable[[Workload, Work], Awaitable[Prepared]]
    distribution: str | None = None
    only: Kind | None = None

    @property
    def version(self) -> str | None:
        """The installed version; empty for what needs no installing, None for what is not installed."""
        if self.distribution is None:
            return ""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None


BARE = Engine("bare asyncio", bare.prepare)

ENGINES = {
    engine.name: engine
    for engine in (
        BARE,
        Engine("asyncio, default pool", bare.prepare_default_pool, only="block"),
        Engine("linus_nb", ours.prepare, "linus-nb"),
        Engine("hamilton", hamilton_.prepare, "apache-hamilton"),
        Engine("langgraph", langgraph_.prepare, "langgraph"),
        Engine("pydantic-graph", pydantic_graph_.prepare, "pydantic-graph"),
    )
}
