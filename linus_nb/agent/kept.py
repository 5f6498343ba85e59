"""The latest runs of agents in this process, so that one which was stopped, or failed, keeps what it had done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from linus_nb.agent.agent_run import AgentRun
from linus_nb.agent.response import AgentResponse
from linus_nb.agent.telling import error_text
from linus_nb.engine.interrupts import say_instead

_Runs = deque[tuple[AgentRun, list[str]]]

_inside: ContextVar[bool] = ContextVar("linus_nb_inside_agent", default=False)  # of one that a tool asks, say
_runs: _Runs = deque(maxlen=20)
_apart: ContextVar[_Runs | None] = ContextVar("linus_nb_kept_apart", default=None)


@contextmanager
def kept(run: AgentRun) -> Iterator[None]:
    """Keep a run for `last_response`; what ends it early is said there, and an error says where to look."""
    status = ["still running"]
    if not _inside.get():
        runs = _apart.get()
        (_runs if runs is None else runs).append((run, status))
    token = _inside.set(True)
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt) as error:
        status[0] = "stopped before there was an answer"
        say_instead(error, "Stopped the agent. What it had done is kept: linus_nb.last_response()")
        raise
    except BaseException as error:
        status[0] = f"{type(error).__name__}: {error_text(error)}"
        if run.done:
            error.add_note("What the agent had done is kept: linus_nb.last_response()")
        raise
    finally:
        _inside.reset(token)


def last_response() -> AgentResponse | None:
    """Return what the agent that was asked last in this process came to, or None where none was.

    An agent that another one asks, through a tool, does not count.

    Also one that was stopped, or that failed: then with the steps that had ended, what they cost, and why there is no
    answer.

    >>> from linus_nb import Agent
    >>> from linus_nb.testing import ScriptedModel
    >>> response = Agent(llm=ScriptedModel(["Hello!"])).run("Say hello")
    >>> last_response() is response
    True
    """
    return _latest(_runs)


@contextmanager
def kept_apart() -> Iterator[Callable[[], AgentResponse | None]]:
    """Keep what agents do in this context for the caller alone; yields what gives the latest, as `last_response` would.

    For those who ask an agent many times, as cases or as repeats, which are not the answers that its user looks for.
    """
    runs: _Runs = deque(maxlen=1)
    token = _apart.set(runs)
    try:
        yield lambda: _latest(runs)
    finally:
        _apart.reset(token)


def _latest(runs: _Runs) -> AgentResponse | None:
    if not runs:
        return None
    run, status = runs[-1]
    return run.response or run.so_far(status[0])
