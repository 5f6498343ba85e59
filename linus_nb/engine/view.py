"""What one node may see of the state: the initial values and what its ancestors wrote, looked up when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from linus_nb.brief import brief_items
from linus_nb.graph.plan import Plan
from linus_nb.masking import logger

Reducers = Mapping[str, Callable[[Any, Any], Any]]
MISSING = object()
MOST_NOTED = 64  # keys that one node looks up by itself; of more, the first are known
_NOTHING_BESIDE: Mapping[str, Any] = {}


class Values:
    """The values of one run: the initial ones, and those written, by writer."""

    def __init__(self, plan: Plan, initial: Mapping[str, Any], reducers: Reducers) -> None:
        self.plan = plan
        self.initial = initial
        self.reducers = reducers
        self.written: dict[int, Any] = {}
        self.looked_up: dict[int, tuple[str, ...]] = {}  # keys that a node found in its view, by the node's number

    def read(self, key: str, writers: Sequence[int]) -> Any:
        """Return the value of a key, given who may be heard, in plan order; or the marker for a missing one."""
        if self.reducers and key in self.reducers:
            heard = self._heard(key, writers)
            return reduce(self.reducers[key], heard) if heard else MISSING
        written = self.written
        for w in reversed(writers):
            if w in written:
                return written[w]
        return self.initial.get(key, MISSING)

    def note_look_up(self, i: int, key: str) -> None:
        """Note that node ``i`` found a key in its view."""
        known = self.looked_up.get(i, ())
        if len(known) < MOST_NOTED and key not in known:
            self.looked_up[i] = (*known, key)

    def sources(self, key: str, writers: Sequence[int]) -> tuple[str, ...]:
        """Return who wrote what `read` returns, by name; an empty text stands for the initial values."""
        heard = [self.plan.names[w] for w in writers if w in self.written]
        if key not in self.reducers:
            return (heard[-1],) if heard else ("",) if key in self.initial else ()
        return ("", *heard) if key in self.initial else tuple(heard)

    def _heard(self, key: str, writers: Sequence[int]) -> list[Any]:
        """Return the initial value, if there is one, and what was written, in plan order."""
        heard = [self.written[w] for w in writers if w in self.written]
        return [self.initial[key], *heard] if key in self.initial else heard

    def everything(self) -> dict[str, Any]:
        """Return all values at the moment: initial keys first, then keys in plan order."""
        return {**self.initial, **self.output()}

    def output(self) -> dict[str, Any]:
        """Return the values of the keys that were written, in plan order.

        Where a reducer raises, what it was to fold is kept as a list: a finished run must not be lost for it.
        """
        written, found = self.written, {}
        for key, writers in self.plan.writers.items():
            if len(writers) == 1 and key not in self.reducers:  # nearly all of them
                if writers[0] in written:
                    found[key] = written[writers[0]]
            elif any(w in written for w in writers):
                found[key] = self.current(key)
        return found

    def current(self, key: str) -> Any:
        """Return the value of a key that was written, of all writers so far."""
        writers = self.plan.writers[key]
        try:
            return self.read(key, writers)
        except Exception as error:  # noqa: BLE001  told in words; the values themselves are kept
            name = type(error).__name__
            logger.warning("the reducer of %r raised %s: %s; its values are kept as a list", key, name, error)
            return self._heard(key, writers)


class StateView(Mapping[str, Any]):
    """A read-only mapping of what node ``i`` may see; with ``own``, what it wrote itself, too.

    ``beside`` stands before all that: a mapped node's item, under its name. Nothing is copied: a copy for each node
    would make a chain quadratic.
    """

    __slots__ = ("_beside", "_i", "_own", "_values")

    def __init__(self, values: Values, i: int, own: bool = False, beside: Mapping[str, Any] = _NOTHING_BESIDE) -> None:
        self._values = values
        self._i = i
        self._own = own
        self._beside = beside

    def _heard(self, key: Any) -> Sequence[int]:
        heard = self._values.plan.heard(key, self._i)
        if self._own and self._values.plan.output_keys[self._i] == key:
            return [*heard, self._i]
        return heard

    def __getitem__(self, key: str) -> Any:
        if self._beside and key in self._beside:
            return self._beside[key]
        values = self._values
        value = values.read(key, self._heard(key) if self._own else values.plan.heard(key, self._i))
        if value is MISSING:
            raise KeyError(key)
        if not self._own:  # a condition is no part of the node
            values.note_look_up(self._i, key)
        return value

    def has(self, key: str) -> bool:
        """Return whether the key can be seen."""
        return key in self

    def __contains__(self, key: object) -> bool:
        if key in self._beside or key in self._values.initial:
            return True
        return any(w in self._values.written for w in self._heard(key))

    def __iter__(self) -> Iterator[str]:
        yield from self._beside
        yield from (key for key in self._values.initial if key not in self._beside)
        for key in self._values.plan.writers:
            if key not in self._beside and key not in self._values.initial and key in self:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"StateView({{{brief_items(dict(self))}}})"
