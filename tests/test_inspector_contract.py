"""What the inspector's page relies on holds for every kind of run: paths, times, statuses, sums, and the replay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb.engine.record import Folding, RunRecord
from linus_nb.engine.result import ExecutionResult
from linus_nb.rendering.inspector.payload import Payload, inspection
from linus_nb.rendering.inspector.standalone import json_text
from linus_nb.rendering.palette import STATUSES
from linus_nb.testing import ScriptedModel, ToolCalls
from tests.virtual_time import run as in_virtual_time

WHY = {"inputs", "turn", "limit", "retry"}


# -- runs of every kind -------------------------------------------------------------------------------------------


async def pause() -> str:
    await asyncio.sleep(1)
    return "paused"


async def succeed(**options: Any) -> ExecutionResult:
    dag = AgentDAG("chain")
    dag.node(pause, name="a")
    dag.node(pause, name="b", after="a")
    dag.node(pause, name="c", after="a")
    dag.node(pause, name="d", after=["b", "c"])
    return await DAGExecutor(dag, **options).aexecute(schedule="dataflow")


async def limited() -> ExecutionResult:
    return await succeed(max_concurrency=1)


async def failed() -> ExecutionResult:
    dag = AgentDAG("failed")

    @dag.node(retry_count=1)
    async def broken() -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    dag.node(pause, name="beside")
    dag.node(pause, name="after", after="broken")
    dag.node(pause, name="not routed", after="beside", when=lambda seen: False)
    return await DAGExecutor(dag).aexecute()


async def cancelled() -> ExecutionResult:
    dag = AgentDAG("cancelled")
    dag.node(pause, name="a")
    dag.node(pause, name="b", after="a")
    dag.node(pause, name="c", after="b")
    run = dag.start()
    await asyncio.sleep(1.5)
    run.cancel()
    return await run


async def partial() -> ExecutionResult:
    dag = AgentDAG("partial")
    trouble = [ConnectionError("first")]

    @dag.node(retry_count=2, on_error="skip")
    async def shaky() -> str:
        if trouble:
            raise trouble.pop()
        return "at last"

    @dag.node(on_error="continue")
    async def wrong() -> None:
        raise KeyError("k")

    dag.node(pause, name="after", after=["shaky", "wrong"])
    return await DAGExecutor(dag).aexecute()


async def mapped(count: int = 5) -> ExecutionResult:
    dag = AgentDAG("mapped")

    @dag.node
    async def papers() -> list[int]:
        return list(range(count))

    @dag.map("papers", max_concurrency=2, on_error="skip", retry_count=1)
    async def read(paper: int) -> int:
        await asyncio.sleep(1)
        if paper == 3:
            raise ValueError(paper)
        return paper * paper

    dag.node(lambda read: sum(read), name="total")
    return await DAGExecutor(dag).aexecute()


async def none_mapped() -> ExecutionResult:
    return await mapped(0)


async def many_mapped() -> ExecutionResult:
    return await mapped(300)


async def nested() -> ExecutionResult:
    inmost = AgentDAG("inmost")
    inmost.node(pause, name="deep")
    inner = AgentDAG("inner")
    inner.node(lambda paper: paper, name="draft")
    inner.node(inmost, name="more", after="draft", output_key="more")
    inner.node(lambda draft, more: f"{draft}!", name="check")
    outer = AgentDAG("outer")
    outer.node(inner, name="one", input_mapping={"paper": "favourite"})
    outer.node(inner, name="each", map_over="papers", map_item="paper", after="one")
    outer.node(lambda each: len(each), name="count")
    return await DAGExecutor(outer).aexecute({"favourite": "A", "papers": ["B", "C", "D"]})


def agent() -> Agent:
    def search(query: str) -> list[str]:
        """Search."""
        return [query, "<b>found</b>"]

    replies = [ToolCalls([("search", {"query": "q"})]), "answer"]
    return Agent([search], llm=ScriptedModel(replies, usage=(400, 30), model="gpt-4o", provider="openai"),
                 strategy="tools")  # fmt: skip


async def agents() -> ExecutionResult:
    inner = AgentDAG("inner")
    inner.node(agent(), name="asked", input_mapping={"text": "topic"})
    dag = AgentDAG("agents")
    dag.node(agent(), name="first", input_mapping={"text": "topic"})
    dag.node(inner, name="second", after="first", input_mapping={"topic": "topic"})
    return await DAGExecutor(dag).aexecute({"topic": "barriers"})


async def planned() -> ExecutionResult:
    def script(messages: Any, schema: Any) -> Any:
        if schema and "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "none", "description": "one", "depends_on": []},
                              {"tool": "none", "description": "two", "depends_on": [1]}]}  # fmt: skip
        return {"complete": "yes", "missing": ""} if schema else "done"

    dag = AgentDAG("planned")
    dag.node(Agent(llm=ScriptedModel(script, usage=(10, 5))), name="plans", input_mapping={"text": "topic"})
    return await DAGExecutor(dag).aexecute({"topic": "barriers"})


async def oddly_named() -> ExecutionResult:
    dag = AgentDAG("a/b[0] <b>")
    for name in ("a/b", "a", "a[0]", "levels 1–4", "constructor", "\ud800", "sk-proj-a1b2c3d4e5f6a7b8c9d0e1f2", "…"):
        dag.add_node(AgentNode(name, pause))
    dag.add_edge("a/b", "a").add_edge("a", "a[0]")
    return await DAGExecutor(dag).aexecute()


async def large(count: int = 700) -> ExecutionResult:
    dag = AgentDAG("large")

    async def one() -> str:
        return "word " * 200

    for k in range(count):
        dag.add_node(AgentNode(f"n{k}", one))
        if k >= 30:
            dag.add_edge(f"n{k - 30}", f"n{k}")
    return await DAGExecutor(dag).aexecute()


async def very_large() -> ExecutionResult:
    return await large(5000)


KINDS: list[Callable[[], Any]] = [
    succeed, limited, failed, cancelled, partial, mapped, none_mapped, many_mapped, nested, agents, planned,
    oddly_named, large, very_large,
]  # fmt: skip


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def result(request: pytest.FixtureRequest) -> ExecutionResult:
    ran: ExecutionResult = in_virtual_time(request.param())
    return ran


# -- what holds ---------------------------------------------------------------------------------------------------


def check(payload: Payload) -> None:
    """See that a payload is what the page expects."""
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    steps = payload["steps"]
    for path, step in steps.items():
        check_step(path, step, payload)
    check_graph(payload["graph"], steps)
    known = dict.fromkeys(steps, "pending")
    before = 0.0
    for at, path, status, words in payload["changes"]:
        assert at >= before
        assert status in STATUSES
        assert isinstance(words, str)
        before = at
        known[path] = status
    shown = {path: "waiting" if known[path] == "waiting" else step["status"] for path, step in steps.items()}
    assert known == shown  # the last change of each step is what has become of it


def check_step(path: str, step: Payload, payload: Payload) -> None:
    steps, now = payload["steps"], payload["duration_s"] + 1e-6
    assert step["path"] == path
    assert step["status"] in STATUSES
    assert step["parent"] is None or path in steps[step["parent"]]["children"]
    for child in step["children"]:
        assert steps[child]["parent"] == path
    if step["graph"] is not None:
        check_graph(step["graph"], steps)
        assert sorted(n["path"] for n in step["graph"]["nodes"]) == sorted(step["children"])
    start, end = step["start_s"], step["end_s"]
    if start is not None:
        assert 0 <= step["ready_s"] <= start <= now
        assert end is None or start <= end <= now
    spans = sorted((part["start_s"], now if part["end_s"] is None else part["end_s"])
                   for part in [*step["waits"], *step["attempts"]])  # fmt: skip
    assert all(a <= b for a, b in spans)
    for (_, one_ends), (next_begins, _) in pairwise(spans):
        assert one_ends <= next_begins + 1e-6
    assert {wait["why"] for wait in step["waits"]} <= WHY
    assert [attempt["number"] for attempt in step["attempts"]] == list(range(1, len(step["attempts"]) + 1))
    own = [call for call in step["calls"] if call["kind"] == "model"]
    below = [steps[child] for child in step["children"]]
    if "left_out" not in step:
        assert step["llm_calls"] == len(own) + sum(child["llm_calls"] for child in below)
        assert step["tokens"] == sum(c["input_tokens"] + c["output_tokens"] for c in own) + sum(
            child["tokens"] for child in below
        )


def check_graph(graph: Payload, steps: Payload) -> None:
    paths = [node["path"] for node in graph["nodes"]]
    assert len(set(paths)) == len(paths)
    for node in graph["nodes"]:
        if node["opens"] == "group":
            assert set(node["group"]) <= set(steps)
        else:
            assert node["path"] in steps
        assert 0 <= node["x"] <= node["x"] + node["width"] <= graph["width"] + 1
        assert 0 <= node["y"] <= node["y"] + node["height"] <= graph["height"] + 1
        if node["opens"] in ("graph", "items"):
            assert steps[node["path"]]["children"] or "left_out" in steps[node["path"]]
    for edge in graph["edges"]:
        assert {edge["source"], edge["target"]} <= set(paths)
        assert edge["d"].startswith("M")


def test_a_payload_is_what_the_page_expects(result):
    record = result.record
    payload = inspection(record.graph, record)
    check(payload)
    assert payload["status"] == result.status
    assert len(json_text(payload)) < 2_600_000


def test_a_payload_of_a_run_that_goes_on_is_so_too_at_every_moment(result):
    events = list(result.events)
    folding = Folding()
    moments = set(range(0, len(events), max(1, len(events) // 12)))
    for k, event in enumerate(events[:-1]):
        folding.take(event)
        if k in moments:
            record = folding.record()
            payload = inspection(record.graph, record, event.at)
            check(payload)
            assert payload["state"] == "running"


def test_a_saved_run_is_shown_as_the_run_itself(result):
    again = load_run(result.to_jsonl())
    one, other = (inspection(run.record.graph, run.record) for run in (result, again))
    assert other == one


NEW = ("reads", "initial", "asked_at", "ready_at", "messages", "reply", "writes", "value")


def test_a_run_that_was_saved_before_all_this_was_kept_is_shown_with_what_it_has(result):
    def older(part: Any) -> Any:
        if isinstance(part, dict):
            kept = {key: older(one) for key, one in part.items() if key not in NEW or part.get("type") == "NodeStarted"}
            return {key: one for key, one in kept.items() if key not in ("reads", "asked_at")}
        return [older(one) for one in part] if isinstance(part, list) else part

    text = "\n".join(json.dumps(older(json.loads(line))) for line in result.to_jsonl().splitlines())
    record = load_run(text).record
    payload = inspection(record.graph, record)
    check(payload)
    assert {path: step["status"] for path, step in payload["steps"].items()} == {
        path: step["status"] for path, step in inspection(result.record.graph, result.record)["steps"].items()
    }
    assert not any(step["reads"] for step in payload["steps"].values())


def test_the_replay_comes_to_what_the_record_said_at_each_moment(result):
    """Statuses from the changes alone, beside those of the events up to then."""
    record = result.record
    payload = inspection(record.graph, record)
    names = [node.name for node in record.graph.nodes]
    drawn = names if payload["graph"]["folded"] else [node["path"] for node in payload["graph"]["nodes"]]
    path_of = {name: path for name, path in zip(names, drawn, strict=True) if path in payload["steps"]}
    assert path_of
    events = list(result.events)
    folding = Folding()
    for k, event in enumerate(events):
        folding.take(event)
        if k + 1 < len(events) and events[k + 1].at == event.at:
            continue
        then = {path_of[name]: str(node.status) for name, node in folding.record().nodes.items() if name in path_of}
        known = dict.fromkeys(then, "pending")
        for at, path, status, _ in payload["changes"]:
            if at <= round(event.at, 6) and path in known:
                known[path] = "running" if status == "waiting" else status
        for path, status in then.items():
            # a node that waits for its turn was pending to the record
            assert known[path] in (status, "running" if status == "pending" else status), (event.at, path)


def test_a_graph_that_has_not_run_is_what_the_page_expects(result):
    record: RunRecord = result.record
    payload = inspection(record.graph)
    check(payload)
    assert {step["status"] for step in payload["steps"].values()} <= {"pending"}
