"""``%load_ext linus_nb`` and ``%%agent``: in a real kernel, in a notebook run headless, and without a kernel."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import pytest

from linus_nb import events
from linus_nb.agent.agent_run import AgentRun
from linus_nb.agent.stream import Answered
from linus_nb.notebook.answer_page import AnswerPage
from tests.kernels import outcome, run_cell, started_kernel, text_of

HOSTILE = "<img src=x onerror=alert(1)> {braces} $dollars"
AGENTS = f"""
from linus_nb import Agent, AgentDAG, last_response
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator

def reply(messages, schema):
    if schema is None:
        return "It is 42. " + {HOSTILE!r}
    if "tasks" in schema["properties"]:
        return {{"tasks": [{{"tool": "calculator", "description": "", "depends_on": []}}]}}
    return {{"expression": "6 * 7"}} if "expression" in schema["properties"] else {{"complete": "yes", "missing": ""}}

helper = Agent([calculator], llm=ScriptedModel(reply))
graph = AgentDAG("graph")

class Stuck(ScriptedModel):
    async def _astream(self, *given, **options):
        async for chunk in super()._astream(*given, **options):
            yield chunk
            await asyncio.sleep(45)

import asyncio
stuck = Agent([calculator], llm=Stuck(reply))

def asked(agent):
    return agent.llm.calls[-4].messages[-1].text
