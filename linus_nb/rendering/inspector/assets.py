"""The page's script: modules that are read one by one, and go into the page as one text, without a bundler."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
# Each imports only from those before it.
MODULES = (
    "dom", "moments", "search", "words", "places", "tip", "zoom", "diagram", "timeline", "player", "boxes", "tabs",
    "calls", "detail", "overview", "run", "finder", "page", "hosts",
)  # fmt: skip
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const)) (\w+)", re.MULTILINE)


@cache
def joined() -> str:
    """Return all modules as one text: a constant for each, which holds what it exports."""
    return "\n".join(_scoped(name, module_text(name)) for name in MODULES)


def module_text(name: str) -> str:
    """Return a module as it is written."""
    return (_HERE / f"{name}.js").read_text(encoding="utf-8")


def imported_by(name: str) -> list[str]:
    """Return the modules that a module imports from."""
    return [module for _, module in _IMPORT.findall(module_text(name))]


def _scoped(name: str, text: str) -> str:
    r"""Return a module as a constant.

    >>> print(_scoped("b", 'import { one } from "./a.js";\nexport const two = 2 * one;\n'))
    const b$ = (() => {
    const { one } = a$;
    const two = 2 * one;
    return { two };
    })();
    <BLANKLINE>
    """
    exported = ", ".join(found for _, found in _EXPORT.findall(text))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = \2$;", text))
    return f"const {name}$ = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


@cache
def widget_module() -> str:
    """Return the script as the ES module that an anywidget loads."""
    return f"{joined()}\nexport default {{ render: hosts$.render }};\n"


@cache
def page_script() -> str:
    """Return the script as a page of its own runs it."""
    return f"{joined()}\nhosts$.start();\n"
