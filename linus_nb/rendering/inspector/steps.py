"""The steps of a run as the inspector shows them: nodes, items, and nodes of the graphs inside, by their paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from linus_nb.engine.critical_path import critical_path, slack
from linus_nb.engine.record import NodeRecord, RunRecord, fold, walk
from linus_nb.engine.saved_values import encode_error
from linus_nb.events import Call, GraphShape, ModelCalled, NodeShape, NodeStatus, RunStarted
from linus_nb.models.prices import total_cost
from linus_nb.numbers import plural
from linus_nb.rendering import labels
from linus_nb.rendering.inspector.calls import call_of
from linus_nb.rendering.inspector.graph import drawn_graph, is_over
from linus_nb.rendering.inspector.sources import ABSENT, Scope
from linus_nb.rendering.inspector.tracebacks import without_folders
from linus_nb.rendering.inspector.values import Held, Text, cut, held
from linus_nb.rendering.type_setting import printable, printable_lines
from linus_nb.rendering.waits import attempts, changes, goes_on, item_words, later, shifted, waits

MOST_ITEMS = 200  # of one node; what is left out is said
MOST_STEPS = 3000  # of a run: beyond, what is inside nodes is left out first

Step = dict[str, Any]
Change = tuple[float, str, str, str]


def not_run(shape: GraphShape) -> RunRecord:
    """Return the record of a graph that has not run."""
    return fold([RunStarted("", 0, 0.0, "", datetime(1970, 1, 1, tzinfo=UTC), shape)])


@dataclass
class Steps:
    """All steps of a run, and their changes of status in order."""

    now_s: float
    steps: dict[str, Step] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    @property
    def has_room(self) -> bool:
        """Whether there is room for what is inside a node."""
        return len(self.steps) < MOST_STEPS

    def path_of(self, prefix: str, name: str) -> str:
        """Return a path that no other step has: a name may hold a slash, or a secret that is masked."""
        path = f"{prefix}{printable(name)}"
        while path in self.steps:
            path += "′"
        return path


@dataclass(frozen=True)
class _Graph:
    """A graph whose steps are being made, and where it stands."""

    scope: Scope
    shape: GraphShape
    prefix: str = ""
    parent: str | None = None
    by_s: float = 0.0  # when its own clock began

    @property
    def record(self) -> RunRecord:
        return self.scope.record


def add_steps(made: Steps, record: RunRecord, names: set[str] | None = None) -> dict[str, str]:
    """Make the steps of a run's nodes, with what is inside them; return the paths of its nodes by name.

    Args:
        made: Where they go.
        record: The run.
        names: The nodes; None for all.
    """
    return _add_graph(made, _Graph(Scope(record), record.graph), names)


def _add_graph(made: Steps, graph: _Graph, names: set[str] | None = None) -> dict[str, str]:
    record = graph.record
    measured = graph.parent is None and is_over(record)
    on_path, spare = (set(critical_path(record)[1]), slack(record)) if measured else (set(), {})
    sources = labels.sources_of(graph.shape)
    paths: dict[str, str] = {}
    inside: list[tuple[NodeShape, NodeRecord, Step]] = []
    for shape in graph.shape.nodes:
        if names is not None and shape.name not in names:
            paths[shape.name] = f"{graph.prefix}{printable(shape.name)}"
            continue
        node = record.nodes.get(shape.name) or NodeRecord(shape.name, shape.level)
        path = paths[shape.name] = made.path_of(graph.prefix, shape.name)
        step = _step(path, node, shape, graph)
        step |= {"critical": shape.name in on_path, "slack_s": later(spare.get(shape.name), 0.0)}
        step |= _state(graph.scope, node, shape)
        ends = [done.end_s for name in sources.get(shape.name, ()) if (done := record.nodes.get(name)) and done.end_s]
        words = labels.second_line(shape, record, sources) if node.status.final else ""
        _add_times(made, step, node, min(ends, default=None), words, graph.by_s)
        made.steps[path] = step
        inside.append((shape, node, step))
    for shape, node, step in inside:  # after all nodes of this graph: where there is no room for all, they go first
        _add_inside(made, graph, shape, node, step)
    return paths


def _add_inside(made: Steps, graph: _Graph, shape: NodeShape, node: NodeRecord, step: Step) -> None:
    if node.items:
        _add_items(made, graph, shape, node, step)
    elif shape.inner is not None and not (shape.over and node.start_s is not None):
        _add_inner(made, graph, node, shape.inner, step)
    _sum_up(made, step)


def _add_items(made: Steps, graph: _Graph, shape: NodeShape, node: NodeRecord, step: Step) -> None:
    listed = _worth_a_look(node.items) if made.has_room else []
    left_out = len(node.items) - len(listed)
    if left_out:
        said = f"{left_out:,} of {plural(len(node.items), 'item')} are not listed: first come those that failed."
        step["description"] = "\n".join(filter(None, [step["description"], said]))
        step["left_out"] = left_out
        kept = set(listed)
        _count(step, [call for k, item in enumerate(node.items) if k not in kept for call in _calls_in(item)])
    for k in listed:
        item = node.items[k]
        path = made.path_of(step["path"], f"[{k}]")
        within = _step(path, item, shape, graph)
        value = graph.scope.item_of(node, shape.over, k)
        within |= {
            "name": f"[{k}]", "parent": step["path"], "description": "",
            "input": None if value is ABSENT else held(shape.over, value), "output": _output(item),
        }  # fmt: skip
        _add_times(made, within, item, None, item_words(item), graph.by_s, node.end_s)
        made.steps[path] = within
        step["children"].append(path)
        if shape.inner is not None and item.inner is not None:
            _add_inner(made, graph, item, shape.inner, within, node, value)
        _sum_up(made, within)


def _worth_a_look(items: tuple[NodeRecord, ...]) -> list[int]:
    """Return the numbers of the items that are listed: of too many those that failed, then the first ones."""
    if len(items) <= MOST_ITEMS:
        return list(range(len(items)))
    by_worth = sorted(range(len(items)), key=lambda k: (items[k].status is not NodeStatus.FAILED, k))
    return sorted(by_worth[:MOST_ITEMS])


def _add_inner(
    made: Steps,
    graph: _Graph,
    part: NodeRecord,
    shape: GraphShape,
    step: Step,
    holder: NodeRecord | None = None,
    item: Any = ABSENT,
) -> None:
    """Add the steps of the graph that a node, or an item of ``holder``, holds."""
    if not made.has_room:
        step["left_out"] = len(shape.nodes)
        return
    record = part.inner or not_run(shape)
    scope = Scope(record, graph.scope, holder or part, item)
    inner = _Graph(scope, record.graph, f"{step['path']}/", step["path"], graph.by_s + part.inner_at_s)
    paths = _add_graph(made, inner)
    step["children"] = list(paths.values())
    step["graph"] = drawn_graph(record.graph, record, paths)


# -- one step -----------------------------------------------------------------------------------------------------


def _step(path: str, node: NodeRecord, shape: NodeShape, graph: _Graph) -> Step:
    found: Step = {
        "path": path,
        "name": printable(node.name),
        "parent": graph.parent,
        "children": [],
        "kind": shape.kind,
        "description": printable_lines(shape.description),
        "level": node.level,
        "status": str(node.status),
        "reason": printable(node.reason) if node.reason else "",
        "critical": False,
        "slack_s": None,
        "ready_s": later(node.ready_s, graph.by_s),
        "start_s": later(node.start_s, graph.by_s),
        "end_s": later(node.end_s, graph.by_s),
        "waits": [],
        "attempts": [],
        "reads": [],
        "writes": [],
        "input": None,
        "output": _output(node),
        "error": None if node.error is None else _error(node.error),
        "calls": [call_of(call, end_s, graph.by_s) for end_s, call in sorted(node.calls, key=_beginning)],
        "llm_calls": 0,
        "tokens": 0,
        "cost": None,
        "graph": None,
    }
    _count(found, [call for _, call in node.calls])
    return found


def _beginning(timed: Any) -> float:
    end_s, call = timed
    return float(end_s - call.duration_s)


def _output(node: NodeRecord) -> Held | None:
    return Held(node.result) if node.status is NodeStatus.COMPLETED else None


def _error(error: BaseException) -> dict[str, Held]:
    return {"text": Held(error, _message), "traceback": Held(error, _traceback)}


def _message(error: BaseException, limit: int) -> Text:
    saved = encode_error(error)
    return cut(": ".join(filter(None, [saved["type"], saved.get("message")])), limit)


def _traceback(error: BaseException, limit: int) -> Text:
    return cut(without_folders(encode_error(error).get("traceback", "")), limit)


def _state(scope: Scope, node: NodeRecord, shape: NodeShape) -> Step:
    """Return what a node read and wrote, and what it was called with."""
    read = scope.read_by(node)
    wrote = shape.writes and node.status is NodeStatus.COMPLETED
    return {
        "reads": [{"key": printable(key), "value": held(key, value)} for key, _, value in read],
        "writes": [{"key": printable(shape.writes), "value": held(shape.writes, node.result)}] if wrote else [],
        "input": Held({name: value for _, name, value in read}) if read else None,
    }


def _add_times(
    made: Steps,
    step: Step,
    node: NodeRecord,
    first_input_s: float | None,
    words: str,
    by_s: float,
    at_last_s: float | None = None,
) -> None:
    until_s = made.now_s - by_s
    waited = waits(node, first_input_s, until_s)
    step["waits"] = [
        {
            "start_s": later(a, by_s),
            "end_s": None if goes_on((a, b, why), node, until_s) else later(b, by_s),
            "why": why,
        }
        for a, b, why in waited
    ]
    step["attempts"] = [
        {"number": number, "start_s": start, "end_s": end, "error": error}
        for number, start, end, error in shifted(attempts(node, until_s), by_s)
    ]
    ended = changes(node, waited, words, until_s if at_last_s is None else at_last_s)
    made.changes += [(at_s, step["path"], status, said) for at_s, status, said in shifted(ended, by_s)]


# -- tokens and cost ------------------------------------------------------------------------------------------------


def _calls_in(node: NodeRecord) -> Iterator[Call]:
    """Yield the calls of an item, also those of the graph that it ran."""
    yield from (call for _, call in node.calls)
    if node.inner is not None:
        yield from (call for step in walk(node.inner) for _, call in step.record.calls)


def _count(step: Step, calls: list[Any]) -> None:
    asked = [call for call in calls if isinstance(call, ModelCalled)]
    if asked:
        step["llm_calls"] += len(asked)
        step["tokens"] += sum(call.input_tokens + call.output_tokens for call in asked)
        step["cost"] = _together(step["cost"], total_cost(asked))


def _sum_up(made: Steps, step: Step) -> None:
    """Add what was spent inside a step to its own."""
    for path in step["children"]:
        below = made.steps[path]
        step["llm_calls"] += below["llm_calls"]
        step["tokens"] += below["tokens"]
        step["cost"] = _together(step["cost"], below["cost"])


def _together(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


def values_in(thing: Any) -> Iterator[Held]:
    """Yield the values in a part of a payload."""
    if isinstance(thing, Held):
        yield thing
    elif isinstance(thing, dict):
        for part in thing.values():
            yield from values_in(part)
    elif isinstance(thing, list):
        for part in thing:
            yield from values_in(part)
