"""A graph and a run taken elsewhere: Graphviz and Mermaid source, files."""

from __future__ import annotations

import re

import pytest

from linus_nb import AgentDAG, AgentNode
from linus_nb.errors import RenderError
from linus_nb.rendering import graphviz_tools
from tests.test_rendering_graphviz import failed_run, hostile


def small():
    inner = AgentDAG("inner").add_node(AgentNode("one", lambda: 1))
    dag = AgentDAG("small").add_node(AgentNode("a", lambda: [1], output_key="found")).add_node(AgentNode("b", inner))
    dag.add_node(AgentNode("c", lambda each: each, map_over="found", map_item="each"))

    def good(seen):
        return True

    return dag.add_edge("a", "b", good).add_edge("a", "c")


def test_mermaid_shows_what_a_node_is_and_which_edge_has_a_condition():
    assert (
        small().to_mermaid()
        == """flowchart LR
  n0("○ a<br>function")
  n1[["○ b<br>graph of 1 node"]]
  n2(["○ c<br>for each of found"])
  n0 -.->|"good"| n1
  n0 --> n2
  classDef pending fill:#ffffff,stroke:#aab2bd,color:#1f2328
  class n0,n1,n2 pending
"""
    )


def test_the_mermaid_of_a_run_has_its_colours_and_its_critical_path():
    from linus_nb.rendering.draw import mermaid

    source = mermaid(failed_run().graph, failed_run())
    assert '("✕ figures<br>TimeoutError")' in source
    assert "class n4 failed" in source
    assert "n0 ==> n1" in source


def test_no_name_can_leave_its_quotes_in_mermaid():
    from linus_nb.rendering.draw import mermaid

    for line in mermaid(hostile()).splitlines():
        label = re.search(r'"(.*)"', line)
        if label is not None:
            assert not set(label.group(1).replace("<br>", "")) & set('"<>[]{}|\\`*_&')


@pytest.mark.parametrize(
    ("name", "begins"), [("p.svg", b"<svg"), ("p.dot", b"digraph"), ("p.gv", b"digraph"), ("p.mmd", b"flowchart")]
)
def test_graphs_and_runs_are_saved_by_the_ending_of_the_name(name, begins, tmp_path):
    dag = small()
    assert dag.save(tmp_path / name).read_bytes().startswith(begins)
    run = AgentDAG("ran").add_node(AgentNode("a", lambda: 1))
    from linus_nb import DAGExecutor

    result = DAGExecutor(run).execute()
    saved = result.save(str(tmp_path / f"run_{name}"))
    assert saved.read_bytes().startswith(begins)
    assert "✓" in saved.read_text("utf-8") or "completed" in saved.read_text("utf-8")


@pytest.mark.skipif(not graphviz_tools.programs(), reason="no Graphviz here, and no stand-in (graphviz-pure)")
def test_a_png_and_a_pdf_are_made_where_there_is_a_graphviz(tmp_path):
    assert small().save(tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    if graphviz_tools.programs()[0].title.startswith("dot"):
        assert small().save(tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")
    else:  # its stand-in makes none
        with pytest.raises(RenderError, match=r"'p\.pdf' needs Graphviz"):
            small().save(tmp_path / "p.pdf")


def test_an_ending_that_nobody_knows_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(RenderError, match=r"'p.gif'; end the name in \.svg, \.png, \.pdf, \.dot or \.mmd"):
        small().save(tmp_path / "p.gif")
    assert not (tmp_path / "p.gif").exists()


def test_graphviz_source_is_the_same_as_a_saved_one(tmp_path):
    dag = small()
    assert dag.to_dot() == dag.save(tmp_path / "p.dot").read_text("utf-8")
