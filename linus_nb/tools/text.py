"""Text tools."""

from __future__ import annotations

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
