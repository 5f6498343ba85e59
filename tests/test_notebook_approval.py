"""How a person is asked about a tool call: the fields, the form, the line that stays, the terminal, and nobody."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from linus_nb.agent.approval import Answer, Question
from linus_nb.notebook.approval_dialogue import dialogue
from linus_nb.notebook.approval_fields import UnfittingError, arguments_of, fields_of
from linus_nb.notebook.approval_form import Form, _open, asked_in_form
from linus_nb.notebook.approval_line import answered, call_text
from linus_nb.tools.tool import Tool
from tests.virtual_time import run

KINDS = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "loud": {"type": "boolean"},
    "tags": {"type": "array"},
    "more": {"type": "object"},
    "any": {},
}
TOOL = Tool("shout", "Say it loudly.\nVery.", {"properties": KINDS, "required": ["text"]})


def question(arguments, tool=TOOL, **facts):
    return Question(tool, arguments, "assistant", **facts)


def read(name, value, typed):
    return arguments_of([field for field in fields_of(question({name: value})) if field.given], [typed])[name]


# -- fields ----------------------------------------------------------------------------------------------------------


def test_texts_are_shown_as_they_are_and_all_else_as_json():
    shown = fields_of(question({"text": 'a "b"\nc', "count": 3, "tags": ["é"], "loud": True, "any": None}))
    assert [field.text for field in shown] == ['a "b"\nc', "3", '["é"]', "true", "null"]
    assert [field.is_json for field in shown] == [False, True, True, True, True]


def test_what_was_not_touched_is_the_very_value_that_was_there():
    arguments = {"text": "a", "tags": [1, {"b": 2.0}], "more": {"x": object()}}
    shown = fields_of(question(arguments))
    again = arguments_of(shown, [field.text for field in shown])
    assert all(again[name] is arguments[name] for name in arguments)


@pytest.mark.parametrize(
    ("name", "value", "typed", "meant"),
    [
        ("text", "a", "42", "42"),
        ("count", 1, " 2 ", 2),
        ("share", 0.5, "1", 1),
        ("loud", True, "false", False),
        ("tags", [], '["a", 1]', ["a", 1]),
        ("more", {}, '{"a": null}', {"a": None}),
        ("any", "a", "[1]", "[1]"),
        ("any", 1, '"one"', "one"),
        ("unheard of", "a", "b", "b"),
    ],
)
def test_what_is_typed_is_read_as_what_it_stands_for(name, value, typed, meant):
    assert read(name, value, typed) == meant


@pytest.mark.parametrize(
    ("name", "value", "typed", "said"),
    [
        ("count", 1, "two", "'count' needs a whole number, not 'two'"),
        ("count", 1, "1.5", "'count' needs a whole number, not '1.5'"),
        ("count", 1, "true", "'count' needs a whole number, not 'true'"),
        ("count", "1", '"2"', "'count' needs a whole number"),
        ("share", 1, '"1"', "'share' needs a number"),
        ("loud", True, "1", "'loud' needs true or false"),
        ("tags", [], "{}", "'tags' needs a list"),
        ("more", {}, "[]", "'more' needs an object"),
        ("tags", [], "[1", "'tags' needs a list, such as \\[1, 2\\] \\(Expecting ',' delimiter, column 3\\)"),
        ("any", 1, "one", "'any' needs JSON, with texts in double quotes"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_is_needed(name, value, typed, said):
    with pytest.raises(UnfittingError, match=said):
        read(name, value, typed)


def test_what_the_tool_needs_and_the_model_left_out_can_be_filled_in():
    (left_out,) = fields_of(question({}))
    assert (left_out.name, left_out.given) == ("text", False)
    assert arguments_of([left_out], [""]) == {}
    assert arguments_of([left_out], ["hello"]) == {"text": "hello"}


@pytest.mark.parametrize("hidden", ["a\u202eb", "a\u200bb", "a\x1b[2Kb", "a\U000e0041"])
def test_characters_that_cannot_be_seen_are_seen(hidden):
    (field,) = fields_of(question({"text": hidden}))
    assert field.text.isascii()
    assert field.text.isprintable()
    assert arguments_of([field], [field.text]) == {"text": hidden}


# -- the form --------------------------------------------------------------------------------------------------------


def said(texts, always=False):
    return {"type": "run", "texts": texts, "always": always}


def test_a_form_takes_the_texts_that_are_seen():
    async def answer():
        form = Form(question({"text": "a", "count": 1}))
        assert form.heard(said(["b", "two"])) == {
            "problem": "'count' needs a whole number, not 'two'",
            "field": 1,
        }
        assert not form.answer.done()
        assert form.heard(said(["b", "2"])) is None
        form.heard({"type": "refuse", "reason": "too late"})
        return await form.answer

    assert run(answer()) == Answer({"text": "b", "count": 2})


def test_a_form_takes_a_refusal_with_its_reason():
    async def answer():
        form = Form(question({"text": "a"}))
        form.heard({"type": "refuse", "reason": " no "})
        return await form.answer

    assert run(answer()) == Answer(None, "no")


def test_always_answers_what_else_is_asked_about_that_tool_in_that_run():
    this, another = object(), object()
    other = Tool("whisper", "", {})

    async def answers():
        asked = [question({"text": "a"}, run=this), question({"text": "b"}, run=this),
                 question({"text": "c"}, run=another), question({}, other, run=this)]  # fmt: skip
        forms = [Form(each) for each in asked]
        _open.extend(forms)
        try:
            forms[0].heard(said(["edited"], always=True))
        finally:
            _open.clear()
        return [form.answer.result() if form.answer.done() else None for form in forms]

    assert run(answers()) == [Answer({"text": "edited"}, always=True), Answer({"text": "b"}), None, None]


@pytest.fixture
def displays(monkeypatch):
    """Collect what is displayed, and what takes its place."""

    class Displays(list):
        begun = asyncio.Event()

    shown = Displays()

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    def display(bundle, raw, display_id):
        shown.append(bundle)
        shown.begun.set()
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return shown


def test_a_cancelled_question_leaves_a_line_and_no_widget(displays):
    from ipywidgets.widgets.widget import _instances

    async def cancelled():
        task = asyncio.create_task(asked_in_form(question({"text": "a"})))
        await displays.begun.wait()
        await asyncio.sleep(0)  # on to where it waits for an answer
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    before = set(_instances)
    run(cancelled())
    widget, line = displays
    assert widget["text/plain"] == "shout(text='a'): waiting for a click on its widget"
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert line["text/plain"] == "■ shout(text='a'): cancelled before an answer"
    assert "application/vnd.jupyter.widget-view+json" not in line
    assert set(_instances) == before
    assert not _open


# -- the line --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer({"text": "a"}), "✓ shout(text='a'): allowed"),
        (Answer({"text": "b"}), "✓ shout(text='b'): allowed with other arguments"),
        (Answer({"text": "a"}, always=True), "✓ shout(text='a'): allowed, and from now on in this run"),
        (Answer(None), "✕ shout(text='a'): refused"),
        (Answer(None, "too\nlate"), "✕ shout(text='a'): refused, because: too↵late"),
        (None, "■ shout(text='a'): cancelled before an answer"),
    ],
)
def test_one_line_says_what_was_asked_and_answered(answer, line):
    assert answered(question({"text": "a"}), answer)["text/plain"] == line


def test_markup_is_escaped_in_the_line():
    evil = "<script>alert(1)</script>"
    html = answered(Question(Tool(evil, evil, {}), {evil: evil}), Answer(None, evil))["text/html"]
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4


def test_a_long_call_is_cut():
    text = call_text("shout", {f"argument {k}": "a" * 5000 for k in range(100)})
    assert len(text) < 1500
    assert text.endswith("…)")


# -- typed answers ---------------------------------------------------------------------------------------------------


def typed(arguments, *lines, tool=TOOL):
    """Return the answer that these lines give, and all the prompts before it."""
    steps = dialogue(question(arguments, tool))
    prompts = [next(steps)]
    for line in lines:
        try:
            prompts.append(steps.send(line))
        except StopIteration as stop:
            return stop.value, prompts
    raise AssertionError(f"no answer after {prompts}")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["y"], Answer({"text": "a", "count": 1})),
        ([" YES "], Answer({"text": "a", "count": 1})),
        (["", "what", "y"], Answer({"text": "a", "count": 1})),
        (["always"], Answer({"text": "a", "count": 1}, always=True)),
        (["n", ""], Answer(None)),
        (["no", " too late "], Answer(None, "too late")),
        (["e", "b", "two", "2", "y"], Answer({"text": "b", "count": 2})),
        (["edit", "", "", "y"], Answer({"text": "a", "count": 1})),
    ],
)
def test_a_typed_answer_is_understood(lines, answer):
    assert typed({"text": "a", "count": 1}, *lines)[0] == answer


def test_the_prompt_says_who_asks_what_and_nothing_in_it_can_move_the_cursor():
    _, prompts = typed({"text": "a\x1b[2Ka\nb", "count": 1}, "y", tool=Tool("sh\x1bout", "Say it \x1b[1mloudly", {}))
    assert prompts[0].startswith('\nassistant asks to run sh␛out: Say it ␛[1mloudly\n  text = "a\\u001b[2Ka\\nb"\n')
    assert "\x1b" not in prompts[0]


SCRIPT = """
import asyncio, sys
from linus_nb.agent.approval import Approval, Arguments, aapproved, approved