"""
LOADED = "%load_ext linus_nb\n" + AGENTS
ANSWER = f"It is 42. {HOSTILE}"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    with started_kernel() as client:
        run_cell(client, LOADED)
        yield client


# -- what a cell shows -----------------------------------------------------------------------------------------------


def test_a_page_holds_the_steps_and_the_reply_of_the_moment_and_escapes_them():
    page = AnswerPage("<b>helper</b>", clock=iter([0.0, 3.4]).__next__)
    page.take(events.PlanMade(("look up", "add")))
    page.take(events.ToolStarted("calculator", {"expression": "6 * 7"}))
    page.take(events.ToolCalled("calculator", 0.1, {"expression": "6 * 7"}, 42))
    page.take(events.TokenDelta("a first "))
    page.take(events.TokenDelta("reply"))
    page.take(events.ModelCalled("scripted", 0.1))
    page.take(events.TokenDelta(HOSTILE))
    page.take(Answered(AgentRun("", {}).finished("", "completed")))
    assert page.text() == f"plan: look up; add\ncalculator(expression=6 * 7) → 42\n{HOSTILE}"
    html = page.bundle()["text/html"]
    assert "&lt;img src=x" in html
    assert "<img" not in html
    assert "<b>helper" not in html
    assert "▶ running" in html
    assert "3 s" in html
    assert "a first" not in html


def test_of_a_very_long_reply_the_page_shows_the_end():
    page = AnswerPage("helper")
    page.take(events.TokenDelta("beginning " + "x" * 30_000 + " end"))
    html = page.bundle()["text/html"]
    assert " end<" in html
    assert "beginning" not in html


def test_a_key_that_a_model_writes_is_masked():
    page = AnswerPage("helper")
    page.take(events.TokenDelta("the key is sk-proj-"))
    page.take(events.TokenDelta("a1b2c3d4e5f6g7h8i9j0k1l2"))
    bundle = page.bundle()
    assert "a1b2c3d4" not in bundle["text/plain"] + bundle["text/html"]
    assert "the key is sk-" in bundle["text/plain"]


# -- in a kernel -----------------------------------------------------------------------------------------------------


@pytest.mark.kernel
def test_the_answer_streams_into_the_cell_and_the_response_takes_its_place(kernel: Any):
    run_cell(kernel, "_agent = None\nhelper.llm.latency_s = 0.6")
    ended = outcome(kernel, "%%agent helper\nHow much is 6 * 7, {not} $expanded?")
    run_cell(kernel, "helper.llm.latency_s = 0.0")
    texts = [bundle["text/plain"] for bundle in ended.shown]
    assert texts[0] == "helper: running"
    grown = [text for text in texts if re.fullmatch(r"calculator\(expression=6 \* 7\) → 42\nIt is.*", text)]
    assert len(grown) > 1
    assert ended.shown[-1]["text/html"] == run_cell(kernel, "_agent")["text/html"]
    assert text_of(kernel, "str(_agent)") == repr(ANSWER)
    assert text_of(kernel, "asked(helper)") == repr("How much is 6 * 7, {not} $expanded?")


@pytest.mark.kernel
def test_to_chooses_the_name_and_expand_fills_in_expressions(kernel: Any):
    run_cell(kernel, "numbers = [6, 7]")
    run_cell(kernel, "%%agent helper --to first_answer --expand\nTimes: {numbers[0]} {numbers[1] + 1} {{}}")
    assert text_of(kernel, "str(first_answer)") == repr(ANSWER)
    assert text_of(kernel, "asked(helper)") == repr("Times: 6 8 {}")


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("%%agent helpr\nx", "no agent 'helpr'; did you mean 'helper'? (agents: 'helper', 'stuck')"),
        ("%%agent nobody\nx", "no agent 'nobody' (agents: 'helper', 'stuck')"),
        (
            "%%agent graph\nx",
            "'graph' is no Agent but of type 'AgentDAG'; run it with: await graph (agents: 'helper', 'stuck')",
        ),
        ("%%agent\nx", "the following arguments are required: NAME"),
        ("%%agent helper\n   ", "the cell holds no text; write what to ask below its first line"),
        ("%%agent helper --to 3\nx", "--to '3' is no name for a variable"),
        ("%%agent helper --to class\nx", "--to 'class' is no name for a variable"),
        ("%%agent helper --two x\nx", "unrecognized arguments: --two x"),
        (
            "%%agent helper --expand\n{nowhere}",
            (
                "an {expression} of the cell raised NameError: name 'nowhere' is not defined; leave --expand out, or "
                "write {{ and }} for braces"
            ),
        ),
    ],
    ids=[
        "misspelt",
        "unknown",
        "no agent",
        "no name",
        "no text",
        "no variable",
        "keyword",
        "no such option",
        "no such expression",
    ],
)
def test_a_mistake_is_told_in_one_line_and_no_model_is_asked(kernel: Any, cell: str, sentence: str):
    calls = text_of(kernel, "len(helper.llm.calls)")
    assert outcome(kernel, cell).printed == f"UsageError: {sentence}\n"
    assert text_of(kernel, "len(helper.llm.calls)") == calls


TICKING = """
ticks = 0
async def tick():
    global ticks
    while True:
        await asyncio.sleep(0.01)
        ticks += 1
"""


@pytest.mark.kernel
def test_the_loop_goes_on_while_an_agent_answers(kernel: Any):
    run_cell(kernel, TICKING)
    run_cell(kernel, "ticking = asyncio.ensure_future(tick()); helper.llm.latency_s = 0.2; seen = []")
    run_cell(kernel, "helper.llm.replies = lambda m, s: (seen.append(ticks), reply(m, s))[1]")
    run_cell(kernel, "%%agent helper\nx")
    run_cell(kernel, "ticking.cancel(); helper.llm.latency_s = 0.0; helper.llm.replies = reply")
    assert text_of(kernel, "seen == sorted(set(seen)), len(seen)") == "(True, 4)"


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("first_line", "error"), [("", "CancelledError"), ("%%time\n", "KeyboardInterrupt")], ids=["awaited", "blocking"]
)
def test_stop_ends_the_answer_and_what_was_said_and_done_is_kept(kernel: Any, first_line: str, error: str):
    ended = outcome(kernel, f"{first_line}%%agent stuck\nx", stop_at="42\nIt")
    assert (ended.raised, ended.said) == (
        error,
        "Stopped the agent. What it had done is kept: linus_nb.last_response()",
    )
    assert ended.stopped_after_s < 10
    assert text_of(kernel, "last_response().execution_history[0].result") == "42"
    left = "[t for t in asyncio.all_tasks() if 'agent' in repr(t.get_coro())]"
    assert text_of(kernel, left) == "[]"
    assert not outcome(kernel, "%%agent helper\nx").raised  # and the next cell is answered


@pytest.mark.kernel
def test_a_card_of_a_stopped_agent_says_so(kernel: Any):
    ended = outcome(kernel, "%%agent stuck\nx", stop_at="42\nIt")
    assert "■ cancelled" in ended.shown[-1]["text/html"]
    assert "It " in ended.shown[-1]["text/html"]


@pytest.mark.kernel
def test_an_agent_that_fails_raises_in_the_cell_and_its_card_says_so(kernel: Any):
    run_cell(kernel, "broken = Agent(llm=ScriptedModel(errors={1: ConnectionError('no network')}))")
    ended = outcome(kernel, "%%agent broken\nx")
    run_cell(kernel, "del broken")
    assert ended.raised == "ConnectionError"
    assert "no network" in ended.said
    assert "✕ failed" in ended.shown[-1]["text/html"]


@pytest.mark.kernel
@pytest.mark.parametrize("magic", ["%%time", "%%capture captured"])
def test_below_another_magic_it_blocks_and_answers_all_the_same(kernel: Any, magic: str):
    assert not outcome(kernel, f"{magic}\n%%agent helper --to nested\nx").raised
    assert text_of(kernel, "str(nested)") == repr(ANSWER)
    run_cell(kernel, "del nested")


@pytest.mark.kernel
def test_called_by_its_function_or_without_autoawait_it_blocks_and_answers(kernel: Any):
    run_cell(kernel, "get_ipython().run_cell_magic('agent', 'helper --to called', 'x')")
    assert text_of(kernel, "str(called)") == repr(ANSWER)
    run_cell(kernel, "%autoawait False")
    run_cell(kernel, "%%agent helper --to blocking\nx")
    run_cell(kernel, "%autoawait True")
    assert text_of(kernel, "str(blocking)") == repr(ANSWER)


@pytest.mark.kernel
def test_its_help_names_its_options_and_no_others(kernel: Any):
    text = outcome(kernel, "print(get_ipython().find_cell_magic('agent').__doc__)").printed
    assert text.startswith("::\n\n  %%agent [--to VARIABLE] [--expand] NAME\n")
    assert "awaited" not in text


@pytest.mark.kernel
def test_loaded_twice_it_is_there_once_and_unloaded_it_is_gone():
    with started_kernel() as client:
        run_cell(client, LOADED)
        count = "len(get_ipython().input_transformers_post)"
        assert "already loaded" in outcome(client, "%load_ext linus_nb").printed
        run_cell(client, "%reload_ext linus_nb")
        assert text_of(client, count) == "1"
        run_cell(client, "%%agent helper\nx")
        run_cell(client, "%unload_ext linus_nb")
        assert text_of(client, count) == "0"
        assert "Cell magic `%%agent` not found" in outcome(client, "%%agent helper\nx").printed


# -- headless --------------------------------------------------------------------------------------------------------


@pytest.mark.kernel
def test_a_notebook_that_is_run_headless_holds_one_output_the_response():
    cells = [nbformat.v4.new_code_cell(cell) for cell in (LOADED, "%%agent helper\nHow much?", "str(_agent)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (shown,) = notebook.cells[1].outputs
    assert "✓ completed" in shown.data["text/html"]
    assert shown.data["text/plain"].startswith(ANSWER)
    assert notebook.cells[2].outputs[0].data["text/plain"] == repr(ANSWER)


def test_in_an_ipython_without_a_kernel_the_words_are_written_as_they_come():
    cells = [LOADED, "%%agent helper\nHow much?", "print(type(_agent).__name__)"]
    script = (
        f"from IPython.core.interactiveshell import InteractiveShell as I\nfor c in {cells!r}: I.instance().run_cell(c)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == (f"{ANSWER}\nAgentResponse\n", 0), done.stderr
