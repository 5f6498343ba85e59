"""Tools: what an agent may use, the harmless ones that ship, and how functions and LangChain tools become one.

>>> from linus_nb.tools import calculator
>>> calculator("42 * 17")
714
"""

from __future__ import annotations

from linus_nb.tools.adapt import adapt, adapt_all
from linus_nb.tools.arithmetic import calculator
from linus_nb.tools.clock import clock, days_between
from linus_nb.tools.files import read_file
from linus_nb.tools.http import http_fetch
from linus_nb.tools.text import letter_count, word_count
from linus_nb.tools.tool import Example, Tool

# last: its name is also that of a module, which importing it puts here
from linus_nb.tools.decorate import tool  # isort: skip

__all__ = [
    "Example",
    "Tool",
    "adapt",
    "adapt_all",
    "calculator",
    "clock",
    "days_between",
    "default_tools",
    "http_fetch",
    "letter_count",
    "read_file",
    "tool",
    "word_count",
]


def default_tools() -> tuple[Tool, ...]:
    """Return the tools that can harm nothing: arithmetic, the clock, counting words.

    >>> [tool.name for tool in default_tools()]
    ['calculator', 'clock', 'word_count']
    """
    return (calculator, clock, word_count)
