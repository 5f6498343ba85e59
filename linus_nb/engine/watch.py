"""Sees, from a thread of its own, what a busy event loop cannot: which node keeps it busy, and which task got lost.

Fifty times a second, while a run goes on, the thread looks at what the loop's thread executes at that moment. If it is
a node's code, the thread asks the loop for a sign of life; how long that takes is how long the loop was busy, at least.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from linus_nb.graph.plan import Place

if TYPE_CHECKING:
    from linus_nb.engine.loop_run import LoopRun

INTERVAL_S = 0.02
STALL_S = 0.1
IDLE_ROUNDS = 100  # without a run, after which the thread ends
ROUNDS_PER_SEARCH = 5  # for lost tasks

marks: set[CodeType] = set()
"""Code that calls a node: its frames hold the run as ``self`` and the node's ``place``."""

bounds: set[CodeType] = set()
"""Code of the engine's that is called from there: its time is not the node's."""

_runs: dict[int, LoopRun] = {}
_questions: dict[AbstractEventLoop, _Question] = {}  # those that were not answered yet
_thread: threading.Thread | None = None
_lock = threading.Lock()
_uncollected = threading.Lock()


def over(run: LoopRun) -> None:
    """Watch over a run until it has ended."""
    global _thread
    _runs[id(run)] = run
    if _thread is None or not _thread.is_alive():  # not alive in a forked child
        with _lock:
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_watch, name="linus_nb watch", daemon=True)
                _thread.start()


def _watch() -> None:
    global _thread
    idle = rounds = 0
    while True:
        time.sleep(INTERVAL_S)
        rounds += 1
        for run in tuple(_runs.values()):
            if run.loop.is_closed():
                run.end_with_loop()
            if run.ended:
                del _runs[id(run)]
        idle = 0 if _runs else idle + 1
        if idle > IDLE_ROUNDS:
            with _lock:
                if not _runs:
                    _thread = None
                    return
        for loop, thread in {run.loop: run.thread for run in tuple(_runs.values())}.items():
            _ask(loop, thread)
        if rounds % ROUNDS_PER_SEARCH == 0:
            for run in tuple(_runs.values()):
                # a node ends in its own task: one that is done and still listed was cancelled before its first step
                if any(task.done() for task in tuple(run.tasks.values())):
                    _tell(run.loop, run.look_for_lost)


@dataclass(frozen=True, slots=True)
class _Question:
    """A sign of life that was asked for when node ``place.i`` of a run was at work."""

    run: LoopRun
    place: Place
    sent: float

    def answer(self) -> None:
        """Called by the loop, when it gets to it."""
        if _questions.get(self.run.loop) is self:
            del _questions[self.run.loop]
        self.run.note_stall(self.place.i)


def _ask(loop: AbstractEventLoop, thread: int) -> None:
    found = _executing(frame_of(thread))
    if found is None:
        return
    question = _questions.get(loop)
    if question is not None and found == (question.run, question.place):
        if time.perf_counter() - question.sent >= STALL_S:
            question.run.stalls.setdefault(question.place.i, question.sent)
    else:  # nobody was asked about, or another node, which has just ended
        question = _questions[loop] = _Question(*found, time.perf_counter())
        if not _tell(loop, question.answer):
            _questions.pop(loop, None)


def frame_of(thread: int) -> FrameType | None:
    """Return what a thread executes at this moment; None, if it has ended."""
    if sys.version_info >= (3, 11, 9) or not gc.isenabled():
        return sys._current_frames().get(thread)
    # before, a collection that happened in there could wait for a lock that the very same thread held (gh-106883)
    with _uncollected:
        gc.disable()
        try:
            return sys._current_frames().get(thread)
        finally:
            gc.enable()


def _executing(frame: FrameType | None) -> tuple[LoopRun, Place] | None:
    """Return the run and the place whose code a thread executes, going by its frames."""
    while frame is not None and frame.f_code not in bounds:
        if frame.f_code in marks:
            place = frame.f_locals.get("place")
            return None if place is None else (frame.f_locals["self"], place)
        frame = frame.f_back
    return None


def _tell(loop: AbstractEventLoop, callback: Callable[[], None]) -> bool:
    """Let the loop call something; False if it is closed."""
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        if not loop.is_closed():
            raise
        return False
    return True
