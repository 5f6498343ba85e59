"""What a person sees in a real JupyterLab."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import Lab, open_notebook, run_all, run_all_meanwhile, wait_until_idle, write_notebook

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

HOSTILE = """\
import asyncio
from linus_nb import AgentDAG, AgentNode, benchmark

async def wait():
    await asyncio.sleep(0.05)

dag = AgentDAG('hostile')
for name in ['<script>document.title="owned"</script>', 'a"b|{', '名前', 'last']:
    dag.add_node(AgentNode(name, wait, description='<img src=x onerror="document.title=1">'))
for name in list(dag.nodes)[:3]:
    dag.add_edge(name, 'last', (lambda s: False) if name == '名前' else None)
dag"""

CELLS = [
    HOSTILE,
    "result = await dag\nresult",
    "result.to_frame()",
    "await benchmark(dag, repeats=2, warmup=0)",
]


def test_a_graph_is_drawn_awaited_tabled_and_compared(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "cells.ipynb", CELLS)
    run_all(page, lab, "cells.ipynb", timeout_s=90)
    page.screenshot(path=screenshots / "cells.png")
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    pictures = page.locator(".jp-OutputArea-output img[src^='data:image/svg+xml']:visible")
    assert pictures.count() >= 2
    for k in range(pictures.count()):
        assert pictures.nth(k).evaluate("i => i.complete && i.naturalWidth > 100")
    tables = page.locator(".jp-OutputArea-output table.dataframe")
    assert tables.count() == 2
    assert "speedup" in tables.nth(1).inner_text()
    assert "名前" in tables.nth(0).inner_text()
    assert page.locator(".jp-OutputArea-output script").count() == 0
    assert page.title() != "owned"


def test_an_untrusted_copy_still_shows_the_pictures(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "cells.ipynb", CELLS[:2])
    run_all(page, lab, "cells.ipynb", timeout_s=60)
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    saved = nbformat.read(lab.root / "cells.ipynb", as_version=4)
    for cell in saved.cells:  # another's file: its outputs carry no signature of this server's
        cell.source += "\n# changed"
    nbformat.write(saved, lab.root / "copy.ipynb")
    page.goto(lab.address("copy.ipynb"))
    page.wait_for_selector(".jp-OutputArea-output img[src^='data:image/svg+xml']", timeout=60_000)
    page.screenshot(path=screenshots / "untrusted.png")
    trusted = page.evaluate(
        "() => [...window.jupyterapp.shell.currentWidget.content.model.cells]"
        ".filter(c => c.type === 'code').some(c => c.trusted)"
    )
    assert not trusted
    assert (
        page.locator(".jp-OutputArea-output img[src^='data:image/svg+xml']:visible").count() == 3
    )  # graph, run, timeline


@pytest.mark.local_model
def test_the_quickstart_runs_from_top_to_bottom_as_a_person_would_run_it(lab: Lab, page: Any, screenshots: Path):
    shutil.copy(NOTEBOOKS / "01_quickstart.ipynb", lab.root)
    page.set_viewport_size({"width": 1280, "height": 3600})  # long enough that Lab renders every cell
    run_all(page, lab, "01_quickstart.ipynb", timeout_s=240)
    page.wait_for_selector(".jp-OutputArea-output table.dataframe >> nth=1", timeout=20_000)
    page.screenshot(path=screenshots / "quickstart.png")
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    text = page.locator(".jp-Notebook").inner_text()
    assert "714" in text
    assert "Your order came to 228." in text
    assert page.locator(".jp-OutputArea-output img[src^='data:image/svg+xml']:visible").count() >= 3


def test_the_graphs_notebook_shows_items_and_opens_what_is_inside(lab: Lab, page: Any, screenshots: Path):
    shutil.copy(NOTEBOOKS / "03_graphs.ipynb", lab.root / "03_graphs.ipynb")
    page.set_viewport_size({"width": 1280, "height": 1000})
    run_all(page, lab, "03_graphs.ipynb", timeout_s=120)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    inside = page.locator("details:has-text('inside')").first
    inside.scroll_into_view_if_needed()
    picture = inside.locator("img").first
    assert not picture.is_visible()
    inside.locator("summary").click()
    picture.wait_for(state="visible")
    page.screenshot(path=screenshots / "graphs.png")


SLOW = """\
import asyncio
from linus_nb import AgentDAG, AgentNode, last_run

async def slow():
    await asyncio.sleep(60)

dag = AgentDAG('stopped').add_node(AgentNode('quick', lambda: 1)).add_node(AgentNode('slow', slow))"""


def test_the_stop_button_ends_an_awaited_graph_and_what_finished_is_in_hand(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "stop.ipynb", [SLOW, "await dag"])
    open_notebook(page, lab, "stop.ipynb")
    run_all_meanwhile(page)
    page.wait_for_function("() => document.querySelectorAll('.jp-InputPrompt')[1].textContent.includes('*')")
    page.wait_for_timeout(2_000)  # the first cell is done and the second awaits
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    wait_until_idle(page)
    page.evaluate(
        """async () => {
          const panel = window.jupyterapp.shell.currentWidget;
          await window.jupyterapp.commands.execute('notebook:insert-cell-below');
          panel.content.activeCell.model.sharedModel.setSource('last_run()');
          await window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    card = page.locator(".jp-OutputArea-output:has-text('cancelled')").last
    card.wait_for(timeout=20_000)
    page.screenshot(path=screenshots / "stopped.png")
    assert "1 completed" in card.inner_text()
