"""The statements of a cell as functions that can be run again and again, in the notebook's own variables."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from linus_nb.notebook.cell_magic import usage_error

LONGEST_LABEL = 48  # characters


def functions_of_statements(source: str, variables: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return a function of no arguments for each statement at the top level, by its label.

    A function of a statement that awaits is async. It returns the value of an expression, or of what is assigned.

    Raises:
        UsageError: there is no statement, or the text is no Python.
    """
    try:
        statements = ast.parse(source, "<cell>").body
    except SyntaxError as error:
        raise usage_error(f"line {(error.lineno or 0) + 1} of the cell: {error.msg}") from error  # the magic's own is 1
    if not statements:
        raise usage_error("the cell holds no statement; write one for each way of doing it below its first line")
    found: dict[str, Callable[[], Any]] = {}
    for statement in statements:
        label = name = _label(statement, source)
        number = 2
        while label in found:
            label, number = f"{name} ({number})", number + 1
        found[label] = _function(statement, variables)
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


def _function(statement: ast.stmt, variables: dict[str, Any]) -> Callable[[], Any]:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if isinstance(statement, ast.Expr):
        code = compile(ast.Expression(statement.value), "<cell>", "eval", flags)
    else:
        code = compile(ast.Module([statement], []), "<cell>", "exec", flags)
    name = _assigned(statement)

    def run() -> Any:
        value = eval(code, variables)
        return variables.get(name) if name is not None else value

    async def awaiting() -> Any:
        value = await eval(code, variables)
        return variables.get(name) if name is not None else value

    return awaiting if code.co_flags & inspect.CO_COROUTINE else run
