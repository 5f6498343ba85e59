"""A person answers an agent's questions in a real JupyterLab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.lab import Lab, open_notebook, run_all
from tests.browser.test_jupyterlab import write_notebook

pytestmark = pytest.mark.browser

AGENT = '''\
from linus_nb import Agent
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator

ran = []

def send_mail(to: str, body: str, copies: int = 1) -> str:
    """Send a mail.

    There is no way to take it back.
    """
    ran.append((to, body, copies))
    return f"sent to {to}"

MAIL = {"to": "ada@example.org", "body": "Dear Ada,\\nthe tide turns at six.", "copies": 1}

def agent(*tools, **arguments):
    def reply(messages, schema):
        if schema is None:
            return "done"
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": t, "description": t, "depends_on": []} for t in tools]}
        if "to" in schema["properties"]:
            return MAIL | arguments
        if "expression" in schema["properties"]:
            return {"expression": "42 * 17"}
        return {"complete": "yes", "missing": ""}
    return Agent([calculator, send_mail], llm=ScriptedModel(reply), approve="ask", name="assistant", max_iterations=1)

def steps(response):
    return [(step.tool, step.status, step.result or step.error) for step in response.execution_history]'''

ASK = (
    "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"  # not awaited: the cell waits for a click
)
OVER = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
  return prompts.every(p => !p.includes('*')) && prompts.every(p => /[0-9]/.test(p));
}"""


def start(page: Any, lab: Lab, cell: str, questions: int = 1) -> Any:
    """Run a cell that asks, and return the forms of its questions."""
    write_notebook(lab.root / "ask.ipynb", [AGENT, cell])
    open_notebook(page, lab, "ask.ipynb")
    page.evaluate(ASK)
    page.wait_for_selector(f".linus-ask >> nth={questions - 1}", timeout=30_000)
    return page.locator(".linus-ask")


def result(page: Any) -> str:
    """Wait for the end of the cell, and return what it shows."""
    page.wait_for_function(OVER, timeout=30_000)
    page.locator(".linus-ask").first.wait_for(state="detached")
    shown: str = page.locator(".jp-CodeCell .jp-Cell-outputWrapper").last.inner_text()
    return shown


def type_line(page: Any, asked: str, typed: str) -> None:
    field = page.locator(".jp-Stdin", has_text=asked).last.locator("input")
    field.fill(typed)
    field.press("Enter")


def in_both_themes(page: Any, path: Path) -> None:
    for theme in ("Dark", "Light"):
        page.evaluate(
            "t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", f"JupyterLab {theme}"
        )
        page.wait_for_selector(f"body[data-jp-theme-name='JupyterLab {theme}']", state="attached")
        page.locator("#jupyterlab-splash").wait_for(state="detached")
        page.screenshot(path=path.with_name(f"{path.stem}-{theme.lower()}.png"))


def test_a_question_is_answered_by_a_click_and_one_line_stays_in_the_file(lab: Lab, page: Any, screenshots: Path):
    form = start(page, lab, "steps(await agent('calculator')('What is 42 * 17?'))")
    assert "assistant asks to run calculator" in form.inner_text()
    form.get_by_role("button", name="Run it").click()
    assert "('calculator', 'completed', 714)" in result(page)
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    saved = nbformat.read(lab.root / "ask.ipynb", as_version=4)
    assert "widgets" not in saved.metadata
    (line, _) = saved.cells[1].outputs
    assert line["data"]["text/plain"] == "✓ calculator(expression='42 * 17'): allowed"
    assert set(line["data"]) == {"text/plain", "text/html"}
    page.goto(lab.address("ask.ipynb"))
    page.get_by_text("calculator(expression='42 * 17')").wait_for()
    page.screenshot(path=screenshots / "ask-reopened.png")
    assert page.get_by_text("model not found").count() == 0


def test_what_is_edited_is_what_runs_and_what_cannot_be_read_is_said(lab: Lab, page: Any, screenshots: Path):
    form = start(page, lab, "steps(await agent('send_mail')('Write to Ada')), ran")
    form.get_by_label("copies").fill("two")
    form.get_by_label("copies").press("Enter")
    problem = form.get_by_role("alert")
    problem.get_by_text("'copies' needs a whole number").wait_for()
    assert form.get_by_label("copies").evaluate("field => field === document.activeElement")
    in_both_themes(page, screenshots / "ask-problem.png")
    form.get_by_label("copies").fill("3")
    form.get_by_label("to", exact=True).fill("bob@example.org")
    form.get_by_label("to", exact=True).fill("<b>eve</b>")  # a second change of the same field
    form.get_by_label("copies").press("Enter")
    shown = result(page)
    assert "[('<b>eve</b>', 'Dear Ada,\\nthe tide turns at six.', 3)]" in shown
    assert "allowed with other arguments" in shown
    assert page.locator(".jp-OutputArea-output b").count() == 0


def test_a_refusal_and_its_reason_reach_the_model(lab: Lab, page: Any):
    form = start(page, lab, "steps(await agent('send_mail')('Write to Ada')), ran")
    form.get_by_label("Why not").fill("she is on holiday")
    form.get_by_role("button", name="Refuse").click()
    shown = result(page)
    assert "the call of 'send_mail' was not allowed (she is on holiday)" in shown
    assert "[])" in shown  # nothing was sent


