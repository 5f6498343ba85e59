"""Every event as JSON and back, whatever its fields hold."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linus_nb import events as ev
from linus_nb.engine import jsonl
from linus_nb.engine.encoding import TYPE, codec_of, decode_event, encode_event
from linus_nb.engine.saved_values import SavedError
from linus_nb.events import GraphShape, NodeShape, NodeStatus
from tests.saved_samples import INNER

EVENTS = [c for c in vars(ev).values() if isinstance(c, type) and issubclass(c, ev.Event) and c is not ev.Event]
ERRORS = st.builds(lambda text: SavedError(text, "Traceback …", ""), st.text())
SHAPES = st.recursive(
    st.just(INNER),
    lambda inner: st.builds(lambda g: GraphShape("g", (NodeShape("n", 0, inner=g),), ()), inner),
    max_leaves=4,
)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    Any: st.none() | st.integers() | st.dictionaries(st.text(), st.text()),
    dict[str, Any]: st.dictionaries(st.text(), st.none() | st.text()),
    datetime: st.datetimes(timezones=st.just(UTC)),
    NodeStatus: st.sampled_from(NodeStatus),
    BaseException: ERRORS,
    BaseException | None: st.none() | ERRORS,
    int | None: st.none() | st.integers(),
    float | None: st.none() | st.floats(allow_nan=False),
    ev.ServedFrom: st.sampled_from(get_args(ev.ServedFrom)),
    ev.WaitReason: st.sampled_from(get_args(ev.WaitReason)),
    tuple[str, ...]: st.lists(st.text()).map(tuple),
    tuple[ev.KeyRead, ...]: st.lists(
        st.builds(ev.KeyRead, st.text(), st.text(), st.lists(st.text(), min_size=1).map(tuple))
    ).map(tuple),
    ev.Messages: st.lists(st.tuples(st.sampled_from(["system", "user", "tool"]), st.text())).map(tuple),
    GraphShape: SHAPES,
    ev.Event: st.deferred(lambda: any_event),
}
LEAVES[ev.Call] = st.deferred(lambda: made(ev.ModelCalled) | made(ev.ToolCalled))
LEAVES[ev.Wait] = st.deferred(lambda: made(ev.ModelWaits) | made(ev.ModelWaited))
LEAVES[ev.Progress] = st.deferred(lambda: made(ev.PlanMade) | made(ev.ToolStarted) | made(ev.TokenDelta))


def made(cls: Any) -> st.SearchStrategy[Any]:
    return st.builds(cls, **{name: LEAVES[hint] for name, hint in get_type_hints(cls).items()})


any_event: st.SearchStrategy[ev.Event] = st.one_of([made(cls) for cls in EVENTS])


@given(any_event)
def test_any_event_comes_back_equal(event):
    assert decode_event(json.loads(json.dumps(encode_event(event)))) == event


def test_every_event_is_known_and_none_has_a_field_of_the_marks_name():
    for cls in [*EVENTS, ev.ModelCalled, ev.ToolCalled, ev.ModelWaits, ev.ModelWaited]:
        names = {field.name for field in dataclasses.fields(cls)}
        assert not names & {TYPE, jsonl.MARK, jsonl.WRITER}
        for hint in get_type_hints(cls).values():
            assert codec_of(hint)


def test_an_event_with_a_field_of_a_new_kind_is_refused_by_name():
    with pytest.raises(TypeError, match="complex"):
        codec_of(complex)
