"""Malformed replies as chat models write them, by the phase they answer, and what must come of each.

A reply is ``READ`` as what a person sees in it, or it is one of ``AGAIN``: it has to be asked for once more, and where
the second reply is no better, an error or the response shows what the model wrote.
"""

# ruff: noqa: E501  the replies stand as they were written
from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage

from linus_nb.testing import ToolCalls

AGAIN = object()
FENCE = "```"
CALL = {"name": "calculator", "arguments": {"expression": "42 * 17"}}
CALC, CONVERT, WORDS = ("calculator",), ("convert",), (None,)


# -- plans: the reply, and the tools of the tasks, in the order in which they are carried out -------------------------

PLANS: dict[str, tuple[str, Any]] = {
    "fenced JSON": (f'{FENCE}json\n{{"tasks": [{{"tool": "calculator", "description": "multiply"}}]}}\n{FENCE}', CALC),
    "prose around it": ('Sure! Here is the plan:\n{"tasks": [{"tool": "calculator", "description": "multiply"}]}\nLet me know!', CALC),
    "a bracketed aside before it": ('[Note: I\'m using a tool] {"tasks": [{"tool": "calculator"}]}', CALC),
    "two objects, the first an aside": ('{"thought": "easy"}\n{"tasks": [{"tool": "calculator"}]}', CALC),
    "two objects, one a task each": ('{"tool": "calculator", "description": "multiply"}\n{"tool": "convert", "description": "to km"}', CALC + CONVERT),
    "two plans: the first counts": ('{"tasks": [{"tool": "calculator"}]}\n{"tasks": [{"tool": "convert"}]}', CALC),
    "a list without a plan around it": ('[{"tool": "calculator", "description": "multiply"}]', CALC),
    "cut in a description": ('{"tasks": [{"tool": "calculator", "description": "multiply 42 by', CALC),
    "cut in a second task": ('{"tasks": [{"tool": "calculator", "description": "a"}, {"tool": "conv', CALC),
    "cut before its last brace": ('{"tasks": [{"tool": "calculator", "description": "multiply"}]', CALC),
    "a bracket too few within": ('{"tasks": [{"tool": "calculator", "description": "multiply"}}', CALC),
    "a brace too many": ('{"tasks": [{"tool": "calculator"}]}}}}', CALC),
    "doubled braces of a template": ('{{"tasks": [{{"tool": "calculator"}}]}}', CALC),
    "single quotes and Python's words": ("{'tasks': [{'tool': 'calculator', 'description': 'multiply', 'depends_on': None}]}", CALC),
    "an apostrophe in single quotes": ("{'tasks': [{'tool': 'calculator', 'description': 'Ann's age, doubled'}]}", CALC),
    "comments": ('{\n  // the plan\n  "tasks": [ /* one task */\n    {"tool": "calculator"} # that is it\n  ]\n}', CALC),
    "trailing commas": ('{"tasks": [{"tool": "calculator", "description": "multiply",},],}', CALC),
    "missing commas": ('{"tasks": [{"tool": "calculator"\n "description": "a"} {"tool": "convert" "description": "b"}]}', CALC + CONVERT),
    "smart quotes": ("{“tasks”: [{“tool”: “calculator”, “description”: “multiply”}]}", CALC),
    "keys and values without quotes": ("{tasks: [{tool: calculator, description: multiply 42 by 17, depends_on: []}]}", CALC),
    "quotes within quotes": ('{"tasks": [{"tool": "calculator", "description": "work out "42 * 17" exactly"}]}', CALC),
    "line breaks within texts": ('{"tasks": [{"tool": "calculator", "description": "multiply\n42\tby 17"}]}', CALC),
    "NaN and Infinity": ('{"tasks": [{"tool": "calculator", "depends_on": [NaN, Infinity, -Infinity]}]}', CALC),
    "thoughts with JSON in them": ('<think>Maybe {"tasks": [{"tool": "convert"}]}? No.</think>{"tasks": [{"tool": "calculator"}]}', CALC),
    "thoughts whose beginning the template wrote": ('I should use convert.\n</think>\n{"tasks": [{"tool": "calculator"}]}', CALC),
    "thoughts that never end": ('<think>Let me see. {"tasks": [{"tool": "convert"}]} would', AGAIN),
    "channels of a harmony": ('<|channel|>analysis<|message|>convert?<|end|><|start|>assistant<|channel|>final<|message|>{"tasks": [{"tool": "calculator"}]}', CALC),
    "a turn that it made up": ('{"tasks": [{"tool": "calculator"}]}<|im_end|>\n<|im_start|>user\nAnd {"tasks": [{"tool": "convert"}]}', CALC),
    "a Hermes tool call": (f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>", CALC),
    "two Hermes calls and a response that it made up": (f'<tool_call>{json.dumps(CALL)}</tool_call><tool_call>{{"name": "convert", "arguments": {{"amount": 1, "unit": "km"}}}}</tool_call><tool_response>{{"result": 714}}</tool_response>', CALC + CONVERT),
    "a Mistral tool call": (f"[TOOL_CALLS] [{json.dumps(CALL)}]", CALC),
    "a Mistral call with marked arguments": ('[TOOL_CALLS]calculator[ARGS]{"expression": "42 * 17"}', CALC),
    "a Llama tool call": ('<|python_tag|>{"name": "calculator", "parameters": {"expression": "42 * 17"}}', CALC),
    "a function in marks": ("<tool_call><function=calculator><parameter=expression>42 * 17</parameter></function></tool_call>", CALC),
    "calls as Python": (f'{FENCE}tool_code\nprint(calculator(expression="42 * 17"))\n{FENCE}', CALC),
    "OpenAI's function with arguments in a text": ('{"type": "function", "function": {"name": "calculator", "arguments": "{\\"expression\\": \\"42 * 17\\"}"}}', CALC),
    "OpenAI's tool_calls": ('{"tool_calls": [{"id": "a", "function": {"name": "calculator", "arguments": "{}"}}]}', CALC),
    "Anthropic's tool_use": ('{"type": "tool_use", "id": "a", "name": "calculator", "input": {"expression": "42 * 17"}}', CALC),
    "LangChain's action": ('{"action": "calculator", "action_input": "42 * 17"}', CALC),
    "ReAct": ("Thought: I need the product.\nAction: calculator\nAction Input: 42 * 17", CALC),
    "ReAct with results that it made up": ("Action: calculator\nAction Input: 42 * 17\nObservation: 700\nThought: done\nFinal Answer: 700", CALC),
    "ReAct with JSON": ('Action: calculator\nAction Input: {"expression": "42 * 17"}', CALC),
    "YAML": ("tasks:\n  - tool: calculator\n    description: multiply\n  - tool: convert\n    description: to km\n    depends_on: [1]", CALC + CONVERT),
    "bold labels": ("**Tool:** calculator\n**Description:** multiply 42 by 17", CALC),
    "a list of steps that name tools": ("1. Multiply 42 by 17 with the `calculator`.\n2. **Convert** the product to km.", CALC + CONVERT),
    "a list of steps without tools": ("1. Think about it.\n2. Say it.", AGAIN),
    "the list of tools, said again": ("- calculator: arithmetic\n- convert: units\n- none: answer in words", AGAIN),
    "tasks by name": ('{"tasks": {"task1": {"tool": "calculator"}, "task2": {"tool": "convert"}}}', CALC + CONVERT),
    "tasks as texts": ('{"tasks": ["calculator: 42 * 17"]}', CALC),
    "a plan within a plan": ('{"plan": {"steps": [{"tool": "calculator"}]}}', CALC),
    "an empty plan": ('{"tasks": []}', WORDS),
    "a null plan": ('{"tasks": null}', WORDS),
    "an empty list": ("[]", WORDS),
    "tool null": ('{"tasks": [{"tool": null, "description": "say it"}]}', WORDS),
    "tool 'null'": ('{"tasks": [{"tool": "null", "description": "say it"}]}', WORDS),
    "tool 'None'": ('{"tasks": [{"tool": "None"}]}', WORDS),
    "tool 'N/A'": ('{"tasks": [{"tool": "N/A"}]}', WORDS),
    "tool false": ('{"tasks": [{"tool": false}]}', WORDS),
    "tool with its arguments": ('{"tasks": [{"tool": "calculator(42 * 17)"}]}', CALC),
    "tool in a namespace": ('{"recipient_name": "functions.calculator", "parameters": {"expression": "42 * 17"}}', CALC),
    "tool in a list": ('{"tasks": [{"tool": ["calculator"], "description": "multiply"}]}', CALC),
    "two tools of one task": ('{"tasks": [{"tool": ["calculator", "convert"]}]}', AGAIN),
    "a tool that does not exist": ('{"tasks": [{"tool": "wolfram_alpha", "description": "multiply"}]}', AGAIN),
    "a number for a tool": ('{"tasks": [{"tool": 1}]}', AGAIN),
    "a task without description": ('{"tasks": [{"tool": "calculator"}]}', CALC),
    "descriptions of wrong types": ('{"tasks": [{"tool": "calculator", "description": {"en": ["x"]}}]}', CALC),
    "a task that depends on itself": ('{"tasks": [{"tool": "calculator", "depends_on": [1]}]}', CALC),
    "tasks in a circle": ('{"tasks": [{"tool": "calculator", "description": "a", "depends_on": [2]}, {"tool": "convert", "description": "b", "depends_on": [1]}]}', CALC + CONVERT),
    "a task before what it needs": ('{"tasks": [{"tool": "convert", "description": "b", "depends_on": [2]}, {"tool": "calculator", "description": "a"}]}', CALC + CONVERT),
    "tasks counted from 0": ('{"tasks": [{"tool": "calculator", "description": "a"}, {"tool": "convert", "description": "b", "depends_on": [0]}]}', CALC + CONVERT),
    "tasks that depend on tools": ('{"tasks": [{"tool": "convert", "description": "b", "depends_on": ["calculator"]}, {"tool": "calculator", "description": "a"}]}', CALC + CONVERT),
    "tasks that depend on descriptions": ('{"tasks": [{"tool": "convert", "description": "b", "depends_on": "multiply 42 by 17"}, {"tool": "calculator", "description": "Multiply 42 by 17"}]}', CALC + CONVERT),
    "a model in a loop": ('{"tasks": [' + '{"tool": "calculator", "description": "multiply"}, ' * 60, CALC),
    "a loop of one word": ("calc calc " * 3000, AGAIN),
    "a loop of brackets": ("[[[[{{{{" * 2000, AGAIN),
    "a loop of line breaks": ("\n" * 5000, AGAIN),
    "escaped and half characters": ('{"tasks": [{"tool": "calculator", "description": "caf\\u00e9 \\ud83d\\ude00 \\ud800"}]}', CALC),
    "control characters": ('\ufeff{"tasks": [{"tool": "calculator", "description": "a\x00\x1b[31mb"}]}\x00', CALC),
    "a number of 5,000 digits": ('{"tasks": [{"tool": "calculator", "depends_on": [' + "9" * 5000 + "]}]}", CALC),
    "a number beyond all floats": ('{"tasks": [{"tool": "calculator", "depends_on": [1e999, -3]}]}', CALC),
    "5,000 levels deep": ("[" * 5000 + "]" * 5000, AGAIN),
    "a refusal": ("I'm sorry, but I can't help with that.", AGAIN),
    "prose": ("I would use the calculator to multiply 42 by 17.", AGAIN),
    "the answer at once": ("42 * 17 = 714", AGAIN),
    "the schema, said again": ('{"type": "object", "properties": {"tasks": {"type": "array", "items": {"type": "object"}}}}', AGAIN),
    "nothing": ("", AGAIN),
    "white space": (" \n\t ", AGAIN),
    "only a brace": ("}", AGAIN),
    "an empty object": ("{}", AGAIN),
    "a number": ("42", AGAIN),
    "null": ("null", AGAIN),
}  # fmt: skip


# -- arguments: the tool, the reply, and the arguments ------------------------------------------------------------------

PRODUCT = {"expression": "42 * 17"}
KM = {"amount": 3, "unit": "km"}

ARGUMENTS: dict[str, tuple[str, str, Any]] = {
    "fenced": ("calculator", f'{FENCE}json\n{{"expression": "42 * 17"}}\n{FENCE}', PRODUCT),
    "prose around them": ("convert", 'The arguments are {"amount": 3, "unit": "km"}, I think.', KM),
    "an aside in JSON before them": ("convert", '{"note": "x"} {"amount": 3, "unit": "km"}', KM),
    "a template before them": ("calculator", 'As {expression: text}: {"expression": "42 * 17"}', PRODUCT),
    "a Hermes tool call": ("calculator", f"<tool_call>{json.dumps(CALL)}</tool_call>", PRODUCT),
    "OpenAI's function with arguments in a text": ("calculator", '{"function": {"name": "calculator", "arguments": "{\\"expression\\": \\"42 * 17\\"}"}}', PRODUCT),
    "a Mistral tool call": ("calculator", f"[TOOL_CALLS] [{json.dumps(CALL)}]", PRODUCT),
    "ReAct": ("calculator", "Action: calculator\nAction Input: 42 * 17", PRODUCT),
    "ReAct with JSON": ("convert", 'Action: convert\nAction Input: {"amount": 3, "unit": "km"}', KM),
    "parameters in marks": ("convert", "<function=convert><parameter=amount>3</parameter><parameter=unit>km</parameter></function>", {"amount": "3", "unit": "km"}),
    "invoke in marks": ("calculator", '<invoke name="calculator"><parameter name="expression">42 * 17</parameter></invoke>', PRODUCT),
    "a call as Python": ("convert", "convert(amount=3, unit='km')", KM),
    "a call as Python, by place": ("convert", 'convert(3, "km")', KM),
    "a call as Python, without quotes": ("calculator", "calculator(42 * 17)", PRODUCT),
    "YAML": ("convert", "amount: 3\nunit: km", {"amount": "3", "unit": "km"}),
    "a list of labels": ("convert", "- **Amount**: 3\n- **Unit**: km", {"amount": "3", "unit": "km"}),
    "another name for the only one": ("calculator", '{"expr": "42 * 17"}', PRODUCT),
    "names in other letters": ("convert", '{"Amount": 3, "UNIT": "km"}', KM),
    "more than was asked for": ("convert", '{"amount": 3, "unit": "km", "confidence": 0.9}', KM),
    "a JSON text": ("calculator", '"42 * 17"', PRODUCT),
    "code in a fence": ("calculator", f"{FENCE}\n42 * 17\n{FENCE}", PRODUCT),
    "code in a line": ("calculator", "`42 * 17`", PRODUCT),
    "JSON in a text": ("calculator", '"{\\"expression\\": \\"42 * 17\\"}"', PRODUCT),
    "a list of one": ("calculator", '{"expression": ["42 * 17"]}', PRODUCT),
    "a list around them": ("convert", '[{"amount": 3, "unit": "km"}]', KM),
    "wrapped": ("convert", '{"tool": "convert", "args": {"amount": 3, "unit": "km"}}', KM),
    "their schema and then they": ("calculator", '{"properties": {"expression": {"type": "string"}}}\n{"expression": "42 * 17"}', PRODUCT),
    "single quotes": ("convert", "{'amount': 3, 'unit': 'km'}", KM),
    "no quotes": ("convert", "{amount: 3, unit: km}", KM),
    "no last brace": ("convert", '{"amount": 3, "unit": "km"', KM),
    "null for what may be left out": ("convert", '{"amount": 3, "unit": "km", "digits": null}', KM),
    "thoughts": ("calculator", '<think>{"expression": "1"}</think>{"expression": "42 * 17"}', PRODUCT),
    "their schema, said again": ("calculator", '{"type": "object", "properties": {"expression": {"type": "string"}}}', AGAIN),
    "an object for a text": ("calculator", '{"expression": {"left": 42, "right": 17}}', AGAIN),
    "cut in a text": ("calculator", '{"expression": "42 * 1', AGAIN),
    "cut in a number": ("convert", '{"unit": "km", "amount": 3', AGAIN),
    "cut after a comma": ("convert", '{"amount": 3, "unit": "km",', AGAIN),
    "null": ("calculator", '{"expression": null}', AGAIN),
    "one is missing": ("convert", '{"amount": 3}', AGAIN),
    "none": ("convert", "{}", AGAIN),
    "nothing": ("calculator", "", AGAIN),
    "a refusal": ("calculator", "I cannot do that.", AGAIN),
    "only a brace": ("convert", "}", AGAIN),
    "deep": ("calculator", '{"expression": ' * 2000, AGAIN),
}  # fmt: skip


# -- verdicts: the reply, and whether the task is done ------------------------------------------------------------------

VERDICTS: dict[str, tuple[str, Any]] = {
    "a truth value": ('{"complete": true}', True),
    "another key": ('{"is_complete": "YES", "reason": ""}', True),
    "a sentence in it": ('{"complete": "Yes, the result is there.", "missing": null}', True),
    "wrapped": ('{"result": {"complete": "yes"}}', True),
    "a status": ('{"status": "completed"}', True),
    "cut behind it": ('{"complete": "yes", "missing": "noth', True),
    "fenced": (f'{FENCE}json\n{{"complete": "yes",}}\n{FENCE}', True),
    "thoughts": ('<think>no?</think>{"complete": "yes"}', True),
    "YAML": ("complete: yes\nmissing: none", True),
    "bold labels": ("**Complete:** Yes\n**Missing:** nothing", True),
    "prose": ("Yes, it is complete.", True),
    "bold prose": ("**Yes**", True),
    "1": ('{"complete": 1}', True),
    "single quotes": ("{'complete': True, 'missing': ''}", True),
    "yes and then no": ('{"complete": "yes"}\n{"complete": "no"}', True),
    "no, and a list of what is missing": ('{"complete": "no", "missing": ["the time", "the date"]}', False),
    "no in a sentence": ("No. The time is missing.", False),
    "not yet": ('{"complete": "not yet"}', False),
    "perhaps": ('{"complete": "perhaps"}', AGAIN),
    "null": ('{"complete": null}', AGAIN),
    "the results, said again": ("calculator(42 * 17) = 714", AGAIN),
    "nothing": ("", AGAIN),
    "an empty list": ("[]", AGAIN),
    "a refusal": ("I'm sorry, I can't judge that.", AGAIN),
    "a loop": ("the result the result " * 500, AGAIN),
}  # fmt: skip


# -- answers in words: the reply, and the answer ------------------------------------------------------------------------

ANSWERS: dict[str, tuple[str, str]] = {
    "thoughts": ("<think>42 * 17 is 714</think>\n\nIt is 714.", "It is 714."),
    "thoughts whose beginning the template wrote": ("42 * 17, hm.\n</think>It is 714.", "It is 714."),
    "ReAct": ("Thought: I know it now.\nFinal Answer: It is 714.", "It is 714."),
    "a turn that it made up": ("It is 714.<|im_end|>\n<|im_start|>user\nThanks!", "It is 714."),
    "the end of a sequence": ("It is 714.</s>", "It is 714."),
    "half a character": ("It is 714. \ud83d", "It is 714. ?"),
    "white space around it": ("\n\n It is 714. \n", "It is 714."),
    "nothing: the result stands": ("", "714"),
    "thoughts that never end: the result stands": ("<think>714 is", "714"),
    "another figure: the result stands": ("It is 741.", "714"),
}  # fmt: skip


# -- structured output: the reply, and the value of ``Report`` -----------------------------------------------------------

TIDES = {"title": "Tides", "pages": 3}

REPORTS: dict[str, tuple[str, Any]] = {
    "fenced": (f'Here it is:\n{FENCE}json\n{{"title": "Tides", "pages": 3}}\n{FENCE}', TIDES),
    "a number as a text": ('{"title": "Tides", "pages": "3"}', TIDES),
    "wrapped in its name": ('{"Report": {"title": "Tides", "pages": 3}}', TIDES),
    "wrapped in a list": ('[{"title": "Tides", "pages": 3}]', TIDES),
    "JSON in a text": ('{"answer": "{\\"title\\": \\"Tides\\", \\"pages\\": 3}"}', TIDES),
    "in place of its schema": ('{"type": "object", "properties": {"title": "Tides", "pages": 3}}', TIDES),
    "its schema, and then it": ('{"properties": {"title": {"type": "string"}}} {"title": "Tides", "pages": 3}', TIDES),
    "single quotes": ("{'title': 'Tides', 'pages': 3}", TIDES),
    "trailing comma and comment": ('{"title": "Tides", // the sea\n "pages": 3,}', TIDES),
    "YAML": ("title: Tides\npages: 3", TIDES),
    "bold labels": ("**Title:** Tides\n**Pages:** 3", TIDES),
    "no last brace": ('{"pages": 3, "title": "Tides"', TIDES),
    "thoughts": ('<think>{"title": "x", "pages": 1}</think>{"title": "Tides", "pages": 3}', TIDES),
    "cut in a text": ('{"pages": 3, "title": "Tid', AGAIN),
    "cut in a number": ('{"title": "Tides", "pages": 3', AGAIN),
    "out of bounds": ('{"title": "Tides", "pages": 0}', AGAIN),
    "a field of another type": ('{"title": ["Tides"], "pages": 3}', AGAIN),
    "a field is missing": ('{"title": "Tides"}', AGAIN),
    "its schema, said again": ('{"type": "object", "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}}}', AGAIN),
    "NaN": ('{"title": "Tides", "pages": NaN}', AGAIN),
    "a huge number": ('{"title": "Tides", "pages": 1e400}', AGAIN),
    "half characters": ('{"title": "Tides", "pages": "\\ud800"}', AGAIN),
    "deep": ('{"title": ' * 3000, AGAIN),
    "prose": ("The report on tides has three pages.", AGAIN),
    "a refusal": ("I'm sorry, but I can't help with that.", AGAIN),
    "nothing": ("", AGAIN),
    "null": ("null", AGAIN),
    "only a brace": ("}", AGAIN),
    "a loop": ('{"title": "' + "the tides of " * 2000, AGAIN),
}  # fmt: skip


# -- turns of strategy="tools": the reply, and for each call its tool and whether it was carried out ---------------------


def _call(name: Any, arguments: Any, identity: str | None = "a") -> Any:
    return {"name": name, "args": arguments, "id": identity, "type": "tool_call"}


DONE, FAILED = "completed", "failed"
TURNS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "arguments that are a text": (ToolCalls([("calculator", '"42 * 17"')]), [("calculator", FAILED)]),
    "arguments that are a list": (ToolCalls([("calculator", '["42 * 17"]')]), [("calculator", FAILED)]),
    "arguments that are null": (ToolCalls([("calculator", "null")]), [("calculator", FAILED)]),
    "arguments cut at the end": (ToolCalls([("calculator", '{"expression": "42 * 1')]), [("calculator", FAILED)]),
    "arguments of wrong types": (ToolCalls([("convert", {"amount": "much", "unit": "km"})]), [("convert", FAILED)]),
    "arguments that lack one": (ToolCalls([("convert", {"amount": 3})]), [("convert", FAILED)]),
    "no arguments": (ToolCalls([("calculator", {})]), [("calculator", FAILED)]),
    "a tool that does not exist": (ToolCalls([("rm", {"path": "/"})]), [("rm", FAILED)]),
    "a tool without a name": (AIMessage("", tool_calls=[_call("", {})]), [("", FAILED)]),
    "one good and one broken": (ToolCalls([("calculator", PRODUCT), ("calculator", "{")]), [("calculator", DONE), ("calculator", FAILED)]),
    "the same call twice, with one id": (AIMessage("", tool_calls=[_call("calculator", PRODUCT), _call("calculator", PRODUCT)]), [("calculator", DONE)] * 2),
    "no id": (AIMessage("", tool_calls=[_call("calculator", PRODUCT, None)]), [("calculator", DONE)]),
    "an invalid call of nothing": (AIMessage("", invalid_tool_calls=[{"name": None, "args": None, "id": None, "error": None, "type": "invalid_tool_call"}]), [("", FAILED)]),
    "words beside the call": (ToolCalls([("calculator", PRODUCT)], text="<think>hm</think>Let me see."), [("calculator", DONE)]),
    "half a character in the arguments": (ToolCalls([("convert", {"amount": 3, "unit": "\ud800"})]), [("convert", DONE)]),
}  # fmt: skip

