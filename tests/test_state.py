"""SharedState and StateManager."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime

import pytest

from linus_nb import SharedState, StateManager
from linus_nb.errors import GraphError, LinusError

# -- values and entries -----------------------------------------------------------------------------------------------


def test_an_entry_tells_value_source_metadata_and_time():
    before = datetime.now(UTC)
    state = SharedState()
    state.set("a", [1], source="writer", metadata={"tokens": 3})
    entry = state.get_entry("a")
    assert (entry.value, entry.source, dict(entry.metadata)) == ([1], "writer", {"tokens": 3})
    assert before <= entry.time <= datetime.now(UTC)
    assert entry.time.tzinfo is not None
    assert state.get_entry("missing") is None


def test_an_entry_cannot_be_changed_nor_its_metadata():
    given = {"tokens": 3}
    state = SharedState()
    state.set("a", 1, metadata=given)
    entry = state.get_entry("a")
    given["tokens"] = 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.value = 2
    with contextlib.suppress(TypeError):  # read-only is as good as a copy
        entry.metadata["tokens"] = 5
    assert dict(state.get_entry("a").metadata) == {"tokens": 3}


def test_values_are_kept_by_reference():
    value = [1]
    state = SharedState({"a": value})
    assert state["a"] is value
    assert state.get("a") is value
    assert state.get_all()["a"] is value
    assert state.get_entry("a").value is value


@pytest.mark.parametrize("value", [None, 0, "", False, []], ids=repr)
def test_a_falsy_value_is_there(value):
    state = SharedState({"a": value})
    assert state.has("a")
    assert "a" in state
    assert state.get("a", "default") == value
    assert state.delete("a") is True
    assert state.delete("a") is False
    assert not state.has("a")


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


def test_everything_a_dict_can_do_it_can_do():
    state = SharedState({"a": 1})
    assert isinstance(state, MutableMapping)
    state.update(b=2, c=3)
    assert state.pop("a") == 1
    assert state.pop("a", "gone") == "gone"
    assert state.setdefault("b", 9) == 2
    assert state.setdefault("d", 4) == 4
    assert (list(state), len(state)) == (["b", "c", "d"], 3)
    assert list(state.items()) == [("b", 2), ("c", 3), ("d", 4)]
    assert state == {"b": 2, "c": 3, "d": 4}
    with pytest.raises(KeyError):
        state["missing"]
    assert state.get("missing") is None


@pytest.mark.parametrize("key", [1, None, ("a",), b"a"], ids=repr)
def test_a_key_that_is_no_string_is_refused_everywhere(key):
    for ask in (
        lambda: SharedState({key: 1}),
        lambda: SharedState().set(key, 1),
        lambda: SharedState().update({key: 1}),
        lambda: SharedState().setdefault(key, 1),
    ):
        with pytest.raises(GraphError, match="a state key is a string"):
            ask()


def test_lists_and_dicts_that_are_returned_are_copies():
    state = SharedState({"a": 1})
    state.get_history().clear()
    state.get_all().clear()
    state.to_dict().clear()
    list(state.keys()).clear()
    assert len(state.get_history()) == 1
    assert state.to_dict() == {"a": 1}


def test_its_repr_is_short():
    shown = repr(SharedState({f"k{k}": "x" * 1000 for k in range(20)}))
    assert shown.startswith("SharedState({'k0': 'xxx")
    assert shown.endswith("… 12 more})")
    assert len(shown) < 800


# -- history ----------------------------------------------------------------------------------------------------------


def test_history_is_bounded_and_tells_deletions():
    state = SharedState(history=3)
    for k in range(5):
        state["k"] = k
    del state["k"]
    assert [e.value if e else None for _, e in state.get_history("k")] == [3, 4, None]
    assert not state.has("k")
    with pytest.raises(KeyError):
        del state["k"]


def test_history_tells_all_keys_or_one_oldest_first():
    state = SharedState({"a": 1})
    state.set("b", 2, source="writer")
    state.set("a", 3)
    assert [(key, entry.value) for key, entry in state.get_history()] == [("a", 1), ("b", 2), ("a", 3)]
    assert [entry.value for _, entry in state.get_history("a")] == [1, 3]
    assert state.get_history("b")[0][1].source == "writer"
    assert state.get_history("never") == []
    state.clear()
    assert state.get_history() == []


def test_history_may_be_off():
    state = SharedState({"a": 1}, history=0)
    assert state.get_history() == []
    assert state["a"] == 1


# -- threads ----------------------------------------------------------------------------------------------------------


def test_writes_from_many_threads_are_all_there():
    state = SharedState()
    threads = [threading.Thread(target=lambda t=t: [state.set(f"{t}-{k}", k) for k in range(200)]) for t in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(state) == 1600


def test_readers_are_not_disturbed_by_writers():
    state = SharedState({f"k{k}": k for k in range(50)})
    over = threading.Event()
    errors = []

    def writes():
        k = 0
        while not over.is_set():
            state.set(f"new{k % 100}", k)
            state.delete(f"new{(k + 50) % 100}")
            k += 1

    def reads():
        try:
            for _ in range(60):
                dict(state)
                state.to_dict()
                state.to_json()
                state.get_history("k1")
                list(state.items() if not state.has("new0") else state)
        except Exception as error:  # noqa: BLE001  handed to the test
            errors.append(error)

    writer = threading.Thread(target=writes)
    readers = [threading.Thread(target=reads) for _ in range(3)]
    writer.start()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    over.set()
    writer.join()
    # a key may go between the iteration and the asking: a KeyError is honest there, anything else is a broken structure
    assert [error for error in errors if not isinstance(error, KeyError)] == []


# -- JSON -------------------------------------------------------------------------------------------------------------


def test_json_keeps_value_source_metadata_and_time():
    state = SharedState()
    state.set("a", [1, None], source="writer", metadata={"tokens": 3})
    again = SharedState.from_json(state.to_json())
    assert again.get_entry("a") == state.get_entry("a")


def test_json_keeps_the_order_of_keys_and_what_stands_in_them():
    state = SharedState({"z": "ünïcode \u2028 \x00", "a": {"deep": [True, 1.5, None, {}]}, "": []})
    again = SharedState.from_json(state.to_json(indent=2))
    assert list(again.items()) == list(state.items())
    assert again.to_json() == state.to_json()
    assert len(again.get_history()) == 3


def test_a_value_that_is_not_json_is_named():
    with pytest.raises(GraphError, match="'bad' is not JSON"):
        SharedState({"good": 1, "bad": object()}).to_json()


@pytest.mark.parametrize("value", [{1: 2}, {"deep": [{(1,): 2}]}, float("nan"), [float("inf")]], ids=repr)
def test_a_value_that_json_would_change_silently_is_named(value):
    with pytest.raises(GraphError, match="'bad'"):
        SharedState({"good": 1, "bad": value}).to_json()


def test_a_value_that_holds_itself_is_named():
    loop: list = []
    loop.append(loop)
    with pytest.raises(GraphError, match="'bad'"):
        SharedState({"bad": loop}).to_json()


def test_metadata_that_is_not_json_is_named():
    state = SharedState()
    state.set("a", 1, metadata={"bad": object()})
    with pytest.raises(GraphError, match="'a'"):
        state.to_json()


ENTRY = {"value": 1, "source": None, "metadata": {}, "time": "2026-11-22T10:00:00+00:00"}
BROKEN = {
    "empty": "",
    "no JSON": "not json",
    "cut off": '{"a": {"value": 1',
    "a list": "[1]",
    "null": "null",
    "entries that are none": '{"a": 1}',
    "no value": json.dumps({"a": {k: v for k, v in ENTRY.items() if k != "value"}}),
    "no time": json.dumps({"a": {k: v for k, v in ENTRY.items() if k != "time"}}),
    "a time that is none": json.dumps({"a": ENTRY | {"time": "yesterday"}}),
    "a time of a wrong type": json.dumps({"a": ENTRY | {"time": 5}}),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_broken_text_is_refused_in_words_and_the_state_stays_as_it_was(text):
    with pytest.raises(LinusError) as caught:
        SharedState.from_json(text)
    assert isinstance(caught.value, ValueError)
    assert "to_json" in str(caught.value) or "export" in str(caught.value)
    manager = StateManager(SharedState({"kept": 1}))
    with pytest.raises(LinusError):
        manager.import_(text)
    assert manager.state.to_dict() == {"kept": 1}


def test_the_sound_entry_of_these_texts_can_be_read():
    assert SharedState.from_json(json.dumps({"a": ENTRY})).to_dict() == {"a": 1}


# -- snapshots --------------------------------------------------------------------------------------------------------


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


def test_a_snapshot_can_be_restored_again_and_again():
    manager = StateManager(SharedState({"n": [1]}))
    manager.snapshot("before")
    for _ in range(2):
        manager.restore("before")
        manager.state["n"].append(2)
        manager.state["new"] = 1
    manager.restore("before")
    assert manager.state.to_dict() == {"n": [1]}
    assert manager.list() == ["before"]


def test_a_restored_state_is_the_same_object_and_keeps_source_and_time():
    state = SharedState()
    state.set("a", 1, source="writer", metadata={"m": 1})
    entry = state.get_entry("a")
    manager = StateManager(state)
    manager.snapshot("s")
    state.set("a", 2)
    manager.restore("s")
    assert manager.state is state
    assert state.get_entry("a") == entry


def test_a_snapshot_of_the_same_name_takes_the_place_of_the_first():
    manager = StateManager(SharedState({"a": 1}))
    manager.snapshot("s")
    manager.state["a"] = 2
    manager.snapshot("s")
    manager.state["a"] = 3
    manager.restore("s")
    assert manager.state["a"] == 2
    assert manager.list() == ["s"]


def test_a_manager_makes_a_state_where_none_is_given():
    manager = StateManager()
    manager.state["a"] = 1
    assert manager.export() == manager.state.to_json()
    manager.list().append("not mine")
    assert manager.list() == []


def test_a_value_that_cannot_be_copied_leaves_the_snapshots_as_they_were():
    manager = StateManager(SharedState({"a": 1}))
    manager.snapshot("s")
    manager.state["lock"] = threading.Lock()
    with pytest.raises((GraphError, TypeError)):
        manager.snapshot("s")
    manager.restore("s")
    assert manager.state.to_dict() == {"a": 1}
