"""Every error that linus_nb raises, and how to catch it.

    LinusError
    ├── GraphError            (ValueError)    the graph, or a demand on it, makes no sense
    │   ├── UnknownNodeError  (GraphError, KeyError)
    │   ├── DuplicateError    a node or an edge that is there already
    │   ├── CycleError        an edge that would close a circle
    │   │   └── ReadsCycleError   … made by what functions read
    │   └── ValidationError   all problems of a graph, in one report
    ├── RunFailedError        (RuntimeError)  raised by ``raise_for_failure()``, its cause is the first failure
    ├── NodeTimeoutError      (TimeoutError)  an attempt took longer than its node allows
    ├── MissingInputError     (KeyError)      a node reads a key that was not written in this run
    ├── ItemsFailedError      (RuntimeError)  items of a node that runs once per item failed
    ├── ModelError            (RuntimeError)
    │   ├── NoModelError      no chat model can be had, and the ways out
    │   ├── WeightsError      weights did not arrive, or are not what they should be
    │   └── ReplyError        (ValueError)    a model's reply that cannot be used, with its text
    ├── InputError            (ValueError)    what an agent is asked does not fit its ``input_schema``
    ├── ToolError             (RuntimeError)  a tool that failed, or arguments that do not fit it
    │   ├── NotApprovedError  a tool call that a person did not allow
    │   ├── ToolTimeoutError  (TimeoutError)  a tool took longer than it may
    │   └── ToolConnectionError   (ConnectionError)  a tool did not get through to what it asks
    ├── SavedRunError         (ValueError)    a saved run that cannot be read back
    ├── MissingPackageError   (ImportError)   an optional package, and the line that installs it
    └── RenderError           (RuntimeError)  a picture that cannot be drawn here

Each takes facts, keeps them as attributes, and writes one sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches


class LinusError(Exception):
    """The root of the tree: ``except LinusError`` catches whatever this package raises."""


class GraphError(LinusError, ValueError):
    """The graph, or what was asked of it, makes no sense."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` did you mean 'x'?`` for the known name that is nearest, or an empty string.

    >>> nearest("serach", ["plan", "search"])
    "did you mean 'search'? "
    """
    close = get_close_matches(str(name), [str(k) for k in known], n=1)
    return f"did you mean {close[0]!r}? " if close else ""


class UnknownNodeError(GraphError, KeyError):
    """A name that no node of the graph bears."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        shown = ", ".join(repr(k) for k in self.known[:12]) or "none yet; add one with dag.add_node(...)"
        more = f" and {len(self.known) - 12} more" if len(self.known) > 12 else ""
        super().__init__(f"no node {name!r}; {nearest(name, known)}(nodes: {shown}{more})")

    def __str__(self) -> str:  # KeyError would show the repr of the sentence
        return str(self.args[0])


class DuplicateError(GraphError):
    """A node or an edge that the graph holds already."""


class CycleError(GraphError):
    """An edge that would close a circle; the graph is unchanged."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(f"the graph has a cycle: {' -> '.join(self.cycle)}; leave one of these edges out")


class ReadsCycleError(CycleError):
    """A cycle with edges that follow from what functions read; ``reasons`` says which key made each of them."""

    def __init__(self, cycle: Sequence[str], reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(cycle)

    def __str__(self) -> str:
        return f"{super().__str__()} ({', '.join(self.reasons)}; rename a parameter, or give another output_key)"


class ValidationError(GraphError):
    """All problems of a graph, found before anything ran."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__(f"{name!r} cannot run: {self.problems[0]}")
        else:
            lines = "".join(f"\n  - {p}" for p in self.problems)
            super().__init__(f"{name!r} cannot run, {len(self.problems)} problems:{lines}")


class RunFailedError(LinusError, RuntimeError):
    """A run that failed; ``result`` holds it, and ``__cause__`` its first failure."""

    def __init__(self, sentence: str, result: object = None) -> None:
        self.result = result
        super().__init__(sentence)


