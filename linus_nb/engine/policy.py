"""What happens to one node, written once: attempts, retries, and what its errors mean.

A generator that says what it needs; the blocking and the awaiting driver answer each in its own way.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from linus_nb import backoff
from linus_nb.errors import BudgetError, ItemsFailedError, MissingInputError
from linus_nb.events import NodeStatus
from linus_nb.graph.node import AgentNode
from linus_nb.numbers import plural


class Answer(NamedTuple):
    """What an attempt came to: a value, or an error."""

    value: Any
    error: BaseException | None


class Outcome(NamedTuple):
    """How a node ended. ``error`` is kept also where ``on_error`` waved it through."""

    status: NodeStatus
    value: Any
    error: BaseException | None


class Fatal(NamedTuple):
    """What ends the whole run: KeyboardInterrupt or SystemExit out of user code, or an inner engine's own error.

    Carried as a value past the event loop, which an interrupt would end.
    """

    error: BaseException


@dataclass(frozen=True, slots=True)
class Attempt:
    """Call what the node holds, and answer with what came of it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next attempt."""

    attempt: int
    wait_s: float
    error: BaseException


_OF_ERROR = {"fail": NodeStatus.FAILED, "skip": NodeStatus.SKIPPED, "continue": NodeStatus.COMPLETED}


def outcome_of(node: AgentNode, answer: Answer) -> Outcome:
    """Return how a node ends after its last attempt."""
    value, error = answer
    return Outcome(NodeStatus.COMPLETED, value, None) if error is None else outcome_of_error(node, error)


def outcome_of_error(node: AgentNode, error: BaseException) -> Outcome:
    """Return what an error means under the node's ``on_error``."""
    return Outcome(_OF_ERROR[node.on_error], None, error)


def attempts(node: AgentNode) -> Generator[Attempt | Pause, Answer, Answer]:
    """Yield attempts, and pauses between them, until one succeeds or none is left; return the last answer."""
    for attempt in count(1):
        answer = yield Attempt()
        error = answer.error
        if error is None or attempt > node.retry_count or not isinstance(error, node.retry_on):
            return answer
        if isinstance(error, MissingInputError | BudgetError):  # another attempt would not find any, either
            return answer
        yield Pause(attempt, backoff.backoff_s(attempt), error)
    raise AssertionError("count() does not end")


def outcome_of_items(node: AgentNode, answers: Mapping[int, Answer], count: int) -> Outcome:
    """Return what the last answers of all items, by number, come to under the node's ``on_error``."""
    errors = {k: answer.error for k, answer in answers.items() if answer.error is not None}
    if not errors and len(answers) == count:
        return Outcome(NodeStatus.COMPLETED, [answers[k].value for k in range(count)], None)
    error: Exception
    if errors:
        error = ItemsFailedError(node.name, errors, count)
    else:  # a budget was spent meanwhile
        error = BudgetError(f"{len(answers):,} of {plural(count, 'item')} of {node.name!r} ran")
    if node.on_error == "fail":
        return Outcome(NodeStatus.FAILED, None, error)
    every = node.on_error == "continue"
    kept = [answers[k].value if k in answers else None for k in range(count) if every or k in answers.keys() - errors]
    return Outcome(NodeStatus.COMPLETED, kept, error)
