"""Looking inside real runs in a real JupyterLab, and in the file that is sent to a colleague."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, load_run
from linus_nb.testing import ScriptedModel, ToolCalls
from tests.browser.inspected import chosen, node, statuses
from tests.browser.lab import Lab, open_notebook, run_all, run_all_meanwhile, wait_until_idle, write_notebook

pytestmark = pytest.mark.browser

HOSTILE = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"""
SETUP = f"""\
import asyncio
from linus_nb import AgentDAG

dag = AgentDAG('looked into')

@dag.node
async def quick(topic):
    return [topic, {HOSTILE!r}]

@dag.map('quick')
async def each(item):
    await asyncio.sleep(0.05)
    return item

@dag.node(after='each')
async def long():
    await asyncio.sleep(60)

@dag.node
def last(long):
    return 1
None"""
LIVE = "run = dag.start({'topic': 'word ' * 9000})\nrun.inspect()"


def test_a_run_is_looked_into_while_it_goes_on_and_its_button_stops_it(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "live.ipynb", [SETUP, LIVE])
    open_notebook(page, lab, "live.ipynb")
    run_all_meanwhile(page)
    view = page.locator(".jp-OutputArea-output .linus-inspector")
    view.locator(".li-node.is-running").wait_for(timeout=30_000)
    assert statuses(page) == {"quick": "completed", "each": "completed", "long": "running", "last": "pending"}
    node(page, "each").dblclick()  # its items
    assert list(statuses(page)) == ["[0]", "[1]"]
    node(page, "[1]").click()
    assert HOSTILE in view.locator(".li-about").inner_text()
    page.keyboard.press("Escape")
    node(page, "quick").click()
    view.get_by_role("button", name="show all").first.click()
    page.wait_for_function(  # the kernel gave what the page did not hold
        "() => [...document.querySelectorAll('.li-value')].some(v => v.textContent.length > 44000)"
    )
    page.screenshot(path=screenshots / "inspecting_live.png")
    view.get_by_role("button", name="Stop the run").click()
    frame = page.frame_locator("iframe.linus-frame")
    frame.locator(".li-node.is-cancelled").wait_for()
    assert view.count() == 0
    assert chosen(frame.locator("body")) == "quick"  # who looks at a node goes on looking at it
    assert page.title() != "owned"
    wait_until_idle(page)
    page.screenshot(path=screenshots / "inspecting_stopped.png")


def test_a_page_that_is_opened_later_shows_the_run_of_now(lab: Lab, page: Any):
    write_notebook(lab.root / "live.ipynb", [SETUP, LIVE])
    run_all(page, lab, "live.ipynb", timeout_s=60)
    page.locator(".li-node.is-running").wait_for(timeout=30_000)
    page.evaluate(
        """async () => {
          const app = window.jupyterapp;
          await app.commands.execute('notebook:create-output-view');
        }"""
    )
    views = page.locator(".linus-inspector")
    views.nth(1).locator(".li-node.is-running").wait_for(timeout=30_000)
    views.nth(1).get_by_role("button", name="Stop the run").click()
    page.frame_locator("iframe.linus-frame >> nth=0").locator(".li-node.is-cancelled").wait_for()


def searcher() -> Agent:
    def search(query: str) -> list[str]:
        """Search the web."""
        return [f"{query} I", HOSTILE]

    replies = [ToolCalls([("search", {"query": "barriers"})]), f"Read this: {HOSTILE}"]
    return Agent([search], llm=ScriptedModel(replies, usage=(420, 95)), strategy="tools")


@pytest.fixture(scope="module")
def result() -> Any:
    dag = AgentDAG(f"research {HOSTILE}")
    dag.add_node(AgentNode("search", searcher(), input_mapping={"text": "topic"}, output_key="papers"))

    @dag.node
    def broken(papers: str) -> None:
        raise ValueError(papers)

    dag.node(lambda broken: 1, name="after")
    return DAGExecutor(dag).execute({"topic": "barriers"})


@pytest.mark.parametrize("form", ["live", "saved"])
def test_a_file_sent_to_a_colleague_tells_all_without_a_network(
    browser: Any, tmp_path: Path, result: Any, screenshots: Path, form: str
):
    run = result if form == "live" else load_run(result.to_jsonl())
    file = run.save_html(tmp_path / "run.html")
    context = browser.new_context(viewport={"width": 1200, "height": 860}, offline=True, color_scheme="dark")
    try:
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: None if request.url == file.as_uri() else troubles.append(request.url))
        page.goto(file.as_uri())
        node(page, "search").click()
        about = page.locator(".li-about")
        page.get_by_role("tab", name="Calls 3").click()  # two of the model, one of the tool
        about.locator("text=search").first.click()
        assert "query" in about.inner_text()
        about.get_by_role("button").last.click()
        assert f"Read this: {HOSTILE}" in about.inner_text()
        node(page, "broken").click()
        page.get_by_role("tab", name="Error").click()
        assert f"ValueError: Read this: {HOSTILE}" in about.inner_text()
        assert "raise ValueError(papers)" in about.inner_text()
        node(page, "after").click()
        assert "skipped" in about.inner_text()
        assert "upstream 'broken' failed" in about.inner_text()
        page.screenshot(path=screenshots / f"inspecting_file_{form}.png")
        assert page.title() == f"research {HOSTILE}, looked into"
        assert troubles == []
    finally:
        context.close()
