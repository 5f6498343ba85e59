"""The 30 tasks: fixed, so that figures of different days and models compare.

The answers to one half, ``TUNED``, were looked at while prompts were made; those to the other, ``HELD_OUT``, only tell
how well that carries over. Both halves have the same kinds. None of the wordings stands in a prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from benchmarks.small_tasks.checks import Check, holds, names, says_today
from linus_nb.tools import days_between, default_tools, letter_count

TOOLBOX = (*default_tools(), letter_count, days_between)


@dataclass(frozen=True)
class SmallTask:
    """A question, what the agent is given for it, and what makes an answer right.

    Attributes:
        kind: what is tried.
        question: what is asked.
        right: whether an answer is right.
        tools: what the agent is given.
        output: its ``output_schema``.
        told: what is said to it before, in a run each; it has a memory then.
    """

    kind: str
    question: str
    right: Check
    tools: tuple[Any, ...] = ()
    output: type[BaseModel] | None = None
    told: tuple[str, ...] = ()


# -- what users write themselves -------------------------------------------------------------------------------------


class Order(BaseModel):
    item: str
    quantity: int


class Person(BaseModel):
    name: str
    age: int
    city: str


class Review(BaseModel):
    product: str
    opinion: Literal["positive", "negative"]


class Flight(BaseModel):
    origin: str
    destination: str
    weekday: str


def stock(fruit: str) -> int:
    """Say how many pieces of a fruit are in stock."""
    return {"apple": 112, "pear": 48, "plum": 73}[fruit.lower().removesuffix("s")]


def forecast(city: str, weekday: str) -> str:
    """Get the weather forecast for a city on a day of the week."""
    return {("bergen", "tuesday"): "rain, 11 degrees", ("rome", "friday"): "sun, 27 degrees"}[
        city.lower(), weekday.lower()
    ]


# -- the tasks -------------------------------------------------------------------------------------------------------

TUNED = (
    SmallTask("arithmetic", "What do I get when I multiply 23 by 19?", names("437"), TOOLBOX),
    SmallTask("arithmetic", "A ticket costs 14 euros. How much are 6 tickets?", names("84"), TOOLBOX),
    SmallTask("arithmetic", "What is 15% of 240?", names("36"), TOOLBOX),
    SmallTask("clock", "Which year do we have?", says_today("%Y"), TOOLBOX),
    SmallTask("text", 'How often does the letter o appear in "cooperation"?', names("3"), TOOLBOX),
    SmallTask("text", "How many days lie between 2024-03-10 and 2024-04-02?", names("23"), TOOLBOX),
    SmallTask(
        "in words",
        'Is this customer happy or unhappy? "The parcel came late and the box was torn."',
        names("unhappy", but_not="happy"),
    ),
    SmallTask("in words", 'Which city is mentioned here: "Our train to Vienna leaves at noon."', names("Vienna")),
    SmallTask(
        "structured", "Hello, I would like to order 3 lamps, please.", holds(item="lamps", quantity=3), output=Order
    ),
    SmallTask(
        "structured",
        "Peter is 34 years old and lives in Lisbon.",
        holds(name="Peter", age=34, city="Lisbon"),
        output=Person,
    ),
    SmallTask(
        "two tools",
        'How many words are in "the old man and the sea", and what is 31 * 12?',
        names("6", "372"),
        TOOLBOX,
    ),
    SmallTask("memory", "Which colour do I like?", names("teal"), told=("my favourite colour is teal",)),
    SmallTask(
        "memory", "What is my job?", names("nurse"), told=("I live in Porto and work as a nurse.", "I have a dog.")
    ),
    SmallTask("no tool", "Write one friendly sentence to thank Anna for the flowers.", names("Anna"), TOOLBOX),
    SmallTask("own tool", "How many pears do we have in stock?", names("48"), (stock,)),
)

HELD_OUT = (
    SmallTask("arithmetic", "Please add 389 and 654.", names("1043"), TOOLBOX),
    SmallTask("arithmetic", "I had 92 marbles and gave away 37. How many are left?", names("55"), TOOLBOX),
    SmallTask("arithmetic", "How much is 8 percent of 350 dollars?", names("28"), TOOLBOX),
    SmallTask("clock", "Can you tell me which weekday it is?", says_today("%A"), TOOLBOX),
    SmallTask("text", 'How many times does s occur in the word "possesses"?', names("5"), TOOLBOX),
    SmallTask(
        "text", 'Tell me the number of words in this: "Rain is expected in the north tomorrow".', names("7"), TOOLBOX
    ),
    SmallTask(
        "in words",
        'Spam or not spam? "You have won a million dollars, click here to get it!"',
        names("spam", but_not="not spam"),
    ),
    SmallTask("in words", 'Take the name of the person out of: "Yesterday Maria baked a cake."', names("Maria")),
    SmallTask(
        "structured",
        "My new kettle broke after two days, I want my money back.",
        holds(product="kettle", opinion="negative"),
        output=Review,
    ),
    SmallTask(
        "structured",
        "We fly from Oslo to Madrid on Friday.",
        holds(origin="Oslo", destination="Madrid", weekday="Friday"),
        output=Flight,
    ),
    SmallTask("two tools", "Which day of the week is it, and how much is 45 * 8?", says_today("%A", "360"), TOOLBOX),
    SmallTask("memory", "What is my sister's name?", names("Greta"), TOOLBOX, told=("My sister is called Greta.",)),
    SmallTask(
        "memory",
        "In which room is the meeting?",
        names("12"),
        told=("The meeting is on Friday in room 12.", "I am tired."),
    ),
    SmallTask("no tool", 'Is this a question or a statement? "Where are my keys?"', names("question"), TOOLBOX),
    SmallTask("own tool", "What will the weather be like in Bergen on Tuesday?", names("11"), (forecast,)),
)

HALVES = {"tuned": TUNED, "held out": HELD_OUT}
