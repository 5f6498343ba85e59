"""The scripted model itself."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from linus_nb.errors import ModelError, NoModelError
from linus_nb.testing import ScriptedModel, no_real_models, smallest_instance
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
