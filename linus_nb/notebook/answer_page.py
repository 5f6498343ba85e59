"""What a cell shows of an agent that is answering in it: its steps, and the reply as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape

from linus_nb import events as ev
from linus_nb.agent.stream import AgentEvent
from linus_nb.masking import masked
from linus_nb.rendering.card import card, header, part
from linus_nb.rendering.live_panes import Panes
from linus_nb.rendering.type_setting import printable, printable_lines

LONGEST_REPLY = 20_000  # characters: of a longer one, its end


class AnswerPage:
    """An agent's run so far, as a MIME bundle; ``status`` is that of a run, or what ended it.

    >>> page = AnswerPage("assistant")
    >>> page.take(ev.ToolStarted("calculator", {"expression": "6 * 7"}))
    >>> page.take(ev.TokenDelta("42, I "))
    >>> page.take(ev.TokenDelta("think."))
    >>> print(page.text())
    calculator(expression=6 * 7)
    42, I think.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self.name = name
        self.status = "running"
        self._clock = clock
        self._began = clock()
        self._steps = Panes()
        self._reply: list[str] = []
        self._reply_is_over = False

    def take(self, event: AgentEvent) -> None:
        """Take what `Agent.stream` yields."""
        match event:
            case ev.TokenDelta():
                if self._reply_is_over:  # an earlier one, of a task of the plan
                    self._reply.clear()
                    self._reply_is_over = False
                self._reply.append(event.text)
            case ev.ModelCalled():
                self._reply_is_over = True
            case ev.ToolCalled():
                self._steps.take("", ev.CallReported("", 0, 0.0, "", event))
            case ev.PlanMade() | ev.ToolStarted():
                self._steps.take("", ev.ProgressReported("", 0, 0.0, "", event))

    def text(self) -> str:
        """Return the steps, and the reply so far."""
        return "\n".join(text for text in (self._said(), self._replied()) if text)

    def bundle(self) -> dict[str, str]:
        """Return what is to be shown now; the text is the model's, and is escaped."""
        steps, reply = self._said(), printable_lines(self._replied())
        parts = [
            header(printable(self.name), self.status, [f"{self._clock() - self._began:.0f} s"]),
            _lines(steps, "linus-answer linus-muted"),
            _lines(reply, "linus-answer"),
        ]
        return {"text/plain": self.text() or f"{self.name}: {self.status}", "text/html": card(parts)}

    def _replied(self) -> str:
        return masked("".join(self._reply))[-LONGEST_REPLY:]

    def _said(self) -> str:
        return "".join(pane["text"] for pane in self._steps.open)


def _lines(text: str, kind: str) -> str:
    # as high as it is: what comes last is what is read, and nobody scrolls in what changes ten times a second
    return part(f'<div class="{kind}" style="max-height:none">{escape(text)}</div>') if text else ""
