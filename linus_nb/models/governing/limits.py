"""Limits on model calls that any number of agents, nodes, event loops and threads share.

No library does this: aiolimiter knows one event loop, no priorities, no refunds, and raises for amounts over its
bucket; LangChain's ``InMemoryRateLimiter`` counts requests only, asks every 0.1 s whether it may, and hears of no 429.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from linus_nb import backoff
from linus_nb.errors import ModelError
from linus_nb.models.governing.telling import WaitTold
from linus_nb.models.governing.window import Taken, Window

MINUTE_S = 60.0
SOON_S = 1e-6
MARGIN = 1.01  # a call arrives a little later than it is let go, and the next one may be quicker


@dataclass(slots=True)
class Place:
    """A call that may go on; ``waited_s`` is how long it could not."""

    limits: Limits
    begun_s: float
    waited_s: float
    request: Taken | None = None
    tokens: Taken | None = None

    def used(self, tokens: int) -> None:
        """Say how many tokens the call really took: what was reserved beyond that is free for others."""
        self.limits.correct(self, tokens)

    def rejected(self, retry_after_s: float | None = None) -> None:
        """Say that the provider refused the call as one too many: all calls wait, and then begin slowly."""
        self.limits.slow_down(self, retry_after_s)

    def unused(self) -> None:
        """Say that the call was never sent."""
        self.limits.refund(self)


@dataclass(order=True, slots=True)
class _Waiting:
    """A call that waits: those of higher priority first, then those that came first."""

    rank: tuple[float, int]
    tokens: int = field(compare=False)
    since_s: float = field(compare=False)
    wake: Callable[[], object] = field(compare=False)
    place: Place | None = field(default=None, compare=False)
    due_s: float = field(default=inf, compare=False)  # when it asks again by itself
    had_to: bool = field(default=False, compare=False)
    given_up: bool = field(default=False, compare=False)


class Limits:
    """How many model calls may be made in a minute, of how many tokens, and how many at once.

    Hand one object to all that share a provider's limits. Calls that have to wait are served by priority, and in the
    order in which they came within one; nobody overtakes. Tokens are reserved by an estimate, and corrected by what the
    reply says. In no minute are more requests made, or tokens reserved, than these limits allow; a call that is larger
    than ``tokens_per_minute`` has a minute of its own. Refused by the provider (429), all calls wait for as long as it
    says (or longer each time, where it says nothing), and half as many go on at once, which grows again with each that
    gets through.

    Args:
        requests_per_minute: Calls in any 60 s.
        tokens_per_minute: Input and output tokens of the calls that begin in any 60 s.
        max_concurrency: Calls at the same moment.

    Raises:
        ValueError: A limit is no whole number from 1, or none is given.

    >>> limits = Limits(requests_per_minute=500, max_concurrency=8)
    >>> with limits.hold(tokens=300) as place:
    ...     place.used(tokens=212)
    >>> limits.in_flight
    0
    """

    def __init__(
        self,
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_concurrency: int | None = None,
        _clock: Callable[[], float] = time.monotonic,
        _window_s: float = MINUTE_S,
    ) -> None:
        self.requests_per_minute = _checked("requests_per_minute", requests_per_minute)
        self.tokens_per_minute = _checked("tokens_per_minute", tokens_per_minute)
        self.max_concurrency = _checked("max_concurrency", max_concurrency)
        if requests_per_minute is tokens_per_minute is max_concurrency is None:
            raise ValueError("Limits() limits nothing; give requests_per_minute, tokens_per_minute or max_concurrency")
        self._clock = _clock
        length_s = _window_s * MARGIN
        self._requests = None if requests_per_minute is None else Window(requests_per_minute, length_s)
        self._tokens = None if tokens_per_minute is None else Window(tokens_per_minute, length_s)
        self._most = inf if max_concurrency is None else float(max_concurrency)
        self._allowed = self._most  # at once, at the moment: less after a 429
        self._paused_until_s = -inf
        self._slowed_at_s = -inf
        self._refusals = 0  # one after the other, with no call between that got through
        self._queue: list[_Waiting] = []
        self._asked = 0
        self._lock = threading.Lock()
        self._awaited: Counter[int] = Counter()  # calls that event loops await, by the loop's thread
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """How many calls wait at the moment."""
        with self._lock:
            return sum(not waiting.given_up for waiting in self._queue)

    @contextmanager
    def hold(self, tokens: int = 0, priority: float = 0, model: str = "") -> Iterator[Place]:
        """Wait until a call may be made, blocking, and hold its place while the block goes on.

        Args:
            tokens: An estimate of what it will take.
            priority: Higher ones go first.
            model: Whose call it is, for the events of a run that tell of the wait.

        Raises:
            ModelError: It would wait for calls of the event loop that it blocks.
        """
        woken, told = threading.Event(), WaitTold(model, "limit")
        waiting = self._ask(tokens, priority, woken.set)
        try:
            while (delay_s := self._turn(waiting)) != 0.0:
                self._refuse_to_wait_for_itself(delay_s)
                told.begin()
                woken.wait(None if delay_s == inf else delay_s)
                woken.clear()
            told.end()
            yield self._placed(waiting)
        finally:
            self._leave(waiting)
            told.end()

    @asynccontextmanager
    async def ahold(self, tokens: int = 0, priority: float = 0, model: str = "") -> AsyncIterator[Place]:
        """Wait until a call may be made, awaiting. Otherwise as `hold`."""
        loop, woken, here = asyncio.get_running_loop(), asyncio.Event(), threading.get_ident()
        waiting, told = self._ask(tokens, priority, lambda: _wake(loop, here, woken)), WaitTold(model, "limit")
        self._awaited[here] += 1
        try:
            while (delay_s := self._turn(waiting)) != 0.0:
                told.begin()
                timer = None if delay_s == inf else loop.call_later(delay_s, woken.set)
                try:
                    await woken.wait()
                finally:
                    if timer is not None:
                        timer.cancel()
                woken.clear()
            told.end()
            yield self._placed(waiting)
        finally:
            self._awaited[here] -= 1
            self._leave(waiting)
            told.end()

    def _refuse_to_wait_for_itself(self, delay_s: float) -> None:
        """Raise where a blocking call would wait for awaited ones of the event loop that it blocks: for ever.

        Raises:
            ModelError: It would.
        """
        if delay_s == inf and self._awaited[threading.get_ident()] and _loop_runs_here():
            raise ModelError(
                f"all places of {self!r} are taken by calls of this event loop, which a blocking call holds up; await "
                "the agent, or the model's ainvoke, instead"
            )

    # -- what a place says ------------------------------------------------------------------------------------------

    def correct(self, place: Place, tokens: int) -> None:
        """Take what a call really took for what was reserved."""
        with self._lock:
            if self._tokens is not None and place.tokens is not None:
                self._tokens.correct(place.tokens, tokens)
            if place.begun_s > self._slowed_at_s:
                self._refusals = 0
            if place.begun_s > self._slowed_at_s and self._allowed < self._most:  # it got through: a little more
                self._allowed = min(self._most, self._allowed + 1 / self._allowed)
                if self._most == inf and self._allowed > 2 * (self.in_flight + len(self._queue)):
                    self._allowed = inf  # more than anybody asks for
            self._serve()

    def slow_down(self, place: Place, retry_after_s: float | None) -> None:
        """Let all calls wait, and half as many go on at once."""
        with self._lock:
            now_s = self._clock()
            if place.begun_s > self._slowed_at_s:  # others that began before hear of the same refusal
                self._slowed_at_s = now_s
                self._refusals += 1
                self._allowed = max(1.0, min(self._allowed, self.in_flight) / 2)
            wait_s = backoff.backoff_s(self._refusals) if retry_after_s is None else retry_after_s
            self._paused_until_s = max(self._paused_until_s, now_s + wait_s)
            self._serve()

    def pause(self, wait_s: float) -> None:
        """Let all calls wait for so many seconds: the provider says that it will take no more until then."""
        with self._lock:
            self._paused_until_s = max(self._paused_until_s, self._clock() + wait_s)

    def refund(self, place: Place) -> None:
        """Take back what was counted of a call that was never sent."""
        with self._lock:
            if self._requests is not None and place.request is not None:
                self._requests.correct(place.request, 0.0)
            if self._tokens is not None and place.tokens is not None:
                self._tokens.correct(place.tokens, 0.0)
            self._serve()

    # -- the queue --------------------------------------------------------------------------------------------------

    def _ask(self, tokens: int, priority: float, wake: Callable[[], object]) -> _Waiting:
        with self._lock:
            self._asked += 1
            waiting = _Waiting((-priority, self._asked), tokens, self._clock(), wake)
            heappush(self._queue, waiting)
            return waiting

    def _turn(self, waiting: _Waiting) -> float:
        """Return the seconds until it is worth asking again: 0 with a place, infinity where one will be woken."""
        with self._lock:
            self._serve(asking=waiting)
            if waiting.place is not None:
                return 0.0
            waiting.had_to = True
            # never 0 without a place: time has gone on since it was not served
            delay_s = max(self._delay_s(waiting), SOON_S) if self._queue[0] is waiting else inf
            waiting.due_s = self._clock() + delay_s
            return delay_s

    def _serve(self, asking: _Waiting | None = None) -> None:
        """Give a place to whoever may go on, in order. The first that may not is woken if its time comes earlier now.

        Not if it is the one that is ``asking``, and knows.
        """
        while self._queue:
            first = self._queue[0]
            if not first.given_up:
                delay_s = self._delay_s(first)
                if delay_s > 0:
                    due_s = self._clock() + delay_s
                    if first is not asking and due_s < first.due_s - SOON_S:
                        first.due_s = due_s
                        first.wake()
                    return
                self._admit(first)
                if first is not asking:
                    first.wake()
            heappop(self._queue)

    def _admit(self, waiting: _Waiting) -> None:
        now_s = self._clock()
        waiting.place = Place(self, now_s, now_s - waiting.since_s if waiting.had_to else 0.0)
        if self._requests is not None:
            waiting.place.request = self._requests.take(1, now_s)
        if self._tokens is not None:
            waiting.place.tokens = self._tokens.take(waiting.tokens, now_s)
        self.in_flight += 1

    def _delay_s(self, waiting: _Waiting) -> float:
        if self.in_flight >= max(1, int(min(self._allowed, 1e9))):
            return inf
        now_s = self._clock()
        delays = [self._paused_until_s - now_s]
        if self._requests is not None:
            delays.append(self._requests.wait_s(1, now_s))
        if self._tokens is not None:
            delays.append(self._tokens.wait_s(waiting.tokens, now_s))
        return max(0.0, *delays)

    def _placed(self, waiting: _Waiting) -> Place:
        assert waiting.place is not None
        return waiting.place

    def _leave(self, waiting: _Waiting) -> None:
        with self._lock:
            waiting.given_up = True
            if waiting.place is not None:
                self.in_flight -= 1
            self._serve()

    def __deepcopy__(self, _: object) -> Limits:
        """Return these limits: what a copy of a model may do counts, too."""
        return self

    def __repr__(self) -> str:
        named = ("requests_per_minute", "tokens_per_minute", "max_concurrency")
        given = ", ".join(f"{name}={getattr(self, name)}" for name in named if getattr(self, name) is not None)
        return f"Limits({given})"


def _loop_runs_here() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _wake(loop: asyncio.AbstractEventLoop, thread: int, woken: asyncio.Event) -> None:
    if loop.is_closed():
        return
    if threading.get_ident() == thread:
        woken.set()  # the loop is awake
    else:
        loop.call_soon_threadsafe(woken.set)


def _checked(name: str, value: int | None) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"Limits({name}={value!r}): give a whole number from 1, or leave it out")
    return value