async def asked(way, many):
    if way == "run":
        return [approved(Approval("ask"), "shout", {"text": str(k)}) for k in range(many)]
    tasks = [asyncio.create_task(aapproved(Approval("ask"), "shout", {"text": str(k)})) for k in range(many)]
    done, waiting = await asyncio.wait(tasks, timeout=None if sys.argv[2] == "wait" else 0.2)
    for task in waiting:
        task.cancel()
    await asyncio.wait(tasks)
    return ["cancelled" if task.cancelled() else task.result() for task in tasks]

print("got", asyncio.run(asked(sys.argv[1], 2)))
"""


def at_terminal(way, patience, lines):
    """Run the script at a terminal of its own, type a line at each prompt, and return what it wrote."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, way, patience], stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT
    )
    os.close(theirs)
    written = ""
    coming = list(lines)
    seen = 0
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            try:
                written += os.read(ours, 4096).decode()
            except OSError:  # how Linux tells that the other end is closed
                break
            if coming and written.count("Run it?") > seen:
                seen += 1
                os.write(ours, coming.pop(0).encode() + b"\n")
        assert process.wait(20) == 0, written
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return written


@pytest.mark.parametrize("way", ["run", "arun"])
def test_a_terminal_is_asked_one_question_after_the_other(way):
    written = at_terminal(way, "wait", ["yes", "always"])
    assert "got [{'text': '0'}, {'text': '1'}]" in written
    assert written.index("text = '0'") < written.index("text = '1'")


def test_a_cancelled_question_leaves_the_terminal_and_the_interpreter_free():
    assert "got ['cancelled', 'cancelled']" in at_terminal("arun", "cancel", [])


# -- nobody ----------------------------------------------------------------------------------------------------------

HEADLESS = """
from linus_nb.agent.approval import Approval, aapproved, approved
{call}"""


@pytest.mark.kernel
@pytest.mark.parametrize(
    "call", ['approved(Approval("ask"), "shout", {})', 'await aapproved(Approval("ask"), "shout", {})']
)
def test_a_notebook_that_runs_without_a_person_says_so_at_once(call, tmp_path: Path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(HEADLESS.format(call=call))])
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    with pytest.raises(CellExecutionError, match="the notebook is being run without anybody at it; give Agent"):
        client.execute()
