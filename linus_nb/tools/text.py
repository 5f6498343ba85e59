"""Text tools."""

from __future__ import annotations

from linus_nb.errors import ToolError
from linus_nb.tools.tool import Example, Tool


def count_words(text: str) -> int:
    """Return how many words a text has, as white space divides them.

    >>> count_words("the quick brown fox")
    4
    """
    return len(text.split())


word_count = Tool(
    name="word_count",
    description="count the words in a text",
    schema={
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    },
    blocking=lambda arguments: count_words(str(arguments["text"])),
    examples=(
        Example('How many words are in "a b c"?', {"text": "a b c"}),
        Example('Count the words of "good night".', {"text": "good night"}),
        Example('How many words does the text "I like red apples" have?', {"text": "I like red apples"}),
    ),
    wrapped=count_words,
)


def count_letter(text: str, letter: str) -> int:
    """Return how often a letter is in a text, in upper and lower case.

    Raises:
        ToolError: not one letter was given, but none or several.

    >>> count_letter("Strawberry", "r")
    3
    """
    wanted = letter.strip().casefold()
    if len(letter.strip()) != 1:
        raise ToolError(f"{letter!r} is not one letter; give a single one")
    return text.casefold().count(wanted)


letter_count = Tool(
    name="letter_count",
    description="count how often a letter is in a word or text",
    schema={
        "type": "object",
        "properties": {"text": {"type": "string"}, "letter": {"type": "string", "minLength": 1, "maxLength": 1}},
        "required": ["text", "letter"],
        "additionalProperties": False,
    },
    blocking=lambda arguments: count_letter(str(arguments["text"]), str(arguments["letter"])),
    examples=(
        Example("How many times is the letter a in banana?", {"text": "banana", "letter": "a"}),
        Example('How many e are in "green trees"?', {"text": "green trees", "letter": "e"}),
        Example("Count the letter s in mississippi.", {"text": "mississippi", "letter": "s"}),
    ),
    wrapped=count_letter,
)
