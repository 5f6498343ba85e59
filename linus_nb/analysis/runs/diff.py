"""Two runs against each other: what changed, node by node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from linus_nb.analysis.equality import same
from linus_nb.analysis.runs.diff_notes import run_diff_notes
from linus_nb.analysis.runs.recorded import recorded
from linus_nb.analysis.runs.tables import error_text, node_table, typed_frame
from linus_nb.analysis.runs.text_diff import diff_text, one_sided
from linus_nb.engine.record import NodeRecord, RunRecord
from linus_nb.engine.result import ExecutionResult, RecordedRun
from linus_nb.engine.saved import SavedRun
from linus_nb.engine.saved_values import SavedValue, decode_value, encode_value
from linus_nb.events import NodeStatus
from linus_nb.masking import masked

if TYPE_CHECKING:
    from linus_nb.analysis.runs.diff_frame import RunDiff
    from linus_nb.engine.run import Run

DIFF_DTYPES = {
    "change": "string",
    "status_a": "string",
    "status_b": "string",
    "output_changed": "bool",
    "inside_changed": "string",
    "duration_a_s": "float64",
    "duration_b_s": "float64",
    "duration_change_s": "float64",
    "tokens_a": "Int64",
    "tokens_b": "Int64",
    "cost_a": "float64",
    "cost_b": "float64",
    "error_a": "string",
    "error_b": "string",
    "output_diff": "string",
}
"""The columns of `diff`, in order."""

MOST_INSIDE = 5  # items or nodes inside that are named
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def diff(a: RecordedRun | Run, b: RecordedRun | Run) -> RunDiff:
    """Return what changed from run ``a`` to run ``b``: a row for each node of either, indexed by ``node``.

    Nodes come in the plan order of ``b``; those that only ``a`` has stand where they stood. Columns, with the same
    dtypes for whatever runs:

    * ``change``: "same", "changed" (another status, output or error; times are figures, no change), "only in a" or
      "only in b";
    * ``status_a``, ``status_b``; empty where a run has no such node, as are the texts below;
    * ``output_changed``: whether the outputs differ, or only one of them is there;
    * ``inside_changed``: which items, or which nodes of the graph that the node holds, came to something else;
    * ``duration_a_s``, ``duration_b_s``, ``duration_change_s`` (b less a): seconds, NaN where it did not run;
    * ``tokens_a``, ``tokens_b`` (input and output), ``cost_a``, ``cost_b`` (US dollars): over all that ran inside;
    * ``error_a``, ``error_b``;
    * ``output_diff``: what differs in the output, line by line, ``- `` before what only ``a`` has and ``+ `` before
      what only ``b`` has; see `linus_nb.analysis.runs.text_diff`.

    Its repr shows the figures, what both came to as a whole, and each changed output; ``attrs`` has the ``run_id`` of
    both. Values are compared by what they hold, not by identity. Where one run was read back from a file, the other's
    values are compared as a file would hold them: what JSON has no form for is known by its ``repr``, and secrets are
    masked.

    Args:
        a: the result of a run, a run that `linus_nb.load_run` read back, or the handle of a run.
        b: likewise. It need not be of the same graph.

    Raises:
        NotARunError: one of them is something else.

    >>> from linus_nb import AgentDAG, AgentNode, DAGExecutor
    >>> dag = AgentDAG("greet").add_node(AgentNode("greet", lambda name: {"text": f"Hello {name}"}))
    >>> ann, bob = (DAGExecutor(dag).execute({"name": name}) for name in ("Ann", "Bob"))
    >>> table = diff(ann, bob)
    >>> table["change"].to_dict()
    {'greet': 'changed'}
    >>> print(table.loc["greet", "output_diff"])
      {
    -     'text': 'Hello Ann',
    +     'text': 'Hello Bob',
      }
    """
    import pandas as pd

    from linus_nb.analysis.runs.diff_frame import RunDiff

    run_a, run_b = recorded(a), recorded(b)
    values = _Values(run_a, run_b)
    figures_a, figures_b = _figures(run_a.record), _figures(run_b.record)
    names = merged(list(run_a.record.nodes), list(run_b.record.nodes))
    rows = [
        _times(figures_a.get(name, {}), figures_b.get(name, {}))
        | _changes(run_a.record.nodes.get(name), run_b.record.nodes.get(name), values)
        for name in names
    ]
    index = pd.Index([masked(name) for name in names], name="node", dtype="string")
    table = RunDiff(typed_frame(rows, DIFF_DTYPES, index))
    states = _own_state(run_a, values), _own_state(run_b, values)
    table.attrs |= {
        "run_id_a": run_a.record.run_id,
        "run_id_b": run_b.record.run_id,
        "rows": len(table),
        "notes": run_diff_notes(table, run_a.record, run_b.record, states, values.partly_known),
    }
    return table


def merged(a: list[str], b: list[str]) -> list[str]:
    """Return the names of both lists in the order of ``b``; each that only ``a`` has follows what it followed there.

    >>> merged(["x", "a", "y", "b"], ["b", "c", "a"])
    ['x', 'b', 'c', 'a', 'y']
    """
    there = set(b)
    after: dict[str | None, list[str]] = {}
    at = None
    for name in a:
        if name in there:
            at = name
        else:
            after.setdefault(at, []).append(name)
    return [*after.get(None, []), *(name for known in b for name in (known, *after.get(known, [])))]


class _Values:
    """Compares values of two runs. Where one run was saved, those of the other are taken as a file would hold them."""

    def __init__(self, a: RecordedRun, b: RecordedRun) -> None:
        self._read_back = isinstance(a, SavedRun), isinstance(b, SavedRun)
        self._saved = any(self._read_back)
        self.partly_known: list[str] = []  # nodes whose outputs read alike, as far as they were saved

    def of(self, value: Any) -> Any:
        """Return a value as it is compared."""
        return _without_addresses(decode_value(encode_value(value))) if self._saved else value

    def note_parts(self, a: NodeRecord, b: NodeRecord) -> None:
        """Note a node whose outputs read alike in what a file keeps, which is not all of them."""
        sides = zip(self._read_back, (a, b), strict=True)
        if any(_is_part(node.result) for read_back, node in sides if read_back):
            self.partly_known.append(a.name)

    def differ(self, a: NodeRecord, b: NodeRecord) -> bool:
        """Return whether two nodes, or items, came to something else."""
        return a.status != b.status or _error(a) != _error(b) or not same(self.of(a.result), self.of(b.result))


def _is_part(value: Any) -> bool:
    """Return whether something in a value was saved in part only."""
    if isinstance(value, SavedValue):
        return value.is_part
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(map(_is_part, parts))


def _without_addresses(value: Any) -> Any:
    """Return what was read from a file, in which the same object has another address each time."""
    if isinstance(value, SavedValue):
        return SavedValue(value.type, _ADDRESS.sub("", value.text))
    if isinstance(value, dict):
        return {key: _without_addresses(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_addresses(part) for part in value)
    return value


def _figures(record: RunRecord) -> dict[str, dict[Any, Any]]:
    return dict(zip(record.nodes, node_table(record).to_dict("records"), strict=True))


def _times(a: dict[Any, Any], b: dict[Any, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for side, figures in (("a", a), ("b", b)):
        row[f"duration_{side}_s"] = figures.get("duration_s")
        row[f"tokens_{side}"] = figures["input_tokens"] + figures["output_tokens"] if figures else None
        row[f"cost_{side}"] = figures.get("cost")
    known = row["duration_a_s"] is not None and row["duration_b_s"] is not None
    row["duration_change_s"] = row["duration_b_s"] - row["duration_a_s"] if known else None
    return row


def _changes(a: NodeRecord | None, b: NodeRecord | None, values: _Values) -> dict[str, Any]:
    output_diff = _output_diff(a, b, values)
    row = {
        "status_a": "" if a is None else a.status.value,
        "status_b": "" if b is None else b.status.value,
        "error_a": "" if a is None else error_text(a.error),
        "error_b": "" if b is None else error_text(b.error),
        "output_changed": bool(output_diff),
        "output_diff": output_diff,
        "inside_changed": "",
    }
    if a is None or b is None:
        return row | {"change": "only in b" if a is None else "only in a"}
    if not output_diff:
        values.note_parts(a, b)
    changed = bool(output_diff) or a.status != b.status or _error(a) != _error(b)
    return row | {"change": "changed" if changed else "same", "inside_changed": _named(_changed_inside(a, b, values))}


def _output_diff(a: NodeRecord | None, b: NodeRecord | None, values: _Values) -> str:
    found_a, found_b = _outputs(a, values), _outputs(b, values)
    if found_a and found_b:
        return "" if same(found_a, found_b) else diff_text(found_a[0], found_b[0])
    if found_a:
        return one_sided(found_a[0], "-")
    return one_sided(found_b[0], "+") if found_b else ""


def _outputs(node: NodeRecord | None, values: _Values) -> list[Any]:
    """Return the output of a node as a list of one, or an empty list where there is none."""
    return [values.of(node.result)] if node is not None and node.status is NodeStatus.COMPLETED else []


def _error(node: NodeRecord) -> str:
    return _ADDRESS.sub("", masked(error_text(node.error)))


def _changed_inside(a: NodeRecord, b: NodeRecord, values: _Values) -> Iterator[str]:
    """Yield the items, or the nodes inside, that differ or are there in one run only."""
    parts_a, parts_b = _parts(a), _parts(b)
    for name in merged(list(parts_a), list(parts_b)):
        part_a, part_b = parts_a.get(name), parts_b.get(name)
        if part_a is None or part_b is None or values.differ(part_a, part_b):
            yield name


def _parts(node: NodeRecord) -> dict[str, NodeRecord]:
    if node.items or node.inner is None:
        return {item.name: item for item in node.items}
    return {f"{node.name}/{name}": inside for name, inside in node.inner.nodes.items()}


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - MOST_INSIDE:,} more" if len(listed) > MOST_INSIDE else ""
    return ", ".join(listed[:MOST_INSIDE]) + more


def _own_state(run: RecordedRun, values: _Values) -> dict[str, Any] | None:
    """Return the state that a run ended with, but for what a node returned; None where none was saved.

    Nobody noted which keys there were at the start. They come first, and each node wrote at most one.
    """
    if not isinstance(run, ExecutionResult):
        return None
    by_value: dict[int, list[str]] = {}
    for key, value in run.final_state.items():
        by_value.setdefault(id(value), []).append(key)
    for result in run.node_results.values():
        keys = by_value.get(id(result))
        if keys:
            keys.pop()
    kept = {key for keys in by_value.values() for key in keys}
    return {key: values.of(value) for key, value in run.final_state.items() if key in kept}
