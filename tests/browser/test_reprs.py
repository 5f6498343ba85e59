"""What the last line of a cell shows, in a real JupyterLab, light and dark, with markup in every field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import Lab, run_all, write_notebook

pytestmark = pytest.mark.browser

SETUP = """\
from linus_nb import Agent, AgentDAG, AgentNode, AgentMetrics, AgentResponse, DAGExecutor, Memory, SharedState
from linus_nb.agent.response import ExecutionStep
from linus_nb.graph.state import StateManager
from linus_nb.testing import ScriptedModel
from linus_nb.tools.tool import Tool

def things(words):
    def fail(out):
        raise ValueError(words)
    state = SharedState({'topic': words, 'draft': 'An essay on ' + words, 'password': 'hunter2', 'count': 3})
    state.set('sources', ['https://ada:lovelace@example.org', words], source=words)
    manager = StateManager(state)
    manager.snapshot(words)
    memory = Memory()
    memory.add(words, 'Noted: ' + words)
    tool = Tool(words[:40], words, {'properties': {}}, blocking=dict)
    dag = AgentDAG(words).add_node(AgentNode(words, lambda: words, description=words, output_key='out'))
    dag.add_node(AgentNode('check', fail, description=words))
    result = DAGExecutor(dag).execute({words: words})
    metrics = AgentMetrics(total_iterations=2, llm_calls=7, tool_executions=2, successful_tool_calls=1,
        failed_tool_calls=1, reasoning_calls=2, completion_checks=2, total_input_tokens=8021, total_output_tokens=1099,
        total_tokens=9120, execution_time_seconds=3.21, unpriced_models=(words[:30],))
    steps = [ExecutionStep(1, words, 'search', words, 'completed'), ExecutionStep(2, words, None, None, 'failed')]
    agent = Agent([tool], llm=ScriptedModel(['x']), name=words[:40])
    response = AgentResponse(words, metrics, steps, words, [result])
    return dict(agent=agent, response=response, plan=response.plan, metrics=metrics, state=state, manager=manager,
                memory=memory, dag_plan=dag.plan(), dag=dag)"""

NAMES = ["agent", "response", "plan", "metrics", "state", "manager", "memory", "dag_plan", "dag"]
MARKUP = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<a href=\"javascript:document.title='owned'\">link</a> & $x$ <b>bold</b>"
)
PLAIN = "the tides of the North Sea, with the key sk-proj-" + "a1B2c3D4e5F6g7H8i9J0k1L2"


def shown(lab: Lab, page: Any, words: str) -> Any:
    cells = [SETUP, f"shown = things({words!r})", *(f"shown[{name!r}]" for name in NAMES)]
    write_notebook(lab.root / "reprs.ipynb", cells)
    page.set_viewport_size({"width": 1280, "height": 5200})  # long enough that Lab renders every cell
    run_all(page, lab, "reprs.ipynb", timeout_s=90)
    cards = page.locator(".jp-OutputArea-output .linus-card")
    cards.nth(len(NAMES) - 1).wait_for(timeout=20_000)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert cards.count() == len(NAMES)
    return cards


def photograph(cards: Any, folder: Path, theme: str) -> None:
    for name, k in zip(NAMES, range(cards.count()), strict=True):
        cards.nth(k).screenshot(path=folder / f"repr_{name}_{theme}.png")


def test_markup_in_every_field_is_shown_as_text(lab: Lab, page: Any, screenshots: Path):
    cards = shown(lab, page, MARKUP)
    photograph(cards, screenshots, "markup")
    area = page.locator(".jp-OutputArea-output")
    assert area.locator("script").count() == 0
    assert area.locator("a").count() == 0
    assert area.locator("img:not([src^='data:image/svg+xml'])").count() == 0
    assert page.title() != "owned"
    for name in ("response", "state", "memory"):  # dollars in a text are no formula
        assert cards.nth(NAMES.index(name)).locator("table mjx-container, .linus-answer mjx-container").count() == 0
        assert (
            cards.nth(NAMES.index(name)).locator("td").nth(1).evaluate("c => getComputedStyle(c).textAlign") == "left"
        )
        assert (
            cards.nth(NAMES.index(name))
            .locator("table")
            .evaluate("t => t.getBoundingClientRect().right <= t.closest('.linus-card').getBoundingClientRect().right")
        )
    for k in range(cards.count()):
        assert "<script>" in cards.nth(k).inner_text() or cards.nth(k).locator("img").count()


def test_cards_follow_the_theme_and_show_no_secret(lab: Lab, page: Any, screenshots: Path):
    cards = shown(lab, page, PLAIN)
    ground = "c => getComputedStyle(c).backgroundColor"
    ink = "c => getComputedStyle(c).color"
    light = {(cards.nth(k).evaluate(ground), cards.nth(k).evaluate(ink)) for k in range(cards.count())}
    photograph(cards, screenshots, "light")
    assert light == {("rgb(255, 255, 255)", next(iter(light))[1])}
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("[data-jp-theme-light='false']", state="attached")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    dark = {(cards.nth(k).evaluate(ground), cards.nth(k).evaluate(ink)) for k in range(cards.count())}
    photograph(cards, screenshots, "dark")
    assert dark == {("rgb(21, 24, 29)", "rgb(230, 233, 237)")}
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    saved = nbformat.read(lab.root / "reprs.ipynb", as_version=4)
    outputs = json.dumps([cell.outputs for cell in saved.cells])
    for secret in ("a1B2c3D4e5F6", "hunter2", "lovelace"):
        assert secret not in outputs
