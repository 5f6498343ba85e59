"""What can be evaluated: an agent, a graph, a function; each understood as something that is asked case by case."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from linus_nb.agent import Agent, AgentResponse
from linus_nb.agent.kept import kept_apart
from linus_nb.analysis.comparing.contestants import checked_executor
from linus_nb.analysis.comparing.notes import memory_notes
from linus_nb.analysis.evaluating.cases import OF_THE_CASE, Case
from linus_nb.analysis.evaluating.trial import Trial, called
from linus_nb.analysis.runs.tables import error_text
from linus_nb.brief import brief
from linus_nb.dag import AgentDAG
from linus_nb.engine.executor import DAGExecutor
from linus_nb.engine.result import ExecutionResult
from linus_nb.errors import CaseError, GraphError, LinusError, ValidationError
from linus_nb.graph.target import understand

_UNHEARD = "No model call was heard of: those that agents make are counted, not those that a function makes by itself."


class Subject(ABC):
    """What is evaluated.

    Attributes:
        name: what it is called.
        keys: of a graph, the keys that it may write; None for all else.
    """

    keys: Sequence[str] | None = None

    def __init__(self, name: object) -> None:
        self.name = str(name) or "target"

    def check(self, case: Case) -> None:  # noqa: B027  most take any case
        """Refuse a case that cannot be run.

        Raises:
            CaseError: with the reason.
        """

    @abstractmethod
    async def ask(self, trial: Trial) -> None:
        """Run the case of a trial, and note there what it came to; what is noted also counts where this raises."""

    def remarks(self, silent: bool) -> list[str]:  # noqa: ARG002  one of them asks for it
        """Return what a reader of the table has to know; ``silent``: no model call was heard of."""
        return []


def subject_of(target: Any) -> Subject:
    """Return what is to be evaluated.

    Raises:
        LinusError: it cannot be asked one thing at a time.
    """
    if isinstance(target, Agent):
        return _OfAgent(target)
    if isinstance(target, AgentDAG | DAGExecutor):
        return _OfGraph(target)
    return _OfFunction(target)


def took(trial: Trial, value: Any) -> None:
    """Note what a case came to."""
    trial.result = trial.output = value
    trial.status = "success"
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        trial.output, trial.status = None, "failed"
        trial.errors.append("it returned a generator; give a function that returns the whole answer")
    elif any(kind.__name__ == "BaseMessage" for kind in type(value).__mro__):  # of a LangChain chat model
        trial.output = str(value.text)
    elif isinstance(value, AgentResponse):
        trial.output = value.result
        if not value.metrics.task_completed:
            trial.status = "partial"
            trial.errors.append(f"not completed: {value.completion_status}")
    elif isinstance(value, ExecutionResult):
        trial.output = dict(value.final_state)
        trial.status = value.status
        trial.errors += [f"node {name!r}: {error_text(error)}" for name, error in value.errors.items()]


class _OfAgent(Subject):
    def __init__(self, agent: Agent) -> None:
        super().__init__(agent.name)
        self.agent = agent

    async def ask(self, trial: Trial) -> None:
        with kept_apart() as response:
            try:
                took(trial, await self.agent.arun(trial.case.input))
            finally:
                trial.result = response()

    def remarks(self, silent: bool) -> list[str]:  # noqa: ARG002
        return memory_notes([self.agent])


class _OfGraph(Subject):
    def __init__(self, graph: AgentDAG | DAGExecutor) -> None:
        self.graph = graph
        self.dag = graph.dag if isinstance(graph, DAGExecutor) else graph
        super().__init__(self.dag.name)
        self.keys = tuple(self.dag.plan().writers)

    def check(self, case: Case) -> None:
        try:
            checked_executor(self.graph, case.input)
        except ValidationError as error:
            raise CaseError(case.number, f"cannot be run: {error}") from error
        for key in self._read() & set(OF_THE_CASE) & case.given.keys() - case.input.keys():
            raise CaseError(
                case.number,
                f"has {key!r} as a fact about the case, and the graph reads a key of that name; put the state under "
                f"'input': {{'input': {{{key!r}: …}}}}",
            )

    def _read(self) -> set[str]:
        """Return the keys that functions of the graph name, or nodes map."""
        nodes = self.dag.plan().nodes
        named = [node.target.parameters for node in nodes if node.target.parameters is not None]
        mapped = [node.input_mapping.values() for node in nodes if node.input_mapping]
        return {name for p in named for name in (*p.required, *p.optional)}.union(*mapped)

    async def ask(self, trial: Trial) -> None:
        executor = checked_executor(self.graph, trial.case.input)  # of its own: `last_result` is this case's
        try:
            took(trial, await executor.aexecute(trial.case.input))
        finally:
            trial.result = executor.last_result
        trial.output = self._written(trial.result)

    def _written(self, result: ExecutionResult) -> dict[str, Any]:
        """Return the keys that were written in a run; an initial value that stayed is not what came out."""
        plan = self.dag.plan()
        written = {key for name, key in zip(plan.names, plan.output_keys, strict=True) if name in result.node_results}
        return {key: value for key, value in result.final_state.items() if key in written}

    def remarks(self, silent: bool) -> list[str]:  # noqa: ARG002
        return memory_notes([self.dag])


class _OfFunction(Subject):
    """A function of one input, sync or async; or a LangChain Runnable, or anything else with run or arun."""

    def __init__(self, function: Any) -> None:
        try:
            self.target = understand(function)
        except GraphError as error:
            raise _SubjectError(function) from error
        if not self.target.takes_input or (self.target.kind == "function" and not _takes_one(function)):
            raise _SubjectError(function)
        named = getattr(function, "__name__", None) or getattr(function, "name", None)
        super().__init__(named or type(function).__name__)

    async def ask(self, trial: Trial) -> None:
        took(trial, await called(self.target, trial.case.input))

    def remarks(self, silent: bool) -> list[str]:
        return [_UNHEARD] if silent else []


def _takes_one(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # of a few builtins nobody knows
        return True
    return True


class _SubjectError(LinusError, TypeError):
    def __init__(self, thing: object) -> None:
        super().__init__(
            f"{brief(thing)} cannot be evaluated; give an Agent, an AgentDAG, or a function of one input, like "
            "lambda question: chain.ainvoke(question)"
        )
