"""The file of a run: written as it happens, cut off, damaged, or of another version."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, JsonLines, load_run
from linus_nb.engine.jsonl import json_line
from linus_nb.errors import SavedRunError
from tests.modes import Mode, every_mode
from tests.saved_samples import eventful, fast_retries, mapped_story, nested
from tests.virtual_time import run

# -- the observer -------------------------------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize("graph", [eventful, nested])
def test_the_observers_file_is_the_saved_one(graph: Callable[[], AgentDAG], mode: Mode, tmp_path, monkeypatch):
    fast_retries(monkeypatch)
    observer = JsonLines(tmp_path / "runs" / "live.jsonl")
    result = mode(graph(), {"papers": [3, 0, 1]}, observers=[observer])
    result.save_jsonl(tmp_path / "saved.jsonl")
    live = observer.path.read_bytes()
    assert live == (tmp_path / "saved.jsonl").read_bytes()
    assert live.decode("ascii") == result.to_jsonl()
    assert load_run(str(observer.path)).events == load_run(tmp_path / "saved.jsonl").events


def test_each_event_is_in_the_file_as_soon_as_it_happened(tmp_path):
    observer = JsonLines(tmp_path / "run.jsonl")
    for count, event in enumerate(mapped_story(), 1):
        observer(event)
        assert len(observer.path.read_text().splitlines()) == count
    assert load_run(observer.path).status == "cancelled"


def test_another_run_replaces_the_file_unless_the_path_has_the_runs_id(tmp_path):
    dag = AgentDAG("twice").add_node(AgentNode("a", lambda: 1))
    one = DAGExecutor(dag, observers=[JsonLines(tmp_path / "one.jsonl"), JsonLines(tmp_path / "{run_id}.jsonl")])
    ids = [one.execute().record.run_id for _ in range(2)]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["one.jsonl", *(f"{i}.jsonl" for i in ids)])
    assert load_run(tmp_path / "one.jsonl").record.run_id == ids[1]


def test_two_runs_at_once_do_not_share_a_file(tmp_path, caplog):
    async def pause():
        await asyncio.sleep(1)

    executor = DAGExecutor(
        AgentDAG("pause").add_node(AgentNode("a", pause)), observers=[JsonLines(tmp_path / "r.jsonl")]
    )

    async def both():
        first, second = executor.start(), executor.start()
        return await first, await second

    first, second = run(both())
    assert first.status == second.status == "success"
    assert load_run(tmp_path / "r.jsonl").record.run_id == first.record.run_id
    assert "runs that go on at the same time need a path with {run_id}" in caplog.text


def test_an_observer_that_comes_late_or_cannot_write_says_so(tmp_path):
    events = mapped_story()
    with pytest.raises(SavedRunError, match="hand JsonLines to the executor before the run starts"):
        JsonLines(tmp_path / "late.jsonl")(events[1])
    assert not (tmp_path / "late.jsonl").exists()
    with pytest.raises(IsADirectoryError):
        JsonLines(tmp_path)(events[0])


def test_a_killed_run_leaves_what_had_happened(tmp_path):
    path = tmp_path / "killed.jsonl"
    code = f"""
import os, signal
from linus_nb import *
dag = AgentDAG("killed").add_node(AgentNode("a", lambda: 1, output_key="a"))
dag.add_node(AgentNode("b", lambda a: os.kill(os.getpid(), signal.SIGKILL))).add_edge("a", "b")
DAGExecutor(dag, observers=[JsonLines({str(path)!r})]).execute()
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    loaded = load_run(path)
    assert loaded.status == "running"
    assert {n: str(r.status) for n, r in loaded.record.nodes.items()} == {"a": "completed", "b": "running"}
    assert loaded.node_results == {"a": 1}


# -- damaged files ----------------------------------------------------------------------------------------------------


def test_a_file_cut_off_anywhere_is_read_up_to_there(tmp_path, caplog):
    caplog.set_level(logging.CRITICAL, "linus_nb")
    events = mapped_story()
    text = "".join(map(json_line, events))
    ends = [0]
    for line in text.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    path = tmp_path / "cut.jsonl"
    for cut in sorted({*range(0, len(text), 37), *(end + d for end in ends[1:] for d in (-2, -1, 0))}):
        path.write_bytes(text[:cut].encode())
        whole = sum(end - 1 <= cut for end in ends[1:])  # a line is whole without its end of line, too
        if not whole:
            with pytest.raises(SavedRunError, match="holds no event"):
                load_run(path)
            continue
        loaded = load_run(path)
        assert len(loaded.events) == whole
        assert loaded.status == ("cancelled" if whole == len(events) else "running")


def test_a_cut_off_line_is_logged(caplog):
    text = "".join(map(json_line, mapped_story()))
    assert load_run(text[:-10]).status == "running"
    assert "the last line of the text is cut off and was left out" in caplog.text


def lines_of_a_run() -> list[str]:
    return [json_line(event) for event in mapped_story()]


def edited(number: int, **changes: Any) -> str:
    lines = lines_of_a_run()
    lines[number - 1] = json.dumps({**json.loads(lines[number - 1]), **changes}) + "\n"
    return "".join(lines)


def without(number: int) -> str:
    lines = lines_of_a_run()
    del lines[number - 1]
    return "".join(lines)


