"""Tracebacks as a reader of any machine needs them: without the folders that lead to libraries and cells."""

from __future__ import annotations

import re

_LEADING = re.compile(
    r'(?m)^(\s*File ")[^"\n]*[/\\](?:(?:site|dist)-packages[/\\]|(?=python3\.\d+[/\\])|(?=linus_nb[/\\]))'
)
_CELL = re.compile(r'(?m)^(\s*File ")[^"\n]*[/\\]ipykernel_\d+[/\\]\d+\.py"')


def without_folders(traceback: str) -> str:
    """Return a traceback with paths that begin at the package, and with cells of a notebook called what they are.

    >>> print(without_folders('  File "/home/ann/env/lib/python3.11/site-packages/httpx/_client.py", line 7, in get'))
      File "httpx/_client.py", line 7, in get
    >>> print(without_folders('  File "/tmp/ipykernel_4711/123456.py", line 3, in figures'))
      File "<cell>", line 3, in figures
    """
    return _LEADING.sub(r"\1", _CELL.sub(r'\1<cell>"', traceback))
