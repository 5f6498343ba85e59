"""A notebook exported as a page, opened without a network: the pictures of its runs are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

CELL = """\
import asyncio
from linus_nb import AgentDAG, AgentNode

async def wait():
    await asyncio.sleep(0.1)

dag = AgentDAG('exported').add_node(AgentNode('a', wait)).add_node(AgentNode('b', wait)).add_edge('a', 'b')
result = await dag.watch()"""


def test_the_page_of_a_watched_run_shows_its_picture_offline(tmp_path: Path, page: Any, screenshots: Path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (CELL, "dag")])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    exported, _ = HTMLExporter().from_notebook_node(notebook)
    (tmp_path / "page.html").write_text(exported, encoding="utf-8")
    asked: list[str] = []
    page.route("http*://**", lambda route: (asked.append(route.request.url), route.abort()))
    page.goto((tmp_path / "page.html").as_uri())
    pictures = page.locator(".linus-card img:visible")
    assert pictures.count() == 3  # the run, its timeline, the graph
    for k in range(3):
        assert pictures.nth(k).evaluate("i => i.complete && i.naturalWidth > 100")
    assert "2 completed" in page.locator(".linus-card").first.inner_text()
    assert not any("linus" in url for url in asked)  # what the exporter's own template asks for is not ours
    page.screenshot(path=screenshots / "exported.png")
