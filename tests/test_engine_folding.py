"""A record can be looked at again and again while its events come in."""

from __future__ import annotations

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.engine.record import Folding, fold


@pytest.fixture(scope="module")
def events():
    """Return the events of a run with items, a graph per item, a retry, a condition and a failure."""
    failures = iter([ValueError("once")])

    def flaky():
        for error in failures:
            raise error
        return [1, 2, 3]

    def broken(doubled):
        raise ValueError("for good")

    inner = AgentDAG("inner").add_node(AgentNode("double", lambda each: 2 * each, output_key="twice"))
    dag = AgentDAG("kinds")
    dag.add_node(AgentNode("find", flaky, output_key="found", retry_count=1))
    dag.add_node(AgentNode("each", inner, map_over="found", map_item="each", output_key="doubled"))
    dag.add_node(AgentNode("broken", broken)).add_node(AgentNode("idle", lambda: 0))
    dag.add_edge("find", "each").add_edge("each", "broken").add_edge("find", "idle", lambda seen: False)
    return list(DAGExecutor(dag).execute().events)


def test_after_each_event_the_record_is_what_a_fold_of_the_events_so_far_gives(events):
    folding = Folding()
    for number, event in enumerate(events, start=1):
        folding.take(event)
        assert folding.record() == fold(events[:number])
    assert {name: str(node.status) for name, node in folding.record().nodes.items()} == {
        "find": "completed",
        "each": "completed",
        "idle": "skipped",
        "broken": "failed",
    }
    assert [item.inner.status for item in folding.record().nodes["each"].items] == ["success"] * 3


def test_a_record_that_was_taken_does_not_change_with_what_comes_after(events):
    folding = Folding()
    taken = []
    for event in events:
        folding.take(event)
        taken.append((folding.record(), folding.record()))
    assert all(first == second for first, second in taken)
    assert [first.duration_s for first, _ in taken] == [event.at for event in events]


def test_what_did_not_change_is_the_same_object_and_costs_nothing(events):
    folding = Folding()
    for event in events[:-1]:
        folding.take(event)
    before = folding.record()
    folding.take(events[-1])  # the run's end: no node's
    after = folding.record()
    assert all(after.nodes[name] is node for name, node in before.nodes.items())


def test_events_that_do_not_begin_with_the_start_of_a_run_are_no_run(events):
    with pytest.raises(ValueError, match="begin with RunStarted, not with NodeStarted"):
        fold(events[1:])
    with pytest.raises(ValueError, match="begin with RunStarted"):
        fold([])
