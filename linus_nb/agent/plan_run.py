"""A plan of tasks as a small graph, run by the engine: tasks that do not depend on each other run at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from linus_nb.agent.replies import Task
from linus_nb.agent.requests import CarryOut, PlanOutcome, Steps
from linus_nb.agent.response import ExecutionStep
from linus_nb.dag import AgentDAG
from linus_nb.engine.executor import DAGExecutor
from linus_nb.engine.result import ExecutionResult
from linus_nb.errors import LinusError
from linus_nb.graph.node import AgentNode

Drive = Callable[[Steps[ExecutionStep]], ExecutionStep]
ADrive = Callable[[Steps[ExecutionStep]], Awaitable[ExecutionStep]]


class TaskFailedError(LinusError):
    """A task of a plan that failed; the engine skips what depends on it. Never leaves the agent."""

    def __init__(self, step: ExecutionStep) -> None:
        self.step = step
        super().__init__(step.error)


@dataclass(frozen=True)
class _Work:
    """What a node of the graph holds: one task, in both ways of carrying it out."""

    plan: CarryOut
    task: Task
    drive: Drive
    adrive: ADrive

    def run(self, seen: Mapping[str, ExecutionStep]) -> ExecutionStep:
        return _unless_failed(self.drive(self._steps(seen)))

    async def arun(self, seen: Mapping[str, ExecutionStep]) -> ExecutionStep:
        return _unless_failed(await self.adrive(self._steps(seen)))

    def _steps(self, seen: Mapping[str, ExecutionStep]) -> Steps[ExecutionStep]:
        return self.plan.work(self.task, [seen[_key(number)] for number in self.task.depends_on])


def carry_out(plan: CarryOut, drive: Drive, adrive: ADrive) -> PlanOutcome:
    """Carry a plan out task by task, blocking.

    Raises:
        Exception: what the model raised; other tasks have had their turn.
    """
    return _outcome(plan, DAGExecutor(_graph(plan, drive, adrive), remember=False).execute())


async def acarry_out(plan: CarryOut, drive: Drive, adrive: ADrive) -> PlanOutcome:
    """Carry a plan out, each task as soon as it may begin. Otherwise as `carry_out`."""
    return _outcome(plan, await DAGExecutor(_graph(plan, drive, adrive), remember=False).aexecute(schedule="dataflow"))


def _graph(plan: CarryOut, drive: Drive, adrive: ADrive) -> AgentDAG:
    dag = AgentDAG("plan")
    for number, task in enumerate(plan.tasks, start=1):
        work = _Work(plan, task, drive, adrive)
        dag.add_node(AgentNode(_name(number, task), work, description=task.description, output_key=_key(number)))
        for before in dict.fromkeys(task.depends_on):
            dag.add_edge(_name(before, plan.tasks[before - 1]), _name(number, task))
    return dag


def _outcome(plan: CarryOut, result: ExecutionResult) -> PlanOutcome:
    steps: list[ExecutionStep | None] = []
    for number, task in enumerate(plan.tasks, start=1):
        name = _name(number, task)
        error = result.errors.get(name)
        if isinstance(error, TaskFailedError):
            steps.append(error.step)
        elif error is not None:
            raise error
        else:
            steps.append(result.node_results.get(name))
    return PlanOutcome(tuple(steps), result)


def _unless_failed(step: ExecutionStep) -> ExecutionStep:
    if step.status == "failed":
        raise TaskFailedError(step)
    return step


def _name(number: int, task: Task) -> str:
    return f"{number} {task.tool or 'answer'}"


def _key(number: int) -> str:
    return f"step {number}"
