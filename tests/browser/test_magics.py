"""``%%agent`` in a real JupyterLab: the answer grows while a person looks on, widgets go on, Stop stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Lab, open_notebook, run_all_meanwhile, wait_until_idle, write_notebook

pytestmark = pytest.mark.browser

HOSTILE = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"""
SETUP = f"""\
%load_ext linus_nb
import ipywidgets
from IPython.display import display
from linus_nb import Agent
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator

def reply(messages, schema):
    if schema is None:
        return {"The product is 714. " + HOSTILE + " It ends here, after a while."!r}
    if "tasks" in schema["properties"]:
        return {{"tasks": [{{"tool": "calculator", "description": "", "depends_on": []}}]}}
    return {{"expression": "42 * 17"}} if "expression" in schema["properties"] else {{"complete": "yes", "missing": ""}}

helper = Agent([calculator], llm=ScriptedModel(reply, latency_s=1.5))
slow = Agent(llm=ScriptedModel(reply, latency_s=30))
button = ipywidgets.Button(description="Press me")
button.on_click(lambda _: setattr(button, "description", "Pressed"))
display(button)"""

ASK = "%%agent helper --to answer\nWhat is 42 * 17, in {braces} and <b>tags</b>?"


def test_an_answer_grows_in_its_cell_while_a_widget_is_heard_and_the_response_stays(
    lab: Lab, page: Any, screenshots: Path
):
    write_notebook(lab.root / "magic.ipynb", [SETUP, ASK, "print(answer.metrics.llm_calls, answer.completion_status)"])
    open_notebook(page, lab, "magic.ipynb")
    run_all_meanwhile(page)
    card = page.locator(".jp-OutputArea-output .linus-card")
    card.locator("text=calculator(expression=42 * 17) → 714").wait_for(timeout=30_000)
    page.locator("button:has-text('Press me')").click()
    page.locator("button:has-text('Pressed')").wait_for(timeout=1_000)  # the cell goes on for seconds
    card.locator(".linus-answer:has-text('The product')").wait_for(timeout=30_000)
    page.screenshot(path=screenshots / "magic.png")
    assert "running" in card.inner_text()
    assert "It ends here" not in card.inner_text()
    wait_until_idle(page)
    assert "completed" in card.inner_text()
    assert "It ends here, after a while." in card.inner_text()
    assert HOSTILE in card.inner_text()
    assert page.locator(".jp-OutputArea-output", has_text="4 completed").count() == 1
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("[data-jp-theme-light='false']", state="attached")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.screenshot(path=screenshots / "magic_dark.png")
    assert card.evaluate("c => getComputedStyle(c).backgroundColor") == "rgb(21, 24, 29)"
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    open_notebook(page, lab, "magic.ipynb")
    card.locator("text=It ends here, after a while.").wait_for(timeout=20_000)
    assert page.title() != "owned"
    assert page.locator(".jp-OutputArea-output script").count() == 0


def test_stop_ends_the_answer_with_a_sentence_and_keeps_what_was_said(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "stop.ipynb", [SETUP, "%%agent slow\nSay something."])
    open_notebook(page, lab, "stop.ipynb")
    run_all_meanwhile(page)
    card = page.locator(".jp-OutputArea-output .linus-card")
    card.locator(".linus-answer:has-text('The')").wait_for(timeout=30_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    wait_until_idle(page)
    assert "cancelled" in card.inner_text()
    assert card.locator(".linus-answer").inner_text().startswith("The")
    said = "Stopped the agent. What it had done is kept: linus_nb.last_response()"
    assert page.locator(f".jp-OutputArea-output:has-text('{said}')").count() == 1
    page.screenshot(path=screenshots / "magic_stopped.png")
