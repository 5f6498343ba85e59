"""What a page that shows a run has to be told to show it as it has become."""

from __future__ import annotations

from itertools import takewhile

from linus_nb.rendering.inspector.payload import Payload

APART = ("steps", "changes")  # of these, only what is new is told


def news(before: Payload, now: Payload) -> Payload:
    """Return what is new in one payload of a run since another, in the form that the page takes.

    >>> before = {"status": "running", "steps": {"a": 1, "b": 2}, "changes": [[0.0, "a"]]}
    >>> now = {"status": "running", "steps": {"a": 1, "b": 3}, "changes": [[0.0, "a"], [0.5, "b"]]}
    >>> news(before, now)
    {'steps': {'b': 3}, 'changes': [[0.5, 'b']], 'changes_from': 1}
    """
    told: Payload = {key: part for key, part in now.items() if key not in APART and before.get(key) != part}
    steps = {path: step for path, step in now["steps"].items() if before["steps"].get(path) != step}
    if steps:
        told["steps"] = steps
    pairs = zip(before["changes"], now["changes"], strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if same < max(len(before["changes"]), len(now["changes"])):
        told |= {"changes": now["changes"][same:], "changes_from": same}
    return told
