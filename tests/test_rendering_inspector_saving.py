"""`save_html`: one file to send to a colleague."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb.errors import RenderError

SECRET = "sk-proj-a1b2c3d4e5f6a7b8c9d0e1f2"


def ran():
    dag = AgentDAG("square").add_node(AgentNode("square", lambda x: {"squared": x * x, "api_key": SECRET}))
    return DAGExecutor(dag).execute({"x": 12})


def payload(path: Path):
    return json.loads(re.search(r'id="linus-payload">(.*?)</script>', path.read_text("utf-8"), re.DOTALL).group(1))


def test_a_run_is_saved_as_one_page_that_asks_for_nothing(tmp_path):
    path = ran().save_html(tmp_path / "run.html")
    assert path == tmp_path / "run.html"
    text = path.read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"""(?:src|href)=["']""", text)
    shown = payload(path)
    assert shown["title"] == "square"
    assert "'squared': 144" in shown["steps"]["square"]["output"]["text"]
    assert "link" not in shown


def test_no_secret_is_in_the_file(tmp_path):
    path = ran().save_html(tmp_path / "run.html")
    assert SECRET not in path.read_text("utf-8")
    assert "'api_key': ••••" in payload(path)["steps"]["square"]["output"]["text"]


def test_a_graph_and_a_saved_run_are_saved_likewise(tmp_path):
    result = ran()
    dag = AgentDAG("square").add_node(AgentNode("square", lambda x: x * x))
    assert payload(dag.save_html(tmp_path / "dag.HTM"))["state"] == "before"
    one, other = (run.save_html(tmp_path / "run.html") for run in (load_run(result.to_jsonl()), result))
    assert payload(one) == payload(other)


@pytest.mark.parametrize("name", ["run.png", "run", "run.html.svg"])
def test_another_ending_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(RenderError, match=rf"'{re.escape(name)}'; end the name in \.html"):
        ran().save_html(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_the_callers_to_make(tmp_path):
    with pytest.raises(FileNotFoundError):
        ran().save_html(tmp_path / "nowhere" / "run.html")


def test_a_picture_cannot_be_a_page_and_says_what_makes_one(tmp_path):
    with pytest.raises(RenderError, match=r"save_html\(\) writes a page"):
        ran().save(tmp_path / "run.html")
