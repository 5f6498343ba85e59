"""Cases of `stall_cases` in which something is big: results, replies, questions, schemas, histories."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.stall_cases import MEGABYTE, Watched, asked, case, filled, scripted


def giving(value: Any, strategy: str = "reasoning", rounds: int = 2) -> Watched:
    from linus_nb import Agent

    def big() -> Any:
        """Give something big."""
        return value

    model = scripted("big", rounds=rounds)
    return asked(Agent([big], llm=model, strategy=strategy, max_iterations=rounds + 1))  # type: ignore[arg-type]  # one of the two


@case
def tool_that_gives_10_megabytes() -> Watched:
    return giving("word " * (2 * MEGABYTE))


@case
def tool_that_gives_10_megabytes_in_turns() -> Watched:
    return giving("word " * (2 * MEGABYTE), "tools")


@case
def tool_that_gives_200_000_numbers() -> Watched:
    return giving(list(range(200_000)))


@case
def tool_that_gives_200_000_numbers_in_turns() -> Watched:
    return giving(list(range(200_000)), "tools")


@case
def tool_that_gives_a_table_of_a_million_rows() -> Watched:
    import pandas as pd

    return giving(pd.DataFrame({"a": range(MEGABYTE), "b": "text"}))


@case
def answer_of_2_megabytes() -> Watched:
    from linus_nb import Agent

    return asked(Agent(llm=scripted(final="word " * 400_000)))


@case
def answer_of_2_megabytes_about_a_number() -> Watched:
    from linus_nb import Agent

    def number() -> int:
        """Give a number."""
        return 42

    return asked(Agent([number], llm=scripted("number", final="123,456 words " * 150_000)))


@case
def question_of_1_megabyte() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    return asked(Agent([calculator], llm=scripted("calculator", {"expression": "1 + 1"})), "word " * 200_000)


@case
def question_of_1_megabyte_and_a_memory() -> Watched:
    from linus_nb import Agent

    return asked(Agent(llm=scripted(), memory=filled(100, None)), "colour teal " * 80_000)


@case
def arguments_of_2_megabytes() -> Watched:
    from linus_nb import Agent

    def take(text: str) -> int:
        """Take a text."""
        return len(text)

    return asked(Agent([take], llm=scripted("take", {"text": "word " * 400_000})))


@case
def arguments_of_2_megabytes_in_turns() -> Watched:
    from linus_nb import Agent

    def take(text: str) -> int:
        """Take a text."""
        return len(text)

    return asked(Agent([take], llm=scripted("take", {"text": "word " * 400_000}), strategy="tools"))


def raw(reply: str) -> Watched:
    """Return an agent whose model writes this, whatever it is asked."""
    from linus_nb import Agent
    from linus_nb.errors import ReplyError
    from linus_nb.testing import ScriptedModel
    from linus_nb.tools import calculator

    agent = Agent([calculator], llm=ScriptedModel(lambda messages, schema: reply), max_iterations=1)

    async def ask() -> None:
        try:
            await agent("What is it?")
        except ReplyError:
            return

    return ask


@case
def reply_of_opening_brackets() -> Watched:
    return raw("[{" * 100_000)


@case
def reply_of_many_objects() -> Watched:
    return raw('{"a": 1} ' * 30_000)


@case
def reply_of_quotes_and_backslashes() -> Watched:
    return raw('{"tasks": "' + '\\"' * 100_000)


@case
def reply_of_prose_in_a_loop() -> Watched:
    return raw("I will use the calculator, and then the calculator again. " * 5_000)


@case
def reply_of_fences() -> Watched:
    return raw("```json\n{\n```\n" * 20_000)


@case
def plan_of_20_000_tasks() -> Watched:
    tasks = [{"tool": "calculator", "description": "d", "depends_on": list(range(1, 5))} for _ in range(20_000)]
    return raw(json.dumps({"tasks": tasks}))


@case
def five_hundred_tools() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import Example, Tool

    tools = [
        Tool(f"tool_{n}", f"Do number {n} of many things with words.", {"type": "object", "properties": {}},
             blocking=lambda _: "done", examples=(Example(f"Do number {n}, please, with words"),))
        for n in range(500)
    ]  # fmt: skip
    return asked(Agent(tools, llm=scripted("tool_7")), "Do number 7 of the many things, with words")


@case
def five_hundred_tools_in_turns() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import Tool

    tools = [
        Tool(f"tool_{n}", "Do a thing. " * 20, {"type": "object", "properties": {}}, blocking=lambda _: "done")
        for n in range(500)
    ]
    return asked(Agent(tools, llm=scripted("tool_7"), strategy="tools"))


@case
def history_of_200_rounds() -> Watched:
    from linus_nb import Agent

    numbers = iter(range(10_000))

    def count() -> int:
        """Count."""
        return next(numbers)

    return asked(Agent([count], llm=scripted("count", rounds=200), max_iterations=201))


@case
def history_of_1_000_steps() -> Watched:
    from linus_nb import Agent
    from linus_nb.testing import ScriptedModel
    from linus_nb.testing.replies import ToolCalls

    async def count(n: int) -> int:
        """Count."""
        return n

    turns = [ToolCalls([("count", {"n": 100 * turn + n}) for n in range(100)]) for turn in range(10)]
    agent = Agent([count], llm=ScriptedModel([*turns, "final"]), strategy="tools", max_iterations=11)

    async def thousand() -> None:
        response = await agent("What is it?")
        assert len(response.execution_history) == 1000

    return thousand


def big_schema(fields: int) -> Any:
    from pydantic import BaseModel, create_model

    inner = [
        create_model(f"Inner{n}", __base__=BaseModel, **{f"field_{n}_{k}": (int, ...) for k in range(20)})  # type: ignore[call-overload]  # fields from data
        for n in range(fields)
    ]
    return create_model("Big", **{f"part_{n}": (list[model], ...) for n, model in enumerate(inner)})  # type: ignore[call-overload]  # as above


@case
def schema_of_2_000_fields() -> Watched:
    from linus_nb import Agent
    from linus_nb.testing import ScriptedModel

    schema = big_schema(100)
    return asked(Agent(llm=ScriptedModel([{f"part_{n}": [] for n in range(100)}] * 2), output_schema=schema))


@case
def schema_of_2_000_fields_that_nothing_fits() -> Watched:
    from linus_nb import Agent
    from linus_nb.errors import ReplyError
    from linus_nb.testing import ScriptedModel

    wrong = {f"part_{n}": [{"x": "wrong"}] * 3 for n in range(100)}
    agent = Agent(llm=ScriptedModel([wrong, wrong]), output_schema=big_schema(100))

    async def ask() -> None:
        try:
            await agent("What is it?")
        except ReplyError:
            return

    return ask


@case
def typed_answer_of_100_kilobytes() -> Watched:
    from pydantic import BaseModel

    from linus_nb import Agent
    from linus_nb.testing import ScriptedModel

    class Row(BaseModel):
        name: str
        number: int

    class Table(BaseModel):
        rows: list[Row]

    rows = [{"name": f"row {n}", "number": n} for n in range(2_500)]
    return asked(Agent(llm=ScriptedModel([{"rows": rows}]), output_schema=Table))


@case
def stream_of_2_000_pieces() -> Watched:
    from linus_nb import Agent

    agent = Agent(llm=scripted(final="word " * 2_000, latency_s=0.2))

    async def stream() -> None:
        async for _ in agent.stream("What is it?"):
            pass

    return stream


@case
def thirty_runs_at_once() -> Watched:
    from linus_nb import Agent
    from linus_nb.tools import calculator

    agent = Agent([calculator], llm=scripted("calculator", {"expression": "6 * 7"}, latency_s=0.05))

    async def thirty() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(30):
                group.create_task(agent.arun("What is it?"))

    return thirty
