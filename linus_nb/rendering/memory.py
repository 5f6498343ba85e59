"""The MIME bundle of a memory: how much it holds, its summary, and its latest turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from linus_nb.display import VERBATIM
from linus_nb.errors import MemoryFileError
from linus_nb.masking import masked
from linus_nb.numbers import plural
from linus_nb.rendering.card import card, header, part, sentence
from linus_nb.rendering.card_table import table
from linus_nb.rendering.type_setting import printable_lines, printable_start

MOST_TURNS = 8
LONGEST_CELL = 160
LONGEST_SUMMARY = 4000
LONGEST_PATH = 400


def memory_bundle(memory: Any) -> dict[str, str]:
    """Return a `Memory` as ``{"text/html": …, "text/plain": …}``."""
    path = memory.path
    where = "kept in this process" if path is None else printable_start(path, LONGEST_PATH)
    if memory.closed:
        return {"text/html": card([header("Memory", "", ["closed", where])])}
    try:
        count = len(memory)
        summary, turns = memory.store.everything(MOST_TURNS)
    except MemoryFileError as error:
        parts = [header("Memory", "", ["unreadable", where]), part(escape(str(error)))]
        return {"text/html": card(parts), "text/plain": f"{memory!r}\n{error}"}
    rows = [(str(t.number), _cell(t.question), _cell(t.answer), "in the summary" * t.summarised) for t in turns]
    before = f"and {plural(count - len(rows), 'turn')} before" if count > len(rows) else ""
    said = printable_lines(masked(summary, LONGEST_SUMMARY))
    parts = [
        header("Memory", "", [plural(count, "turn"), f"{memory.token_budget:,} tokens of a prompt", where]),
        _summary(said) if said else "",
        table(rows, ("turn", "question", "answer", ""), aside=(0, 3), more=before),
        sentence("", ('memory.search("…")', "memory.turns"))
        if count
        else sentence("Nothing was said yet.", ("Agent(memory=memory)",)),
    ]
    return {"text/html": card(parts), "text/plain": "\n".join(_lines(memory, said, rows, before))}


def _summary(said: str) -> str:
    words = f'<span class="linus-muted">Earlier, in short:</span> {escape(said)}'
    return part(f'<div class="linus-answer {VERBATIM}">{words}</div>')


def _lines(memory: Any, said: str, rows: Sequence[tuple[str, ...]], before: str) -> Iterator[str]:
    yield repr(memory)
    if said:
        yield "  Earlier, in short: " + said.replace("\n", "\n  ")
    for number, question, answer, mark in rows:
        yield f"  {number:>3}  {question}  →  {answer}{f'  ({mark})' if mark else ''}"
    if before:
        yield f"  {before}"


def _cell(text: str) -> str:
    return printable_start(text, LONGEST_CELL) if text.strip() else "–"
