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
    │   ├── ModelTimeoutError (TimeoutError)  a model took longer than it may
    │   └── ReplyError        (ValueError)    a model's reply that cannot be used, with its text
    ├── CacheFileError        (OSError)       a file that cannot hold replies of models
    ├── BudgetError           (RuntimeError)  a model call, or work, for which no budget is left
    ├── InputError            (ValueError)    what an agent is asked does not fit its ``input_schema``
    ├── ToolError             (RuntimeError)  a tool that failed, or arguments that do not fit it
    │   ├── NotApprovedError  a tool call that a person did not allow
    │   ├── ToolTimeoutError  (TimeoutError)  a tool took longer than it may
    │   └── ToolConnectionError   (ConnectionError)  a tool did not get through to what it asks
    ├── NobodyToAskError  (RuntimeError)  a tool call needs a person's yes, and no person is there
    ├── MemorySizeError       (ValueError)    a budget, or a number of turns, that no memory can keep to
    ├── MemoryFileError       (OSError)       a file that cannot hold a memory, or stopped to
    │   └── MemoryBusyError   another process held the file for too long
    ├── MemoryInUseError      (ValueError)    an import into a memory that holds turns already
    ├── MemoryClosedError     (RuntimeError)  a memory that was closed, and is asked for something
    ├── NotAMemoryError       (ValueError)    a text that is no exported memory
    ├── SavedRunError         (ValueError)    a saved run that cannot be read back
    ├── NotARunError          (TypeError)     something else where a run is needed
    ├── CaseError             (ValueError)    a case that cannot be evaluated
    ├── ScorerError           (ValueError)    a scorer that cannot be called
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


class ModelTimeoutError(ModelError, TimeoutError):
    """A model took longer than it may: for a whole reply, or between two pieces of one."""

    def __init__(self, model: str, seconds: float, *, idle: bool = False) -> None:
        self.model = model
        self.seconds = seconds
        self.idle = idle
        what = "said nothing more" if idle else "gave no whole reply"
        name = "idle_timeout_s" if idle else "timeout_s"
        super().__init__(f"{model!r} {what} within {seconds:g} s; give it more with {name}=, or a shorter question")


class CacheFileError(LinusError, OSError):
    """A file that cannot hold replies of models."""

    def __init__(self, path: object, why: object) -> None:
        self.path = path
        super().__init__(f"{path} cannot be a cache: {why}; give ResponseCache() another path")


class BudgetError(LinusError, RuntimeError):
    """Something did not start, as the `linus_nb.Budget` around it is spent."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the budget is spent: {reason}; what is done is kept, a larger Budget() lets it go on")


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
    """A tool call that a person did not allow; the model is told, and why, where a ``reason`` was given."""

    def __init__(self, tool: str, reason: str = "") -> None:
        self.tool = tool
        self.reason = reason
        why = f" ({reason})" if reason else ""
        super().__init__(f"the call of {tool!r} was not allowed{why}; do without it, or ask for something else")


class NobodyToAskError(LinusError, RuntimeError):
    """A tool call that needs a person's yes, where no person can be asked. No model is told: none could mend it."""

    def __init__(self, tool: str, why: str) -> None:
        self.tool = tool
        super().__init__(
            f"nobody can be asked whether {tool!r} may run: {why}; give Agent(approve=...) a function that decides"
        )


class ToolTimeoutError(ToolError, TimeoutError):
    """An attempt at a tool that took longer than it may."""

    def __init__(self, tool: str, timeout_s: float) -> None:
        self.tool = tool
        self.timeout_s = timeout_s
        super().__init__(f"{tool!r} gave no answer in {timeout_s:g} s; raise its timeout_seconds or give it retries")


class ToolConnectionError(ToolError, ConnectionError):
    """A tool that did not get through to what it asks; another attempt may."""


class MemorySizeError(LinusError, ValueError):
    """A token budget or a number of turns that no memory of an agent can keep to."""

    def __init__(self, name: str, value: object, least: int) -> None:
        self.name = name
        self.value = value
        super().__init__(
            f"{name}={value!r} is not a number that a memory can keep to; give a whole number from {least}"
        )


class MemoryFileError(LinusError, OSError):
    """A file that cannot hold a memory, or stopped to; ``path`` is None for a memory without a file."""

    def __init__(self, path: object, reason: str, advice: str) -> None:
        self.path = path
        where = f"the memory file {str(path)!r}" if path is not None else "the memory"
        super().__init__(f"{where} cannot be used: {reason}; {advice}")


class MemoryBusyError(MemoryFileError):
    """Another process did not let go of the file in time."""

    def __init__(self, path: object, patience_s: float) -> None:
        self.patience_s = patience_s
        super().__init__(path, f"another process held it for {patience_s:g} s", "end that process, or try again")


class MemoryInUseError(LinusError, ValueError):
    """An import into a memory that holds ``turns`` already."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        super().__init__(
            f"the memory holds turns already ({turns}), and an import would mix them up; "
            "clear() it first, or use Memory.from_export(text)"
        )


class MemoryClosedError(LinusError, RuntimeError):
    """A memory that was closed, and is asked for something."""

    def __init__(self, path: object) -> None:
        self.path = path
        again = f"open it again with Memory(path={str(path)!r})" if path is not None else "make a new one with Memory()"
        super().__init__(f"the memory is closed; {again}")


class NotAMemoryError(LinusError, ValueError):
    """A text that `Memory.export` did not write."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"this is not an exported memory: {reason}; give the text that memory.export() returned")


class MissingPackageError(LinusError, ImportError):
    """An optional package that is not installed."""

    def __init__(self, package: str, purpose: str, extra: str | None = None) -> None:
        self.package = package
        target = f"'linus-nb[{extra}]'" if extra else package
        super().__init__(f"{purpose} needs {package!r}; install it with: pip install {target}")


class SavedRunError(LinusError, ValueError):
    """A file or text that is not a saved run, or one that cannot be read here."""


class NotARunError(LinusError, TypeError):
    """Something else was given where a run is needed."""

    def __init__(self, thing: str) -> None:
        self.thing = thing
        super().__init__(
            f"{thing} is no run; give what a graph's run returned, what load_run(...) did, or a run's handle"
        )


class CaseError(LinusError, ValueError):
    """A case that cannot be evaluated; ``number`` counts from 1."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        super().__init__(f"case {number} {reason}")


class ScorerError(LinusError, ValueError):
    """A scorer that cannot be called."""


class RenderError(LinusError, RuntimeError):
    """A picture that cannot be drawn here."""
