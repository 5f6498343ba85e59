"""What an agent does, written once: a generator that asks for model and tool calls, whoever makes them.

reason (a plan) -> for each task: arguments -> tool, or respond -> is it complete? -> again, or the final answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from linus_nb.agent import prompts
from linus_nb.agent.agent_run import COMPLETED, AgentRun
from linus_nb.agent.figures import loses_the_figure
from linus_nb.agent.replies import Task, Unusable, Verdict, answered, read_arguments, read_plan, read_verdict
from linus_nb.agent.requests import (
    AnyMessage,
    CallModel,
    CallTool,
    CarryOut,
    PlanOutcome,
    Reply,
    Steps,
    TaskOutcome,
    ToolOutcome,
)
from linus_nb.agent.response import AgentResponse, ExecutionStep
from linus_nb.agent.schemas import plan_schema, verdict_schema
from linus_nb.agent.structured import Structure
from linus_nb.agent.telling import error_text, text_of
from linus_nb.errors import ReplyError
from linus_nb.tools.tool import Tool

T = TypeVar("T")


def answer(run: AgentRun) -> Steps[AgentResponse]:
    """Answer the question of a run.

    Raises:
        ReplyError: the very first plan cannot be read, though it was asked for twice.
    """
    if run.output is not None and not run.tools:
        messages = prompts.fields_messages(run.question, run.instructions, run.output.schema, run.recalled)
        run.metrics.total_iterations = 1
        return run.finished((yield from structured(run, messages, run.output)), COMPLETED)
    status = yield from _rounds(run)
    if run.output is None:
        return run.finished((yield from _final_answer(run)), status)
    done = [step for step in run.history if step.status == COMPLETED]
    messages = prompts.conclude_messages(run.question, run.instructions, done)
    return run.finished((yield from structured(run, messages, run.output)), status)


def structured(run: AgentRun, messages: tuple[AnyMessage, ...], output: Structure) -> Steps[Any]:
    """Ask for an answer of a given type.

    Raises:
        ReplyError: what the model wrote does not fit, though it was asked for twice.
    """
    call = CallModel(messages, "final answer", output.schema)
    return (yield from asked(run, call, output.read, f"an answer that fits {output.role}"))


def _rounds(run: AgentRun) -> Steps[str]:
    """Plan, do and check until it is done; return ``completed`` or a sentence that says what is missing."""
    missing = ""
    for iteration in range(1, run.max_iterations + 1):
        run.metrics.total_iterations = iteration
        try:
            plan = yield from _reason(run, missing)
            before = len(run.history)
            yield from _carry_out(run, iteration, plan)
            verdict = yield from _check(run, run.history[before:])
        except ReplyError as error:
            if not run.history:
                raise
            return str(error)
        if verdict.complete:
            return COMPLETED
        missing = verdict.missing
        if _brought_nothing_new(run.history, before):
            return f"round {iteration} brought nothing new; missing: {missing or 'not said'}"
    return f"the limit of {run.max_iterations} iterations was reached; missing: {missing or 'not said'}"


# -- the phases ------------------------------------------------------------------------------------------------------


def _reason(run: AgentRun, missing: str) -> Steps[Sequence[Task]]:
    run.metrics.reasoning_calls += 1
    plan: tuple[Task, ...]
    if run.tools:
        messages = prompts.plan_messages(
            run.question, run.tools, run.instructions, run.history, missing, run.recalled.text
        )
        plan = yield from asked(
            run,
            CallModel(messages, "reasoning", plan_schema(run.tools)),
            lambda text: read_plan(text, run.tools, run.question),
            "a plan",
        )
    else:
        plan = ()  # nothing to choose from
    plan = plan or (Task(run.question),)
    if len(plan) == 1 and not run.history:
        # the question itself says it better than a small model's account of it
        return (Task(run.question, plan[0].tool),)
    return plan


def _carry_out(run: AgentRun, iteration: int, plan: Sequence[Task]) -> Steps[None]:
    known = [step for step in run.history if step.status == COMPLETED]  # of earlier rounds
    run.history += yield from carried_out(run, iteration, plan, known)


def carried_out(
    run: AgentRun, iteration: int, plan: Sequence[Task], known: Sequence[ExecutionStep] = ()
) -> Steps[list[ExecutionStep]]:
    """Carry out tasks, those that do not depend on each other at the same time, and return their steps, in order."""

    def work(task: Task, needed: Sequence[ExecutionStep]) -> Steps[TaskOutcome]:
        return carry_out_task(run, iteration, task, needed or known)

    outcome: PlanOutcome = yield CarryOut(tuple(plan), work)
    run.plans.append(outcome.run)
    return [step or _skipped(run, iteration, task) for task, step in zip(plan, outcome.steps, strict=True)]


def _skipped(run: AgentRun, iteration: int, task: Task) -> ExecutionStep:
    now_s = run.elapsed()
    why = "a task that it depends on did not complete"
    return ExecutionStep(iteration, task.description, task.tool, None, "skipped", {}, why, now_s, now_s)


def carry_out_task(run: AgentRun, iteration: int, task: Task, known: Sequence[ExecutionStep]) -> Steps[TaskOutcome]:
    """Carry out one task, given the steps whose results it may use. Touches nothing of other tasks."""
    start_s = run.elapsed()
    arguments: dict[str, Any] = {}
    result: Any = None
    error: Exception | None = None
    said = ""
    if task.tool is None:
        result = yield from _respond(run, task, known)
    else:
        try:
            if task.arguments is None:
                arguments = yield from _arguments(run, task, run.tools[task.tool], known)
            else:
                arguments = dict(task.arguments)
        except ReplyError as unusable:
            error = unusable
        else:
            outcome = yield from _tool(run, run.tools[task.tool], arguments)
            result, arguments, error = outcome.result, dict(outcome.arguments), outcome.error
            said = outcome.said
    status, why = (COMPLETED, "") if error is None else ("failed", error_text(error))
    step = ExecutionStep(
        iteration, task.description, task.tool, result, status, arguments, why, start_s, run.elapsed(), said
    )
    run.done.append(step)
    return TaskOutcome(step, error)


def _respond(run: AgentRun, task: Task, known: Sequence[ExecutionStep]) -> Steps[str]:
    messages = prompts.respond_messages(task.description, run.instructions, known, run.recalled)
    reply = yield from ask(run, CallModel(messages, "response"))
    return answered(reply.text)


def _arguments(run: AgentRun, task: Task, tool: Tool, known: Sequence[ExecutionStep]) -> Steps[dict[str, Any]]:
    if not tool.parameters:
        return {}  # nothing to decide
    question = task.description if task.description.strip() else run.question
    messages = prompts.argument_messages(question, tool, known)
    call = CallModel(messages, "arguments", tool.schema)
    read: Callable[[str], dict[str, Any]] = partial(read_arguments, schema=tool.schema)
    return (yield from asked(run, call, read, f"the arguments of {tool.name!r}"))


def _tool(run: AgentRun, tool: Tool, arguments: dict[str, Any]) -> Steps[ToolOutcome]:
    outcome: ToolOutcome = yield CallTool(tool, arguments, run.approve)
    run.metrics.tool_executions += 1
    if outcome.error is None:
        run.metrics.successful_tool_calls += 1
    else:
        run.metrics.failed_tool_calls += 1
    return outcome


def _check(run: AgentRun, steps: Sequence[ExecutionStep]) -> Steps[Verdict]:
    """Return whether the task is done. Where a step failed, or all was said in words, no model need be asked."""
    failed = [step for step in steps if step.status == "failed"]
    if failed:
        return Verdict(complete=False, missing=failed[-1].error)
    if len(run.history) == 1 and run.history[0].tool is None:
        # one answer in words to the whole question: a check could only say that it is one
        return Verdict(complete=bool(run.history[0].result), missing="an answer")
    run.metrics.completion_checks += 1
    return (
        yield from asked(
            run,
            CallModel(prompts.check_messages(run.question, run.history), "completion check", verdict_schema()),
            read_verdict,
            "yes or no",
        )
    )


def _final_answer(run: AgentRun) -> Steps[str]:
    done = [step for step in run.history if step.status == COMPLETED]
    if len(run.history) == 1 and done and done[0].tool is None:
        return text_of(done[0].result)
    if not done:
        return ""
    messages = prompts.conclude_messages(run.question, run.instructions, done)
    reply = yield from ask(run, CallModel(messages, "final answer"))
    said = answered(reply.text)
    if not said or (len(done) == 1 and loses_the_figure(said, done[0].result, messages[-1][1])):
        return done[-1].text
    return said


# -- asking ----------------------------------------------------------------------------------------------------------


def ask(run: AgentRun, call: CallModel) -> Steps[Reply]:
    """Ask the model, and count the call."""
    reply: Reply = yield call
    run.metrics.count_call(reply.usage, reply.cost, reply.model, reply.served_from, reply.retries)
    return reply


def asked(run: AgentRun, call: CallModel, read: Callable[[str], T], wanted: str) -> Steps[T]:
    """Ask, read the reply, and ask once more where it cannot be used.

    Raises:
        ReplyError: the second reply cannot be used either.
    """
    reply = yield from ask(run, call)
    try:
        return read(reply.text)
    except Unusable as why:
        messages = prompts.again_messages(call.messages, reply.text, str(why))
    reply = yield from ask(run, CallModel(messages, call.purpose, call.schema))
    try:
        return read(reply.text)
    except Unusable as why:
        raise ReplyError(f"{wanted} ({why})", reply.text) from None


def _brought_nothing_new(history: Sequence[ExecutionStep], before: int) -> bool:
    """Return whether every step since ``before`` did again what had been done, and got the same."""
    known = [_deed(step) for step in history[:before] if step.status == COMPLETED]
    return before > 0 and all(step.status == COMPLETED and _deed(step) in known for step in history[before:])


def _deed(step: ExecutionStep) -> tuple[str | None, str, str]:
    return step.tool, text_of(sorted(step.arguments.items())), step.text