class NodeTimeoutError(LinusError, TimeoutError):
    """An attempt that took longer than ``timeout_seconds``; ``abandoned`` if it could not be stopped and goes on."""

    def __init__(self, node: str, timeout_s: float, abandoned: bool = False) -> None:
        self.node = node
        self.timeout_s = timeout_s
        self.abandoned = abandoned
        left = ", and could not be stopped: it goes on, and nothing hears of it" if abandoned else ""
        super().__init__(
            f"{node!r} gave no answer in {timeout_s:g} s{left}; raise its timeout_seconds or give it retries"
        )


class MissingInputError(LinusError, KeyError):
    """A key that a node reads, and that nothing wrote in this run."""

    def __init__(self, node: str, key: str, known: Iterable[str] = ()) -> None:
        self.node = node
        self.key = key
        there = sorted(map(str, known))
        shown = ", ".join(map(repr, there)) or "none"
        super().__init__(
            f"{node!r} reads {key!r}, which was not written in this run (keys it can see: {shown}); "
            f"{nearest(key, there)}give the parameter a default, or pass {key!r} in initial_state"
        )

    def __str__(self) -> str:
        return str(self.args[0])


class ItemsFailedError(LinusError, RuntimeError):
    """Items that failed in a node that runs once per item; what the others came to is in the run's record.

    ``errors`` holds the exceptions by the item's number, from 0; ``__cause__`` is the first of them.
    """

    def __init__(self, node: str, errors: Mapping[int, BaseException], count: int) -> None:
        self.node = node
        self.errors = dict(sorted(errors.items()))
        self.count = count
        item, first = next(iter(self.errors.items()))
        super().__init__(
            f"{len(self.errors)} of {count} items of {node!r} failed, the first of them item {item}: "
            f"{type(first).__name__}: {first}; on_error='skip' leaves such items out, 'continue' puts None there"
        )
        self.__cause__ = first


class ModelError(LinusError, RuntimeError):
    """Something about a chat model."""


class NoModelError(ModelError):
    """No chat model can be had here; the message names the ways out."""


class WeightsError(ModelError):
    """Model weights that did not arrive, or are not what they should be."""


class ReplyError(ModelError, ValueError):
    """A reply that cannot be used; ``reply`` is what the model wrote."""

    def __init__(self, wanted: str, reply: str) -> None:
        self.wanted = wanted
        self.reply = reply
        shown = reply if len(reply) <= 400 else reply[:400] + "…"
        super().__init__(f"the model was asked for {wanted} and wrote {shown!r}; try a larger model or a simpler task")


class InputError(LinusError, ValueError):
    """What an agent is asked does not fit its ``input_schema``."""


class ToolError(LinusError, RuntimeError):
    """A tool that failed, or arguments that do not fit it."""


class NotApprovedError(ToolError):
    """A tool call that a person did not allow; the model is told."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        super().__init__(f"the call of {tool!r} was not allowed; do without it, or ask for something else")


class ToolTimeoutError(ToolError, TimeoutError):
    """An attempt at a tool that took longer than it may."""

    def __init__(self, tool: str, timeout_s: float) -> None:
        self.tool = tool
        self.timeout_s = timeout_s
        super().__init__(f"{tool!r} gave no answer in {timeout_s:g} s; raise its timeout_seconds or give it retries")


class ToolConnectionError(ToolError, ConnectionError):
    """A tool that did not get through to what it asks; another attempt may."""


class MissingPackageError(LinusError, ImportError):
    """An optional package that is not installed."""

    def __init__(self, package: str, purpose: str, extra: str | None = None) -> None:
        self.package = package
        target = f"'linus-nb[{extra}]'" if extra else package
        super().__init__(f"{purpose} needs {package!r}; install it with: pip install {target}")


class SavedRunError(LinusError, ValueError):
    """A file or text that is not a saved run, or one that cannot be read here."""


class RenderError(LinusError, RuntimeError):
    """A picture that cannot be drawn here."""
