"""A question about a tool call as a form in the cell: arguments that can be edited, and a yes or a no."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from importlib import import_module
from typing import Any

from linus_nb.agent.approval import Answer, Question
from linus_nb.engine.threads import ThreadCall
from linus_nb.notebook.approval_fields import Field, UnfittingError, arguments_of, fields_of
from linus_nb.notebook.approval_line import answered, waiting_text
from linus_nb.notebook.surroundings import WIDGET
from linus_nb.rendering.palette import STATUSES
from linus_nb.rendering.type_setting import printable

LONGEST_LINE = 80
MOST_ROWS = 12

_open: list[Form] = []  # those that wait for an answer; only the kernel's loop touches them


class Form:
    """One question as the page needs it (``page``), and the answer, which `heard` resolves."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.fields = fields_of(question)

    def page(self) -> dict[str, Any]:
        """Return what the widget shows."""
        return {
            "glyph": STATUSES["waiting"].glyph,
            "who": printable(self.question.agent) if self.question.agent else "An agent",
            "tool": printable(self.question.tool.name),
            "about": "\n".join(printable(line) for line in self.question.tool.description.splitlines() if line.strip()),
            "fields": [_shown(field) for field in self.fields],
        }

    def heard(self, said: dict[str, Any]) -> dict[str, Any] | None:
        """Take what the page sent; return what to tell the person where an argument cannot be read."""
        if self.answer.done():  # a click that was on its way
            return None
        if said["type"] == "refuse":
            self.answer.set_result(Answer(None, said["reason"].strip()))
            return None
        try:
            arguments = arguments_of(self.fields, said["texts"])
        except UnfittingError as why:
            return {"problem": str(why), "field": [field.name for field in self.fields].index(why.name)}
        self.answer.set_result(Answer(arguments, always=said["always"]))
        if said["always"]:
            self._answer_others()
        return None

    def _answer_others(self) -> None:
        for form in _open:
            if form._is_about_same(self.question) and not form.answer.done():
                form.answer.set_result(Answer(form.question.arguments))

    def _is_about_same(self, question: Question) -> bool:
        return self.question.run is question.run and self.question.tool.name == question.tool.name


def _shown(field: Field) -> dict[str, Any]:
    lines = sum(1 + len(line) // LONGEST_LINE for line in field.text.split("\n"))
    return {
        "name": printable(field.name),
        "text": field.text,
        "hint": field.hint,
        "placeholder": "" if field.given else "needed, and left out by the model",
        "rows": min(lines, MOST_ROWS),
    }


async def asked_in_form(question: Question) -> Answer:
    """Show the form under the cell, wait for a click, and leave one line in its place, also when cancelled."""
    loading = ThreadCall(lambda: import_module("linus_nb.notebook.approval_widget"), copy_context())
    await loading.wait()  # the first time, it takes longer than a loop should be kept busy
    loading.outcome()
    from IPython.display import display

    from linus_nb.notebook.approval_widget import ApprovalWidget

    def heard(said: dict[str, Any]) -> None:
        problem = form.heard(said)
        if problem is not None:
            widget.send(problem)

    loop, form = asyncio.get_running_loop(), Form(question)
    # JupyterLab gives a widget a shell of its own in the kernel: clicks arrive in another thread
    widget = ApprovalWidget(form.page(), lambda said: loop.call_soon_threadsafe(heard, said))
    bundle = {WIDGET: widget.get_view_spec(), "text/plain": waiting_text(question)}
    handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types here
    _open.append(form)
    answer: Answer | None = None
    try:
        answer = await form.answer
        return answer
    finally:
        _open.remove(form)
        if handle is not None:  # None where IPython has no shell
            handle.update(answered(question, answer), raw=True)
        widget.layout.close()  # a widget of its own, as far as the front end is concerned
        widget.close()
