"""Asking before a tool runs: yes, no with a reason, or yes with other arguments.

Who is asked is a function, or with ``"ask"`` the person who runs the agent; how to ask, `linus_nb.notebook` knows.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Literal

from linus_nb.display import view
from linus_nb.engine.background import run_blocking
from linus_nb.engine.threads import ThreadCall
from linus_nb.errors import LinusError, NotApprovedError, ToolError
from linus_nb.tools.tool import Tool

Arguments = Mapping[str, Any]
Verdict = bool | Arguments | Literal["ask"]
Approve = Callable[[str, Arguments], Verdict | Awaitable[Verdict]] | Literal["ask"]
"""Gets a tool's name and arguments; answers True, False, a dict of the arguments to use in their place, or ``"ask"``.

``"ask"``, as an answer or in place of the function, leaves it to the person who runs the agent.
"""

_ASK, _AASK = "linus_nb.notebook.asking:ask", "linus_nb.notebook.asking:aask"


@dataclass(frozen=True, slots=True)
class Question:
    """A tool call that a person is asked about. ``run`` only tells one run of an agent from another."""

    tool: Tool
    arguments: Arguments
    agent: str = ""
    run: object = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said: the arguments to call the tool with, or None for a no, and why.

    ``always``: the tool may run without another question for the rest of the run.
    """

    arguments: Arguments | None
    reason: str = ""
    always: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Approval:
    """Who is asked in one run of an agent, about which tools, and what need not be asked again."""

    approve: Approve
    agent: str = ""
    tools: Mapping[str, Tool] = field(default_factory=dict)
    always: set[str] = field(default_factory=set)

    def question(self, tool: str, arguments: Arguments) -> Question:
        """Return what a person is asked about a call."""
        return Question(self.tools.get(tool) or Tool(tool, "", {}), arguments, self.agent, self)

    def meant(self, answer: Answer, tool: str) -> Arguments:
        """Return the arguments to use.

        Raises:
            NotApprovedError: the person said no.
        """
        if answer.arguments is None:
            raise NotApprovedError(tool, answer.reason)
        if answer.always:
            self.always.add(tool)
        return answer.arguments


def checked(approve: Any) -> Approve | None:
    """Return what an agent was given as ``approve``.

    Raises:
        TypeError: it is neither a function nor ``"ask"``.
    """
    if approve is None or approve == "ask" or callable(approve):
        given: Approve | None = approve
        return given
    raise _ApproveError(approve)


def approved(run: Approval, tool: str, arguments: Arguments) -> Arguments:
    """Return the arguments to call a tool with; the calling thread waits for the answer.

    Raises:
        NotApprovedError: the answer was no.
        NobodyToAskError: there is no person who could answer.
    """
    verdict: Any = "ask"
    if callable(run.approve):
        verdict = run.approve(tool, arguments)
        if inspect.isawaitable(verdict):
            verdict = run_blocking(_awaited(verdict))
    if not _is_for_a_person(verdict):
        return _meant(verdict, tool, arguments)
    if tool in run.always:
        return arguments
    return run.meant(view(_ASK)(run.question(tool, arguments)), tool)


async def aapproved(run: Approval, tool: str, arguments: Arguments) -> Arguments:
    """Return the arguments to call a tool with; a plain function is asked in a thread, so that the loop goes on.

    Raises:
        NotApprovedError: the answer was no.
        NobodyToAskError: there is no person who could answer.
    """
    verdict = await _averdict(run.approve, tool, arguments) if callable(run.approve) else "ask"
    if not _is_for_a_person(verdict):
        return _meant(verdict, tool, arguments)
    if tool in run.always:
        return arguments
    return run.meant(await view(_AASK)(run.question(tool, arguments)), tool)


async def _averdict(function: Callable[[str, Arguments], Any], tool: str, arguments: Arguments) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(tool, arguments)
    call = ThreadCall(lambda: function(tool, arguments), copy_context())
    await call.wait()
    answer = call.outcome()
    return await answer if inspect.isawaitable(answer) else answer


async def _awaited(answer: Awaitable[Verdict]) -> Verdict:
    return await answer


def _is_for_a_person(verdict: Any) -> bool:
    return isinstance(verdict, str) and verdict == "ask"


def _meant(verdict: Any, tool: str, arguments: Arguments) -> Arguments:
    if isinstance(verdict, Mapping):
        return verdict
    if verdict is True:
        return arguments
    if verdict is False or verdict is None:  # closing the question is no yes
        raise NotApprovedError(tool)
    raise ToolError(
        f"approve answered {verdict!r} for {tool!r}; let it return True, False, a dict of arguments or 'ask'"
    )


class _ApproveError(LinusError, TypeError):
    def __init__(self, approve: object) -> None:
        super().__init__(f"approve={approve!r} is nobody who could be asked; give 'ask' or a function")
