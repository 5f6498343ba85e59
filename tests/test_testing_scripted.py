"""The scripted model itself."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel
from typing_extensions import TypedDict

from linus_nb.errors import ModelError, NoModelError
from linus_nb.testing import ScriptedModel, ToolCalls, no_real_models, smallest_instance
from tests.virtual_time import run

SCHEMA = {
    "type": "object",
    "properties": {
        "tool": {"enum": ["a", "b"]},
        "items": {"type": "array", "minItems": 2, "items": {"type": "integer"}},
    },
    "required": ["tool", "items"],
}


def asked(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}


def test_a_list_of_replies_is_used_up_in_order_and_then_says_so():
    model = ScriptedModel(["one", {"n": 2}])
    assert [model.invoke("x").text for _ in range(2)] == ["one", '{"n": 2}']
    with pytest.raises(ModelError, match="has 2 replies, and call 3 came"):
        model.invoke("x")


def test_a_callback_sees_the_messages_and_the_schema():
    model = ScriptedModel(lambda messages, schema: {"said": messages[-1].text, "asked": schema is not None})
    assert json.loads(model.invoke([("user", "hi")], **asked(SCHEMA)).text) == {"said": "hi", "asked": True}


def test_without_a_script_replies_fit_the_schema():
    model = ScriptedModel()
    assert json.loads(model.invoke("x", **asked(SCHEMA)).text) == {"tool": "a", "items": [0, 0]}
    assert model.invoke("x").text == "ok"


def test_the_nth_call_fails_if_told_to():
    model = ScriptedModel(errors={2: TimeoutError("slow")})
    model.invoke("x")
    with pytest.raises(TimeoutError, match="slow"):
        model.invoke("x")
    assert [call.reply for call in model.calls] == ["ok", None]


def test_usage_is_told_or_kept_back():
    assert ScriptedModel(usage=(12, 5)).invoke("x").usage_metadata["total_tokens"] == 17
    assert ScriptedModel(usage=None).invoke("x").usage_metadata is None


def test_latency_is_awaited_so_that_calls_overlap_and_virtual_time_jumps():
    model = ScriptedModel(latency_s=100.0)

    async def ten():
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(model.ainvoke("x"))
        return loop.time() - began

    assert run(ten()) == pytest.approx(100.0)
    assert len(model.calls) == 10


def test_calls_from_many_threads_are_all_counted_and_use_each_reply_once():
    model = ScriptedModel([str(n) for n in range(200)])
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: model.invoke("x").text, range(200)))
    assert sorted(map(int, said)) == list(range(200))


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"type": "string", "minLength": 2}, "xx"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "maximum": -1}, -1),
        ({"type": "boolean"}, False),
        ({"type": ["null", "string"]}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 0),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"const": 7}}}, 7),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
    ],
)
def test_the_smallest_instance_keeps_the_bounds(schema, instance):
    assert smallest_instance(schema) == instance


def test_the_switch_makes_real_models_impossible():
    from linus_nb.models import default_model

    with no_real_models(), pytest.raises(NoModelError):
        default_model()


# -- tools ----------------------------------------------------------------------------------------------------------


def calculator(expression: str) -> float:
    """Work out a sum."""
    return float(len(expression))


class Report(BaseModel):
    """A report."""

    title: str
    pages: int


class Loose(TypedDict):
    """A loose report."""

    title: str


def test_several_tools_are_called_in_one_turn_and_what_was_bound_is_on_record():
    model = ScriptedModel([ToolCalls([("calculator", {"expression": "2+2"}), ("calculator", '{"expression": "3"}')])])
    message = model.bind_tools([calculator], tool_choice="auto").invoke("x")
    assert [call["args"] for call in message.tool_calls] == [{"expression": "2+2"}, {"expression": "3"}]
    assert [call["id"] for call in message.tool_calls] == ["call_1_1", "call_1_2"]
    (call,) = model.calls
    assert (call.tools[0]["name"], call.tools[0]["description"]) == ("calculator", "Work out a sum.")
    assert call.tools[0]["parameters"]["required"] == ["expression"]
    assert call.options == {"tool_choice": "auto"}
    assert call.message is not None
    assert call.message.tool_calls == message.tool_calls


@pytest.mark.parametrize("broken", ["{broken", "[1]", ""])
def test_arguments_that_are_no_object_make_an_invalid_tool_call(broken):
    message = ScriptedModel([ToolCalls([("calculator", broken)])]).invoke("x")
    assert message.tool_calls == []
    assert (message.invalid_tool_calls[0]["name"], message.invalid_tool_calls[0]["args"]) == ("calculator", broken)


def test_a_message_is_sent_as_it_is_and_never_shared():
    given = AIMessage("see", tool_calls=[{"name": "calculator", "args": {}, "id": "1"}])
    model = ScriptedModel(lambda messages, schema: given, usage=(3, 4))
    first, second = model.invoke("x"), model.invoke("x")
    assert (first.text, first.tool_calls) == (given.text, given.tool_calls)
    assert first.usage_metadata["output_tokens"] == 4
    assert given.usage_metadata is None
    assert first is not second


@pytest.mark.parametrize(
    ("choice", "called"),
    [("any", ["Report"]), ("required", ["Report"]), (True, ["Report"]), ("calculator", ["calculator"]),
     ({"type": "function", "function": {"name": "calculator"}}, ["calculator"]), ("auto", []), (None, [])],
)  # fmt: skip
def test_without_a_script_a_tool_is_called_where_one_has_to_be(choice, called):
    message = ScriptedModel().bind_tools([Report, calculator], tool_choice=choice).invoke("x")
    assert [call["name"] for call in message.tool_calls] == called
    assert (message.text == "ok") is not bool(called)


def test_a_function_that_takes_three_sees_the_tools():
    model = ScriptedModel(lambda messages, schema, tools: ",".join(tool["name"] for tool in tools))
    assert model.bind_tools([calculator, Report]).invoke("x").text == "calculator,Report"


def test_a_conversation_with_tool_results_is_on_record_as_it_was():
    model = ScriptedModel(["done"])
    asked = [HumanMessage("2+2?"), AIMessage("", tool_calls=[{"name": "c", "args": {}, "id": "1"}]),
             ToolMessage("4", tool_call_id="1")]  # fmt: skip
    model.invoke(asked)
    assert model.calls[0].messages == asked


# -- structured output ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_is_parsed_by_both_methods(method):
    model = ScriptedModel([{"title": "Tides", "pages": 3}] * 2)
    asked = model.with_structured_output(Report, method=method)
    assert asked.invoke("x") == Report(title="Tides", pages=3)
    assert asyncio.run(asked.ainvoke("x")) == Report(title="Tides", pages=3)
    call = model.calls[0]
    assert (call.schema or call.tools[0]["parameters"])["required"] == ["title", "pages"]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("schema", [Report, Loose, Report.model_json_schema()], ids=["model", "dict", "schema"])
def test_structured_output_without_a_script_fits(method, schema):
    made = ScriptedModel().with_structured_output(schema, method=method).invoke("x")
    assert (made["title"] if isinstance(made, dict) else made.title) == ""


def test_structured_output_that_does_not_fit_raises_or_is_told_beside_the_message():
    model = ScriptedModel(["prose", "prose", {"title": "a", "pages": 1}])
    with pytest.raises(OutputParserException):
        model.with_structured_output(Report).invoke("x")
    asked = model.with_structured_output(Report, include_raw=True)
    failed = asked.invoke("x")
    assert (failed["raw"].text, failed["parsed"]) == ("prose", None)
    assert isinstance(failed["parsing_error"], OutputParserException)
    assert asked.invoke("x")["parsed"] == Report(title="a", pages=1)


def test_a_response_format_may_be_a_pydantic_model_or_plain_json():
    model = ScriptedModel()
    assert json.loads(model.invoke("x", response_format=Report).text) == {"title": "", "pages": 0}
    assert json.loads(model.invoke("x", response_format={"type": "json_object"}).text) == {}
    with pytest.raises(TypeError, match="give a pydantic model"):
        model.invoke("x", response_format="json")


# -- the record -----------------------------------------------------------------------------------------------------


def test_a_call_is_on_record_from_its_start_so_that_one_that_was_cancelled_is_too():
    model = ScriptedModel(latency_s=10.0)

    async def go():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await model.ainvoke("asked", stop=["."])

    run(go())
    (call,) = model.calls
    assert (call.messages[0].text, call.reply, call.error) == ("asked", None, None)
    assert call.options == {"stop": ["."]}


def test_what_a_call_raised_is_on_record():
    error = TimeoutError("slow")
    model = ScriptedModel([error])
    with pytest.raises(TimeoutError):
        model.invoke("x")
    assert model.calls[0].error is error


def test_usage_may_tell_what_came_from_a_cache():
    usage = {"input_tokens": 12, "output_tokens": 5, "input_token_details": {"cache_read": 8}}
    told = ScriptedModel(usage=usage).invoke("x").usage_metadata
    assert (told["total_tokens"], told["input_token_details"]) == (17, {"cache_read": 8})
