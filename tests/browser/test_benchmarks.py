"""Benchmark cells in a real JupyterLab: tables with their sentences, the picture, a diff; markup is text everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Lab, run_all, write_notebook

pytestmark = pytest.mark.browser

EVIL = '<img src=x onerror="document.title=1">'
CELLS = [
    f"""
import asyncio
from linus_nb import AgentDAG, AgentNode, benchmark, diff, evaluate
EVIL = {EVIL!r}

async def wait(text):
    await asyncio.sleep(0.01)
    return text + EVIL

dag = AgentDAG(EVIL).add_node(AgentNode(EVIL, wait))
%load_ext linus_nb""",
    "table = await benchmark(dag, {'text': 'a'})\ntable",
    "table.plot();",
    "%%compare\none_by_one = [await wait(EVIL) for _ in range(3)]\ngathered = await asyncio.gather(*map(wait, 'abc'))",
    "diff(await dag({'text': 'a'}), await dag({'text': 'b'}))",
    "await evaluate(wait, [(EVIL, EVIL), ('a', 'a' + EVIL)])",
]


def test_tables_sentences_and_pictures_are_shown_and_markup_is_text(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "measured.ipynb", CELLS)
    run_all(page, lab, "measured.ipynb", timeout_s=90)
    page.screenshot(path=screenshots / "benchmarks.png", full_page=True)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    tables = page.locator(".jp-OutputArea-output table.dataframe")
    assert tables.count() == 4
    assert [tables.nth(k).locator("tbody tr").count() for k in range(4)] == [4, 2, 1, 2]
    notes = page.locator(".jp-OutputArea-output li")
    said = " ".join(notes.all_text_contents())
    assert "in random order (seed 0)" in said
    assert "score: 1 of 2 cases right." in said
    assert "1 node of 1 changed." in said
    picture = page.locator(".jp-OutputArea-output img[src^='data:image/png']")
    assert picture.count() == 1
    assert picture.evaluate("i => i.complete && i.naturalWidth > 400")
    assert page.locator(".jp-OutputArea-output img[src='x']").count() == 0
    assert page.title() != "1"
