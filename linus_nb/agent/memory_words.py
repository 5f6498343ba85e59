"""The words of a question, as a search in what was said earlier needs them.

SQLite's porter tokenizer brings the forms of a word together ("likes", "liked"); what it does not know is done here:
words that say nothing are dropped, and British and American spellings stand for each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MOST_WORDS = 12  # of a question; every further one costs time and adds little
LONGEST_QUESTION = 4000  # characters that are looked at: half of them from its beginning, half from its end
LONGEST_WORD = 60
SHORTEST_BEGINNING = 3

_EMPTY = frozenset(
    """
    a about above after again all am an and any are as at be because been before being below between both but by can
    could did do does doing don down during each few for from further had has have having he her here hers him his how
    i if in into is it its itself just ll me more most my myself no nor not now of off on once only or other our ours
    out over own please re s same she should so some such t tell than that the their them then there these they this
    those through to too under until up us ve very was we were what when where which while who whom why will with would
    you your yours
    """.split()  # noqa: SIM905  a hundred quoted words are no easier to read
)

_SPELLINGS = tuple(
    (re.compile(rf"^(\w{{2,}}){one}({endings})$"), rf"\g<1>{other}\g<2>")
    for british, american, endings in (
        ("our", "or", "|s|ed|ing|ite|ites|ful|able|less|hood|hoods"),
        ("is", "iz", "e|ed|es|er|ers|ing|ation|ations"),
        ("ys", "yz", "e|ed|es|er|ers|ing"),
        ("tre", "ter", "|s"),
        ("ogue", "og", "|s"),
        ("ence", "ense", "|s"),
        ("ll", "l", "ed|er|ers|ing"),
    )
    for one, other in ((british, american), (american, british))
)


def words_of(question: str) -> list[str]:
    """Return the words of a question that say something, each once, in lower case.

    >>> words_of("Which colour do I like?")
    ['colour', 'like']
    """
    half = LONGEST_QUESTION // 2
    text = question if len(question) <= LONGEST_QUESTION else f"{question[:half]} {question[-half:]}"
    found = (word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", text.lower()))
    return list(dict.fromkeys(word for word in found if word not in _EMPTY))[:MOST_WORDS]


def spellings(word: str) -> list[str]:
    """Return a word and its other spellings.

    >>> spellings("favourites"), spellings("organize"), spellings("dog")
    (['favourites', 'favorites'], ['organize', 'organise'], ['dog'])
    """
    others = [pattern.sub(other, word) for pattern, other in _SPELLINGS if pattern.match(word)]
    return [word, *others]


def match_words(words: Iterable[str]) -> str:
    """Return the FTS5 query for any of the words; every word is quoted, so that none is an operator.

    >>> match_words(["colour", "near"])
    '"colour" OR "color" OR "near"'
    """
    return " OR ".join(f'"{spelling}"' for word in words for spelling in spellings(word))


def match_beginnings(words: Iterable[str]) -> str:
    """Return the FTS5 query for what begins with any of the words; empty where all are too short for that.

    >>> match_beginnings(["fav", "x"])
    '"fav" *'
    """
    long = (word for word in words if len(word) >= SHORTEST_BEGINNING)
    return " OR ".join(f'"{spelling}" *' for word in long for spelling in spellings(word))


# -- without FTS5 ----------------------------------------------------------------------------------------------------


def count_alike(words: Sequence[str], text: str) -> float:
    """Return how many of the words a text has, in any form or spelling; 0.5 for one that only begins alike.

    >>> count_alike(["colour", "like", "fav"], "My favourite colors are teal and red.")
    1.5
    """
    said = set(re.findall(r"[^\W_]+", text.lower()))
    stems = {_stem(word) for word in said}
    return sum(_alike(word, said, stems) for word in words)


def _alike(word: str, said: set[str], stems: set[str]) -> float:
    if any(_stem(spelling) in stems for spelling in spellings(word)):
        return 1.0
    return 0.5 if len(word) >= SHORTEST_BEGINNING and any(other.startswith(word) for other in said) else 0.0


def _stem(word: str) -> str:
    """Return a word without its ending, as far as that goes without rules for a language.

    >>> _stem("meetings"), _stem("liked"), _stem("likes"), _stem("is")
    ('meet', 'lik', 'lik', 'is')
    """
    for ending in ("ings", "ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
