"""The agent's loop, by both drivers."""

from __future__ import annotations

import asyncio
import json
import threading
from contextvars import ContextVar
from dataclasses import replace

import pytest

from linus_nb import events
from linus_nb.agent import Agent, AgentMetrics, AgentResponse
from linus_nb.agent.agent import as_text
from linus_nb.errors import LinusError, NoModelError, ReplyError, ToolError
from linus_nb.testing import ScriptedModel
from linus_nb.tools import calculator, default_tools
from tests.virtual_time import run

DONE = {"complete": "yes", "missing": ""}


def plan(*tasks):
    keys = ("description", "tool", "depends_on")
    return {"tasks": [dict(zip(keys, task, strict=False)) for task in tasks]}


def product_script():
    return [plan(("multiply", "calculator")), {"expression": "42 * 17"}, DONE, "42 * 17 = 714"]


def both(replies, task="Calculate 42 * 17", *, tools=(calculator,), model=None, **options):
    """Run one script by both drivers; check that they did the same, and return the response and the model's calls."""
    outcomes = []
    for ask in (lambda agent: agent.run(task), lambda agent: asyncio.run(agent.arun(task))):
        scripted = ScriptedModel(list(replies), usage=(10, 3), **(model or {}))
        response = ask(Agent(tools, llm=scripted, **options))
        outcomes.append((response, scripted.calls))
    (blocked, first), (awaited, second) = outcomes
    assert [(c.messages, c.schema, c.reply) for c in first] == [(c.messages, c.schema, c.reply) for c in second]
    assert timeless(blocked) == timeless(awaited)
    return blocked, first


def timeless(response):
    history = [replace(step, start_s=0.0, end_s=0.0) for step in response.execution_history]
    metrics = replace(response.metrics, execution_time_seconds=0.0)
    return response.result, response.completion_status, history, metrics


# -- the path -------------------------------------------------------------------------------------------------------


def test_a_tool_task_goes_through_every_phase():
    response, calls = both(product_script())
    assert str(response) == response.result == "42 * 17 = 714"
    assert response.completion_status == "completed"
    [step] = response.execution_history
    assert (step.iteration, step.tool, step.arguments, step.result) == (1, "calculator", {"expression": "42 * 17"}, 714)
    assert response.metrics == replace(
        AgentMetrics(
            total_iterations=1, total_input_tokens=40, total_output_tokens=12, total_tokens=52, reasoning_calls=1,
            tool_executions=1, completion_checks=1, llm_calls=4, successful_tool_calls=1, task_completed=True,
            iterations_to_completion=1,
        ), execution_time_seconds=response.metrics.execution_time_seconds,
    )  # fmt: skip
    assert [call.schema is not None for call in calls] == [True, True, True, False]
    assert calls[0].schema["properties"]["tasks"]["items"]["properties"]["tool"]["enum"] == ["calculator", "none"]
    assert "calculator(42 * 17) = 714" in calls[-1].messages[-1].text


def test_an_answer_in_words_needs_no_more_than_the_answer():
    response, calls = both([plan(("greet", "none")), "Hello Maria!"], "Say hello to Maria.")
    assert response.result == "Hello Maria!"
    assert [step.tool for step in response.execution_history] == [None]
    assert calls[1].messages[-1].text == "Say hello to Maria."


def test_without_tools_there_is_no_plan_to_ask_for():
    response, calls = both(["Hello!"], "Say hello", tools=())
    assert response.result == "Hello!"
    assert len(calls) == 1
    assert response.metrics.task_completed


def test_a_task_is_told_the_results_that_it_depends_on():
    replies = [
        plan(("add 1 and 2", "calculator"), ("double it", "calculator", [1])),
        {"expression": "1 + 2"}, {"expression": "3 * 2"}, DONE, "It is 6.",
    ]  # fmt: skip
    response, calls = both(replies, "Add 1 and 2, and double it.")
    assert [step.result for step in response.execution_history] == [3, 6]
    assert calls[2].messages[-1].text == "double it\nKnown:\ncalculator(1 + 2) = 3"
    assert response.result == "It is 6."


def test_a_task_is_skipped_where_one_that_it_depends_on_failed():
    replies = [
        plan(("divide", "calculator"), ("double it", "calculator", [1]), ("greet", "none")),
        {"expression": "1 / 0"}, "Hello!", plan(("say so", "none")), "It cannot be divided.", DONE, "Hello! No.",
    ]  # fmt: skip
    response, _ = both(replies, "Divide 1 by 0, double it, and greet.")
    assert [step.status for step in response.execution_history] == ["completed" if s else t for s, t in
            [(0, "failed"), (0, "skipped"), (1, ""), (1, "")]]  # fmt: skip
    assert response.metrics.failed_tool_calls == 1
    assert response.metrics.iterations_to_completion == 2


