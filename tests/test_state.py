"""SharedState and StateManager."""

from __future__ import annotations

import threading

import pytest

from linus_nb import SharedState, StateManager
from linus_nb.errors import GraphError


def test_json_keeps_value_source_metadata_and_time():
    state = SharedState()
    state.set("a", [1, None], source="writer", metadata={"tokens": 3})
    again = SharedState.from_json(state.to_json())
    assert again.get_entry("a") == state.get_entry("a")


def test_a_value_that_is_not_json_is_named():
    with pytest.raises(GraphError, match="'bad' is not JSON"):
        SharedState({"good": 1, "bad": object()}).to_json()


def test_history_is_bounded_and_tells_deletions():
    state = SharedState(history=3)
    for k in range(5):
        state["k"] = k
    del state["k"]
    assert [e.value if e else None for _, e in state.get_history("k")] == [3, 4, None]
    assert not state.has("k")
    with pytest.raises(KeyError):
        del state["k"]


def test_writes_from_many_threads_are_all_there():
    state = SharedState()
    threads = [threading.Thread(target=lambda t=t: [state.set(f"{t}-{k}", k) for k in range(200)]) for t in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(state) == 1600


def test_snapshots_copy_deeply_and_an_unknown_one_is_named():
    manager = StateManager(SharedState({"n": [1]}))
    manager.snapshot("before")
    manager.state["n"].append(2)
    text = manager.export()
    manager.restore("before")
    assert manager.state["n"] == [1]
    manager.import_(text)
    assert manager.state["n"] == [1, 2]
    with pytest.raises(GraphError, match="did you mean 'before'"):
        manager.restore("befor")


def test_mapping_protocol_and_copies():
    state = SharedState({"a": 1, "b": None})
    assert dict(state) == {"a": 1, "b": None}
    state.get_all()["a"] = 9
    assert state["a"] == 1
    assert state.get("missing", 7) == 7
    state.clear()
    assert state.to_dict() == {}
    with pytest.raises(GraphError, match="string"):
        state[1] = 2
