"""Arithmetic without ``eval``: bounded in the length of the expression and in the size of its numbers."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from linus_nb.errors import ToolError
from linus_nb.tools.tool import Example, Tool

LONGEST_EXPRESSION = 200
MOST_BITS = 4096  # of any whole number on the way; every operation on such is quick


def calculate(expression: str) -> int | float:
    """Return what an arithmetic expression comes to; whole results are ints.

    Knows ``+ - * / // % **``, brackets, ``sqrt abs round min max floor ceil log log10 exp sin cos tan``, ``pi``, ``e``,
    the signs ``× ÷ ^`` and ``15% of 200``.

    Raises:
        ToolError: it is not arithmetic, divides by zero, or grows too large.

    >>> calculate("(3 + 4) * 5")
    35
    >>> calculate("15% of 200")
    30
    """
    from simpleeval import InvalidExpression, SimpleEval

    if len(expression) > LONGEST_EXPRESSION:
        raise ToolError(f"an expression of {len(expression)} characters is too long; at most {LONGEST_EXPRESSION}")
    evaluator = SimpleEval(operators=_operators(), functions=dict(_FUNCTIONS), names={"pi": math.pi, "e": math.e})
    evaluator.nodes = {kind: handle for kind, handle in evaluator.nodes.items() if kind.__name__ in _SYNTAX}
    try:
        value = evaluator.eval(_as_python(expression))
    except ZeroDivisionError:
        raise ToolError(f"{expression!r} divides by zero") from None
    except (InvalidExpression, SyntaxError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"{expression!r} is not arithmetic that can be computed: {error}") from error
    return _number(value, expression)


def _as_python(expression: str) -> str:
    text = " ".join(expression.split()).rstrip("=? ")
    for sign, python in (("×", "*"), ("÷", "/"), ("−", "-"), ("^", "**"), ("$", "")):
        text = text.replace(sign, python)
    if not _ARITHMETIC.fullmatch(text) or _GLUED_WORD.search(text):
        raise ToolError(f"{expression!r} is not arithmetic; write numbers, + - * / // % ** and brackets")
    return re.sub(r"(\d+(?:\.\d+)?)\s*%\s*of\s+", r"\1 / 100 * ", text)


def _number(value: Any, expression: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ToolError(f"{expression!r} is not arithmetic; it gives no number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ToolError(f"{expression!r} grows too large for a number")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, float):
        return float(f"{value:.15g}")  # 0.1 + 0.2 is 0.3 to whoever asks
    _bounded(value)
    return value


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ToolError(f"a number of {value.bit_length()} bits is too large; at most {MOST_BITS}")
    return value


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        bits = base.bit_length() * exponent
        if bits > MOST_BITS:
            raise ToolError(f"a power of about {bits} bits is too large; at most {MOST_BITS}")
    return base**exponent


def _round(number: Any, digits: Any = None) -> Any:
    if digits is not None and abs(digits) > MOST_BITS:  # it computes 10 to that power
        raise ToolError(f"{digits} digits to round to are too many; at most {MOST_BITS}")
    return round(number, digits)


def _checked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(*args: Any) -> Any:
        if not all(isinstance(a, int | float) for a in args):
            raise ToolError(f"{name} takes numbers only")
        return _bounded(function(*args))

    return compute


def _operators() -> dict[type, Callable[..., Any]]:
    import ast

    known: dict[type, Callable[..., Any]] = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: _power,
        ast.USub: operator.neg,
        ast.UAdd: operator.pos,
    }
    return {kind: _checked(kind.__name__, function) for kind, function in known.items()}


_KNOWN: dict[str, Callable[..., Any]] = {
    "sqrt": math.sqrt,
    "abs": abs,
    "round": _round,
    "min": min,
    "max": max,
    "floor": math.floor,
    "ceil": math.ceil,
    "log": math.log,
    "log10": math.log10,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
}
_FUNCTIONS = {name: _checked(name, function) for name, function in _KNOWN.items()}
# looked at before Python's parser, which warns of what is odd and takes a second line for a second expression
_ARITHMETIC = re.compile(r"[0-9A-Za-z_+\-*/%().,\s]+")
_GLUED_WORD = re.compile(r"\d(?:if|or|and|in|is|else|for|not)", re.ASCII)
_SYNTAX = {"Expr", "BinOp", "UnaryOp", "Call", "Name", "Constant", "Num"}

calculator = Tool(
    name="calculator",
    description="compute an arithmetic expression, for example 3 * (4 + 5)",
    schema={
        "type": "object",
        "properties": {"expression": {"type": "string", "minLength": 1, "maxLength": 100}},
        "required": ["expression"],
        "additionalProperties": False,
    },
    blocking=lambda arguments: calculate(str(arguments["expression"])),
    examples=(
        Example("Calculate 9 * 8", {"expression": "9 * 8"}),
        Example("How much is 20 percent of 50?", {"expression": "20 / 100 * 50"}),
        Example("What is 12 + 30?", {"expression": "12 + 30"}),
        Example("50 - 21", {"expression": "50 - 21"}),
        Example("What is 36 / 4?", {"expression": "36 / 4"}),
        Example("How much is 60 divided by 5?", {"expression": "60 / 5"}),
        Example("Compute (1 + 2) * 3", {"expression": "(1 + 2) * 3"}),
        Example("Calculate (7 - 5) / 4", {"expression": "(7 - 5) / 4"}),
        Example("What is (6 + 2) * 9?", {"expression": "(6 + 2) * 9"}),
    ),
    wrapped=calculate,
)