def test_a_tool_without_parameters_is_called_without_asking_for_any():
    _, _, word_count = default_tools()

    def now() -> str:
        """The time."""
        return "10:30"

    response, calls = both([plan(("look", "now")), DONE, "It is 10:30."], "What time is it?", tools=[now, word_count])
    assert response.execution_history[0].result == "10:30"
    assert len(calls) == 3


def test_instructions_reach_the_model():
    _, calls = both(["Bonjour"], "Say hello", tools=(), instructions="Answer in French.")
    assert calls[0].messages[0].text.startswith("Answer in French.")


# -- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_tools_error_goes_to_the_model_which_may_try_otherwise():
    replies = [
        plan(("divide", "calculator")), {"expression": "1 / 0"},
        plan(("divide by 2", "calculator")), {"expression": "1 / 2"}, DONE, "Half.",
    ]  # fmt: skip
    response, calls = both(replies, "Divide 1 by 0, or else by 2.")
    assert "calculator(1 / 0) failed: '1 / 0' divides by zero" in calls[2].messages[-1].text
    assert [step.status for step in response.execution_history] == ["failed", "completed"]
    assert response.metrics.success_rate == 0.5
    assert response.metrics.iterations_to_completion == 2


def test_the_limit_is_a_status_and_says_what_is_missing():
    def search(word: str) -> str:
        """Search."""
        raise ConnectionError("no connection")

    replies = [plan(("look", "search")), {"word": "Ann"}] * 3
    response, _ = both(replies, "Find Ann.", tools=[search], max_iterations=3)
    assert not response.metrics.task_completed
    assert response.completion_status == "the limit of 3 iterations was reached; missing: no connection"
    assert "no connection" in response.result
    assert response.metrics.total_iterations == response.metrics.failed_tool_calls == 3
    assert response.metrics.iterations_to_completion is None


def test_a_round_that_brings_nothing_new_ends_the_run_with_what_is_there():
    again = [plan(("add", "calculator")), {"expression": "1 + 1"}, {"complete": "no", "missing": "the time"}]
    response, _ = both([*again, *again, "It is 2."], "Add 1 and 1.")
    assert response.completion_status == "round 2 brought nothing new; missing: the time"
    assert response.result == "It is 2.\n\n(Not completed: round 2 brought nothing new; missing: the time)"


def test_an_unusable_reply_is_asked_for_again_once():
    replies = ["I would use the calculator.", *product_script()]
    response, calls = both(replies)
    assert response.result == "42 * 17 = 714"
    assert response.metrics.llm_calls == 5
    assert response.metrics.reasoning_calls == 1
    assert calls[1].messages[-2].text == "I would use the calculator."
    assert "cannot be used: it holds no JSON object" in calls[1].messages[-1].text


@pytest.mark.parametrize("ask", [lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))])
def test_a_first_plan_that_stays_unusable_is_an_error_that_shows_the_reply(ask):
    with pytest.raises(ReplyError, match=r"a plan .*wrote 'still prose'"):
        ask(Agent([calculator], llm=ScriptedModel(["prose", "still prose"])))


def test_a_check_that_stays_unusable_leaves_the_results():
    response, _ = both([*product_script()[:2], "perhaps", "who knows", "It is 714."])
    assert not response.metrics.task_completed
    assert response.result.startswith("It is 714.")
    assert "who knows" in response.completion_status


def test_arguments_that_stay_unusable_are_a_failed_step():
    replies = [plan(("multiply", "calculator")), "prose", "prose", *product_script()]
    response, _ = both(replies)
    assert [step.status for step in response.execution_history] == ["failed", "completed"]
    assert response.metrics.tool_executions == 1
    assert response.result == "42 * 17 = 714"


def test_a_figure_that_the_phrasing_garbled_gives_way_to_the_tools_own():
    response, _ = both([plan(("add", "calculator")), {"expression": "17 + 25"}, DONE, "17 + 25 = 32"], "17 + 25?")
    assert response.result == "42"


