"""What a run, or an agent, may spend; at the limit nothing new starts, and what is done is kept."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from linus_nb import events
from linus_nb.errors import BudgetError
from linus_nb.numbers import plural, seconds


@dataclass(frozen=True)
class Budget:
    """What a run or an agent may spend: give it to ``DAGExecutor(dag, budget=...)`` or ``Agent(budget=...)``.

    At a limit no node, item or model call starts any more; a tool whose arguments are decided still runs. What a call
    takes is known when it has ended, so the calls that are under way may take a run beyond its tokens or its cost;
    never beyond its calls.

    Args:
        tokens: Input and output tokens of all model calls.
        cost: US dollars. A model whose price is not known ends the run after its first call.
        seconds: Of the whole run.
        calls: Model calls, each try of a governed model included.
        on_limit: ``"finish"`` lets what runs come to its end, but for further model calls; ``"stop"`` ends it at once.

    Raises:
        ValueError: A limit is no number above 0, or none is given.

    >>> Budget(tokens=50_000, cost=0.25)
    Budget(tokens=50000, cost=0.25)
    """

    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None
    calls: int | None = None
    on_limit: Literal["finish", "stop"] = "finish"

    def __post_init__(self) -> None:
        for name, kinds in (("tokens", int), ("calls", int), ("cost", int | float), ("seconds", int | float)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < _MOST):
                what = "a whole number" if kinds is int else "a number"
                raise ValueError(f"Budget({name}={value!r}): give {what} above 0, or leave it out")
        if self.tokens is self.cost is self.seconds is self.calls is None:
            raise ValueError("Budget() limits nothing; give tokens, cost, seconds or calls")
        if self.on_limit not in ("finish", "stop"):
            raise ValueError(f"Budget(on_limit={self.on_limit!r}): choose 'finish' or 'stop'")

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in ("tokens", "cost", "seconds", "calls")}
        facts = [f"{name}={value!r}" for name, value in given.items() if value is not None]
        return f"Budget({', '.join(facts + (['on_limit=stop'] if self.on_limit == 'stop' else []))})"


_MOST = math.inf


def checked_budget(budget: Any) -> Budget | None:
    """Return a budget, or None.

    Raises:
        TypeError: It is something else.
    """
    if budget is not None and not isinstance(budget, Budget):
        raise TypeError(
            f"budget is a {type(budget).__name__}; give Budget(tokens=..., cost=..., seconds=..., calls=...)"
        )
    return budget


class Spending:
    """What one run has spent of its budget, counted from any thread.

    Args:
        budget: What it may spend.
        when_spent: Called with the reason, once, when a limit has been reached.
    """

    def __init__(
        self,
        budget: Budget,
        when_spent: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self.tokens = self.calls = self.under_way = 0
        self.cost = 0.0
        self.unpriced = ""
        self._when_spent = when_spent
        self._clock = clock
        self._began = clock()
        self._told = False
        self._lock = threading.Lock()

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return math.inf if self.budget.seconds is None else self.budget.seconds - (self._clock() - self._began)

    def reason(self) -> str:
        """Return which limit has been reached, in words, or an empty text."""
        budget = self.budget
        if budget.tokens is not None and self.tokens >= budget.tokens:
            return f"{self.tokens:,} of {plural(budget.tokens, 'token')} are spent"
        if budget.cost is not None and self.cost >= budget.cost:
            return f"${self.cost:.4g} of ${budget.cost:.4g} are spent"
        if budget.cost is not None and self.unpriced:
            return f"no price is known for {self.unpriced!r}, so that cost={budget.cost:g} cannot be kept to"
        if budget.calls is not None and self.calls >= budget.calls:
            return f"{self.calls:,} of {plural(budget.calls, 'model call')} are made"
        if self.left_s <= 0:
            return f"{seconds(budget.seconds)} are over"
        return ""

    def add(self, report: events.Report) -> None:
        """Count a call that has ended."""
        if not isinstance(report, events.ModelCalled):
            return
        with self._lock:
            self.calls += report.served_from != "cache"
            self.tokens += report.input_tokens + report.output_tokens
            self.cost += report.cost or 0.0
            if report.cost is None and report.error is None:
                self.unpriced = self.unpriced or report.model
        self.tell()

    def tell(self) -> None:
        """Tell that a limit has been reached, if one has, and nobody was told."""
        reason = self.reason()
        if reason and not self._told:
            self._told = True
            if self._when_spent is not None:
                self._when_spent(reason)

    def enter(self) -> None:
        """Note that a call begins.

        Raises:
            BudgetError: Nothing is left for it, or those under way may take it.
        """
        with self._lock:
            reason = self.reason()
            if not reason and self.budget.calls is not None and self.calls + self.under_way >= self.budget.calls:
                reason = f"{self.calls:,} of {plural(self.budget.calls, 'model call')} are made, others are under way"
            if reason:
                raise BudgetError(reason)
            self.under_way += 1

    def leave(self) -> None:
        """Note that a call has ended, and was counted."""
        with self._lock:
            self.under_way -= 1


spendings: ContextVar[tuple[Spending, ...]] = ContextVar("linus_nb_spendings", default=())
"""Those of the runs and agents around what goes on here."""


def check_budget() -> None:
    """Raise where nothing is left for what would start here.

    Raises:
        BudgetError: A budget around this is spent.
    """
    for spending in spendings.get():
        if reason := spending.reason():
            raise BudgetError(reason)


def enter_call() -> tuple[Spending, ...]:
    """Note that a model call begins, for all budgets around it; `leave_call` takes what this returns.

    Raises:
        BudgetError: Nothing is left for it.
    """
    entered: list[Spending] = []
    try:
        for spending in spendings.get():
            spending.enter()
            entered.append(spending)
    except BudgetError:
        leave_call(tuple(entered))
        raise
    return tuple(entered)


def leave_call(entered: tuple[Spending, ...]) -> None:
    """Note that a model call has ended."""
    for spending in entered:
        spending.leave()


@contextmanager
def spending_on(budget: Budget | None) -> Iterator[Spending | None]:
    """Count what the block spends against a budget of its own, whoever else hears of it."""
    if budget is None:
        yield None
        return
    spending = Spending(budget)
    receiver = events.sink.get()

    def receive(place: Any, report: events.Report) -> None:
        spending.add(report)
        if receiver is not None:
            receiver[0](place, report)

    sink = events.sink.set((receive, None if receiver is None else receiver[1]))
    token = spendings.set((*spendings.get(), spending))
    try:
        yield spending
    finally:
        spendings.reset(token)
        events.sink.reset(sink)
