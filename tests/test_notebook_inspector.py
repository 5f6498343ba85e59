"""What a kernel answers to pages that ask for whole values, without a browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from linus_nb.notebook.inspector_link import MOST_LINKED, InspectorLink
from linus_nb.notebook.inspector_widget import InspectorWidget
from tests import inspector_samples as samples


def give(path: str, where: list[str | int]) -> str:
    if path != "search":
        raise LookupError(path)
    return f"all of {where}"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What widgets send to their pages."""
    sent: list[dict[str, Any]] = []
    for kind in (InspectorLink, InspectorWidget):
        monkeypatch.setattr(kind, "send", lambda self, content: sent.append(content))
    return sent


def test_a_widget_answers_with_the_whole_or_says_that_it_is_gone(said: list[dict[str, Any]]):
    widget = InspectorWidget(samples.research(), give)
    widget._heard(widget, {"type": "value", "id": 1, "path": "search", "where": ["output"]}, [])
    widget._heard(widget, {"type": "value", "id": 2, "path": "gone", "where": ["output"]}, [])
    assert said == [
        {"type": "value", "id": 1, "text": "all of ['output']", "problem": ""},
        {"type": "value", "id": 2, "text": None, "problem": "the kernel no longer has it (gone)"},
    ]
    widget.close()


def test_a_page_that_opens_late_gets_the_run_of_now(said: list[dict[str, Any]]):
    now = [None, samples.research()]
    widget = InspectorWidget(samples.before(), give, lambda: now.pop(0))
    widget._heard(widget, {"type": "open"}, [])
    assert said == []  # the first payload still holds
    widget._heard(widget, {"type": "open"}, [])
    assert json.loads(said[0]["text"])["state"] == "over"
    assert json.loads(widget.payload)["state"] == "before"
    widget.close()


def test_a_link_answers_for_its_own_run_and_leaves_others_to_their_kernels(said: list[dict[str, Any]]):
    link = InspectorLink()
    name = link.add(give)
    link._heard(link, {"type": "value", "id": 1, "link": name, "path": "search", "where": []}, [])
    link._heard(link, {"type": "value", "id": 2, "link": "another", "path": "search", "where": []}, [])
    assert said == [
        {"type": "value", "id": 1, "text": "all of []", "problem": "", "link": name},
        {"type": "value", "id": 2, "link": ""},
    ]
    link.close()


def test_of_many_runs_the_ones_linked_longest_ago_are_let_go(said: list[dict[str, Any]]):
    link = InspectorLink()
    names = [link.add(give) for _ in range(MOST_LINKED + 1)]
    for name in (names[0], names[1]):
        link._heard(link, {"type": "value", "id": 1, "link": name, "path": "search", "where": []}, [])
    assert [message["link"] for message in said] == ["", names[1]]
    link.close()
