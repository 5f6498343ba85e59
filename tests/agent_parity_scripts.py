"""Scripts that an agent has to play alike in every way of running it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from linus_nb.testing.replies import ToolCalls
from linus_nb.tools import tool
from tests.agent_cases import STRATEGIES, planner
from tests.agent_parity_tools import (
    TYPED,
    Asked,
    Both,
    Report,
    Shouting,
    achained,
    afails,
    aslow,
    aupper,
    breaks,
    chained,
    fails,
    flaky,
    gives,
    junk,
    later,
    own_cancel,
    refuses,
    silent,
    slow,
    slow_yes,
    straße,
    structured,
    typed,
    upper,
)  # fmt: skip


@dataclass(frozen=True)
class Script:
    """What a model says, which tools there are, how the agent is made; ``gives`` stands in the answer or the status."""

    name: str
    tools: Callable[[], Sequence[Any]]
    replies: Callable[[], Any]
    options: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    memory: tuple[tuple[str, str], ...] = ()
    question: Any = "What is it?"
    gives: str | None = "final"


# -- scripts of both strategies --------------------------------------------------------------------------------------

A, B, C = {"x": "a"}, {"x": "b"}, {"x": "c"}


def one(name: str, made: Callable[[], Any], arguments: dict[str, Any] = A, tool_name: str = "", **more: Any) -> Script:
    """Return a script that calls one tool once."""
    called = tool_name or getattr(made(), "name", "") or made().__name__
    return Script(name, lambda: [made()], lambda: planner((called, arguments)), **more)


FAILED = {"options": {"max_iterations": 1}, "gives": "limit of 1"}

PLANNED = [
    one("a sync tool", lambda: upper),
    one("an async tool", lambda: aupper),
    one("a function that gives an awaitable", lambda: later),
    one("a LangChain tool", lambda: chained),
    one("an awaited LangChain tool", lambda: achained),
    one("a LangChain tool that refuses", lambda: refuses, **FAILED),
    one("a BaseTool", Shouting),
    one("a BaseTool with both ways", Both),
    one("a StructuredTool with both ways", lambda: structured),
    one("a tool that fails", lambda: fails, **FAILED),
    one("an async tool that fails", lambda: afails, **FAILED),
    one("a tool that fails silently", lambda: silent, **FAILED),
    one("a tool that cancels itself", lambda: own_cancel, **FAILED),
    one("a tool that works at the third try", lambda: flaky(2, awaited=False, retries=2)),
    one("an async tool that works at the third try", lambda: flaky(2, awaited=True, retries=2)),
    one("a tool that never works", lambda: flaky(9, awaited=False, retries=2), **FAILED),
    one("an async tool that never works", lambda: flaky(9, awaited=True, retries=2), **FAILED),
    one("a tool that takes too long", lambda: tool(slow, timeout_seconds=0.05), **FAILED),
    one("an async tool that takes too long", lambda: tool(aslow, timeout_seconds=0.05), **FAILED),
    one("a tool in time", lambda: tool(upper, timeout_seconds=5)),
    one("an async tool in time", lambda: tool(aupper, timeout_seconds=5)),
    *(one(f"a tool that gives {str(value)[:12]!r}", lambda value=value: gives(value), tool_name="given")
      for value in (None, False, 0, "", [], {"k": [1, 2]}, 1.5, "long " * 5000)),
    one("arguments of all kinds", lambda: typed, TYPED),
    one("arguments that do not fit", lambda: typed, TYPED | {"kind": "z"}, **FAILED),
    one("an argument beyond ASCII", lambda: tool(straße, name="strasse"), {"größe": "XL"}),
    one("instructions", lambda: upper, options={"instructions": "Answer in French."}),
    one("tokens that no provider names", lambda: upper, model={"usage": None}),
    one("a model with a price", lambda: upper, model={"provider": "openai", "model": "gpt-4o"}),
    one("allowed", lambda: upper, options={"approve": lambda name, arguments: True}),
    one("allowed, awaited", lambda: aupper, options={"approve": slow_yes}),
    one("not allowed", lambda: upper, options={"approve": lambda *_: False, "max_iterations": 1}, gives="limit"),
    one("allowed with other arguments", lambda: upper, options={"approve": lambda name, arguments: {"x": "other"}}),
    one("an answer that is none", lambda: upper, options={"approve": junk, "max_iterations": 1}, gives="limit"),
    one("a question that fails", lambda: upper, options={"approve": breaks, "max_iterations": 1}, gives="limit"),
    one("a memory", lambda: upper, memory=(("my favourite colour is teal", "Noted."),),
        question="Which colour do I like?"),
    one("a memory that is summarised", lambda: upper, memory=tuple((f"q{n} " * 20, "a " * 20) for n in range(4))),
    one("a model that fails at once", lambda: upper, model={"errors": {1: ConnectionError("gone {x}")}}, gives="gone"),
    one("a model that fails later", lambda: upper, model={"errors": {2: TimeoutError()}}, gives="TimeoutError"),
    Script("three tools at once", lambda: [upper, aupper, chained],
           lambda: planner(("upper", A), ("aupper", B), ("chained", C))),
    Script("one tool, three times at once", lambda: [aupper],
           lambda: planner(("aupper", A), ("aupper", B), ("aupper", C))),
    Script("one fails beside others", lambda: [upper, fails, aupper],
           lambda: planner(("upper", A), ("fails", B), ("aupper", C)), {"max_iterations": 1}, gives="limit of 1"),
    Script("all fail", lambda: [fails, afails], lambda: planner(("fails", A), ("afails", B)), {"max_iterations": 2},
           gives="limit of 2"),
]  # fmt: skip


def of_both_strategies() -> list[Script]:
    scripts = []
    for strategy in STRATEGIES:
        for script in PLANNED:
            options = {**script.options, "strategy": strategy}
            turns = options.get("max_iterations")
            if strategy == "tools" and turns and script.gives == "limit of 1":
                options["max_iterations"] = 1
            gives = script.gives
            if strategy == "tools" and turns and turns > 1:
                gives = "final"  # a failed call is for the model to judge
            scripts.append(replace(script, name=f"{strategy}: {script.name}", options=options, gives=gives))
    return scripts


# -- scripts of one strategy -----------------------------------------------------------------------------------------


def plan(*tasks: tuple[str, str, list[int]]) -> dict[str, Any]:
    keys = ("tool", "description", "depends_on")
    return {"tasks": [dict(zip(keys, task, strict=True)) for task in tasks]}


def phased(*tasks: tuple[str, str, list[int]], check: Any = ("yes", ""), arguments: Any = A) -> Callable[[], Any]:
    """Return a reply for each phase; ``check`` may be several verdicts, the last for good."""

    def made() -> Any:
        verdicts = [check] if isinstance(check[0], str) else list(check)

        def reply(messages: Any, schema: Any) -> Any:
            if schema is None:
                return "final"
            if "tasks" in schema["properties"]:
                return plan(*tasks)
            if "complete" in schema["properties"]:
                complete, missing = verdicts.pop(0) if len(verdicts) > 1 else verdicts[0]
                return {"complete": complete, "missing": missing}
            return arguments

        return reply

    return made


def listed(*replies: Any) -> Callable[[], Any]:
    return lambda: list(replies)


DONE = {"complete": "yes", "missing": ""}
LIMIT_1 = {"max_iterations": 1}
ONE_TASK = plan(("upper", "d", []))

REASONED = [
    Script("a task that needs another", lambda: [upper, aupper], phased(("upper", "d1", []), ("aupper", "d2", [1]))),
    Script("a diamond of tasks", lambda: [upper, aupper],
           phased(("upper", "1", []), ("upper", "2", [1]), ("aupper", "3", [1]), ("upper", "4", [2, 3]))),
    Script("words that need a tool", lambda: [upper], phased(("upper", "d1", []), ("none", "say it", [1]))),
    Script("words beside a tool", lambda: [upper], phased(("upper", "d1", []), ("none", "say hello", []))),
    Script("a task whose source fails", lambda: [fails, upper], phased(("fails", "d1", []), ("upper", "d2", [1])),
           LIMIT_1, gives="limit of 1"),
    Script("a chain whose first fails", lambda: [afails, aupper],
           phased(("afails", "1", []), ("aupper", "2", [1]), ("aupper", "3", [2]), ("aupper", "4", [])),
           LIMIT_1, gives="limit of 1"),
    Script("tasks in a circle", lambda: [upper], phased(("upper", "1", [2]), ("upper", "2", [1]))),
    Script("a task that needs itself and one that is not there", lambda: [upper], phased(("upper", "1", [1, 7]))),
    Script("an answer in words", lambda: [upper], phased(("none", "d", []))),
    one("a tool beyond ASCII", lambda: straße, {"größe": "XL"}),
    Script("no tools", list, lambda: ["final"]),
    Script("no tools and nothing said", list, lambda: lambda messages, schema: "" if schema is None else DONE,
           gives=None),
    Script("an empty plan", lambda: [upper], listed({"tasks": []}, "final"), gives=None),
    Script("an empty plan twice", lambda: [upper], listed({"tasks": []}, {"tasks": []}, "final"), gives=None),
    Script("tool null", lambda: [upper],
           listed({"tasks": [{"tool": None, "description": "d"}]}, "final", "final"), gives=None),
    Script("an unknown tool", lambda: [upper], listed(plan(("uper", "d", [])), A, DONE, "final", "final"), gives=None),
    Script("fenced", lambda: [upper],
           listed('```json\n{"tasks": [{"tool": "upper", "description": "d"}]}\n```', A, DONE, "final")),
    Script("prose, then a plan", lambda: [upper], listed("I would use upper.", ONE_TASK, A, DONE, "final")),
    Script("prose twice", lambda: [upper], listed("I would", "use it"), gives="a plan"),
    Script("arguments that cannot be read", lambda: [upper],
           listed(ONE_TASK, "what", "ever"), LIMIT_1, gives="limit of 1"),
    Script("a check that cannot be read", lambda: [upper], listed(ONE_TASK, A, "perhaps", "who knows", "final")),
    Script("not done, and nothing new", lambda: [upper],
           phased(("upper", "d", []), check=("no", "the time")), gives="nothing new"),
    Script("done at the second round", lambda: [upper], phased(("upper", "d", []), check=(("no", "x"), ("yes", "")))),
    Script("a final answer that is empty", lambda: [upper], listed(ONE_TASK, A, DONE, ""), gives="A"),
    Script("a garbled figure", lambda: [gives(42)], listed(plan(("given", "d", [])), A, DONE, "It is 41."), gives="42"),
    Script("a model without response_format", lambda: [upper], listed(ONE_TASK, A, DONE, "final"),
           model={"takes_response_format": False}),
    Script("several keys asked", lambda: [upper], phased(("upper", "d", [])), question={"topic": "tides", "words": 3}),
    Script("a question that fits", list, lambda: ["final"], {"input_schema": Asked},
           question={"topic": "t", "words": 3}),
    Script("a question that does not fit", list, lambda: ["final"], {"input_schema": Asked},
           question={"topic": "t"}, gives="words"),
    Script("a typed answer", list, listed({"title": "T", "pages": 3}), {"output_schema": Report},
           gives="title='T' pages=3"),
    Script("a typed answer at the second try", list,
           listed("no", {"title": "T", "pages": 3}), {"output_schema": Report},
           gives="pages=3"),
    Script("a typed answer that never comes", list, listed("no", "no"), {"output_schema": Report},
           gives="output_schema"),
    Script("a typed answer after a tool", lambda: [upper], listed(ONE_TASK, A, DONE, {"title": "T", "pages": 3}),
           {"output_schema": Report}, gives="pages=3"),
]  # fmt: skip


def called(*calls: tuple[str, Any]) -> ToolCalls:
    return ToolCalls(calls)


TURNS = [
    Script("no call at all", lambda: [upper], listed("final")),
    Script("nothing said", lambda: [upper], listed(""), gives="said nothing"),
    Script("two turns of calls", lambda: [upper, aupper], listed(called(("upper", A)), called(("aupper", B)), "final")),
    Script("words beside the calls", lambda: [upper], listed(ToolCalls([("upper", A)], "Let me see."), "final")),
    Script("an unknown tool and broken arguments", lambda: [upper],
           listed(called(("uper", A), ("upper", "{broken"), ("upper", A)), "final")),
    Script("the limit of turns", lambda: [upper], listed(called(("upper", A)), called(("upper", A)), "final"),
           {"max_iterations": 2}, gives="limit of 2"),
    Script("a typed answer", lambda: [upper], listed(called(("upper", A)), "done", {"title": "T", "pages": 3}),
           {"output_schema": Report}, gives="pages=3"),
    Script("a typed answer at the limit", lambda: [upper],
           listed(called(("upper", A)), "done", {"title": "T", "pages": 3}),
           {"output_schema": Report, "max_iterations": 1}, gives="pages=3"),
    Script("no tools", list, listed("final")),
    Script("a call where there are no tools", list, listed(called(("upper", A)), "final")),
    Script("twelve calls at once", lambda: [aupper],
           listed(called(*[("aupper", {"x": str(n)}) for n in range(12)]), "final")),
]  # fmt: skip

SCRIPTS = [
    *of_both_strategies(),
    *(replace(script, name=f"reasoning: {script.name}") for script in REASONED),
    *(replace(s, name=f"tools: {s.name}", options={**s.options, "strategy": "tools"}) for s in TURNS),
]
