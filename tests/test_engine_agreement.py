"""Random graphs with items, graphs inside, given results and limits: all modes agree on everything but time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb import AgentDAG, AgentNode
from linus_nb.engine.record import RunRecord, fold, walk
from linus_nb.errors import RunFailedError
from tests.modes import AWAITED, blocking, dataflow, levels


@dataclass(frozen=True)
class Spec:
    """A node, and its edges from earlier ones; ``inner`` makes it hold a graph, ``mapped`` run once per item."""

    breaks: bool = False
    is_async: bool = False
    writes: bool = True
    on_error: str = "fail"
    trigger: str = "any"
    retries: int = 0
    priority: int = 0
    mapped: bool = False
    inner: tuple[Spec, ...] = ()
    edges: tuple[tuple[int, str], ...] = ()  # (source, "plain" | "true" | "false" | "raises")


@st.composite
def specs(draw, depth: int = 2) -> tuple[Spec, ...]:
    found = []
    for k in range(draw(st.integers(1, 7 if depth == 2 else 3))):
        sources = draw(st.lists(st.integers(0, k - 1), unique=True, max_size=3)) if k else []
        conditions = st.sampled_from(["plain", "plain", "true", "false", "raises"])
        holds = depth and draw(st.sampled_from([False, False, True]))
        found.append(
            Spec(
                breaks=draw(st.sampled_from([False, False, False, True])),
                is_async=draw(st.booleans()),
                writes=draw(st.booleans()),
                on_error=draw(st.sampled_from(["fail", "skip", "continue"])),
                trigger=draw(st.sampled_from(["any", "any", "all", "always"])),
                retries=draw(st.integers(0, 1)),
                priority=draw(st.integers(0, 2)),
                mapped=draw(st.sampled_from([False, False, True])),
                inner=draw(specs(depth - 1)) if holds else (),
                edges=tuple((source, draw(conditions)) for source in sources),
            )
        )
    return tuple(found)


def answer(spec: Spec, k: int, seen: Any) -> Any:
    if spec.breaks and (not spec.mapped or seen["item"] == 1):
        raise ValueError(k)
    return k, sorted((key, repr(seen[key])) for key in seen)


def agent(spec: Spec, k: int) -> Any:
    if spec.inner:
        return build(spec.inner, f"inner {k}")

    class Agent:
        """Takes one input, and no parameters by name: it sees all that its node may see."""

    def run(task):
        return answer(spec, k, task)

    async def arun(task):
        await asyncio.sleep(0.001 * (k % 3))
        return answer(spec, k, task)

    found = Agent()
    if spec.is_async:
        found.arun = arun
    else:
        found.run = run
    return found


def build(nodes: tuple[Spec, ...], name: str = "outer") -> AgentDAG:
    dag = AgentDAG(name, reducers={"shared": lambda a, b: f"{a}+{b}"})
    for k, spec in enumerate(nodes):
        mapped = {"map_over": "xs", "map_item": "item", "map_concurrency": 2} if spec.mapped else {}
        key = ("shared" if k % 3 == 2 else f"k{k}") if spec.writes else None
        dag.add_node(
            AgentNode(
                f"n{k}", agent(spec, k), output_key=key, on_error=spec.on_error, trigger=spec.trigger,
                retry_count=spec.retries, priority=spec.priority, **mapped,
            )
        )  # fmt: skip
        for source, condition in spec.edges:
            dag.add_edge(f"n{source}", f"n{k}", CONDITIONS[condition])
    return dag


def raises(_):
    raise LookupError("condition")


async def says_no(_):
    return False


CONDITIONS = {"plain": None, "true": lambda seen: len(seen) >= 0, "false": says_no, "raises": raises}


def told_error(error: BaseException | None) -> str:
    """An error in words; one of graphs inside names their first failure in time, which is the mode's own affair."""
    told = repr(error)
    return type(error).__name__ if RunFailedError.__name__ in told else told


def timeless(record: RunRecord) -> Any:
    """What a record says, without its times: all modes must agree on that."""
    return (
        record.status,
        [
            (step.path, step.depth, step.record.status, step.record.reason, step.record.attempts, step.record.given,
             repr(step.record.result), told_error(step.record.error), step.record.start_s is None,
             step.record.inner and step.record.inner.status)
            for step in walk(record)
        ],
        {edge: repr(decision) for edge, decision in record.decisions.items()},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda _: 0.0)


OPTIONS = [{}, {"max_concurrency": 1}, {"max_concurrency": 2}]


@settings(max_examples=60, deadline=None)
@given(specs(), st.sets(st.integers(0, 6), max_size=2))
def test_all_modes_agree_on_everything_but_time(nodes, overridden):
    dag = build(nodes)
    state = {"xs": [0, 1, 2]}
    overrides = {f"n{k}": f"given {k}" for k in overridden if k < len(nodes)}
    expected = blocking(dag, state, overrides=overrides)
    told = timeless(expected.record)
    for mode in AWAITED:
        for options in OPTIONS if mode in (levels, dataflow) else OPTIONS[:1]:
            result = mode(dag, state, overrides=overrides, **options)
            assert timeless(result.record) == told
            assert repr(result.final_state) == repr(expected.final_state)
            assert repr(result.node_results) == repr(expected.node_results)
            assert {n: told_error(e) for n, e in result.errors.items()} == {
                n: told_error(e) for n, e in expected.errors.items()
            }
            events = list(result.events)
            assert [event.seq for event in events] == list(range(len(events)))
            assert fold(events) == result.record
            assert all(step.record.status.final for step in walk(result.record))


@settings(max_examples=40, deadline=None)
@given(specs(), st.sampled_from(AWAITED))
def test_nothing_starts_before_its_sources_have_ended_on_any_level(nodes, mode):
    def check(record: RunRecord) -> None:
        for edge in record.edges:
            source, target = record.nodes[edge.source], record.nodes[edge.target]
            assert target.start_s is None or source.end_s <= target.start_s
        for node in record.nodes.values():
            for part in (node, *node.items):
                if part.inner is not None:
                    assert part.start_s <= part.inner_at_s
                    check(part.inner)

    all_async = tuple(_made_async(spec) for spec in nodes)
    check(mode(build(all_async), {"xs": [0, 1, 2]}).record)


def _made_async(spec: Spec) -> Spec:
    return replace(spec, is_async=True, inner=tuple(_made_async(inner) for inner in spec.inner))
