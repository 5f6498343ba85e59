"""The statements of a cell as functions that can be run again and again, in the notebook's own variables."""

from __future__ import annotations

import ast
import inspect
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from linus_nb.engine.interrupts import told_to
from linus_nb.engine.threads import in_thread
from linus_nb.notebook.cell_magic import usage_error

LONGEST_LABEL = 48  # characters


def functions_of_statements(source: str, variables: dict[str, Any]) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return an async function of no arguments for each statement at the top level, by its label.

    It returns the value of an expression, or of what is assigned. One whose statement awaits nothing blocks, as a cell
    does, and an interrupt ends it there. Away from the main thread, which alone hears interrupts, it runs in a thread
    of its own: the loop there is one that others need.

    Raises:
        UsageError: there is no statement, or the text is no Python.
    """
    found: dict[str, Callable[[], Awaitable[Any]]] = {}
    try:
        for statement in ast.parse(source, "<cell>").body:
            label = name = _label(statement, source)
            number = 2
            while label in found:
                label, number = f"{name} ({number})", number + 1
            found[label] = _function(statement, variables)
    except SyntaxError as error:
        raise usage_error(f"line {(error.lineno or 0) + 1} of the cell: {error.msg}") from error  # the magic's own is 1
    if not found:
        raise usage_error("the cell holds no statement; write one for each way of doing it below its first line")
    return found


def _label(statement: ast.stmt, source: str) -> str:
    target = _assigned(statement)
    if target is not None:
        return target
    first, *more = (ast.get_source_segment(source, statement) or ast.unparse(statement)).splitlines()
    text = " ".join(first.split()) + (" …" if more else "")
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _assigned(statement: ast.stmt) -> str | None:
    """Return the one name to which a statement assigns, if it is of that kind."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    named = isinstance(statement, ast.Assign | ast.AnnAssign) and len(targets) == 1 and isinstance(targets[0], ast.Name)
    return targets[0].id if named and isinstance(targets[0], ast.Name) else None


def _function(statement: ast.stmt, variables: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
    name = _assigned(statement)
    tree = ast.Expression(statement.value) if isinstance(statement, ast.Expr) else ast.Module([statement], [])
    mode = "eval" if isinstance(tree, ast.Expression) else "exec"
    # without this module's own annotations from the future
    code = compile(tree, "<cell>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)

    async def awaiting() -> Any:
        value = await eval(code, variables)
        return value if name is None else variables.get(name)

    async def blocking() -> Any:
        value = await _as_a_cell_does(partial(eval, code, variables))
        if name is not None:
            value = variables.get(name)
        if inspect.iscoroutine(value):  # made in microseconds, which would be taken for what it does
            value.close()
            raise usage_error("the statement makes a coroutine that nothing awaits; write await before the call")
        return value

    return awaiting if code.co_flags & inspect.CO_COROUTINE else blocking


async def _as_a_cell_does(run: Callable[[], Any]) -> Any:
    if threading.current_thread() is not threading.main_thread():
        return await in_thread(run)
    under_way = False

    def raise_in_it() -> None:
        if under_way:
            raise KeyboardInterrupt

    with told_to(raise_in_it):
        try:
            under_way = True
            return run()
        finally:
            under_way = False
