"""The MIME bundle of a memory: how much it holds, its summary, and its latest turns."""

from __future__ import annotations

from html import escape
from typing import Any

from linus_nb.rendering.card import card, header, part, sentence
from linus_nb.rendering.numbers import plural
from linus_nb.rendering.type_setting import printable, shortened

MOST_TURNS = 8
LONGEST_CELL = 160
LONGEST_SUMMARY = 4000


def memory_bundle(memory: Any) -> dict[str, str]:
    """Return a `Memory` as ``{"text/html": …}``."""
    where = [shortened(printable(memory.path))] if memory.path is not None else ["kept in this process"]
    if memory.closed:
        return {"text/html": card([header("Memory", "", ["closed", *where])])}
    count = len(memory)
    summary, latest = memory.store.everything(MOST_TURNS)
    facts = [plural(count, "turn"), f"{memory.token_budget} tokens of a prompt", *where]
    parts = [
        header("Memory", "", facts),
        part(f'<span class="linus-muted">Earlier, in short:</span> {escape(_cut(summary, LONGEST_SUMMARY))}')
        if summary
        else "",
        _turns(latest, count - len(latest)),
        sentence("" if count else "Nothing was said yet.", ('memory.search("…")', "memory.turns") if count else ()),
    ]
    return {"text/html": card(parts)}


def _turns(turns: Any, before: int) -> str:
    rows = "".join(
        f'<tr><td class="linus-muted">{turn.number}</td><td>{_cell(turn.question)}</td><td>{_cell(turn.answer)}</td>'
        f'<td class="linus-muted">{"in the summary" if turn.summarised else ""}</td></tr>'
        for turn in turns
    )
    if not rows:
        return ""
    head = "".join(f'<th class="linus-muted">{title}</th>' for title in ("turn", "question", "answer", ""))
    more = f'<div class="linus-muted">and {plural(before, "turn")} before</div>' if before else ""
    return part(f"<table><tr>{head}</tr>{rows}</table>{more}")


def _cell(text: str) -> str:
    return escape(_cut(printable(text[: LONGEST_CELL + 1]), LONGEST_CELL)) if text.strip() else "–"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
