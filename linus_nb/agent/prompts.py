"""What the model is told in each phase.

One decision a call, and examples as turns of a conversation: that is what a model of 135M parameters needs, and it does
a large one no harm. The examples for a tool come from the tool, and those nearest to the question are taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from linus_nb.agent.likeness import likeness, nearest_last
from linus_nb.agent.memory_recall import Recalled
from linus_nb.agent.memory_text import RECALLING
from linus_nb.agent.requests import AnyMessage, Message
from linus_nb.agent.response import ExecutionStep
from linus_nb.agent.telling import text_of
from linus_nb.tools.adapt import NO_TOOL
from linus_nb.tools.tool import Example, Tool

_NOTHING = Recalled()
MOST_EXAMPLES = 5
LONGEST_RESULT = 4000  # characters of a tool's result that the model is shown

LEAST_LIKENESS = 0.2  # an example of an answer in words that is less like the question would only mislead

IN_WORDS = (
    ('Which animal is in the text: "The cat slept on the sofa."', "cat"),
    ('Is this positive or negative? "What a lovely day!"', "positive"),
    ('Good or bad review? "The room was dirty and the bed was hard."', "bad"),
    ('Is the writer sad or glad? "We won the cup!"', "glad"),
    ('Is this text about food or about clothes? "The soup needs more salt."', "food"),
    ('Classify as bill, letter or advertisement: "Dear Grandma, we miss you."', "letter"),
    ('Extract the colour from: "My car is red and my bike is old."', "red"),
    ('Which country is named in "I am Ben and I come from Spain."?', "Spain"),
    ('How old is the man? "Mr Hall, 61, was not hurt."', "61"),
    ("Write a greeting for Paul.", "Hello Paul!"),
    ("Say goodbye to Tom in a friendly way.", "Goodbye, Tom, and have a safe journey!"),
    ("Write a short sentence about the sea.", "The sea is calm and blue this morning."),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci"),
    ("I have a son, and he is called Max.", "Max is a nice name!"),
)


# -- reasoning -------------------------------------------------------------------------------------------------------


def plan_messages(
    question: str,
    tools: Mapping[str, Tool],
    instructions: str,
    history: Sequence[ExecutionStep],
    missing: str,
    earlier: str = "",
) -> tuple[Message, ...]:
    """Return the question for a plan, with what was said ``earlier``, what was done so far and what is missing."""
    listed = "\n".join(f"- {tool.name}: {tool.summary}" for tool in tools.values())
    system = (
        "Reply with the tool that answers the question.\n"
        f"Tools:\n{listed}\n- {NO_TOOL}: answer in words, without a tool\n"
        "A question that needs several tools becomes several tasks; "
        "depends_on names the numbers of the tasks whose results a task needs."
    )
    asked = question
    if history:
        asked = f"{question}\nDone so far:\n{results_text(history)}\nStill missing: {missing or 'the answer'}"
    examples = _plan_examples(question, tools, earlier)
    return (
        ("system", _with_instructions(system, instructions)),
        *_turns(examples),
        ("user", _after(earlier, asked)),
    )


def _plan_examples(question: str, tools: Mapping[str, Tool], earlier: str) -> list[tuple[str, str]]:
    pool = [(e.question, tool.name, about(tool)) for tool in tools.values() for e in _examples_of(tool)]
    # most questions are unlike a mere description, and then unlike examples without a tool would win against it
    shown = any(tool.examples for tool in tools.values())
    pool += [(asked, NO_TOOL, "") for asked, _ in (IN_WORDS if shown else _answers_like(question))]
    if earlier:
        pool += [(told, NO_TOOL, "") for role, told in RECALLING if role == "user"]
    chosen = nearest_last(question, pool, _likeness, MOST_EXAMPLES)
    return [(asked, _plan_json(tool, _question_in(asked))) for asked, tool, _ in chosen]


def about(tool: Tool) -> str:
    """Return what a tool is for, in words that a question may have."""
    return f"{tool.name.replace('_', ' ')} {tool.summary}"


def _likeness(question: str, example: tuple[str, str, str]) -> float:
    asked, _, topic = example
    return likeness(question, _question_in(asked)) + likeness(question, topic) / 2


def _question_in(asked: str) -> str:
    """Return the last line: before it stands what was said earlier."""
    return asked.rpartition("\n")[2]


def _examples_of(tool: Tool) -> Sequence[Example]:
    """Return a tool's examples; where it has none, its own description stands for the question."""
    return tool.examples or (Example(f"{tool.summary.rstrip('.')}."), Example(f"Use {tool.name}."))


