"""The magics of ``%load_ext linus_nb``.

IPython calls a magic as a plain function; while one waits for a model, no widget hears a click and no other task of the
notebook goes on. So a cell that begins with ``%%agent`` is read as ``await …``, and is then like any other that awaits
an agent. Where that cannot be (under ``%%time`` or ``%%capture``, outside a kernel), the magic blocks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from keyword import iskeyword
from typing import Any

from linus_nb.agent import Agent
from linus_nb.engine.background import run_blocking
from linus_nb.errors import nearest
from linus_nb.notebook.answering import answered, stopped_briefly
from linus_nb.notebook.surroundings import kernel

CellMagic = Callable[[str, str], Coroutine[Any, Any, None] | None]
LATEST = "_agent"


def load(shell: Any) -> None:
    """Register the magics; a second time changes nothing."""
    for name, magic in MAGICS.items():
        shell.register_magic_function(magic(shell), "cell", name)
    if awaiting not in shell.input_transformers_post:
        shell.input_transformers_post.append(awaiting)


def unload(shell: Any) -> None:
    """Take the magics away."""
    for name in MAGICS:
        shell.magics_manager.magics["cell"].pop(name, None)
    if awaiting in shell.input_transformers_post:
        shell.input_transformers_post.remove(awaiting)


def awaiting(lines: list[str]) -> list[str]:
    """Return the one line that IPython reads a cell of ours as, awaited, where the cell can await; others unchanged."""
    for name in MAGICS:
        call = f"get_ipython().run_cell_magic({name!r}, "
        if len(lines) == 1 and lines[0].startswith(call) and _cell_can_await(name):
            return [f"await {call}'--awaited ' {lines[0].removeprefix(call)}"]
    return lines


def _cell_can_await(name: str) -> bool:
    running = kernel()
    if running is None or not running.shell.autoawait:
        return False
    # the text that another magic runs is read here, too; the cell as it was sent tells whether it is ours
    sent = running.get_parent("shell").get("content", {}).get("code", "")
    return bool(sent.lstrip().startswith(f"%%{name}"))


def _agent_magic(shell: Any) -> CellMagic:
    options = _agent_options()

    def agent(line: str, cell: str) -> Coroutine[Any, Any, None] | None:
        given = options.parse_argstring(line)
        asked = _agent_named(given.name, shell.user_ns)
        if not given.to.isidentifier() or iskeyword(given.to):
            raise _usage_error(f"--to {given.to!r} is no name for a variable")
        text = (_expanded(cell, shell.user_ns) if given.expand else cell).strip()
        if not text:
            raise _usage_error("the cell holds no text; write what to ask below its first line")

        async def answer() -> None:
            shell.push({given.to: await answered(asked, given.name, text)})

        if given.awaited:
            return answer()
        with stopped_briefly():
            return run_blocking(answer())

    agent.__doc__ = options.format_help()  # what %%agent? shows
    return agent


MAGICS: dict[str, Callable[[Any], CellMagic]] = {"agent": _agent_magic}


def _agent_options() -> Any:
    from IPython.core.magic_arguments import MagicArgumentParser

    parser: Any = MagicArgumentParser(  # type: ignore[no-untyped-call]  # IPython has no types here
        "%agent", description="Send the text of the cell to an agent, and show the answer as it comes."
    )
    parser.add_argument("name", metavar="NAME", help="the name of a variable that holds an Agent")
    parser.add_argument(
        "--to", metavar="VARIABLE", default=LATEST, help=f"where the response is kept; {LATEST} unless given"
    )
    parser.add_argument(
        "--expand",
        action="store_true",
        help="fill in {expressions} from the notebook's variables; {{ and }} are then braces",
    )
    parser.add_argument("--awaited", action="store_true", help=argparse.SUPPRESS)  # see `awaiting`
    return parser


def _agent_named(name: str, variables: dict[str, Any]) -> Agent:
    found = variables.get(name)
    if isinstance(found, Agent):
        return found
    agents = [other for other, value in variables.items() if isinstance(value, Agent) and not other.startswith("_")]
    if name in variables:
        instead = f"; run it with: await {name}" if hasattr(found, "__await__") else ""
        problem = f"{name!r} is no Agent but of type {type(found).__name__!r}{instead}"
    else:
        problem = f"no agent {name!r}"
    known = ", ".join(map(repr, agents)) or "none yet; make one: from linus_nb import Agent"
    close = "" if name in variables else nearest(name, agents)
    raise _usage_error(f"{problem}; {close}(agents: {known})" if close else f"{problem} (agents: {known})")


def _expanded(text: str, variables: dict[str, Any]) -> str:
    from IPython.utils.text import FullEvalFormatter

    try:
        filled: str = FullEvalFormatter().vformat(text, (), variables)
    except Exception as error:  # an expression may raise anything
        raise _usage_error(
            f"an {{expression}} of the cell raised {type(error).__name__}: {error}; leave --expand out, or write {{{{ "
            "and }} for braces"
        ) from error
    return filled


def _usage_error(sentence: str) -> Exception:
    """Return the error that IPython shows without a traceback."""
    from IPython.core.error import UsageError

    error: Exception = UsageError(sentence)
    return error