def test_two_questions_stand_side_by_side_and_keys_are_enough(lab: Lab, page: Any, screenshots: Path):
    forms = start(page, lab, "steps(await agent('calculator', 'send_mail')('Do both'))", questions=2)
    in_both_themes(page, screenshots / "ask-two.png")
    sum_, mail = forms.filter(has_text="calculator"), forms.filter(has_text="send_mail")
    mail.get_by_label("copies").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Run it"
    page.screenshot(path=screenshots / "ask-focus.png")
    page.keyboard.press("b")  # which would be JupyterLab's for a new cell
    assert page.locator(".jp-CodeCell").count() == 2
    page.keyboard.press("Enter")
    mail.wait_for(state="detached")
    assert forms.count() == 1
    sum_.get_by_label("expression").focus()
    page.keyboard.press("Escape")
    shown = result(page)
    page.screenshot(path=screenshots / "ask-answered.png")
    assert "'sent to ada@example.org'" in shown
    assert "the call of 'calculator' was not allowed;" in shown


def test_the_same_tool_is_asked_about_no_more_where_that_was_ticked(lab: Lab, page: Any):
    forms = start(page, lab, "steps(await agent(*['calculator'] * 3)('Do it thrice'))", questions=3)
    forms.first.get_by_label("do not ask about this tool again").check()
    forms.first.get_by_role("button", name="Run it").click()
    assert result(page).count("'completed', 714") == 3


@pytest.mark.parametrize(
    "cell", ["await agent('calculator')('?')", "async for e in agent('calculator').stream('?'): 0"]
)
def test_stop_ends_a_question_that_waits(lab: Lab, page: Any, cell: str):
    start(page, lab, cell)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    shown = result(page)
    assert "■ calculator(expression='42 * 17'): cancelled before an answer" in shown
    assert "completed" not in shown


HOSTILE = """\
from linus_nb.agent.approval import Approval, aapproved
from linus_nb.tools.tool import Tool

evil = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>'
evil += '$\\\\href{javascript:alert(1)}{x}$'
tool = Tool(evil, evil, {"properties": {evil: {"type": "string", "description": evil}}})
await aapproved(Approval("ask", evil, {evil: tool}), evil, {evil: evil, "hidden": "a\\u202eb"})"""


def test_markup_is_shown_as_text_wherever_it_stands(lab: Lab, page: Any, screenshots: Path):
    form = start(page, lab, HOSTILE)
    page.screenshot(path=screenshots / "ask-hostile.png")
    assert page.locator(".linus-ask :is(img, script, a, mjx-container)").count() == 0
    assert form.get_by_label("hidden").input_value() == '"a\\u202eb"'
    assert form.locator("input.linus-value, textarea.linus-value").first.input_value().startswith("<img src=x")
    form.get_by_role("button", name="Run it").click()
    result(page)
    assert page.locator(".jp-OutputArea-output :is(img, script, a)").count() == 0
    assert "owned" not in page.title()


def test_a_call_that_blocks_its_cell_asks_in_a_line_to_type_in(lab: Lab, page: Any, screenshots: Path):
    write_notebook(lab.root / "ask.ipynb", [AGENT, "steps(agent('send_mail').run('Write to Ada')), ran"])
    open_notebook(page, lab, "ask.ipynb")
    page.evaluate(ASK)
    type_line(page, "copies = 1 Run it?", "edit")
    type_line(page, "'ada@example.org' Enter to keep", "")
    type_line(page, "at six.' Enter to keep", "")
    type_line(page, "copies = 1 Enter to keep", "2")
    page.locator(".jp-Stdin", has_text="copies = 2").wait_for()
    page.screenshot(path=screenshots / "ask-typed.png")
    type_line(page, "copies = 2", "yes")
    assert "('ada@example.org', 'Dear Ada,\\nthe tide turns at six.', 2)" in result(page)


IN_THREADS = """\
import asyncio
from linus_nb import AgentDAG, AgentNode, DAGExecutor
steps(await asyncio.to_thread(agent('calculator').run, '?'))"""


def test_a_call_that_blocks_another_thread_is_asked_by_a_widget_too(lab: Lab, page: Any):
    form = start(page, lab, IN_THREADS)
    form.get_by_role("button", name="Run it").click()
    assert "('calculator', 'completed', 714)" in result(page)


BLOCKED = """\
from linus_nb import AgentDAG, AgentNode, DAGExecutor
dag = AgentDAG("blocked").add_node(AgentNode("asks", agent("calculator"), input_mapping={"x": "x"}, timeout_seconds=60))
print(DAGExecutor(dag).execute({"x": "?"}).errors["asks"])"""


def test_where_the_cell_blocks_and_another_thread_asks_an_error_says_so(lab: Lab, page: Any):
    write_notebook(lab.root / "ask.ipynb", [AGENT, BLOCKED])
    run_all(page, lab, "ask.ipynb", timeout_s=60)
    assert "the cell blocks while it waits" in result(page)