# -- calls that a model wrote into its text, because no server read them: the steps as above -------------------------------

HERMES = f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>"
WRITTEN_CALLS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "Hermes": (HERMES, [("calculator", DONE)]),
    "Hermes, with thoughts": (f"<think>I need <tool_call>?</think>Let me see.\n{HERMES}", [("calculator", DONE)]),
    "Hermes, two, and a response that it made up": (f"{HERMES}\n{HERMES}\n<tool_response>700</tool_response>", [("calculator", DONE)] * 2),
    "Hermes, without the end": (HERMES.removesuffix("</tool_call>"), [("calculator", DONE)]),
    "Hermes, with single quotes": (f"<tool_call>{CALL}</tool_call>", [("calculator", DONE)]),
    "Hermes, without an argument": ('<tool_call>{"name": "convert", "arguments": {"amount": 3}}</tool_call>', [("convert", FAILED)]),
    "Mistral": (f"[TOOL_CALLS] [{json.dumps(CALL)}]", [("calculator", DONE)]),
    "Mistral, with marked arguments": ('[TOOL_CALLS]calculator[ARGS]{"expression": "42 * 17"}', [("calculator", DONE)]),
    "Llama": ('<|python_tag|>{"name": "calculator", "parameters": {"expression": "42 * 17"}}', [("calculator", DONE)]),
    "Llama, as a function": ('<function=calculator>{"expression": "42 * 17"}</function>', [("calculator", DONE)]),
    "Qwen, in marks": ("<tool_call><function=calculator><parameter=expression>42 * 17</parameter></function></tool_call>", [("calculator", DONE)]),
    "Gemma": (f'{FENCE}tool_code\nprint(calculator(expression="42 * 17"))\n{FENCE}', [("calculator", DONE)]),
    "bare JSON": (json.dumps(CALL), [("calculator", DONE)]),
    "OpenAI's function with arguments in a text": (json.dumps({"tool_calls": [{"function": {"name": "calculator", "arguments": json.dumps(PRODUCT)}}]}), [("calculator", DONE)]),
}  # fmt: skip

COUNT = sum(map(len, (PLANS, ARGUMENTS, VERDICTS, ANSWERS, REPORTS, TURNS, WRITTEN_CALLS)))
