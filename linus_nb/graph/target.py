"""What a node may hold, understood once: how it is called, blocking or awaited, and which parameters it names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol

from linus_nb.errors import GraphError
from linus_nb.graph.pydantic_ai_agent import answering, is_pydantic_ai_agent

if TYPE_CHECKING:
    from linus_nb.graph.plan import Plan


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a function that can be filled: required and optional names, in order."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    by_position_only: bool = False  # a required one cannot be given by keyword
    any_keyword: bool = False  # it takes names that it does not list: **kwargs


_NONE = Parameters((), ())


class Graph(Protocol):
    """What is asked of a graph that is run, or held by a node."""

    name: str
    reducers: Mapping[str, Callable[[Any, Any], Any]]

    def plan(self) -> Plan:
        """Return the graph compiled for running."""


@dataclass(frozen=True, slots=True)
class Target:
    """How to call what a node holds.

    ``blocking`` and ``awaiting`` take what the binding makes of the node's input; one of them may be None.
    ``parameters`` is None for objects with ``run``/``arun`` and Runnables, which take one input. ``graph`` is what
    is held where that is a graph, which the engine runs as part of the run around it.
    """

    kind: str
    blocking: Callable[..., Any] | None
    awaiting: Callable[..., Any] | None
    parameters: Parameters | None = None
    takes_input: bool = True
    graph: Graph | None = None


def understand(thing: Any) -> Target:
    """Return how to call ``thing``: a function, an object with run/arun, a Runnable, or a graph.

    Raises:
        GraphError: it is none of these.

    >>> understand(len).kind
    'function'
    """
    if type(thing) is FunctionType and not hasattr(thing, "run") and not hasattr(thing, "invoke"):  # by far the most
        is_async = bool(thing.__code__.co_flags & inspect.CO_COROUTINE) or inspect.iscoroutinefunction(thing)
        return Target("function", None if is_async else thing, thing if is_async else None, _parameters(thing))
    if is_pydantic_ai_agent(thing):
        return Target("agent", None, answering(thing))
    if not isinstance(thing, type):  # a class is a callable that makes objects, even if those have run()
        for kind, sync_name, async_name in (("agent", "run", "arun"), ("runnable", "invoke", "ainvoke")):
            blocking = _method(thing, sync_name)
            awaiting = _method(thing, async_name)
            if blocking is not None and inspect.iscoroutinefunction(blocking):
                blocking, awaiting = None, awaiting or blocking
            if kind == "runnable" and awaiting is not None and _only_awaits(thing):
                blocking = None
            elif kind == "runnable" and blocking is not None and hasattr(thing, "func") and not hasattr(thing, "afunc"):
                awaiting = None  # LangChain would run it in asyncio's few threads
            if blocking is not None or awaiting is not None:
                if hasattr(thing, "get_execution_order"):
                    return Target("dag", blocking, awaiting, graph=thing)
                return Target(kind, _bare(blocking), _bare(awaiting), takes_input=_takes_input(awaiting or blocking))
    if callable(thing):
        is_async = inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(getattr(thing, "__call__", None))  # noqa: B004  the method itself is asked
        parameters = _parameters(thing)
        return Target("function", None if is_async else thing, thing if is_async else None, parameters)
    raise GraphError(
        f"a node cannot hold {thing!r}; give it an Agent, an object with run() or arun(), a LangChain Runnable, "
        "a plain or async function, or another AgentDAG"
    )


_HOLDERS = ("steps__", "steps", "nodes", "bound", "runnable", "runnables", "fallbacks", "branches", "default", "mapper")


def _only_awaits(runnable: Any) -> bool:
    """Return whether a Runnable has a part that can only be awaited: one made of an async function."""
    if getattr(runnable, "afunc", None) is not None and getattr(runnable, "func", None) is None:
        return True
    held = (getattr(runnable, name, None) for name in _HOLDERS)
    return any(_only_awaits(part) for value in held for part in _runnables_in(value))


def _runnables_in(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _runnables_in(part)
    elif hasattr(value, "ainvoke") and not isinstance(value, type):
        yield value


def _method(thing: Any, name: str) -> Callable[..., Any] | None:
    method = getattr(thing, name, None)
    return method if callable(method) else None


def _bare(method: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Ask for the bare result where the method can give metrics along with it."""
    if method is None:
        return None
    try:
        knows = "return_metrics" in inspect.signature(method).parameters
    except (TypeError, ValueError):  # built in, with no signature to read
        knows = False
    if not knows:
        return method
    known = method  # for the closure below

    def bare(*args: Any) -> Any:
        return known(*args, return_metrics=False)

    return bare


def _takes_input(method: Callable[..., Any] | None) -> bool:
    """Return whether a method can take an input at all (``def run(self)`` cannot)."""
    if method is None:
        return True
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return True
    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(p.kind in kinds and p.name != "return_metrics" for p in signature.parameters.values())


def _parameters(function: Callable[..., Any]) -> Parameters:
    plain = function.__func__ if isinstance(function, MethodType) else function
    if isinstance(plain, FunctionType) and not hasattr(plain, "__wrapped__"):
        # reading the code object is ten times faster than inspect.signature, which matters for 10,000 nodes
        code = plain.__code__
        taken = code.co_argcount + code.co_kwonlyargcount
        if not taken and not code.co_flags & inspect.CO_VARKEYWORDS:
            return _NONE
        if not code.co_posonlyargcount:
            variables = code.co_varnames
            names = variables[: code.co_argcount]
            if isinstance(function, MethodType):
                names = names[1:]
            split = len(names) - len(plain.__defaults__ or ())
            keyword_only = variables[code.co_argcount : taken]
            defaults = plain.__kwdefaults__ or {}
            return Parameters(
                names[:split] + tuple(k for k in keyword_only if k not in defaults),
                names[split:] + tuple(k for k in keyword_only if k in defaults),
                any_keyword=bool(code.co_flags & inspect.CO_VARKEYWORDS),
            )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return Parameters(("input",), (), by_position_only=True)  # built in: give it the one input
    required, optional, positional, any_keyword = [], [], False, False
    for p in signature.parameters.values():
        any_keyword = any_keyword or p.kind is inspect.Parameter.VAR_KEYWORD
        if p.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        if p.default is inspect.Parameter.empty:
            required.append(p.name)
            positional = positional or p.kind is inspect.Parameter.POSITIONAL_ONLY
        elif p.kind is not inspect.Parameter.POSITIONAL_ONLY:
            optional.append(p.name)
    return Parameters(tuple(required), tuple(optional), positional, any_keyword)
