"""What stays in the saved file of a question and its answer: one line."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from linus_nb.agent.approval import Answer, Question
from linus_nb.masking import masked_field
from linus_nb.rendering.palette import STATUSES
from linus_nb.rendering.type_setting import printable

LONGEST_ARGUMENT = 120
MOST_ARGUMENTS = 8


def waiting_text(question: Question) -> str:
    """Return what is shown of a question where no widget can be."""
    return f"{call_text(question.tool.name, question.arguments)}: waiting for a click on its widget"


def answered(question: Question, answer: Answer | None) -> dict[str, str]:
    """Return question and answer as a MIME bundle; None: the question was given up with the run."""
    arguments = question.arguments
    colour = "var(--jp-ui-font-color2,#667080)"
    if answer is None:
        status, word = "cancelled", "cancelled before an answer"
    elif answer.arguments is None:
        status, word, colour = "failed", "refused", "var(--jp-error-color1,#c0362c)"
        word += f", because: {printable(answer.reason)}" if answer.reason else ""
    else:
        status, word, colour = "completed", "allowed", "var(--jp-success-color1,#1a7f4b)"
        word += " with other arguments" if dict(answer.arguments) != dict(arguments) else ""
        word += ", and from now on in this run" if answer.always else ""
        arguments = answer.arguments
    glyph, call = STATUSES[status].glyph, call_text(question.tool.name, arguments)
    html = (
        '<div style="color:var(--jp-ui-font-color1,inherit);font-family:var(--jp-ui-font-family,system-ui,sans-serif);'
        f'font-size:14px;line-height:1.6;overflow-wrap:anywhere"><span style="color:{colour}">{glyph}</span> '
        f'<span style="font-family:var(--jp-code-font-family,monospace);font-size:13px">{escape(call)}</span>: '
        f"{escape(word)}</div>"
    )
    return {"text/plain": f"{glyph} {call}: {word}", "text/html": html}


def call_text(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return a call on one line, long arguments cut.

    >>> call_text("calculator", {"expression": "42 * 17"})
    "calculator(expression='42 * 17')"
    """
    shown = [
        f"{printable(name)}={masked_field(name, value) or _cut(repr(value))}"
        for name, value in list(arguments.items())[:MOST_ARGUMENTS]
    ]
    more = ["…"] if len(arguments) > MOST_ARGUMENTS else []
    return f"{printable(tool)}({', '.join(shown + more)})"


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST_ARGUMENT else text[: LONGEST_ARGUMENT - 1] + "…"
