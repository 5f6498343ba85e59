"""What a run of a random graph must come to, by the definitions in their plainest form: no tasks and no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from tests.engine_graphs import Graph, NodeSpec, Trace, join, place_of

OF_ERROR = {"fail": "failed", "skip": "skipped", "continue": "completed"}
Problem = tuple[str, str | None]  # an error's type and, where the oracle knows it, its text


class Broken(Exception):
    """A call that should fail so."""

    def __init__(self, kind: str, text: str | None = None) -> None:
        self.problem: Problem = (kind, text)


@dataclass
class Place:
    """What a node or an item should come to."""

    status: str = "pending"
    reason: str = ""
    attempts: int = 0
    error: Problem | None = None
    result: Any = None
    items: list[Place] = field(default_factory=list)
    inner: Expected | None = None


class Expected:
    """A run of a graph, one node after the other in plan order.

    Args:
        specs: the graph.
        initial: what its nodes see from the start.
        trace: filled like that of the real nodes.
        given: results by node number (``overrides``).
        fail_fast: whether the first failed node ends the run.
        prefix: of the names of places, for a graph inside another.
    """

    def __init__(
        self,
        specs: Graph,
        initial: Mapping[str, Any],
        trace: Trace,
        *,
        given: Mapping[int, Any] | None = None,
        fail_fast: bool = False,
        prefix: str = "",
    ) -> None:
        self.specs, self.initial, self.trace, self.prefix = specs, initial, trace, prefix
        self.given, self.fail_fast = dict(given or {}), fail_fast
        self.nodes = [Place() for _ in specs]
        self.decisions: dict[tuple[int, int], bool | str] = {}
        self.written: dict[int, Any] = {}
        self.order = sorted(range(len(specs)), key=lambda k: (self.level(k), k))
        self._skip_what_nobody_needs()
        while (k := self._next()) is not None:
            self._run(k)
            if fail_fast and self.nodes[k].status == "failed":
                for place in self.nodes:
                    if place.status == "pending":
                        place.status, place.reason = "skipped", "fail_fast"

    # -- the graph ------------------------------------------------------------------------------------------------

    def level(self, k: int) -> int:
        return max((self.level(s) + 1 for s, _ in self.specs[k].edges), default=0)

    def ancestors(self, k: int) -> set[int]:
        return {a for s, _ in self.specs[k].edges for a in {s} | self.ancestors(s)}

    def _skip_what_nobody_needs(self) -> None:
        """Skip nodes that lead to given ones only, if nobody who runs can read what they write."""
        if not self.given:
            return
        everybody = range(len(self.specs))
        needed = set(self.given)
        for _ in everybody:  # each round finds at least one, or all have been found
            for k in everybody:
                targets = {t for t in everybody if any(s == k for s, _ in self.specs[t].edges)}
                if not targets or targets & (needed - set(self.given)):
                    needed.add(k)
                if any(k in self.ancestors(v) and self._may_read(v, self.specs[k].key) for v in needed):
                    needed.add(k)
        for k in everybody:
            if k not in needed:
                self.nodes[k].status = "skipped"
                self.nodes[k].reason = "not needed: what it leads to was given"

    def _may_read(self, k: int, key: str | None) -> bool:
        """Return whether node ``k``, which runs or was given, may read a key, or a condition after it."""
        spec = self.specs[k]
        asked = any(s == k and kind != "plain" for t, other in enumerate(self.specs) if t not in self.given
                    for s, kind in other.edges)  # fmt: skip
        reads = spec.mapping is None or key in spec.mapping.values() or (spec.mapped and key == spec.over)
        return key is not None and (asked or (reads and k not in self.given))

    # -- what may start -------------------------------------------------------------------------------------------

    def _next(self) -> int | None:
        """Return the first node in plan order that may run, after skipping those that never will."""
        ready = []
        for k in self.order:  # sources come first
            if self.nodes[k].status != "pending":
                continue
            if k in self.given:
                ready.append(k)
            elif all(self.nodes[s].status != "pending" for s, _ in self.specs[k].edges):
                reason = self._reason_to_skip(k)
                if reason is None:
                    ready.append(k)
                else:
                    self.nodes[k].status, self.nodes[k].reason = "skipped", reason
        return ready[0] if ready else None

    def _ran(self, k: int) -> bool:
        place = self.nodes[k]
        return place.status == "completed" or (place.status == "skipped" and place.error is not None)

    def _failed_above(self, k: int) -> list[int]:
        """Return the failed nodes through which node ``k`` (itself failed, or skipped for that) does not run."""
        if self.nodes[k].status == "failed":
            return [k]
        if self.nodes[k].reason.startswith("upstream"):
            return [f for s, _ in self.specs[k].edges for f in self._failed_above(s)]
        return []

    def _reason_to_skip(self, k: int) -> str | None:
        spec = self.specs[k]
        if spec.trigger == "always" or not spec.edges or self._raised_into(k):
            return None
        failed = [f for s, _ in spec.edges for f in self._failed_above(s)]
        if failed:
            first = min(failed, key=self.order.index)
            return f"upstream {self.specs[first].name!r} failed"
        live = [self._ran(s) and self.decisions.get((s, k), True) is True for s, _ in spec.edges]
        runs = all(live) if spec.trigger == "all" else any(live)
        return None if runs else "not routed"

    def _raised_into(self, k: int) -> list[Problem]:
        sources = sorted((s for s, _ in self.specs[k].edges), key=self.order.index)
        return [("ZeroDivisionError", str(self.decisions[s, k])) for s in sources
                if isinstance(self.decisions.get((s, k)), str)]  # fmt: skip

    # -- what a node sees -----------------------------------------------------------------------------------------

    def read(self, key: str, writers: set[int]) -> Any:
        """Return the value of a key, given who is heard; raise KeyError if there is none."""
        heard = [self.written[w] for w in self.order if w in writers and w in self.written and self.specs[w].key == key]
        if key == "folded":
            values = ([self.initial[key]] if key in self.initial else []) + heard
            if values:
                return reduce(join, values)
        elif heard:
            return heard[-1]
        return self.initial[key]

    def sees(self, writers: set[int]) -> dict[str, Any]:
        keys = {*self.initial, *(self.specs[w].key for w in writers if w in self.written and self.specs[w].key)}
        return {key: self.read(key, writers) for key in keys}

    def output(self) -> dict[str, Any]:
        everybody = set(range(len(self.specs)))
        written = {self.specs[w].key for w in self.written}
        keys = dict.fromkeys(self.specs[w].key for w in self.order)  # by the first that may write it
        return {key: self.read(key, everybody) for key in keys if key and key in written}

    def _input(self, k: int, beside: Mapping[str, Any]) -> dict[str, Any]:
        seen = self.sees(self.ancestors(k))
        mapping = self.specs[k].mapping
        if mapping is None:
            return {**seen, **beside}
        if self.specs[k].needs is not None and self.specs[k].needs not in seen:
            raise Broken("MissingInputError")
        return {**{name: seen[key] for name, key in mapping.items() if key in seen}, **beside}

    # -- what a node does -----------------------------------------------------------------------------------------

    def _run(self, k: int) -> None:
        spec, place = self.specs[k], self.nodes[k]
        raised = self._raised_into(k)
        if k in self.given:
            place.status, place.result = "completed", self.given[k]
        elif raised:
            self._break(place, spec, raised[0])
        elif spec.mapped:
            self._run_items(k)
        else:
            self._attempts(k, place, {})
            if place.error is not None:
                self._break(place, spec, place.error)
        if place.status == "completed" and spec.key:
            self.written[k] = place.result
        if place.status != "failed":
            for t in sorted(range(len(self.specs)), key=self.order.index):
                for source, kind in self.specs[t].edges:
                    if source == k and kind != "plain" and t not in self.given:
                        self.decisions[k, t] = self._decide(k, kind)

    def _decide(self, k: int, kind: str) -> bool | str:
        if kind.endswith("raises"):
            return f"after {self.specs[k].name}"
        if kind.endswith("wrote"):
            return (self.specs[k].key or "nothing") in self.sees(self.ancestors(k) | {k})
        return kind.endswith("true")

    @staticmethod
    def _break(place: Place, spec: NodeSpec, error: Problem) -> None:
        place.status, place.error, place.result = OF_ERROR[spec.on_error], error, None
        if place.status == "skipped":
            place.reason = f"its error was waved through: {error[0]}"

    def _attempts(self, k: int, place: Place, beside: Mapping[str, Any]) -> None:
        """Call what a node holds until it succeeds or no attempt is left."""
        for _ in range(self.specs[k].retries + 1):
            place.attempts += 1
            try:
                place.result, place.error, place.status = self._call(k, place, beside), None, "completed"
                return
            except Broken as error:
                place.error, place.status = error.problem, "failed"
                if error.problem[0] == "MissingInputError":  # which no other attempt would find
                    return

    def _call(self, k: int, place: Place, beside: Mapping[str, Any]) -> Any:
        spec = self.specs[k]
        saw = self._input(k, beside)
        if spec.inner:
            inside = Expected(
                spec.inner, saw, self.trace, fail_fast=self.fail_fast, prefix=f"{self.prefix}{spec.name}/"
            )
            place.inner = inside
            if inside.status == "failed":
                raise Broken("RunFailedError")
            return inside.output()
        if spec.kind == "hangs":
            raise Broken("NodeTimeoutError")
        try:
            return self.trace.visit(place_of(self.prefix, spec.name, saw), spec, saw)
        except ValueError as error:
            raise Broken("ValueError", str(error)) from None

    def _run_items(self, k: int) -> None:
        spec, place = self.specs[k], self.nodes[k]
        place.attempts = 1
        seen = self.sees(self.ancestors(k))
        values = seen.get(spec.over)
        if not isinstance(values, list):
            self._break(place, spec, ("MissingInputError" if spec.over not in seen else "TypeError", None))
            return
        place.items = [Place() for _ in values]
        for item, value in zip(place.items, values, strict=True):
            self._attempts(k, item, {"item": value})
            if item.error is not None and self.fail_fast and spec.on_error == "fail":
                break
        for item in place.items:
            if item.status == "pending":
                item.status, item.reason = "skipped", "its node ended"
        place.status = "completed"
        place.result = [i.result if i.error is None else None for i in place.items
                        if i.error is None or spec.on_error == "continue"]  # fmt: skip
        if any(item.error for item in place.items):
            place.error = ("ItemsFailedError", None)
            if spec.on_error == "fail":
                place.status, place.result = "failed", None

    # -- what it came to ------------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        if any(place.status == "failed" for place in self.nodes):
            return "failed"
        return "partial" if any(place.error for place in self.nodes) else "success"

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Place]]:
        """Yield every place by its path, as `linus_nb.engine.record.walk` does."""
        for k in self.order:
            yield from self._walk(f"{prefix}{self.specs[k].name}", self.nodes[k])

    def _walk(self, path: str, place: Place) -> Iterator[tuple[str, Place]]:
        yield path, place
        if place.inner is not None:
            yield from place.inner.walk(f"{path}/")
        for number, item in enumerate(place.items):
            yield from self._walk(f"{path}[{number}]", item)
