"""Random graphs in every mode, with and without the straight path, against a slow and obvious oracle.

CI draws the same graphs each time. ``LINUS_NB_EXAMPLES=5000`` draws so many new ones for each property.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from linus_nb import ExecutionResult
from linus_nb import events as ev
from linus_nb.engine.loop_run import LoopRun
from linus_nb.engine.record import NodeRecord, fold, walk
from tests.engine_graphs import CAPACITIES, INITIAL, Graph, NodeSpec, Trace, build, graphs
from tests.engine_oracle import Expected
from tests.modes import AWAITED, EVERY, Mode, blocking, sequential

EXAMPLES = int(os.environ.get("LINUS_NB_EXAMPLES", "0"))


def examples(of_ci: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=EXAMPLES or of_ci,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(autouse=True, scope="module")
def setup(pytestconfig: pytest.Config) -> Iterator[None]:
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and EXAMPLES:
        reporter.write_line(f"\n{EXAMPLES} new graphs for each property (LINUS_NB_EXAMPLES)")
    with patch("linus_nb.backoff.backoff_s", lambda attempt: 0.001):
        yield


def in_every_way(
    specs: Graph, trace: Trace, modes: list[Mode], **options: Any
) -> Iterator[tuple[str, ExecutionResult, dict[str, list[str]]]]:
    """Run a graph in each mode, the awaited ones also without the straight path; yield what each came to."""
    dag = build(specs, trace)
    for mode in modes:
        for straight in (True, False) if mode is not blocking else (True,):
            trace.clear()
            with patch.object(LoopRun, "straight_path", straight):
                result = mode(dag, INITIAL, **options)
            yield f"{mode.__name__}, {'straight' if straight else 'full'}", result, trace.sorted_saw()


# -- what a run came to, in the words of the oracle --------------------------------------------------------------


def summary(node: NodeRecord) -> tuple[str, str, int, str | None]:
    error = None if node.error is None else type(node.error).__name__
    return str(node.status), node.reason, node.attempts, error


def texts_of_errors(result: ExecutionResult) -> dict[str, str]:
    return {step.path: str(step.record.error) for step in walk(result.record) if step.record.error is not None}


def agrees(way: str, result: ExecutionResult, saw: dict[str, list[str]], expected: Expected) -> None:
    """Assert that a run came to what the oracle says."""
    places = dict(expected.walk())
    wanted = {
        path: (place.status, place.reason, place.attempts, place.error and place.error[0])
        for path, place in places.items()
    }
    assert {step.path: summary(step.record) for step in walk(result.record)} == wanted, way
    assert saw == expected.trace.sorted_saw(), way
    assert result.status == result.record.status == expected.status, way
    names = [expected.specs[k].name for k in expected.order]
    of_node = dict(zip(names, (expected.nodes[k] for k in expected.order), strict=True))
    assert list(result.record.nodes) == names, way
    done = {name: place.result for name, place in of_node.items() if place.status == "completed"}
    assert result.node_results == done, way
    assert list(result.node_results) == list(done), way
    assert result.final_state == {**INITIAL, **expected.output()}, way
    assert list(result.final_state) == list({**INITIAL, **expected.output()}), way
    assert set(result.errors) == {name for name, place in of_node.items() if place.error}, way
    texts = texts_of_errors(result)
    for path, place in places.items():
        if place.error is not None and place.error[1] is not None:
            assert texts[path] == place.error[1], way
    decisions = {
        (source, target): str(answer) if isinstance(answer, BaseException) else answer
        for (source, target), answer in result.record.decisions.items()
    }
    assert decisions == {
        (expected.specs[s].name, expected.specs[t].name): answer for (s, t), answer in expected.decisions.items()
    }, way


# -- what must hold of the order in which it happened --------------------------------------------------------------

Unit = tuple[str, int | None]  # a node by its path, or one of its items


def flat(events: list[ev.Event], prefix: str = "") -> Iterator[tuple[str, ev.Event]]:
    """Yield all events of a run and of those inside it, in the order in which they were told."""
    for event in events:
        if isinstance(event, ev.NestedReported):
            item = "" if event.item is None else f"[{event.item}]"
            yield from flat([event.event], f"{prefix}{event.node}{item}/")
        else:
            yield prefix, event


FINAL = (ev.NodeFinished, ev.NodeFailed, ev.NodeSkipped, ev.NodeCancelled)


def is_well_told(result: ExecutionResult) -> None:
    """Assert what holds of the events of every run: no gap, one end for each node, times that do not run back."""
    events = list(result.events)
    assert [event.seq for event in events] == list(range(len(events)))
    assert isinstance(events[0], ev.RunStarted)
    assert [type(event) for event in events].count(ev.RunFinished) == 1
    assert isinstance(events[-1], ev.RunFinished)
    assert all(a.at <= b.at for a, b in pairwise(events))
    ended = [event.node for event in events if isinstance(event, FINAL)]
    assert sorted(ended) == sorted(result.record.nodes)
    assert fold(events) == result.record
    counts = {"completed": result.completed_nodes, "failed": result.failed_nodes, "skipped": result.skipped_nodes,
              "cancelled": result.cancelled_nodes}  # fmt: skip
    statuses = [str(node.status) for node in result.record.nodes.values()]
    assert counts == {status: statuses.count(status) for status in counts}
    assert sum(counts.values()) == result.total_nodes


def starts_after_its_sources(specs: Graph, events: list[ev.Event]) -> None:
    """Assert that no node starts before its sources have ended and the conditions on its edges were asked."""
    ended: set[str] = set()
    asked: set[tuple[str, str]] = set()
    by_name = {spec.name: spec for spec in specs}
    ran = {event.node for event in events if isinstance(event, ev.NodeFinished)}
    for event in events:
        if isinstance(event, ev.EdgeDecided):
            asked.add((event.source, event.target))
        elif isinstance(event, ev.NodeStarted):
            for s, kind in by_name[event.node].edges:
                assert specs[s].name in ended
                assert kind == "plain" or specs[s].name not in ran or (specs[s].name, event.node) in asked
        elif isinstance(event, FINAL):
            ended.add(event.node)


def keeps_the_limits(specs: Graph, events: list[ev.Event], places: int | None, resources: dict[str, float]) -> None:
    """Assert that at no moment more goes on than there are places and resources for."""
    by_path = dict(_by_path(specs, ""))
    running: dict[Unit, NodeSpec] = {}
    for prefix, event in flat(events):
        node = getattr(event, "node", None)
        spec = by_path.get(_without_items(f"{prefix}{node}"))
        if spec is None or spec.inner:  # one that holds a graph only waits for it
            continue
        if isinstance(event, ev.ItemStarted) or (isinstance(event, ev.NodeStarted) and not spec.mapped):
            running[f"{prefix}{node}", getattr(event, "item", None)] = spec
        elif isinstance(event, ev.ItemEnded) or (isinstance(event, FINAL) and not spec.mapped):
            running.pop((f"{prefix}{node}", getattr(event, "item", None)), None)
        assert places is None or len(running) <= places, (event, list(running))
        for resource, capacity in resources.items():
            taken = sum(dict(spec.resources).get(resource, 0) for spec in running.values())
            assert taken <= capacity, (event, list(running))


def _by_path(specs: Graph, prefix: str) -> Iterator[tuple[str, NodeSpec]]:
    for spec in specs:
        yield f"{prefix}{spec.name}", spec
        yield from _by_path(spec.inner, f"{prefix}{spec.name}/")


def _without_items(path: str) -> str:
    return "/".join(part.split("[")[0] for part in path.split("/"))


def keeps_the_schedule(specs: Graph, result: ExecutionResult) -> None:
    """Assert that levels wait for one another, and that one by one means in plan order."""
    order = list(result.record.nodes)
    ended: set[str] = set()
    started: list[str] = []
    for event in result.events:
        if isinstance(event, ev.NodeStarted):
            node = result.record.nodes[event.node]
            if result.record.schedule == "levels":
                assert {n.name for n in result.record.nodes.values() if n.level < node.level} <= ended
            if result.record.schedule == "sequential":
                assert set(started) <= ended
                assert [order.index(name) for name in started] == sorted(order.index(name) for name in started)
                assert not started or order.index(started[-1]) < order.index(event.node)
            started.append(event.node)
        elif isinstance(event, FINAL):
            ended.add(event.node)


def higher_goes_first(specs: Graph, result: ExecutionResult) -> None:
    """Assert that no node starts while a better one, which needs no more than it, was ready and waited."""
    by_name = {spec.name: spec for spec in specs}
    order = list(result.record.nodes)
    works = {spec.name for spec in specs if spec.kind in ("work", "hangs")}
    waiting_for = {spec.name: {specs[s].name for s, _ in spec.edges} for spec in specs}
    asking: dict[str, set[str]] = {spec.name: set() for spec in specs}  # conditions that are still to be asked
    for spec in specs:
        for s, kind in spec.edges:
            if kind != "plain":
                asking[specs[s].name].add(spec.name)
    starts = [event.node for event in result.events if isinstance(event, ev.NodeStarted)]
    ready = {name for name, sources in waiting_for.items() if not sources}
    ended: set[str] = set()
    rank = {name: (-by_name[name].priority, order.index(name)) for name in order}
    for event in result.events:
        if isinstance(event, ev.NodeStarted):
            this = by_name[event.node]
            starts.remove(event.node)
            for name in starts:  # those that started later
                other = by_name[name]
                if name not in ready or not {name, event.node} <= works or rank[name] > rank[event.node]:
                    continue
                if result.record.schedule == "levels":
                    now = min(n.level for n in result.record.nodes.values() if n.name not in ended)
                    if result.record.nodes[name].level > now:
                        continue
                enough = dict(this.resources)
                fits = all(amount <= enough.get(resource, 0) for resource, amount in other.resources)
                assert not fits, f"{event.node!r} started before {name!r}"
        elif isinstance(event, FINAL):
            ended.add(event.node)
            ran = isinstance(event, ev.NodeFinished) or (isinstance(event, ev.NodeSkipped) and event.error is not None)
            if not ran:
                asking[event.node].clear()
        elif isinstance(event, ev.EdgeDecided):
            asking[event.source].discard(event.target)
        ready = {name for name, sources in waiting_for.items() if all(s in ended and not asking[s] for s in sources)}


# -- the properties ------------------------------------------------------------------------------------------------


TWO_FAILURES_ABOVE = (  # named is the first in plan order, whoever failed first
    NodeSpec("n0", milliseconds=2, breaks=9),
    NodeSpec("n1", breaks=9),
    NodeSpec("n2", edges=((1, "plain"), (0, "plain"))),
    NodeSpec("n3", edges=((2, "plain"),)),
)


@examples(120)
@given(graphs(), st.sampled_from([None, 1, 2, 3]))
@example(TWO_FAILURES_ABOVE, None)
def test_every_mode_comes_to_what_the_oracle_says(specs, max_concurrency):
    expected = Expected(specs, INITIAL, Trace())
    trace = Trace()
    texts = set()
    limits = {"max_concurrency": max_concurrency, "resources": CAPACITIES}
    for way, result, saw in in_every_way(specs, trace, EVERY, **limits):
        agrees(way, result, saw, expected)
        is_well_told(result)
        events = list(result.events)
        starts_after_its_sources(specs, events)
        keeps_the_limits(specs, events, max_concurrency, CAPACITIES)
        keeps_the_schedule(specs, result)
        texts.add(repr(sorted(texts_of_errors(result).items())))
    assert len(texts) == 1  # errors say the same in every mode


@examples(60)
@given(graphs(kinds=("work",) * 9 + ("hangs",), max_size=9), st.sampled_from([1, 2]))
def test_higher_priorities_go_first(specs, max_concurrency):
    for _, result, _ in in_every_way(specs, Trace(), AWAITED, max_concurrency=max_concurrency, resources=CAPACITIES):
        if result.record.schedule != "sequential":
            higher_goes_first(specs, result)
        keeps_the_limits(specs, list(result.events), max_concurrency, CAPACITIES)


@examples(60)
@given(graphs(limits=False))
def test_without_limits_every_mode_comes_to_the_same(specs):
    expected = Expected(specs, INITIAL, Trace())
    for way, result, saw in in_every_way(specs, Trace(), EVERY):
        agrees(way, result, saw, expected)
        is_well_told(result)
        starts_after_its_sources(specs, list(result.events))
        keeps_the_schedule(specs, result)


@examples(60)
@given(graphs(), st.data())
def test_given_results_stand_in_for_nodes_in_every_mode(specs, data):
    chosen = data.draw(st.sets(st.integers(0, len(specs) - 1), max_size=3))
    overrides = {k: [f"given {k}"] for k in chosen}
    expected = Expected(specs, INITIAL, Trace(), given=overrides)
    by_name = {specs[k].name: value for k, value in overrides.items()}
    for way, result, saw in in_every_way(specs, Trace(), EVERY, overrides=by_name, resources=CAPACITIES):
        agrees(way, result, saw, expected)
        is_well_told(result)
        assert {n.name for n in result.record.nodes.values() if n.given} == set(by_name)


@examples(60)
@given(graphs())
def test_fail_fast_ends_at_the_first_failure_in_plan_order_where_nodes_run_one_by_one(specs):
    expected = Expected(specs, INITIAL, Trace(), fail_fast=True)
    for way, result, saw in in_every_way(specs, Trace(), [blocking, sequential], fail_fast=True, resources=CAPACITIES):
        agrees(way, result, saw, expected)
        is_well_told(result)


@examples(60)
@given(graphs(), st.sampled_from([None, 2]))
def test_fail_fast_keeps_what_finished_and_starts_nothing_more(specs, max_concurrency):
    whole = Expected(specs, INITIAL, Trace())
    by_name = {specs[k].name: place for k, place in enumerate(whole.nodes)}
    kinds = {spec.name: spec.kind for spec in specs}
    limits = {"max_concurrency": max_concurrency, "resources": CAPACITIES}
    for way, result, _ in in_every_way(specs, Trace(), AWAITED, fail_fast=True, **limits):
        is_well_told(result)
        assert result.status == ("failed" if result.failed_nodes else whole.status), way
        assert bool(result.failed_nodes) == any(place.status == "failed" for place in whole.nodes), way
        events = list(result.events)
        asked = [event.seq for event in events if isinstance(event, ev.CancelRequested)]
        if asked:
            assert not any(isinstance(event, ev.NodeStarted | ev.ItemStarted) for event in events[asked[0] :]), way
        for name in result.node_results:
            if not kinds[name].startswith("graph"):  # in there, another failure may have come first
                assert by_name[name].status == "completed", way
        for step in walk(result.record):
            assert step.record.status.final, way
