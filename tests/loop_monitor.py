"""Finds what keeps an event loop from running, on a machine that is busy with other things, too.

A task ticks on the loop; a thread looks, whenever a tick is late, at what the loop's thread does. A late tick counts as
far as our process is to blame for it: the loop's thread computed, or slept somewhere else than in its selector, or
another thread of ours computed and kept the interpreter's lock. Time in which the machine ran something else does not,
nor does the garbage collector's, which grows with all that was ever imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from linus_nb.engine.watch import frame_of

TICK_S = 0.005
LONGEST_S = 0.05
LOCK = "another thread kept the interpreter's lock"


@dataclass
class Stall:
    """A time in which the loop did not run: how long, how much of that we are to blame for, and what was seen."""

    late_s: float
    blame_s: float
    why: str
    stacks: list[str]

    def __str__(self) -> str:
        shown = self.stacks[len(self.stacks) // 2] if self.stacks else "(not seen where)"
        return f"{self.blame_s * 1000:.0f} of {self.late_s * 1000:.0f} ms ({self.why})\n{shown}"


@dataclass
class Monitor:
    """What a loop suffered while `watching`."""

    stalls: list[Stall] = field(default_factory=list)
    _at: float = 0.0
    _over: bool = False
    _samples: list[tuple[str, str, bool]] = field(default_factory=list)  # state, stack, whether it idles
    _looks: int = 0
    _collecting_s: float = 0.0
    _collects_since: float = 0.0
    _looking_s: float = 0.0  # of the looking thread itself

    def too_long(self, longest_s: float = LONGEST_S, longest_lock_s: float = LONGEST_S) -> list[str]:
        """Return the stalls of which more is ours than may be; ``longest_lock_s`` is for the interpreter's lock."""
        limits = {LOCK: longest_lock_s}
        return [str(stall) for stall in self.stalls if stall.blame_s > limits.get(stall.why, longest_s)]

    async def tick(self) -> None:
        clock = _clock_of_this_thread()
        while not self._over:
            self._samples.clear()
            self._looks = 0
            self._collecting_s = 0.0
            self._at, own, others = time.perf_counter(), clock(), self._others_s(clock)
            await asyncio.sleep(TICK_S)
            late_s = time.perf_counter() - self._at - TICK_S
            if late_s > LONGEST_S / 2:
                self._judge(late_s, clock() - own - self._collecting_s, self._others_s(clock) - others)

    def _others_s(self, clock: Callable[[], float]) -> float:
        """Return the CPU seconds of all threads but the loop's and the looking one."""
        return time.process_time() - clock() - self._looking_s

    def _judge(self, late_s: float, computed_s: float, others_computed_s: float) -> None:
        samples = list(self._samples)
        each_s = late_s / max(len(samples), late_s / TICK_S / 2)
        slept_s = each_s * sum(state in "SD" and not idle for state, _, idle in samples)
        # the looking thread needs the interpreter's lock, too: where it could not look, somebody kept it
        locked_s = others_computed_s if self._looks < late_s / TICK_S / 4 else 0.0
        blame_s, why = max((computed_s, "computing"), (slept_s, "sleeping"), (locked_s, LOCK))
        self.stalls.append(Stall(late_s, min(blame_s, late_s), why, [stack for _, stack, _ in samples]))

    def collects(self, phase: str, _: object) -> None:
        if phase == "start":
            self._collects_since = time.thread_time()
        else:
            self._collecting_s += time.thread_time() - self._collects_since

    def look(self, thread: int, native: int) -> None:
        while not self._over:
            self._looking_s = time.thread_time()
            time.sleep(TICK_S)
            self._looks += 1
            if time.perf_counter() - self._at < 4 * TICK_S:
                continue
            frame = frame_of(thread)
            if frame is not None:
                stack = traceback.format_stack(frame)
                idle = Path(frame.f_code.co_filename).name == "selectors.py"
                self._samples.append((_state_of(native), "".join(stack[-14:]), idle))


def _clock_of_this_thread() -> Callable[[], float]:
    """Return a function that tells the CPU seconds of the calling thread."""
    clock = time.pthread_getcpuclockid(threading.get_ident())
    return lambda: time.clock_gettime(clock)


def _state_of(native: int) -> str:
    """Return what the kernel says of a thread: R runs or could, S sleeps, D waits for a disk."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/self/task/{native}/stat").read_text().rpartition(")")[2].split()[0]
    return "S"  # no Linux: whatever is not computing is taken for asleep


@contextlib.asynccontextmanager
async def watching() -> AsyncIterator[Monitor]:
    """Watch the running loop until the end of the block."""
    monitor = Monitor(_at=time.perf_counter())
    native = threading.get_native_id()
    looker = threading.Thread(target=monitor.look, args=(threading.get_ident(), native), daemon=True)
    ticker = asyncio.create_task(monitor.tick())
    looker.start()
    gc.callbacks.append(monitor.collects)
    await asyncio.sleep(4 * TICK_S)
    try:
        yield monitor
        await asyncio.sleep(4 * TICK_S)
    finally:
        gc.callbacks.remove(monitor.collects)
        monitor._over = True
        await ticker
        looker.join()
