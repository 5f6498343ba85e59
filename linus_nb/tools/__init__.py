"""Tools: what an agent may use, the harmless ones that ship, and how functions and LangChain tools become one.

>>> from linus_nb.tools import calculator
>>> calculator("42 * 17")
714
"""

from __future__ import annotations

from linus_nb.tools.adapt import adapt, adapt_all
from linus_nb.tools.arithmetic import calculator
from linus_nb.tools.clock import clock
from linus_nb.tools.text import word_count
from linus_nb.tools.tool import Example, Tool

__all__ = ["Example", "Tool", "adapt", "adapt_all", "calculator", "clock", "default_tools", "word_count"]


def default_tools() -> tuple[Tool, ...]:
    """Return the tools that can harm nothing: arithmetic, the clock, counting words.

    >>> [tool.name for tool in default_tools()]
    ['calculator', 'clock', 'word_count']
    """
    return (calculator, clock, word_count)
