"""Random graphs in every mode against a slow and obvious oracle."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode
from linus_nb.engine.record import fold
from tests.modes import blocking, dataflow, levels, sequential


@dataclass(frozen=True)
class Spec:
    """A node: how long it takes (ms), whether it breaks, how it is joined, and its edges from earlier nodes."""

    milliseconds: int
    breaks: bool
    on_error: str
    trigger: str
    priority: int
    is_async: bool
    edges: tuple[tuple[int, str], ...]  # (source, "plain" | "true" | "false" | "raises")


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 9))
    specs = []
    for k in range(size):
        sources = draw(st.lists(st.integers(0, k - 1), unique=True, max_size=4)) if k else []
        kinds = st.sampled_from(["plain", "plain", "true", "false", "raises"])
        specs.append(
            Spec(
                milliseconds=draw(st.integers(0, 3)),
                breaks=draw(st.sampled_from([False, False, True])),
                on_error=draw(st.sampled_from(["fail", "skip", "continue"])),
                trigger=draw(st.sampled_from(["any", "any", "all", "always"])),
                priority=draw(st.integers(0, 2)),
                is_async=draw(st.booleans()),
                edges=tuple((s, draw(kinds)) for s in sources),
            )
        )
    return specs


def build(specs: list[Spec]) -> AgentDAG:
    def work(k: int, spec: Spec):
        def result():
            if spec.breaks:
                raise ValueError(k)
            return k

        async def later():
            await asyncio.sleep(spec.milliseconds / 1000)  # real milliseconds where there is no virtual loop
            return result()

        return later if spec.is_async else result

    def condition(kind: str):
        def raises(_):
            raise ZeroDivisionError

        return {"plain": None, "true": lambda _: True, "false": lambda _: False, "raises": raises}[kind]

    dag = AgentDAG("random")
    for k, spec in enumerate(specs):
        dag.add_node(
            AgentNode(
                f"n{k}",
                work(k, spec),
                output_key=f"k{k}",
                on_error=spec.on_error,
                trigger=spec.trigger,
                priority=spec.priority,
            )
        )
    for k, spec in enumerate(specs):
        for source, kind in spec.edges:
            dag.add_edge(f"n{source}", f"n{k}", condition(kind))
    return dag


OF_ERROR = {"fail": "failed", "skip": "skipped", "continue": "completed"}


def oracle(specs: list[Spec]) -> dict[str, str]:
    """Return each node's status, by the definitions in their plainest form."""
    status: list[str] = []
    blocked: list[bool] = []  # failed, or skipped because something above failed
    ran: list[bool] = []
    for spec in specs:
        live = [ran[s] and kind in ("plain", "true") for s, kind in spec.edges]
        broken = any(ran[s] and kind == "raises" for s, kind in spec.edges)
        above = any(blocked[s] for s, _ in spec.edges)
        if broken:
            status.append(OF_ERROR[spec.on_error])
        elif spec.trigger != "always" and above:
            status.append("upstream")
        elif spec.edges and spec.trigger != "always" and not (all(live) if spec.trigger == "all" else any(live)):
            status.append("not routed")
        else:
            status.append(OF_ERROR[spec.on_error] if spec.breaks else "completed")
        blocked.append(status[-1] in ("failed", "upstream"))
        ran.append(status[-1] in ("completed", "skipped"))
    return {f"n{k}": "skipped" if s in ("upstream", "not routed") else s for k, s in enumerate(status)}


@settings(max_examples=120, deadline=None, derandomize=True)
@given(graphs(), st.sampled_from([None, 1, 2]))
def test_every_mode_agrees_with_the_oracle(specs, max_concurrency):
    dag = build(specs)
    results = [mode(dag, max_concurrency=max_concurrency) for mode in (blocking, sequential, levels, dataflow)]
    expected = oracle(specs)
    for result in results:
        record = result.record
        assert {n: str(r.status) for n, r in record.nodes.items()} == expected
        assert result.node_results == results[0].node_results
        assert result.final_state == results[0].final_state
        assert {n: repr(e) for n, e in result.errors.items()} == {n: repr(e) for n, e in results[0].errors.items()}
        assert {n: r.reason for n, r in record.nodes.items()} == {
            n: r.reason for n, r in results[0].record.nodes.items()
        }
        assert fold(result.events) == record
        for edge in record.edges:  # a node never starts before its sources have ended
            source, target = record.nodes[edge.source], record.nodes[edge.target]
            if target.start_s is not None:
                assert source.end_s is not None
                assert source.end_s <= target.start_s
        moments = sorted({n.start_s for n in record.nodes.values() if n.start_s is not None})
        if max_concurrency is not None:
            for moment in moments:
                running = [
                    n for n in record.nodes.values() if n.start_s is not None and n.start_s <= moment < (n.end_s or 0)
                ]
                assert len(running) <= max_concurrency