GRAPH = {"name": "g", "nodes": [{"name": "a", "level": 0}], "edges": []}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no event; give a file that"),
        ("\n \n", "holds no event"),
        ("{}\n", "is not a saved run: its first line has no 'linus_nb_run'"),
        ('{"a": 1}\n{"b": 2}\n', "is not a saved run"),
        (edited(3, node=5), r"line 3: NodeStarted.node: 5 is no str; the file is damaged"),
        (edited(3, at="soon"), "NodeStarted.at: 'soon' is no float"),
        (edited(3, at=True), "True is no float"),
        (edited(3, seq=2.0), "NodeStarted.seq: 2.0 is no int"),
        (edited(3, node="nobody"), r"its events contradict each other \('nobody'\)"),
        (edited(3, run_id="other"), "event 2 of run 'r1' should be here, not 2 of 'other'"),
        (edited(1, graph={**GRAPH, "nodes": {}}), "RunStarted.graph: GraphShape.nodes: {} is no list"),
        (edited(1, graph={**GRAPH, "nodes": [{"name": "a"}]}), "NodeShape has no 'level'"),
        (edited(1, graph={**GRAPH, "nodes": GRAPH["nodes"] * 2}), "two nodes of one name|contradict"),
        (edited(1, wall_time="noon"), "RunStarted.wall_time: Invalid isoformat"),
        (edited(1, wall_time=12), "12 is no time"),
        (edited(2, result={"$eval": "1"}), r"NodeFinished.result: a value is marked with '\$eval'"),
        (edited(2, error="oops"), "NodeFinished.error: an error is not an object"),
        (edited(2, type="os.system"), "line 2: 'os.system' is not known here; the file is damaged"),
        (edited(2, type="Event"), "'Event' is not known here"),
        (edited(2, type=["NodeFinished"]), "is not known here"),
        (edited(2, type="NodeFinshed"), "did you mean 'NodeFinished'?"),
        (edited(2, colour="red"), "NodeFinished has 'colour', which is not known here"),
        (without(1), "has no 'linus_nb_run'"),
        (without(4), "line 4: event 3 of run 'r1' should be here, not 4 of 'r1'; lines are missing"),
        ("".join(["[1]\n", *lines_of_a_run()]), "is not a saved run"),
        ("".join([lines_of_a_run()[0], "[1]\n", *lines_of_a_run()[1:]]), r"line 2: \[1\] is no object"),
        ("".join([*lines_of_a_run()[:3], '{"cut": \n', *lines_of_a_run()[3:]]), "line 4 is not JSON"),
        ("".join([*lines_of_a_run()[:3], "[" * 100_000, "\n", *lines_of_a_run()[3:]]), "line 4 is not JSON"),
        ("".join([*lines_of_a_run()[:3], "9" * 5000, "\n", *lines_of_a_run()[3:]]), "line 4 is not JSON"),
    ],
)
def test_what_is_no_saved_run_is_refused_in_words(text, message, tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(SavedRunError, match=message) as caught:
        load_run(path)
    assert "run.jsonl" in str(caught.value)


def test_a_file_of_other_bytes_is_refused(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe\n" * 3)
    with pytest.raises(SavedRunError, match="line 1 is not JSON"):
        load_run(path)
    with pytest.raises(FileNotFoundError):
        load_run(tmp_path / "nowhere.jsonl")


def test_values_nested_beyond_reason_are_refused():
    deep = "[" * 20_000 + "]" * 20_000
    lines = lines_of_a_run()
    lines[4] = lines[4].replace('["a", "b", "c"]', deep)
    with pytest.raises(SavedRunError, match="line 5"):
        load_run("".join(lines))


def test_an_event_of_a_later_version_names_that_version_and_the_remedy():
    later = [json.loads(line) for line in lines_of_a_run()]
    later[0]["written_by"] = "9.1.0"
    later[3]["type"] = "NodePaused"
    with pytest.raises(SavedRunError) as caught:
        load_run("".join(json.dumps(line) + "\n" for line in later))
    assert "line 4: 'NodePaused' is not known here" in str(caught.value)
    assert "linus_nb 9.1.0 wrote it and this is 0.1.0: pip install --upgrade linus-nb" in str(caught.value)


def test_a_later_format_is_refused_at_the_first_line():
    with pytest.raises(SavedRunError, match=r"is in format 2, written by linus_nb 9\.0\.0; .* pip install --upgrade"):
        load_run(edited(1, linus_nb_run=2, written_by="9.0.0"))


def test_files_that_an_editor_saved_again_are_read(tmp_path):
    path = tmp_path / "edited.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "".join(lines_of_a_run()).replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert load_run(path).events == load_run("".join(lines_of_a_run())).events


def line_of_a_call(**changes: Any) -> str:
    called = {"type": "ModelCalled", "model": "m", "duration_s": 0.5, "input_tokens": 12, **changes}
    reported = {"type": "CallReported", "run_id": "r1", "seq": 4, "at": 0.5, "node": "split", "call": called}
    return "".join([*lines_of_a_run()[:4], json.dumps(reported) + "\n"])


def test_a_call_that_was_saved_before_replies_had_sources_came_from_a_model():
    [(_, call)] = next(node for node in load_run(line_of_a_call()).record.nodes.values() if node.calls).calls
    assert (call.input_tokens, call.served_from, call.cached_input_tokens) == (12, "model", 0)
    saved = line_of_a_call(served_from="cache", cached_input_tokens=3)
    [(_, call)] = next(node for node in load_run(saved).record.nodes.values() if node.calls).calls
    assert (call.served_from, call.cached_input_tokens) == ("cache", 3)


def test_a_source_of_replies_that_is_not_known_here_is_refused_in_words():
    with pytest.raises(SavedRunError, match=r"'cachet' is not known here; did you mean 'cache'\?"):
        load_run(line_of_a_call(served_from="cachet"))
