"""Whether two results are the same, also where ``==`` answers with an array or by identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from linus_nb.agent import AgentResponse
from linus_nb.engine.result import ExecutionResult

Pairs = frozenset[tuple[int, int]]


def same(a: Any, b: Any, _open: Pairs = frozenset()) -> bool:
    """Return whether two values are equal for whoever reads them.

    Containers are compared item by item. Tables and arrays are asked by their own ``equals`` or as a whole. A
    not-a-number equals itself. Objects that know no equality of their own are compared by type and attributes. Of an
    agent's response and of a run only what they came to counts, not how long that took.

    >>> same({"a": [1.0, float("nan")]}, {"a": [1.0, float("nan")]})
    True
    >>> same("17", 17)
    False
    """
    pair = (id(a), id(b))
    if a is b or pair in _open:  # a pair that is being compared further up: a value that holds itself
        return True
    if type(a) is not type(b):
        return isinstance(a, int | float) and isinstance(b, int | float) and a == b
    inner = _open | {pair}
    if isinstance(a, AgentResponse):
        return same(a.result, b.result, inner)
    if isinstance(a, ExecutionResult):
        return same(a.node_results, b.node_results, inner) and same(a.final_state, b.final_state, inner)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key], inner) for key in a)
    if isinstance(a, Sequence) and not isinstance(a, str | bytes | bytearray):
        return len(a) == len(b) and all(same(x, y, inner) for x, y in zip(a, b, strict=True))
    if isinstance(a, BaseException):
        return same(a.args, b.args, inner)
    if not _knows_equality(type(a)):
        return same(_attributes(a), _attributes(b), inner)
    if hasattr(a, "equals"):  # pandas, polars, pyarrow
        return bool(a.equals(b))
    if getattr(a, "shape", None) != getattr(b, "shape", None):  # arrays that cannot be compared item by item
        return False
    try:
        equal = a == b
    except Exception:  # noqa: BLE001  whatever a class of the user's does: what cannot be compared is reported as different
        return False
    if hasattr(equal, "all"):  # an array of answers; not-a-number is the one value that differs from itself
        return bool((equal | ((a != a) & (b != b))).all())
    return bool(equal) or bool(a != a and b != b)


def _knows_equality(kind: type) -> bool:
    return any("__eq__" in vars(base) for base in kind.__mro__ if base is not object)


def _attributes(thing: Any) -> dict[str, Any]:
    """Return an object's attributes; one that has none at all stands for itself."""
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    found = {name: getattr(thing, name, None) for name in slots} | getattr(thing, "__dict__", {})
    return found or {"": id(thing)}
