"""Everything that a cell may end with has a repr worth reading: bounded, escaped, and never in the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from linus_nb import Agent, AgentDAG, AgentMetrics, AgentNode, AgentResponse, DAGExecutor, Memory, SharedState
from linus_nb.agent.response import ExecutionStep
from linus_nb.brief import brief
from linus_nb.events import ToolCalled
from linus_nb.graph.state import StateManager
from linus_nb.masking import MASK
from linus_nb.testing import ScriptedModel
from linus_nb.tools.tool import Tool

MARKUP = '<script>alert(1)</script><img src=x onerror="alert(1)"> & "quoted"'
KEY = "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"
ALLOWED = {"div", "style", "b", "span", "img", "code", "table", "tr", "th", "td", "details", "summary"}


class Raising:
    def __repr__(self) -> str:
        raise RuntimeError("no repr today")


class Printing:
    def __repr__(self) -> str:
        print("printed by a repr")  # noqa: T201  that is what it is for
        return "Printing()"


class Wide:
    def __repr__(self) -> str:
        return "w" * 10_000_000


def agent(text: str) -> Agent:
    def look(where: str) -> str:
        return where

    look.__doc__ = text
    tool = Tool(text, text, {"properties": {}}, blocking=lambda arguments: arguments)
    return Agent([look, tool], llm=ScriptedModel([text] * 9), name=text)


def dag(text: str) -> AgentDAG:
    def broken(**_: Any) -> None:
        raise ValueError(text)

    graph = AgentDAG(text)
    graph.add_node(AgentNode(text, lambda: text, description=text, output_key="out"))
    graph.add_node(AgentNode("bad", lambda out: broken(), description=text))
    return graph.add_edge(text, "bad")


def ran(text: str) -> DAGExecutor:
    executor = DAGExecutor(dag(text), resources={text: 1})
    executor.execute({text: text})
    return executor


def response(text: str) -> AgentResponse:
    metrics = AgentMetrics(llm_calls=2, total_iterations=1, unpriced_models=(text,))
    return AgentResponse(text, metrics, [step(text)], text, [ran(text).last_result])  # type: ignore[list-item]  # it has run


def step(text: str) -> ExecutionStep:
    return ExecutionStep(1, text, text, text, "failed", {text: text}, text)


def memory(text: str) -> Memory:
    kept = Memory()
    kept.add(text, text)
    return kept


def state(text: str) -> SharedState:
    shared = SharedState({"topic": text})
    shared.set(text, text, source=text, metadata={text: text})
    return shared


def manager(text: str) -> StateManager:
    manager = StateManager(state(text))
    manager.snapshot(text)
    return manager


def started(text: str) -> Any:
    async def main() -> Any:
        run = dag(text).start({text: text})
        await run
        return run

    return asyncio.run(main())


SHOWN: dict[str, Callable[[str], Any]] = {
    "Agent": agent,
    "AgentDAG": dag,
    "ExecutionResult": lambda text: ran(text).last_result,
    "AgentResponse": response,
    "AgentResponse.plan": lambda text: response(text).plan,
    "AgentMetrics": lambda text: response(text).metrics,
    "SharedState": state,
    "StateManager": manager,
    "Plan": lambda text: dag(text).plan(),
    "Memory": memory,
}
TOLD: dict[str, Callable[[str], Any]] = {
    "StateEntry": lambda text: state(text).get_entry("topic"),
    "ExecutionStep": step,
    "AgentNode": lambda text: dag(text).nodes["bad"],
    "Tool": lambda text: next(iter(agent(text).tools.values())),
    "Run": started,
    "DAGExecutor": ran,
    "RunRecord": lambda text: ran(text).last_result.record,  # type: ignore[union-attr]  # it has run
    "event": lambda text: list(ran(text).last_result.events)[3],  # type: ignore[union-attr]  # as above
    "ToolCalled": lambda text: ToolCalled(text, 0.1, {"query": text}, text, ValueError(text)),
    "StateView": lambda text: _seen(text),
}


def _seen(text: str) -> Any:
    seen = []
    graph = AgentDAG("g").add_node(AgentNode("look", lambda view: seen.append(view)))
    DAGExecutor(graph).execute({text: text, "topic": text})
    return seen[0]


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def bundle(thing: Any) -> dict[str, Any]:
    shown: dict[str, Any] = thing._repr_mimebundle_()
    return shown


@pytest.mark.parametrize("name", SHOWN)
def test_markup_in_any_field_is_text(name: str) -> None:
    page = Page(bundle(SHOWN[name](MARKUP))["text/html"])
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for tag, attrs in page.tags:
        assert not any(key.startswith("on") or key == "href" for key in attrs), tag
        assert "src" not in attrs or str(attrs["src"]).startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize("name", SHOWN | TOLD)
def test_no_secret_is_in_any_repr(name: str) -> None:
    thing = (SHOWN | TOLD)[name](f"the key is {KEY}, password='hunter2'")
    shown = str(bundle(thing)) if name in SHOWN else ""
    assert "o5P6'" not in shown
    assert KEY[10:30] not in shown + repr(thing)
    assert "hunter2" not in shown + repr(thing)


@pytest.mark.parametrize("name", SHOWN)
def test_cards_are_there_in_light_and_dark_and_are_no_larger_than_a_cell_bears(name: str) -> None:
    shown = bundle(SHOWN[name]("words " * 20))
    assert 'data-jp-theme-light="false"' in shown["text/html"]
    assert len(shown["text/html"]) < 60_000
    assert shown["text/plain"] == repr(SHOWN[name]("words " * 20)) or "s" in shown["text/plain"]


@pytest.mark.parametrize("name", SHOWN | TOLD)
def test_ten_megabytes_of_text_are_cut(name: str) -> None:
    if name in ("AgentDAG", "Plan", "AgentResponse", "AgentResponse.plan"):
        size = 100_000  # names and descriptions of nodes are read whole
    else:
        size = (
            10_000_000 if name in ("SharedState", "StateManager", "StateEntry", "Memory", "ExecutionStep") else 100_000
        )
    thing = (SHOWN | TOLD)[name]("x " * (size // 2))
    assert len(repr(thing)) < 25_000
    if name in ("SharedState", "StateManager", "Memory", "AgentMetrics"):
        assert len(bundle(thing)["text/html"]) < 30_000


def cyclic() -> dict[str, Any]:
    values: dict[str, Any] = {"a": 1}
    values["self"] = [values]
    return values


ODD = {
    "cyclic": cyclic(),
    "deep": [[[[[[[[[[1]]]]]]]]]],
    "raising": Raising(),
    "printing": Printing(),
    "wide": Wide(),
    "many": list(range(1_000_000)),
    "keys": {f"key{i}": i for i in range(10_000)},
    "bytes": b"\x00" * 10_000_000,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_are_shown_briefly(name: str) -> None:
    value = ODD[name]
    assert len(brief(value)) <= 80
    shared = SharedState({"odd": value, "after": "it"})
    assert len(repr(shared)) < 300
    assert "'after': 'it'" in repr(shared)
    shown = bundle(shared)
    assert "after" in shown["text/html"]
    assert len(shown["text/html"]) < 10_000
    answer = AgentResponse(value, AgentMetrics())
    assert len(repr(answer)) < 25_000
    assert "text/html" in bundle(answer)
    assert len(repr(ToolCalled("t", 0.1, {"x": value}, value))) < 400


def test_a_state_of_many_keys_shows_some_and_counts_the_others() -> None:
    shared = SharedState({f"key{i}": i for i in range(10_000)})
    assert repr(shared).endswith("'key7': 7, … 9,992 more})")
    assert "and 9,980 more keys" in bundle(shared)["text/html"]


def test_a_state_shows_who_wrote_what_and_masks_secret_fields() -> None:
    shared = SharedState({"city": "Paris"})
    shared.set("password", "hunter2", source="login")
    html = bundle(shared)["text/html"]
    assert "Paris" in html
    assert "login" in html
    assert "hunter2" not in html
    assert repr(shared) == f"SharedState({{'city': 'Paris', 'password': {MASK}}})"
    assert shared["password"] == "hunter2"  # what a program gets stays as it is


def test_texts_are_worth_reading() -> None:
    assert repr(AgentNode("plan", len, retry_count=2)) == (
        "AgentNode(name='plan', agent=<built-in function len>, retry_count=2)"
    )
    assert repr(AgentMetrics(llm_calls=2)) == "AgentMetrics(llm_calls=2)"
    graph = AgentDAG("sums").add_node(AgentNode("double", lambda x: 2 * x, output_key="doubled"))
    executor = DAGExecutor(graph, max_concurrency=2)
    assert repr(executor) == "<DAGExecutor of 'sums', max_concurrency=2: not run yet>"
    result = executor.execute({"x": 21})
    assert repr(executor) == "<DAGExecutor of 'sums', max_concurrency=2: latest run: success>"
    assert repr(graph.plan()).splitlines()[0] == "sums: 1 node, 0 edges, 1 level"
    started, *_, ended = result.events
    assert "RunFinished(" in repr(ended)
    assert "nodes=(NodeShape(name='double'" in repr(started.graph)  # type: ignore[attr-defined]  # the first event has it
    manager = StateManager(SharedState({"a": 1}))
    manager.snapshot("before")
    assert repr(manager) == "StateManager(snapshots=['before'], state=SharedState({'a': 1}))"


@pytest.mark.parametrize("name", SHOWN)
def test_a_renderer_that_raises_leaves_the_text_and_a_line_in_the_log(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    thing = SHOWN[name]("words")
    text = repr(thing)

    def broken(_: Any) -> dict[str, str]:
        raise RuntimeError(f"no picture with {KEY}")

    module, _, function = type(thing)._view.partition(":")
    monkeypatch.setattr(f"{module}.{function}", broken)
    with caplog.at_level(logging.ERROR, "linus_nb"):
        shown = bundle(thing)
    assert shown == {"text/plain": text}
    (record,) = caplog.records
    assert "could not be drawn" in record.getMessage()
    assert KEY not in caplog.text


def test_what_python_gets_is_as_it_was() -> None:
    result = ran(f"the key is {KEY}").last_result
    assert result is not None
    assert result.final_state["out"] == f"the key is {KEY}"
    assert KEY in str(result.errors["bad"])
    answer = response(KEY)
    assert answer.to_dict()["result"] == KEY
    assert str(answer) == KEY


def test_lines_and_tables_hold_no_secret_and_a_saved_run_loads(tmp_path: Any) -> None:
    from linus_nb import load_run

    def fetch(token: str) -> dict[str, Any]:
        return {"password": "hunter2", "page": f"key {KEY}", 7: KEY, "size": 3}

    def fail(page: Any) -> None:
        raise PermissionError(f"no access with {KEY}, password='hunter2'")

    graph = AgentDAG("fetching")
    graph.add_node(AgentNode(f"fetch {KEY}", fetch, output_key="page")).add_node(AgentNode("fail", fail))
    result = DAGExecutor(graph).execute({"token": KEY})
    path = tmp_path / "run.jsonl"
    result.save_jsonl(path)
    saved = path.read_text(encoding="ascii")
    tables = [result.to_frame(kind).to_csv() for kind in ("nodes", "steps", "calls")]
    for text in (saved, result.to_jsonl(), *tables, result.to_dot(), result.to_mermaid()):
        assert KEY[10:30] not in text
        assert "hunter2" not in text
    loaded = load_run(path)
    assert (loaded.status, loaded.completed_nodes, loaded.failed_nodes) == ("failed", 1, 1)
    assert loaded.node_results[f"fetch sk-{MASK}o5P6"] == {
        "password": MASK, "page": f"key sk-{MASK}o5P6", 7: f"sk-{MASK}o5P6", "size": 3
    }  # fmt: skip
    assert loaded.to_jsonl() == saved
