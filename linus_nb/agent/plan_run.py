"""A plan of tasks as a small graph, run by the engine: tasks that do not depend on each other run at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from linus_nb.agent.replies import Task
from linus_nb.agent.requests import CarryOut, PlanOutcome, Steps, TaskOutcome
from linus_nb.agent.response import ExecutionStep
from linus_nb.dag import AgentDAG
from linus_nb.engine.executor import DAGExecutor
from linus_nb.engine.result import ExecutionResult
from linus_nb.graph.node import AgentNode

Drive = Callable[[Steps[TaskOutcome]], TaskOutcome]
ADrive = Callable[[Steps[TaskOutcome]], Awaitable[TaskOutcome]]


@dataclass(frozen=True)
class _Work:
    """What a node of the graph holds: one task, in both ways of carrying it out."""

    plan: CarryOut
    task: Task
    node: str
    drive: Drive
    adrive: ADrive
    failed: dict[str, ExecutionStep]  # steps of the tasks that failed, by node: the engine keeps only their errors

    def run(self, seen: Mapping[str, ExecutionStep]) -> ExecutionStep:
        return self._step(self.drive(self._work(seen)))

    async def arun(self, seen: Mapping[str, ExecutionStep]) -> ExecutionStep:
        return self._step(await self.adrive(self._work(seen)))

    def _work(self, seen: Mapping[str, ExecutionStep]) -> Steps[TaskOutcome]:
        return self.plan.work(self.task, [seen[_key(number)] for number in self.task.depends_on])

    def _step(self, outcome: TaskOutcome) -> ExecutionStep:
        if outcome.error is None:
            return outcome.step
        self.failed[self.node] = outcome.step
        raise outcome.error  # so that the engine skips what depends on it


def carry_out(plan: CarryOut, drive: Drive, adrive: ADrive) -> PlanOutcome:
    """Carry a plan out task by task, blocking.

    Raises:
        Exception: what the model raised; other tasks have had their turn.
    """
    failed: dict[str, ExecutionStep] = {}
    return _outcome(plan, failed, _executor(plan, drive, adrive, failed).execute())


async def acarry_out(plan: CarryOut, drive: Drive, adrive: ADrive) -> PlanOutcome:
    """Carry a plan out, each task as soon as it may begin. Otherwise as `carry_out`."""
    failed: dict[str, ExecutionStep] = {}
    return _outcome(plan, failed, await _executor(plan, drive, adrive, failed).aexecute(schedule="dataflow"))


def _executor(plan: CarryOut, drive: Drive, adrive: ADrive, failed: dict[str, ExecutionStep]) -> DAGExecutor:
    dag = AgentDAG("plan")
    for number, task in enumerate(plan.tasks, start=1):
        name = _name(number, task)
        work = _Work(plan, task, name, drive, adrive, failed)
        dag.add_node(AgentNode(name, work, description=task.description, output_key=_key(number)))
        for before in dict.fromkeys(task.depends_on):
            dag.add_edge(_name(before, plan.tasks[before - 1]), name)
    return DAGExecutor(dag, remember=False)


def _outcome(plan: CarryOut, failed: Mapping[str, ExecutionStep], result: ExecutionResult) -> PlanOutcome:
    steps: list[ExecutionStep | None] = []
    for number, task in enumerate(plan.tasks, start=1):
        name = _name(number, task)
        error = result.errors.get(name)
        if error is not None and name not in failed:
            raise error
        steps.append(failed.get(name) or result.node_results.get(name))
    return PlanOutcome(tuple(steps), result)


def _name(number: int, task: Task) -> str:
    return f"{number} {task.tool or 'answer'}"


def _key(number: int) -> str:
    return f"step {number}"
