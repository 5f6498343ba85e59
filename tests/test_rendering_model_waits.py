"""Waits of model calls, tries and stand-ins, as pictures, tables, texts and the live view show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from linus_nb import events as ev
from linus_nb.analysis.runs.tables import call_table, node_table
from linus_nb.engine.record import RunRecord, fold
from linus_nb.events import GraphShape, ModelCalled, ModelWaited, ModelWaits, NodeShape
from linus_nb.rendering.inspector.payload import inspection
from linus_nb.rendering.live_page import LivePage
from linus_nb.rendering.sentences import what_became
from linus_nb.rendering.timeline_text import timeline_text
from linus_nb.rendering.waits import waits

ERROR = ConnectionError("reset by peer")


def run_events(*inside: tuple[float, Any], end: bool = True, reason: str = "") -> list[ev.Event]:
    """A run of one node from 0 to 10 s, in which this is reported at these times."""
    shape = GraphShape("g", (NodeShape("n", 0), NodeShape("later", 1)), ())
    found: list[tuple[float, Any]] = [(0.0, ("start",)), *inside]
    events: list[ev.Event] = [ev.RunStarted("r", 0, 0.0, "levels", datetime.now(UTC), shape)]
    for at, what in found:
        seq = len(events)
        if what == ("start",):
            events.append(ev.NodeStarted("r", seq, at, "n", 0.0))
        elif isinstance(what, ModelCalled):
            events.append(ev.CallReported("r", seq, at, "n", what))
        else:
            events.append(ev.WaitReported("r", seq, at, "n", what))
    if reason:
        events.append(ev.BudgetSpent("r", len(events), 9.0, reason))
        events.append(ev.NodeSkipped("r", len(events), 9.0, "later", f"budget: {reason}"))
    if end:
        events.append(ev.NodeFinished("r", len(events), 10.0, "n", 1))
        events.append(ev.RunFinished("r", len(events), 10.0, "partial" if reason else "success"))
    return events


STORY = [
    (1.0, ModelWaits(1, "gpt-4o", "limit")),
    (3.0, ModelWaited(1)),
    (4.0, ModelCalled("gpt-4o", 1.0, error=ERROR, waited_s=2.0)),
    (4.0, ModelWaits(2, "gpt-4o", "retry", ERROR)),
    (6.0, ModelWaited(2)),
    (7.0, ModelCalled("gpt-4o", 1.0, error=ERROR, attempt=2, waited_s=2.0)),
    (8.0, ModelCalled("mini", 1.0, 10, 5, cost=0.0, instead_of="gpt-4o")),
]


def record(*inside: Any, **options: Any) -> RunRecord:
    return fold(run_events(*inside, **options))


def test_a_wait_is_a_wait_only_while_no_other_call_of_its_node_is_under_way():
    node = record(*STORY).nodes["n"]
    assert waits(node, None, 10.0) == [(1.0, 3.0, "model limit"), (4.0, 6.0, "model retry")]
    beside = (5.0, ModelCalled("gpt-4o", 3.0))  # from 2 to 5
    assert waits(record(*STORY[:2], beside).nodes["n"], None, 10.0) == [(1.0, 2.0, "model limit")]
    inside = (2.5, ModelCalled("gpt-4o", 1.0))  # from 1.5 to 2.5
    assert waits(record(STORY[0], inside, STORY[1]).nodes["n"], None, 10.0) == [
        (1.0, 1.5, "model limit"),
        (2.5, 3.0, "model limit"),
    ]


def test_one_that_goes_on_ends_with_its_node_or_now():
    node = record(STORY[0], end=False).nodes["n"]
    assert waits(node, None, 4.0) == [(1.0, 4.0, "model limit")]
    assert waits(record(STORY[0]).nodes["n"], None, 99.0) == [(1.0, 10.0, "model limit")]


def test_the_timeline_tells_waiting_from_running():
    line = next(line for line in timeline_text(record(*STORY)).splitlines() if " n " in line)
    bar = line.split(" n ")[1]
    assert bar.count("█") > 20
    assert bar.count("─") > 10
    assert bar.index("─") > 0  # it ran first


def test_tables_have_waits_tries_and_stand_ins():
    assert node_table(record(*STORY))["model_wait_s"].to_dict() == {"n": 4.0, "later": 0.0}
    calls = call_table(record(*STORY))
    assert list(calls["attempt"]) == [1, 2, 1]
    assert list(calls["waited_s"]) == [2.0, 2.0, 0.0]
    assert list(calls["instead_of"]) == ["", "", "gpt-4o"]


def test_sentences_say_what_held_calls_up_and_who_stood_in():
    said = what_became(record(*STORY))
    assert "2 model calls waited 4.00 s in all for limits and pauses." in said
    assert "1 model call had to be tried again." in said
    assert "<b>mini</b> answered 1 call instead of <b>gpt-4o</b>." in said
    nothing = what_became(record())
    assert "waited" not in nothing
    assert "instead of" not in nothing


def test_a_budget_that_was_spent_is_said_and_markup_in_names_is_not_markup():
    said = what_became(record(reason="300 of 250 tokens are spent"))
    assert "The budget was spent: 300 of 250 tokens are spent, and 1 node did not start; what was done is kept." in said
    odd = (8.0, ModelCalled("<b>x", 1.0, 10, 5, cost=0.0, instead_of="<script>"))
    assert "<script>" not in what_became(record(odd))


@pytest.mark.parametrize(("upto", "line"), [(1, "at a limit"), (2, ""), (4, "to try again"), (5, "")], ids=str)
def test_the_live_view_says_that_a_call_waits(upto, line):
    page = LivePage()
    for event in run_events(*STORY[:upto], end=False):
        page.take(event)
    said = page.whole()["nodes"][0]["line"]
    assert line in said
    assert ("limit" in said or "again" in said) == bool(line)


def test_the_inspector_gets_waits_and_says_them_in_its_replay():
    payload = inspection(record(*STORY).graph, record(*STORY))
    step = payload["steps"]["n"]
    assert [(wait["why"], wait["start_s"]) for wait in step["waits"]] == [("model limit", 1.0), ("model retry", 4.0)]
    assert [call["instead_of"] for call in step["calls"]] == ["", "", "gpt-4o"]
    said = [(at, status, words) for at, path, status, words in payload["changes"] if path == "n"]
    assert (1.0, "running", "waits for a limit on model calls") in said
    assert (3.0, "running", "") in said


def test_a_wait_that_goes_on_has_no_end_in_the_inspector():
    so_far = fold(run_events(STORY[0], end=False))
    payload = inspection(so_far.graph, so_far, 5.0)
    assert payload["steps"]["n"]["waits"] == [{"start_s": 1.0, "end_s": None, "why": "model limit"}]
    said = [(at, words) for at, path, _, words in payload["changes"] if path == "n"]
    assert said[-1] == (1.0, "waits for a limit on model calls")


def test_several_that_wait_are_counted():
    page = LivePage()
    for event in run_events(STORY[0], (1.5, ModelWaits(7, "m", "limit")), end=False):
        page.take(event)
    assert "2 at a limit" in page.whole()["nodes"][0]["line"]
