"""Asking the person who runs an agent whether a tool may run, in the way that the place allows.

* Awaited in a notebook: a widget, while everything else goes on.
* Blocking in a notebook, where no click would arrive: a line to type in.
* At a terminal: a line to type in, in either way.
* Nobody there (nbclient, CI, a service): an error that says so.
"""

from __future__ import annotations

import asyncio
import threading

from linus_nb.agent.approval import Answer, Question
from linus_nb.engine.background import run_blocking
from linus_nb.notebook import surroundings, terminal
from linus_nb.notebook.approval_dialogue import dialogue
from linus_nb.notebook.approval_form import asked_in_form

_turn = threading.Lock()  # one question after the other has the terminal


def ask(question: Question) -> Answer:
    """Ask, while the calling thread waits.

    Raises:
        NobodyToAskError: there is no person who could answer.
    """
    kernel = surroundings.kernel()
    surroundings.needs_person(kernel, question.tool.name)
    if kernel is not None and threading.current_thread() is not threading.main_thread():
        return run_blocking(aask(question))  # the cell's own loop may be free to hear a widget
    with _turn:
        steps = dialogue(question)
        prompt = next(steps)
        try:
            while True:
                prompt = steps.send(input(prompt))
        except EOFError:
            return Answer(None)  # closing the question is no yes
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer


async def aask(question: Question) -> Answer:
    """Ask, while the event loop goes on.

    Raises:
        NobodyToAskError: there is no person who could answer.
    """
    kernel = surroundings.kernel()
    surroundings.needs_person(kernel, question.tool.name)
    if kernel is None:
        async with terminal.turn():
            return await _at_terminal(question)
    loop = await surroundings.free_loop(kernel, question.tool.name)
    if loop is asyncio.get_running_loop():
        return await asked_in_form(question)
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked_in_form(question), loop))


async def _at_terminal(question: Question) -> Answer:
    steps = dialogue(question)
    prompt = next(steps)
    try:
        while True:
            prompt = steps.send(await terminal.line_typed(prompt))
    except EOFError:
        return Answer(None)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer
