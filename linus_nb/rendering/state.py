"""MIME bundles of states: keys with their values, who wrote them and when."""

from __future__ import annotations

from itertools import islice
from typing import Any

from linus_nb.brief import brief
from linus_nb.masking import masked_field
from linus_nb.numbers import plural
from linus_nb.rendering.card import card, header, sentence
from linus_nb.rendering.card_table import left_out, table
from linus_nb.rendering.type_setting import printable, printable_start

MOST_KEYS = 20
MOST_SNAPSHOTS = 12
LONGEST_CELL = 160


def state_bundle(state: Any) -> dict[str, str]:
    """Return a `SharedState` as ``{"text/html": …}``."""
    count = len(state)
    parts = [
        header("SharedState", "", [plural(count, "key")]),
        _keys(state, count),
        sentence("", ("state.get_history()", "state.get_entry(key)"))
        if count
        else sentence("Nothing was written yet.", ('state.set("key", value)',)),
    ]
    return {"text/html": card(parts)}


def manager_bundle(manager: Any) -> dict[str, str]:
    """Return a `StateManager` as ``{"text/html": …}``: its snapshots, and the state as it is."""
    sizes = manager.sizes()
    count = len(manager.state)
    named = [
        (printable_start(name, LONGEST_CELL), plural(size, "key"))
        for name, size in islice(sizes.items(), MOST_SNAPSHOTS)
    ]
    parts = [
        header("StateManager", "", [plural(len(sizes), "snapshot"), f"a state of {plural(count, 'key')}"]),
        table(named, strong=(0,), aside=(1,), more=left_out(len(sizes), len(named), "snapshot")),
        _keys(manager.state, count),
        sentence("", ("manager.restore(name)",) if sizes else ("manager.snapshot(name)",)),
    ]
    return {"text/html": card(parts)}


def _keys(state: Any, count: int) -> str:
    entries = [(key, entry) for key in islice(state, MOST_KEYS) if (entry := state.get_entry(key)) is not None]
    rows = [
        (
            printable_start(key, 60),
            _value(key, entry.value),
            printable_start(entry.source or "–", 60),
            f"{entry.time:%H:%M:%S}",
        )
        for key, entry in entries
    ]
    return table(
        rows,
        ("key", "value", "written by", "at (UTC)"),
        strong=(0,),
        aside=(2, 3),
        more=left_out(count, len(rows), "key"),
    )


def _value(key: str, value: Any) -> str:
    return printable(masked_field(key, value) or brief(value, LONGEST_CELL))