def _plan_json(tool: str, description: str) -> str:
    return json.dumps({"tasks": [{"tool": tool, "description": description, "depends_on": []}]}, ensure_ascii=False)


# -- arguments -------------------------------------------------------------------------------------------------------


def argument_messages(task: str, tool: Tool, known: Sequence[ExecutionStep]) -> tuple[Message, ...]:
    """Return the question for a tool's arguments."""
    described = "".join(
        f"\n- {name}: {schema['description']}" for name, schema in tool.parameters.items() if "description" in schema
    )
    system = f"Write the arguments of the tool {tool.name}: {tool.description.strip()}{described}"
    asked = _with_results(task, known)
    own = [(e.question, e.arguments) for e in tool.examples if e.arguments is not None]
    if not own:  # how other tools' arguments were taken from a question, and which are to be taken now
        own = [(_which(question, taken), taken) for question, taken in _TAKEN_FROM]
        asked = _which(asked, tool.parameters)
    pool = [(question, json.dumps(arguments, ensure_ascii=False)) for question, arguments in own]
    return (("system", system), *_turns(_nearest(task, pool) if tool.examples else pool), ("user", asked))


def _which(text: str, names: Iterable[str]) -> str:
    return f"Text: {text}\nWhich {' and which '.join(name.replace('_', ' ') for name in names)}?"


_TAKEN_FROM: tuple[tuple[str, dict[str, Any]], ...] = (
    ("How far is it to the station in Rome?", {"town": "Rome"}),
    ("Order five chairs for Max, please.", {"furniture": "chairs"}),
    ("How many books are on the shelf?", {"thing": "books"}),
    ("What colour is the sofa?", {"furniture": "sofa"}),
    ("Find something about the history of tea.", {"topic": "the history of tea"}),
    ("Do you know how old Ben is?", {"person": "Ben"}),
)


# -- answers in words ------------------------------------------------------------------------------------------------


def respond_messages(
    task: str, instructions: str, known: Sequence[ExecutionStep], recalled: Recalled = _NOTHING
) -> tuple[Message, ...]:
    """Return the question for an answer without a tool."""
    system = _with_instructions("Answer the question briefly.", instructions)
    examples = [] if instructions else _answers_like(task)  # they are terse, and would drown another style
    asked = recalled.before(_with_results(task, known))
    return (("system", system), *_turns(examples), *recalled.examples, ("user", asked))


def _answers_like(question: str) -> list[tuple[str, str]]:
    """Return examples of answers in words to questions that are like this one; none where there are none."""
    return [pair for pair in _nearest(question, IN_WORDS) if likeness(question, pair[0]) >= LEAST_LIKENESS]


def fields_messages(
    question: str, instructions: str, schema: Mapping[str, Any], recalled: Recalled = _NOTHING
) -> tuple[Message, ...]:
    """Return the question for an answer with fields. A provider may use the schema without showing it to the model."""
    system = _with_instructions("Answer as JSON, with these fields.", instructions)
    examples = ((_fields_of(filled, text), json.dumps(filled)) for text, filled in _FILLED_IN)
    asked = _fields_of(schema.get("properties", ()), recalled.before(question))
    return (("system", system), *_turns(examples), ("user", asked))


_FILLED_IN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Max bought a green sofa in Rome.", {"person": "Max", "thing": "green sofa", "town": "Rome"}),
    ("We need 5 chairs by Monday!", {"thing": "chairs", "amount": 5, "day": "Monday"}),
    ("The food was awful.", {"subject": "food", "opinion": "bad"}),
)


def _fields_of(names: Iterable[str], text: str) -> str:
    return f"Fields: {', '.join(names)}\nText: {text}"


# -- completion ------------------------------------------------------------------------------------------------------