@pytest.mark.parametrize(
    "said", ["Yes, it is enough.", "17 + 25 is 42.", "42.00", "That makes 42, of which 17 are old."]
)
def test_an_answer_that_keeps_the_figure_stands(said):
    response, _ = both([plan(("add", "calculator")), {"expression": "17 + 25"}, DONE, said], "17 + 25?")
    assert response.result == said


@pytest.mark.parametrize("ask", [lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))])
def test_a_providers_error_is_raised_as_it_is(ask):
    with pytest.raises(TimeoutError, match="slow"):
        ask(Agent(llm=ScriptedModel(errors={1: TimeoutError("slow")})))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "```json\n```", '{"tasks": [{"tool": "calculator"}]}', "\x00", "[" * 2000]
)
def test_a_model_that_always_writes_the_same_never_breaks_the_loop(text):
    def outcome(ask):
        try:
            return ask(Agent([calculator], llm=ScriptedModel(lambda *_: text), max_iterations=2)).completion_status
        except ReplyError as error:
            return error.reply

    for ask in (lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))):
        assert outcome(ask) in (text, "completed") or "missing" in outcome(ask)


def test_a_model_that_writes_the_smallest_that_fits_comes_to_an_end():
    response = Agent(default_tools(), llm=ScriptedModel()).run("x")
    assert response.metrics.total_iterations <= 5
    assert response.completion_status


# -- tools, threads, context ----------------------------------------------------------------------------------------

colour: ContextVar[str] = ContextVar("colour", default="none")


def test_sync_tools_run_in_a_thread_with_the_callers_context_and_async_ones_on_the_loop():
    seen = {}

    def blocking() -> str:
        """Block."""
        seen["blocking"] = (threading.current_thread(), colour.get())
        return "b"

    async def awaiting() -> str:
        """Await."""
        seen["awaiting"] = (threading.current_thread(), colour.get())
        return "a"

    async def main():
        colour.set("teal")
        model = ScriptedModel([plan(("b", "blocking"), ("a", "awaiting")), DONE, "done"])
        return await Agent([blocking, awaiting], llm=model)("do both")

    assert asyncio.run(main()).result == "done"
    assert seen["blocking"][0] is not threading.main_thread()
    assert seen["awaiting"][0] is threading.main_thread()
    assert seen["blocking"][1] == seen["awaiting"][1] == "teal"


def test_an_async_tool_works_in_a_blocking_run_inside_and_outside_a_loop():
    async def fetch(key: str) -> str:
        """Fetch."""
        await asyncio.sleep(0)
        return key * 2

    def ask():
        return Agent([fetch], llm=ScriptedModel([plan(("f", "fetch")), {"key": "ab"}, DONE, "abab"])).run("Fetch ab")

    async def inside():
        return ask()

    assert ask().execution_history[0].result == "abab"
    assert asyncio.run(inside()).execution_history[0].result == "abab"


def test_a_cancelled_run_stops_at_once():
    model = ScriptedModel(latency_s=1000.0)

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await Agent(llm=model).arun("x")
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(1.0)


def test_ten_runs_of_one_agent_at_once_are_ten_clean_results():
    def reply(messages, schema):
        asked = messages[-1].text
        if schema is None:
            return f"{asked.rpartition('= ')[2]} it is"
        properties = schema["properties"]
        if "tasks" in properties:
            return plan(("add", "calculator"))
        return {"expression": asked} if "expression" in properties else DONE

    model = ScriptedModel(reply, latency_s=0.01, usage=(10, 3))
    agent = Agent([calculator], llm=model)

    async def main():
        async with asyncio.TaskGroup() as group:
            return [group.create_task(agent.arun(f"{n} + {n}")) for n in range(10)]

    responses = [task.result() for task in asyncio.run(main())]
    assert [r.result for r in responses] == [f"{2 * n} it is" for n in range(10)]
    assert all(len(r.execution_history) == 1 and r.metrics.llm_calls == 4 for r in responses)
    assert all(r.metrics.total_tokens == 52 for r in responses)
    assert len({id(r.metrics) for r in responses}) == 10


# -- what is reported -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [lambda a: a.run("x"), lambda a: asyncio.run(a.arun("x"))])
def test_every_call_is_reported_to_the_sink(ask):
    calls = []
    token = events.sink.set((lambda _, call: calls.append(call), 0))
    try:
        ask(Agent([calculator], llm=ScriptedModel(product_script(), usage=(10, 3))))
    finally:
        events.sink.reset(token)
    assert [c.purpose if isinstance(c, events.ModelCalled) else c.tool for c in calls] == [
        "reasoning", "arguments", "calculator", "completion check", "final answer",
    ]  # fmt: skip
    assert (calls[0].model, calls[0].input_tokens, calls[0].output_tokens, calls[0].estimated) == (
        "scripted",
        10,
        3,
        False,
    )
    assert (calls[2].arguments, calls[2].result) == ({"expression": "42 * 17"}, 714)
    assert all(call.duration_s >= 0 for call in calls)


