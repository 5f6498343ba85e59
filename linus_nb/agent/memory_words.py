"""The words of a question, as a search in what was said earlier needs them.

SQLite's porter tokenizer brings the forms of an English word together ("likes", "liked"), and takes accents off. What
it does not know is done here: words that say nothing are dropped, British and American spellings stand for each other,
and Chinese and Japanese, which have no spaces between words, are cut into pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

MOST_WORDS = 12  # of a question; every further one costs time and adds little
LONGEST_QUESTION = 4000  # characters that are looked at: half of them from its beginning, half from its end
LONGEST_WORD = 60
SHORTEST_BEGINNING = 3
SHORTEST_INSIDE = 4  # of a longer word: "Farbe" in "Lieblingsfarbe"

_EMPTY = frozenset(
    """
    a about above after again all am an and any are as at be because been before being below between both but by can
    could did do does doing don down during each few for from further had has have having he her here hers him his how
    i if in into is it its itself just ll me more most my myself no nor not now of off on once only or other our ours
    out over own please re s same she should so some such t tell than that the their them then there these they this
    those through to too under until up us ve very was we were what when where which while who whom why will with would
    you your yours

    aber auch auf aus bei beim bist da damit dann das dass dein deine dem den der dich die dir doch du durch ein eine
    einem einen einer er es euch euer für gibt habe haben hast ich ihm ihn ihr im in ins ist ja kann kannst kein keine
    können mein meine meinem meinen meiner mich mir nach nicht noch nur oder ob schon sehr seid sein seine seit sich
    sie sind über und uns unser unsere unter vom von vor wann warum was welche welchem welchen welcher welches wem wen
    wenn wer werden wie wieder wir wird wo woher wohin wurde zu zum zur

    alors au aux avec avez avons ce cela ces cet cette chez combien comme dans de des donc du elle elles
    en es est et ils il je la le les leur leurs lui ma mais mes moi mon ne nos notre nous ont ou où par pas pourquoi
    quand que quel quelle quelles quels qui quoi sa sans ses sont suis sur ta tes toi ton tu un une vos votre vous
    """.split()  # noqa: SIM905  hundreds of quoted words are no easier to read
)
_UNSPACED = re.compile(r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")

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
    found = (word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", searchable(text.lower())))
    return list(dict.fromkeys(word for word in found if word not in _EMPTY))[:MOST_WORDS]


def searchable(text: str) -> str:
    """Return a text as it is indexed: where there are no spaces between words, as pairs of characters.

    >>> searchable("I like 喜欢颜色!"), searchable("色")
    ('I like  喜欢 欢颜 颜色 !', ' 色 ')
    """
    return _UNSPACED.sub(_in_pairs, text)


def _in_pairs(run: re.Match[str]) -> str:
    chars = run.group()
    return f" {' '.join(chars[n : n + 2] for n in range(max(1, len(chars) - 1)))} "


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

    The last letter of a long word may be another one.

    >>> match_beginnings(["fav", "x", "allergy"])
    '"fav" * OR "allerg" *'
    """
    long = (word if len(word) < 6 else word[:-1] for word in words if len(word) >= SHORTEST_BEGINNING)
    return " OR ".join(f'"{spelling}" *' for word in long for spelling in spellings(word))


def insides(words: Iterable[str]) -> list[str]:
    """Return the words that are long enough to be looked for within longer ones.

    >>> insides(["farbe", "mag"])
    ['farbe']
    """
    return [word for word in words if len(word) >= SHORTEST_INSIDE]


# -- without FTS5 ----------------------------------------------------------------------------------------------------


def count_alike(words: Sequence[str], text: str) -> float:
    """Return how many of the words a text has, in any form or spelling.

    A word that only begins alike counts a half, and one that stands within a longer one a quarter.

    >>> count_alike(["colour", "like", "fav"], "My favourite colors are teal and red.")
    1.5
    >>> count_alike(["farbe", "cafe"], "Die Lieblingsfarbe im Café")
    1.25
    """
    said = set(re.findall(r"[^\W_]+", searchable(_plain(text.lower()))))
    stems = {_stem(word) for word in said}
    return sum(_alike(_plain(word), said, stems) for word in words)


def _alike(word: str, said: set[str], stems: set[str]) -> float:
    if any(_stem(spelling) in stems for spelling in spellings(word)):
        return 1.0
    if len(word) >= SHORTEST_BEGINNING and any(other.startswith(word) for other in said):
        return 0.5
    return 0.25 if len(word) >= SHORTEST_INSIDE and any(word in other for other in said) else 0.0


def _plain(text: str) -> str:
    """Return a text without accents."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def _stem(word: str) -> str:
    """Return a word without its ending, as far as that goes without rules for a language.

    >>> _stem("meetings"), _stem("liked"), _stem("likes"), _stem("is")
    ('meet', 'lik', 'lik', 'is')
    """
    for ending in ("ings", "ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
