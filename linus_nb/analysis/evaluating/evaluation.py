"""Cases put to an agent, a graph or a function, some at once, and scored: a table with a row for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linus_nb.agent import Agent
from linus_nb.analysis.comparing.machine import machine_facts
from linus_nb.analysis.comparing.measurement import overheard
from linus_nb.analysis.evaluating.cases import Case, index_names, read_cases
from linus_nb.analysis.evaluating.notes import near_misses, notes
from linus_nb.analysis.evaluating.scores import Scorer, read_scorers
from linus_nb.analysis.evaluating.subjects import Subject, subject_of
from linus_nb.analysis.evaluating.table import EVALUATION_DTYPES, evaluation_table
from linus_nb.analysis.evaluating.trial import RUNNING, Trial, stopped_by_us
from linus_nb.analysis.progress import progress_bar
from linus_nb.analysis.runs.tables import error_text
from linus_nb.brief import brief
from linus_nb.dag import AgentDAG
from linus_nb.engine.background import run_blocking
from linus_nb.engine.executor import DAGExecutor
from linus_nb.engine.interrupts import say_instead
from linus_nb.errors import LinusError
from linus_nb.graph.node import AgentNode

if TYPE_CHECKING:
    import pandas as pd

    from linus_nb.analysis.evaluating.frame import Evaluation

Score = Callable[..., Any]
Target = Agent | AgentDAG | DAGExecutor | Callable[[Any], Any]


async def evaluate(
    target: Target,
    cases: Iterable[Any] | pd.DataFrame,
    *,
    score: Score | Mapping[str, Score] | None = None,
    max_concurrency: int = 4,
    progress: bool = True,
) -> Evaluation:
    """Put cases to an agent, a graph or a function, and return a scored table with a row for each.

    Every case is a real run: models are called, tools act, tokens are paid. One that fails is kept, with its error and
    what it cost; the others go on. Stop (or any cancellation) ends the cases under way; those that ended are in
    `last_evaluation`. The runs are not those that `last_run` looks for: ``results`` of the table has them.

    Args:
        target: an `Agent`; an `AgentDAG`, or a `DAGExecutor` with its limits; a function of one input, sync (it runs in
            a thread) or async; or anything else that a node may hold, like a LangChain Runnable.
        cases: a list of texts, of pairs (tuples) ``(input, expected)``, or of mappings ``{"input": …, "expected": …,
            "name": …}``, of which only the input is needed; or a DataFrame with these columns. For a graph the input
            is its initial state, a mapping; where there is no mapping under ``"input"``, all keys (columns) but
            "expected" and "name" are the state. Without names, a list is numbered from 1, and a DataFrame's index
            stays, so that the result aligns with it. None and NaN stand for no expected value. Other keys are there
            for scorers.
        score: a function, sync (it runs in a thread) or async, which names among its parameters what it wants:
            ``output``, ``expected``, ``input``, ``case`` (the whole mapping) and ``result`` (the `AgentResponse` or
            `ExecutionResult`), and returns a bool, a number, or None for no score; or a mapping of names to such
            functions. Without it, where cases expect something, ``score`` says whether the output equals it; of a
            mapping, only the keys count that ``expected`` names. Cases that failed are not scored.
        max_concurrency: how many cases run at once.
        progress: show a progress bar (on stdout in a notebook, else on stderr).

    Returns:
        A row for each case; see `linus_nb.analysis.evaluating.table.evaluation_table` for the columns. ``results``
        holds what each came to, by the case's name. ``attrs`` has ``target`` (its name), ``cases`` (their number),
        ``max_concurrency``, ``finished``, ``notes`` (the sentences below the table) and the facts of
        `linus_nb.analysis.comparing.machine.machine_facts`.

    Raises:
        CaseError: a case cannot be run, or two bear one name; nothing has run. It says which, counted from 1.
        ScorerError: a scorer wants what it cannot be given; nothing has run.
        LinusError: another argument makes no sense; nothing has run.

    >>> table = evaluate_sync(str.upper, [("a", "A"), ("b", "b")], progress=False)
    >>> list(table["output"]), list(table["score"])
    (['A', 'B'], [1.0, 0.0])
    >>> table.notes[0]
    'score: 1 of 2 cases right.'
    """
    global _last
    if isinstance(max_concurrency, bool) or not isinstance(max_concurrency, int) or max_concurrency < 1:
        raise _ArgumentError(f"max_concurrency is {brief(max_concurrency)}; give a whole number from 1")
    subject = subject_of(target)
    read = read_cases(cases, of_graph=subject.keys is not None)
    scorers = read_scorers(score, read, subject.keys, ("case", *EVALUATION_DTYPES))
    for case in read:
        subject.check(case)
    facts = machine_facts(asyncio.get_running_loop())
    session = _last = _Session(subject, read, scorers, max_concurrency, facts, index_names(cases))
    await session.run(progress)
    return session.table()


def evaluate_sync(target: Target, cases: Iterable[Any] | pd.DataFrame, **options: Any) -> Evaluation:
    """Return what `evaluate` returns, for scripts: blocks until it is done. Takes the same arguments.

    It runs on a background loop, so that it works beside a running loop, too.
    """
    try:
        return run_blocking(evaluate(target, cases, **options))
    except KeyboardInterrupt as error:
        say_instead(error, f"Stopped the evaluation. {_KEPT}")
        raise


def last_evaluation() -> Evaluation | None:
    """Return the table of the latest `evaluate` of this process as it stands, or None before the first.

    Also while it goes on, and after Stop: with the cases that have ended, and those that were cut off, which have the
    status "cancelled"; ``attrs["finished"]`` is then False.
    """
    return None if _last is None else _last.table()


_KEPT = "Finished cases are kept: linus_nb.last_evaluation()"


@dataclass
class _Session:
    """An evaluation under way or over."""

    subject: Subject
    cases: list[Case]
    scorers: list[Scorer]
    max_concurrency: int
    facts: dict[str, Any]
    index_names: list[Any]
    finished: bool = False
    over: int = 0  # cases that ended, and were scored
    trials: list[Trial] = field(default_factory=list)

    async def run(self, progress: bool) -> None:
        """Try all cases; a cancellation ends those under way and leaves what there is."""
        clock = asyncio.get_running_loop().time
        with progress_bar(len(self.cases), "case", progress, self.subject.name) as bar:

            async def tried(case: Case) -> None:
                trial = Trial(case, clock())
                self.trials.append(trial)
                await self._try(trial)
                self.over += 1
                bar.update()

            # the engine runs them, as it runs the items of any node: some at once, ended in time when stopped
            node = AgentNode(self.subject.name, tried, map_over="cases", map_concurrency=self.max_concurrency)
            executor = DAGExecutor(AgentDAG("evaluation").add_node(node), remember=False)
            try:
                result = await executor.aexecute({"cases": self.cases})
            except asyncio.CancelledError as error:
                say_instead(error, f"Stopped the evaluation after {self.over} of {len(self.cases)} cases. {_KEPT}")
                raise
            finally:
                self.trials = [trial.left(clock()) for trial in self.trials]  # some may not end when they are told to
        result.raise_for_failure()  # what a case raises is in its row: this would be an error of our own
        self.finished = True

    async def _try(self, trial: Trial) -> None:
        clock = asyncio.get_running_loop().time
        with overheard() as trial.calls:
            try:
                await self.subject.ask(trial)
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as error:  # whatever it raises: its row says so, and the others go on
                if isinstance(error, asyncio.CancelledError) and stopped_by_us():
                    trial.status = "cancelled"
                    raise
                _failed(trial, error)
            finally:
                trial.duration_s = clock() - trial.began
        if trial.status in ("success", "partial"):
            with overheard() as trial.judging:
                for scorer in self.scorers:
                    await scorer.score(trial)

    def table(self) -> Evaluation:
        """Return what is known so far."""
        trials = sorted((t for t in self.trials if t.status != RUNNING), key=lambda trial: trial.case.number)
        scores = [scorer.name for scorer in self.scorers]
        table = evaluation_table(trials, scores, self.index_names)
        silent = bool(trials) and not any(trial.calls for trial in trials)
        near = [said for scorer in self.scorers if scorer.by_equality for said in near_misses(trials, scorer.name)]
        table.attrs |= self.facts | {
            "target": self.subject.name,
            "cases": len(self.cases),
            "max_concurrency": self.max_concurrency,
            "finished": self.finished,
            "rows": len(table),
            "notes": notes(
                trials,
                scores,
                [*near, *self.subject.remarks(silent)],
                cases=len(self.cases),
                finished=self.finished,
                max_concurrency=self.max_concurrency,
            ),
        }
        return table


_last: _Session | None = None


def _failed(trial: Trial, error: BaseException) -> None:
    trial.status = "failed"
    trial.errors.append(error_text(error))


class _ArgumentError(LinusError, ValueError):
    pass
