"""A question about a tool call in plain text, line by line: a generator of prompts that is sent what was typed."""

from __future__ import annotations

from collections.abc import Generator

from linus_nb.agent.approval import Answer, Question
from linus_nb.notebook.approval_fields import Field, UnfittingError, arguments_of, fields_of
from linus_nb.rendering.type_setting import printable

Dialogue = Generator[str, str, Answer]


def dialogue(question: Question) -> Dialogue:
    """Ask until there is an answer; what cannot be understood is asked again."""
    fields = fields_of(question)
    texts = [field.text for field in fields]
    prompt = f"\n{_headline(question)}\n"
    while True:
        shown = "".join(f"  {_line(field, text)}\n" for field, text in zip(fields, texts, strict=True))
        choice = (yield f"{prompt}{shown}Run it? yes, no, edit, always (in this run): ").strip().lower()
        if choice in ("y", "yes", "a", "always"):
            try:
                return Answer(arguments_of(fields, texts), always=choice.startswith("a"))
            except UnfittingError as why:
                prompt = f"{why}\n"
        elif choice in ("n", "no"):
            return Answer(None, (yield "Why not? The model is told (Enter for no reason): ").strip())
        elif choice in ("e", "edit") and fields:
            texts = yield from _edited(fields, texts)
            prompt = ""
        else:
            prompt = "Please type one of the words, or its first letter.\n"


def _edited(fields: tuple[Field, ...], texts: list[str]) -> Generator[str, str, list[str]]:
    """Ask for each argument; Enter keeps what is there."""
    edited = []
    for field, text in zip(fields, texts, strict=True):
        problem = ""
        while True:
            typed = yield f"{problem}  {_line(field, text)}\n  Enter to keep, or the new value: "
            try:
                field.read(typed or text)
            except UnfittingError as why:
                problem = f"  {why}\n"
            else:
                edited.append(typed or text)
                break
    return edited


def _headline(question: Question) -> str:
    who = printable(question.agent) if question.agent else "An agent"
    summary = f": {printable(question.tool.summary)}" if question.tool.summary else ""
    return f"{who} asks to run {printable(question.tool.name)}{summary}"


def _line(field: Field, text: str) -> str:
    if not field.given and not text:
        return f"{printable(field.name)} is left out, and needed"
    return f"{printable(field.name)} = {text if field.is_json else repr(text)}"
