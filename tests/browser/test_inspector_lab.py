"""The inspector in a real JupyterLab: as a widget while a run goes on, and as what stays in the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

from linus_nb.rendering.inspector.framed import framed
from tests import inspector_samples as samples
from tests.browser.inspected import chosen, node, statuses
from tests.browser.lab import Lab, open_notebook, run_all, write_notebook

pytestmark = pytest.mark.browser

SETUP = f"""\
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from IPython.display import display, HTML
from tests import inspector_samples as samples
from linus_nb.notebook.inspector_link import the_link
from linus_nb.notebook.inspector_widget import InspectorWidget
from linus_nb.rendering.inspector.framed import framed

asked = []
def whole(path, where):
    asked.append((path, where))
    if path != 'search':
        raise LookupError(path)
    return samples.LONG
None"""
WIDGET = """\
run = samples.research()
before = run | {'state': 'running', 'status': 'running', 'duration_s': 1.0, 'changes': run['changes'][:2]}
before['steps'] = {p: s | ({} if p == 'ingest' else {'start_s': None, 'end_s': None, 'waits': [], 'status': 'pending'})
                   for p, s in run['steps'].items()}
widget = InspectorWidget(before, whole)
widget"""
NEWS = """\
ended = {name: run[name] for name in ('status', 'state', 'duration_s', 'facts', 'sentence', 'steps')}
widget.tell({**ended, 'changes': run['changes'][2:], 'changes_from': 2})"""
FRAMED = """\
run = samples.research()
run['steps']['papers']['output'] = samples.value('short', whole=9000)
display(HTML(framed(run | {'link': the_link().add(whole)}, '<b>the static card</b>')))"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose colours are those of the page around a frame, as a person's browser has it."""
    context = browser.new_context(viewport={"width": 1280, "height": 1300}, color_scheme="null")
    try:
        yield context.new_page()
    finally:
        context.close()


def test_a_widget_shows_a_run_that_goes_on_and_asks_for_whole_values(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "inspect.ipynb", [SETUP, WIDGET])
    run_all(page, lab, "inspect.ipynb", timeout_s=60)
    view = page.locator(".jp-OutputArea-output .linus-inspector")
    view.locator(".li-node").first.wait_for()
    shown = statuses(page)
    assert shown["ingest"] == "completed"
    assert shown["search"] == "pending"
    seconds = "() => document.querySelector('.li-head .li-facts').textContent"
    first = page.evaluate(seconds)
    page.wait_for_function(f"first => ({seconds})() !== first", arg=first)  # they tick
    page.evaluate("() => { window.kept = document.querySelector('.li-node') }")
    _run_cell(page, NEWS)
    page.wait_for_function("() => document.querySelector('.li-head .li-status').textContent.includes('failed')")
    assert statuses(page)["figures"] == "failed"
    assert page.locator(".li-row").count() == 11
    assert page.evaluate("() => window.kept.isConnected")  # the diagram is the one that was there
    node(page, "search").click()
    page.get_by_role("tab", name="Values").click()
    page.get_by_role("button", name="show all 4.32 kB").click()
    page.locator(".li-value", has_text=" 59  Level").wait_for()
    page.screenshot(path=screenshots / "inspector-lab-light.png")


def test_keys_in_the_inspector_are_not_the_notebooks(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "keys.ipynb", [SETUP, WIDGET])
    run_all(page, lab, "keys.ipynb", timeout_s=60)
    node(page, "ingest").click()
    for key in ("x", "d", "d", "b", "ArrowRight", "/"):
        page.keyboard.press(key)
    assert page.locator(".jp-Cell").count() == 2
    assert chosen(page) == "search"
    page.keyboard.type("figures b")
    assert page.locator(".li-search").input_value() == "figures b"
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("[data-jp-theme-light='false']", state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    ground = page.locator(".li-frame").evaluate("f => getComputedStyle(f).backgroundColor")
    assert ground == "rgb(21, 24, 29)"
    page.screenshot(path=screenshots / "inspector-lab-dark.png")


def test_what_stays_in_the_notebook_is_alive_where_trusted_and_a_card_where_not(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "kept.ipynb", [SETUP, FRAMED])
    run_all(page, lab, "kept.ipynb", timeout_s=60)
    frame = page.frame_locator("iframe.linus-frame")
    frame.locator(".li-node").first.wait_for()
    card = page.locator(".linus-unframed")
    assert card.is_hidden()

    node(frame, "search").click()
    frame.get_by_role("button", name="show all 4.32 kB").click()  # the kernel is asked through the notebook
    frame.locator(".li-value", has_text=" 59  Level").wait_for()
    node(frame, "papers").click()
    frame.get_by_role("button", name="show all 9.00 kB").click()
    frame.get_by_text("the kernel no longer has it").wait_for()

    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("[data-jp-theme-light='false']", state="attached")
    dark = "() => matchMedia('(prefers-color-scheme: dark)').matches"
    frame.locator("body").evaluate(f"async () => {{ while (!({dark})()) await new Promise(requestAnimationFrame); }}")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.screenshot(path=screenshots / "inspector-framed-dark.png")

    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    saved = nbformat.read(lab.root / "kept.ipynb", as_version=4)
    assert "widgets" not in saved.metadata
    page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
    open_notebook(page, lab, "kept.ipynb")
    frame.locator(".li-node").first.wait_for()
    node(frame, "search").click()
    frame.get_by_role("button", name="show all 4.32 kB").click()
    frame.get_by_text("the rest is not in this file, and its kernel is busy, or gone").wait_for()

    saved.cells[0].source += "\n# changed by somebody else"
    saved.cells[1].source += "\n# changed by somebody else"
    for cell in saved.cells:
        cell.metadata.pop("trusted", None)
    nbformat.write(saved, lab.root / "foreign.ipynb")
    open_notebook(page, lab, "foreign.ipynb")
    card.wait_for()
    assert card.inner_text() == "the static card"
    assert page.locator(".jp-OutputArea-output iframe, .jp-OutputArea-output style").count() == 0


def test_an_exported_page_shows_the_inspector_offline_and_a_sanitised_one_the_card(
    browser: Any, tmp_path: Path, screenshots: Path
):
    html = framed(samples.research(), "<b>the static card</b>")
    output = nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": "a run"})
    cell = nbformat.v4.new_code_cell("result.inspect()", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    for sanitised in (False, True):
        exported, _ = HTMLExporter(sanitize_html=sanitised).from_notebook_node(notebook)
        file = tmp_path / f"page-{sanitised}.html"
        file.write_text(exported, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
        try:
            page = context.new_page()
            page.goto(file.as_uri())
            assert page.locator(".linus-unframed").is_visible() == sanitised
            assert page.locator("iframe").count() == (not sanitised)
            if not sanitised:
                frame = page.frame_locator("iframe.linus-frame")
                node(frame, "search").click()
                assert "'for': 'search'" in frame.locator(".li-about").inner_text()
            page.screenshot(path=screenshots / f"inspector-exported-{sanitised}.png")
        finally:
            context.close()


def _run_cell(page: Any, source: str) -> None:
    """Run a line in the notebook's kernel, without a cell."""
    page.evaluate(
        """async code => {
          const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          await kernel.requestExecute({ code }).done;
        }""",
        source,
    )
