"""What the nodes that run are saying: the text that streams, and what their agents do, one pane for each."""

from __future__ import annotations

from reprlib import Repr
from typing import TypedDict

from linus_nb import events as ev
from linus_nb.masking import masked_field
from linus_nb.rendering.type_setting import printable, printable_lines, printable_start

LONGEST_PANE = 1200  # characters: its last lines are all that is seen
LONGEST_KEPT = 4000  # of those that are kept to be looked through for secrets
MOST_PANES = 6
LONGEST_ARGUMENT = 120


class Pane(TypedDict):
    """The name of what runs, and the end of what it has said."""

    name: str
    text: str


class Panes:
    """The panes of a run, by what runs: ``draft``, ``review[3]``, ``review/draft``."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._between: set[str] = set()  # whose last reply is complete: the next begins on a line of its own
        self._shown: dict[str, Pane] = {}  # those that did not change since they were asked for

    def take(self, path: str, event: ev.Event) -> None:
        """Take an event of what runs at ``path``."""
        match event:
            case ev.ProgressReported():
                self._say(path, event.progress)
            case ev.CallReported(call=ev.ToolCalled() as call) if path in self._texts:
                self._add(path, f" → {_short(call.error if call.error is not None else call.result)}")
                self._between.add(path)
            case ev.CallReported(call=ev.ModelCalled()):
                self._between.add(path)
            case ev.NodeFinished() | ev.NodeFailed() | ev.NodeSkipped() | ev.NodeCancelled() | ev.ItemEnded():
                self._close(path)

    @property
    def open(self) -> list[Pane]:
        """The panes to show: of those that opened first, as many as fit beside each other in two rows."""
        for path in list(self._texts)[:MOST_PANES]:
            if path not in self._shown:
                # made printable as a whole: a key that streams in pieces is seen only there
                text = printable_lines(self._texts[path])[-LONGEST_PANE:]
                self._shown[path] = Pane(name=printable(path), text=text)
        return [self._shown[path] for path in list(self._texts)[:MOST_PANES]]

    def _say(self, path: str, progress: ev.Progress) -> None:
        if isinstance(progress, ev.PlanMade):
            if len(progress.tasks) > 1:  # a plan of one task is the question
                self._line(path, "plan: " + "; ".join(_short(task) for task in progress.tasks))
        elif isinstance(progress, ev.ToolStarted):
            given = ", ".join(
                f"{name}={masked_field(name, value) or _short(value)}" for name, value in progress.arguments.items()
            )
            self._line(path, f"{progress.tool}({given})")
        else:
            if path in self._between:
                self._between.discard(path)
                self._line(path, "")
            self._add(path, progress.text)

    def _line(self, path: str, text: str) -> None:
        before = self._texts.get(path, "")
        self._add(path, ("\n" if before and not before.endswith("\n") else "") + text)

    def _add(self, path: str, text: str) -> None:
        self._texts[path] = (self._texts.get(path, "") + text[-LONGEST_KEPT:])[-LONGEST_KEPT:]
        self._shown.pop(path, None)

    def _close(self, path: str) -> None:
        self._between.discard(path)
        for gone in [p for p in self._texts if p == path or p.startswith((f"{path}[", f"{path}/"))]:
            del self._texts[gone]
            self._shown.pop(gone, None)


_some_of = Repr()  # looks at no more of a value than it shows, and bears a value whose repr raises
_some_of.maxother = _some_of.maxstring = LONGEST_ARGUMENT


def _short(value: object) -> str:
    return printable_start(value if isinstance(value, str) else _some_of.repr(value), LONGEST_ARGUMENT)
