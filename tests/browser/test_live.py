"""The live view in a real JupyterLab: what a person sees while a run goes on, and what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Lab, open_notebook, run_all_meanwhile, wait_until_idle, write_notebook

pytestmark = pytest.mark.browser

HOSTILE = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"""
SETUP = f"""\
import asyncio
from linus_nb import Agent, AgentDAG, AgentNode, last_run
from linus_nb.testing import ScriptedModel

async def quick():
    return 1

async def long():
    await asyncio.sleep(60)

words = {f"one two {HOSTILE} three"!r}
speaker = Agent(llm=ScriptedModel(lambda *_: words, latency_s=25))
dag = AgentDAG('live')
dag.add_node(AgentNode('quick', quick, output_key='q'))
dag.add_node(AgentNode({HOSTILE!r}, speaker, input_mapping={{'q': 'q'}}))
dag.add_node(AgentNode('long', long)).add_node(AgentNode('last', quick))
dag.add_edge('quick', {HOSTILE!r}).add_edge('quick', 'long').add_edge('long', 'last')
None"""

NODES = """() => Object.fromEntries([...document.querySelectorAll('.linus-live g.node')].map(
  g => [g.querySelector('.name').textContent, g.getAttribute('class')]))"""
STROKES = """() => Object.fromEntries([...document.querySelectorAll('.linus-live g.node')].map(
  g => [g.querySelector('.name').textContent, getComputedStyle(g.querySelector('rect')).stroke]))"""


def opened(lab: Lab, page: Any, last: str) -> Any:
    """Run a notebook whose last cell is ``last`` up to the moment when its live view shows two running nodes."""
    write_notebook(lab.root / "live.ipynb", [SETUP, last])
    open_notebook(page, lab, "live.ipynb")
    run_all_meanwhile(page)
    view = page.locator(".linus-live")
    view.locator("g.node.running").nth(1).wait_for(timeout=30_000)
    return view


def test_a_run_is_watched_and_its_own_button_stops_it(lab: Lab, page: Any, screenshots: Path):
    view = opened(lab, page, "result = await dag.watch()")
    view.locator(".linus-said:has-text('two')").wait_for(timeout=30_000)
    states = page.evaluate(NODES)
    assert states["quick"] == "node completed"
    assert states["long"] == "node running"
    assert states["last"] == "node pending"
    strokes = page.evaluate(STROKES)
    assert strokes["quick"] == "rgb(26, 127, 75)"
    assert strokes["long"] == "rgb(37, 99, 235)"
    head = view.locator(".linus-head").inner_text()
    assert "1 of 4 nodes" in head
    assert view.locator("[role=progressbar]").get_attribute("aria-valuenow") == "25"
    assert "now" in view.locator("[role=status]").text_content()
    before = view.locator("g.node.running .line").first.text_content()
    page.wait_for_function(
        "before => document.querySelector('.linus-live g.node.running .line').textContent !== before", arg=before
    )  # its seconds tick
    page.screenshot(path=screenshots / "live.png")
    view.locator("button:has-text('Stop')").click()
    wait_until_idle(page)
    view.wait_for(state="detached")
    card = page.locator(".jp-OutputArea-output .linus-card")
    assert "cancelled" in card.inner_text()
    assert card.locator("img:visible").count() == 2  # the graph and the timeline
    page.screenshot(path=screenshots / "live_stopped.png")
    assert page.title() != "owned"
    assert page.locator(".jp-OutputArea-output script").count() == 0


def test_in_the_dark_theme_the_same_picture_is_painted_dark(lab: Lab, page: Any, screenshots: Path):
    view = opened(lab, page, "run = dag.start()\nrun")  # the last line of a cell, and in the background
    wait_until_idle(page)  # the cell is done, its run is not
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("[data-jp-theme-light='false']", state="attached")
    page.wait_for_function(f"({STROKES})()['long'] === 'rgb(110, 168, 254)'")
    name = "() => getComputedStyle(document.querySelector('.linus-live .name')).fill"
    assert page.evaluate(name) == "rgb(230, 233, 237)"
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.screenshot(path=screenshots / "live_dark.png")
    view.locator("button:has-text('Stop')").click()
    view.wait_for(state="detached", timeout=20_000)
    assert "cancelled" in page.locator(".jp-OutputArea-output .linus-card").inner_text()


def test_a_saved_notebook_opened_again_with_another_kernel_shows_the_picture(lab: Lab, page: Any, screenshots: Path):
    opened(lab, page, "result = await dag.watch()")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    wait_until_idle(page)
    said = page.locator(".jp-OutputArea-output:not(:has(.linus-card))").inner_text()
    assert said.strip() == "Stopped 'live'. What finished is kept: linus_nb.last_run()"
    page.evaluate(
        """async () => {
          await window.jupyterapp.commands.execute('docmanager:save');
          await window.jupyterapp.shell.currentWidget.sessionContext.shutdown();
        }"""
    )
    open_notebook(page, lab, "live.ipynb")
    card = page.locator(".jp-OutputArea-output .linus-card")
    card.wait_for(timeout=20_000)
    assert "cancelled" in card.inner_text()
    assert card.locator("img:visible").count() == 2
    assert "model not found" not in page.locator(".jp-Notebook").inner_text().lower()
    page.screenshot(path=screenshots / "live_reopened.png")