_VERDICTS = (
    ("Question: Calculate 9 * 8\ncalculator(9 * 8) = 72", "yes", ""),
    ("Question: How old is Ann, and what is twice that?\nsearch(Ann) failed: no connection", "no", "the age of Ann"),
    ('Question: Is this positive or negative? "What a lovely day!"\nanswer = positive', "yes", ""),
    ("Question: Calculate 2 + 2 and tell me the time.\ncalculator(2 + 2) = 4", "no", "the time"),
    ("Question: What time is it?\nclock() = 10:30", "yes", ""),
)


def check_messages(question: str, history: Sequence[ExecutionStep]) -> tuple[Message, ...]:
    """Return the question whether the results answer the question."""
    examples = ((asked, json.dumps({"complete": done, "missing": lack})) for asked, done, lack in _VERDICTS)
    system = "Do the results answer the question? Say what is missing, or leave it empty."
    return (("system", system), *_turns(examples), ("user", f"Question: {question}\n{results_text(history)}"))


# -- the final answer ------------------------------------------------------------------------------------------------

_CONCLUSIONS = (
    ("Question: Calculate 9 * 8\ncalculator(9 * 8) = 72", "9 * 8 = 72"),
    ("Question: What time is it?\nclock() = Monday 1 May 2023, 10:30 UTC", "It is 10:30 UTC."),
    ("Question: How much is 20 percent of 50?\ncalculator(20 / 100 * 50) = 10", "20 percent of 50 is 10."),
    ('Question: How many words are in "a b c"?\nword_count(a b c) = 3', "There are 3 words."),
)


def conclude_messages(question: str, instructions: str, history: Sequence[ExecutionStep]) -> tuple[Message, ...]:
    """Return the question for the final answer, from the results."""
    system = _with_instructions("Answer the question from the results.", instructions)
    return (
        ("system", system),
        *_turns(_CONCLUSIONS),
        ("user", f"Question: {question}\n{results_text(history)}"),
    )


# -- the model's own calling of tools ---------------------------------------------------------------------------------


def turn_messages(question: str, instructions: str, earlier: str = "") -> tuple[Message, ...]:
    """Return the question for a model that calls tools by its own means."""
    system = "Answer the question. Call tools where they help; calls that need nothing of each other go in one turn."
    return (("system", _with_instructions(system, instructions)), ("user", _after(earlier, question)))


# -- asked again -----------------------------------------------------------------------------------------------------


def again_messages(messages: tuple[AnyMessage, ...], reply: str, why: str) -> tuple[AnyMessage, ...]:
    """Return the same question with the reply that could not be used, and why."""
    return (
        *messages,
        ("assistant", reply[:LONGEST_RESULT] or "(nothing)"),
        ("user", f"That cannot be used: {why}. Reply again, with one JSON object only."),
    )


# -- parts -----------------------------------------------------------------------------------------------------------


def results_text(history: Sequence[ExecutionStep]) -> str:
    """Return what was done, a line for each step, as ``calculator(42 * 17) = 714``."""
    return "\n".join(map(result_line, history))


def result_line(step: ExecutionStep) -> str:
    """Return one step as a line."""
    what = "answer" if step.tool is None else f"{step.tool}({_shown(step.arguments)})"
    if step.status != "completed":
        return f"{what} {step.status}: {step.error}"
    result = step.text
    return f"{what} = {result if len(result) <= LONGEST_RESULT else result[:LONGEST_RESULT] + '…'}"


def _shown(arguments: Mapping[str, Any]) -> str:
    if len(arguments) == 1:
        return text_of(next(iter(arguments.values())))
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _after(earlier: str, asked: str) -> str:
    return f"{earlier}\n{asked}" if earlier else asked


def _with_results(task: str, known: Sequence[ExecutionStep]) -> str:
    return f"{task}\nKnown:\n{results_text(known)}" if known else task


def _with_instructions(system: str, instructions: str) -> str:
    return f"{instructions.strip()}\n\n{system}" if instructions.strip() else system


def _nearest(question: str, pool: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return nearest_last(question, pool, lambda asked, pair: likeness(asked, pair[0]), MOST_EXAMPLES)


def _turns(examples: Iterable[tuple[str, str]]) -> Iterator[Message]:
    for question, reply in examples:
        yield "user", question
        yield "assistant", reply