def test_tokens_are_estimated_where_the_provider_names_none():
    calls = []
    token = events.sink.set((lambda _, call: calls.append(call), 0))
    try:
        response = Agent(llm=ScriptedModel(["12345678"], usage=None), instructions="i").run("x")
    finally:
        events.sink.reset(token)
    assert calls[0].estimated
    assert response.metrics.total_output_tokens == calls[0].output_tokens == 2
    assert response.metrics.total_input_tokens > 0


def test_failed_calls_are_reported_with_their_errors():
    calls = []
    token = events.sink.set((lambda _, call: calls.append(call), 0))
    try:
        with pytest.raises(TimeoutError):
            Agent(llm=ScriptedModel(errors={1: TimeoutError()})).run("x")
    finally:
        events.sink.reset(token)
    assert isinstance(calls[0].error, TimeoutError)


# -- models ---------------------------------------------------------------------------------------------------------


def test_a_model_without_response_format_finds_the_schema_in_its_prompt():
    _, calls = both(product_script(), model={"takes_response_format": False})
    assert all(call.schema is None for call in calls)
    assert '"enum": ["calculator", "none"]' in calls[0].messages[0].text


def test_any_langchain_model_will_do():
    from langchain_core.language_models import FakeListChatModel

    model = FakeListChatModel(responses=[json.dumps(r) if isinstance(r, dict) else r for r in product_script()])
    assert Agent([calculator], llm=model).run("Calculate 42 * 17").result == "42 * 17 = 714"


def test_the_default_model_is_asked_for_once_and_only_when_needed(monkeypatch):
    made = []

    def default_model():
        made.append(threading.current_thread())
        return ScriptedModel()

    monkeypatch.setattr("linus_nb.models.default_model", default_model)
    agent = Agent()
    assert made == []

    async def main():
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(agent("x"))

    asyncio.run(main())
    assert len(made) == 1
    assert made[0] is not threading.main_thread()  # it may take seconds, and the loop must not wait


def test_without_any_model_the_error_says_so():
    with pytest.raises(NoModelError):
        Agent().run("x")


# -- what goes in and comes out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [("a", "a"), ({"k": 1}, "1"), ({"a": 1, "b": "x"}, "a: 1\nb: x"), ({}, ""), (None, "None"), (3, "3")],
)
def test_whatever_is_asked_becomes_text(given, text):
    assert as_text(given) == text


def test_the_bare_result_is_given_without_metrics():
    assert Agent(llm=ScriptedModel(["hi"])).run("x", return_metrics=False) == "hi"
    assert asyncio.run(Agent(llm=ScriptedModel(["hi"])).arun("x", return_metrics=False)) == "hi"
    assert isinstance(asyncio.run(Agent(llm=ScriptedModel(["hi"]))("x")), AgentResponse)


def test_a_response_reads_well_and_becomes_plain_data():
    response, _ = both(product_script())
    assert repr(response).startswith("42 * 17 = 714\n\n(completed, 1 iteration, 4 model calls, 1 tool call, ")
    plain = json.loads(json.dumps(response.to_dict()))
    assert plain["execution_history"][0]["tool"] == "calculator"
    assert plain["metrics"]["success_rate"] == 1.0
    assert plain["metrics"]["avg_tokens_per_llm_call"] == 13.0
    assert "714" in response._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Agent(llm="gpt"), "llm='gpt' is not a chat model"),
        (lambda: Agent(max_iterations=0), "max_iterations=0 leaves no room"),
        (lambda: Agent([3]), "3 is not a tool"),
        (lambda: Agent([calculator, calculator]), "two tools are called 'calculator'"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(LinusError, match=sentence):
        make()


def test_an_agent_is_shown_with_its_tools():
    agent = Agent(default_tools(), llm=ScriptedModel(), name="maths")
    assert repr(agent) == "Agent('maths', tools=[calculator, clock, word_count])"
    assert "word_count" in agent._repr_mimebundle_()["text/html"]


def test_a_tool_error_is_a_linus_error():
    assert issubclass(ToolError, LinusError)
