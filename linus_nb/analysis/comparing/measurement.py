"""One timed run, reduced to what a table of comparisons needs of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from linus_nb import events as ev
from linus_nb.agent import AgentResponse
from linus_nb.analysis.runs.tables import error_text, model_calls
from linus_nb.engine.critical_path import critical_path, makespan
from linus_nb.engine.result import ExecutionResult
from linus_nb.engine.work import peak_concurrency, total_work
from linus_nb.models.listening import reported_calls

if TYPE_CHECKING:
    from linus_nb.engine.gates import Schedule

THE_RESULT = "the result"  # what a function returned, among the values of its measurement


@dataclass(frozen=True, slots=True)
class Measurement:
    """One timed run of one mode.

    Attributes:
        mode: what ran: the name of its row.
        repeat: in which repeat, from 0; below 0 for those that only warm up.
        seconds: from the call to its return.
        status: "success", "partial", "failed" or "cancelled".
        critical_path_s: of the graph that ran, by the durations of this run; NaN where none did.
        total_work_s: the sum of the durations of its nodes, their items and the graphs inside; NaN likewise.
        makespan_s: what its schedule should take by these durations; NaN likewise.
        peak_concurrency: the most of these that ran at once; None likewise.
        calls: the model calls that were made.
        values: what came out, by what it is called in a sentence: "node 'x'", "state key 'y'", "the result"; empty once
            it was compared.
        differs: where that differs from the result that it should be; None until it was compared.
        incomplete: why an agent did not complete its task, or an empty string.
        error: the first error in one line, or an empty string.
    """

    mode: str
    repeat: int
    seconds: float
    status: str = "success"
    critical_path_s: float = math.nan
    total_work_s: float = math.nan
    makespan_s: float = math.nan
    peak_concurrency: int | None = None
    calls: Sequence[ev.ModelCalled] = field(default=(), repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    differs: Sequence[str] | None = None
    incomplete: str = ""
    error: str = ""

    @property
    def tokens(self) -> int:
        """Input and output tokens of all calls."""
        return sum(call.input_tokens + call.output_tokens for call in self.calls)

    @classmethod
    def of_run(cls, mode: str, repeat: int, seconds: float, result: ExecutionResult) -> Measurement:
        """Return the measurement of a run of a graph."""
        record = result.record
        return cls(
            mode=mode,
            repeat=repeat,
            seconds=seconds,
            status=result.status,
            critical_path_s=critical_path(record)[0],
            total_work_s=total_work(record),
            makespan_s=makespan(record, cast("Schedule", record.schedule)),
            peak_concurrency=peak_concurrency(record),
            calls=model_calls(record),
            values={f"node {name!r}": value for name, value in result.node_results.items()}
            | {f"state key {key!r}": value for key, value in result.final_state.items()},
            error=error_text(next(iter(result.errors.values()), None)),
            incomplete=next(incomplete(result.node_results), ""),
        )

    @classmethod
    def of_value(
        cls, mode: str, repeat: int, seconds: float, value: Any, calls: Sequence[ev.ModelCalled]
    ) -> Measurement:
        """Return the measurement of a function that returned ``value``: that of the run, if it is one of a graph."""
        if isinstance(value, ExecutionResult):
            return replace(cls.of_run(mode, repeat, seconds, value), calls=calls)
        why = next(incomplete(value), "")
        return cls(mode, repeat, seconds, calls=calls, values={THE_RESULT: value}, incomplete=why)

    @classmethod
    def of_error(
        cls, mode: str, repeat: int, seconds: float, error: BaseException, calls: Sequence[ev.ModelCalled]
    ) -> Measurement:
        """Return the measurement of a function that raised."""
        return cls(mode, repeat, seconds, status="failed", calls=calls, error=error_text(error))


@contextmanager
def overheard() -> Iterator[list[ev.ModelCalled]]:
    """Collect the model calls that are made in this context while the block goes on, by agents and by graphs."""
    calls: list[ev.ModelCalled] = []
    around = ev.sink.get()

    def receive(_: Any, call: ev.Report) -> None:
        if isinstance(call, ev.ModelCalled):
            calls.append(call)
        if around is not None:
            tell, place = around
            tell(place, call)

    token = ev.sink.set((receive, None if around is None else around[1]))
    try:
        with reported_calls():  # those of functions that ask a model by themselves, too
            yield calls
    finally:
        ev.sink.reset(token)


def incomplete(value: Any, depth: int = 5) -> Iterator[str]:
    """Yield why agents did not complete what they were asked, whose responses are in a value.

    It looks into lists, tuples and dicts, one in another up to ``depth`` deep.
    """
    if isinstance(value, AgentResponse):
        if not value.metrics.task_completed:
            yield value.completion_status
        return
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple) and depth:
        for item in value:
            yield from incomplete(item, depth - 1)
