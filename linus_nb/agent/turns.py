"""The other strategy: the model calls tools by its own means, turn by turn, until it answers in words.

The calls of one turn are carried out at the same time, as a plan without dependencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linus_nb.agent import prompts
from linus_nb.agent.agent_run import COMPLETED, AgentRun
from linus_nb.agent.call_replies import read_calls
from linus_nb.agent.loop import ask, carried_out, structured
from linus_nb.agent.replies import Task, answered
from linus_nb.agent.requests import AnyMessage, CallModel, Steps, Wanted
from linus_nb.agent.response import AgentResponse, ExecutionStep
from linus_nb.agent.telling import text_of
from linus_nb.errors import nearest


def answer_in_turns(run: AgentRun) -> Steps[AgentResponse]:
    """Answer the question of a run."""
    tools = tuple(run.tools.values())
    messages: list[AnyMessage] = list(prompts.turn_messages(run.question, run.instructions, run.recalled.text))
    for iteration in range(1, run.max_iterations + 1):
        run.metrics.total_iterations = iteration
        run.metrics.reasoning_calls += 1
        reply = yield from ask(run, CallModel(tuple(messages), "turn", tools=tools))
        wanted = reply.wanted or _written(run, reply.text)
        if not wanted:
            said = answered(reply.text)
            status = COMPLETED if said else "the model said nothing"
            said = said or _last_result(run)
            return run.finished((yield from _result(run, messages, said)), status)
        steps = yield from _called(run, iteration, wanted)
        if reply.wanted:
            messages.append(reply.message)
            messages += [_told(call, step) for call, step in zip(wanted, steps, strict=True)]
        else:  # no provider takes the result of a call that it did not see
            messages += [("assistant", reply.text), ("user", prompts.results_text(steps))]
        run.history += steps
    messages.append(("user", "Answer now from what is known, without another tool."))
    reply = yield from ask(run, CallModel(tuple(messages), "final answer", tools=tools))
    result = yield from _result(run, messages, answered(reply.text) or _last_result(run))
    return run.finished(result, f"the limit of {run.max_iterations} iterations was reached")


def _last_result(run: AgentRun) -> str:
    """Return what there is where the model does not say it."""
    return next((step.text for step in reversed(run.history) if step.status == COMPLETED), "")


def _result(run: AgentRun, messages: list[AnyMessage], said: str) -> Steps[Any]:
    """Return what the model said, or that as the type that was asked for."""
    if run.output is None:
        return said
    again = (*messages, ("assistant", said or "(nothing)"), ("user", "Give that answer as one JSON object."))
    return (yield from structured(run, again, run.output))


def _written(run: AgentRun, text: str) -> tuple[Wanted, ...]:
    """Return the calls that a model wrote into its text, as many do whose server does not read them."""
    calls = read_calls(text, {tool.name: tool.schema for tool in run.tools.values()})
    return tuple(Wanted("", call.tool, call.arguments, call.problem) for call in calls)


def _called(run: AgentRun, iteration: int, wanted: Sequence[Wanted]) -> Steps[list[ExecutionStep]]:
    """Carry out the calls of one turn, and return a step for each, also for those that cannot be made."""
    problems = {k: _problem(run, call) for k, call in enumerate(wanted)}
    possible = [k for k in problems if not problems[k]]
    tasks = [Task(_shown(wanted[k]), wanted[k].tool, arguments=wanted[k].arguments) for k in possible]
    done = (yield from carried_out(run, iteration, tasks)) if tasks else []
    steps = dict(zip(possible, done, strict=True))
    now_s = run.elapsed()
    return [
        steps.get(k) or ExecutionStep(iteration, _shown(call), call.tool, None, "failed", {}, problems[k], now_s, now_s)
        for k, call in enumerate(wanted)
    ]


def _problem(run: AgentRun, call: Wanted) -> str:
    if call.tool not in run.tools:
        return f"no tool {call.tool!r}; {nearest(call.tool, run.tools)}(tools: {', '.join(run.tools) or 'none'})"
    return f"the arguments cannot be read: {call.problem}" if call.problem else ""


def _told(call: Wanted, step: ExecutionStep) -> dict[str, Any]:
    """Return what a tool gave as the message that answers the model's call."""
    text = step.text if step.status == COMPLETED else f"Error: {step.error}"
    shown = text if len(text) <= prompts.LONGEST_RESULT else text[: prompts.LONGEST_RESULT] + "…"
    return {"role": "tool", "tool_call_id": call.identity, "content": shown}


def _shown(call: Wanted) -> str:
    given = ", ".join(f"{name}={text_of(value)}" for name, value in call.arguments.items())
    text = f"{call.tool}({given})"
    return text if len(text) <= 200 else text[:199] + "…"
