"""What two runs came to as a whole, in the sentences below the table of their nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.equality import same
from linus_nb.analysis.runs.tables import model_calls
from linus_nb.brief import brief
from linus_nb.engine.record import RunRecord
from linus_nb.events import ModelCalled
from linus_nb.masking import masked, masked_field
from linus_nb.models.prices import total_cost
from linus_nb.numbers import plural, seconds

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 5  # of nodes, edges or keys


State = dict[str, Any] | None  # but for what nodes returned; None where none was saved


def run_diff_notes(
    table: pd.DataFrame, a: RunRecord, b: RunRecord, states: tuple[State, State], partly_known: list[str]
) -> list[str]:
    """Return the sentences: whether anything changed, figures of both, and what no row of a node can say."""
    graphs, values = list(_graphs(table, a, b)), list(_state(*states))
    changes = table["change"].value_counts()
    said = []
    if changes.get("changed", 0):
        said.append(f"{plural(int(changes['changed']), 'node')} of {len(table):,} changed.")
    if partly_known:
        said.append(
            f"Of the output of {_named(map(repr, partly_known))} a file keeps a part only: what was kept is the same."
        )
    elif not changes.get("changed", 0) and not graphs and a.status == b.status:
        inside = [name for name in table["inside_changed"] if name]
        told = "Each node of both has the same status, output and error."
        if inside:
            said.append(f"{told} Inside, {_named(inside)} came to something else.")
        else:
            said.append(told if values else "a and b are the same: each node has the same status, output and error.")
    return [masked(note) for note in (*said, _totals(a, b), *_runs(a, b), *graphs, *values)]


def _totals(a: RunRecord, b: RunRecord) -> str:
    share = f" ({(b.duration_s - a.duration_s) / a.duration_s:+.0%})" if a.duration_s > 0 else ""
    figures = [f"{seconds(a.duration_s)} → {seconds(b.duration_s)}{share}"]
    calls_a, calls_b = model_calls(a), model_calls(b)
    if calls_a or calls_b:
        figures.append(f"model calls {len(calls_a):,} → {len(calls_b):,}")
        figures.append(f"tokens {_tokens(calls_a):,} → {_tokens(calls_b):,}")
        figures.append(f"cost {_dollars(total_cost(calls_a))} → {_dollars(total_cost(calls_b))}")
    return f"From a to b: {', '.join(figures)}."


def _tokens(calls: list[ModelCalled]) -> int:
    return sum(call.input_tokens + call.output_tokens for call in calls)


def _dollars(cost: float | None) -> str:
    return "not known" if cost is None else f"${cost:,.4f}"


def _runs(a: RunRecord, b: RunRecord) -> Iterator[str]:
    for what, of_a, of_b in (
        ("status", a.status, b.status),
        ("schedule", a.schedule, b.schedule),
        ("graph", a.graph.name, b.graph.name),
    ):
        if of_a != of_b:
            yield f"The {what} of a is {of_a!r}, that of b {of_b!r}."
    going_on = [name for name, run in (("a", a), ("b", b)) if run.status == "running"]
    if going_on:
        yield f"{' and '.join(going_on)} had not ended when this was taken."


def _graphs(table: pd.DataFrame, a: RunRecord, b: RunRecord) -> Iterator[str]:
    for change in ("only in a", "only in b"):
        names = table.index[table["change"] == change]
        if len(names):
            yield f"{change.capitalize()}: {_named(map(repr, names))}."
    nodes = a.nodes.keys() & b.nodes.keys()
    edges_a, edges_b = ({(e.source, e.target) for e in run.edges if {e.source, e.target} <= nodes} for run in (a, b))
    for side, edges in (("a", edges_a - edges_b), ("b", edges_b - edges_a)):
        if edges:
            yield f"Edges only in {side}: {_named(f'{source!r} → {target!r}' for source, target in sorted(edges))}."


def _state(a: State, b: State) -> Iterator[str]:
    if a is None or b is None:
        yield "The state is not compared: a saved run keeps what nodes returned, and no state."
        return
    changed = [key for key in {**b, **a} if key not in a or key not in b or not same(a[key], b[key])]
    if changed:
        told = _named(f"{brief(key)} ({_value(a, key)} → {_value(b, key)})" for key in changed)
        yield f"In the state, apart from what nodes returned: {told}."


def _value(state: dict[str, Any], key: str) -> str:
    return "nothing" if key not in state else masked_field(key, state[key]) or brief(state[key])


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - MOST_NAMED:,} more" if len(listed) > MOST_NAMED else ""
    return ", ".join(listed[:MOST_NAMED]) + more
